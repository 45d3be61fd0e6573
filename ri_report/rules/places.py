"""Places: what zone names and zone ids say of each other, and where they contradict each other.

Within one account a zone has one name and one id (AWS Regions and Availability Zones, "AZ IDs").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.errors import IntegrityError
from ri_report.rules.matching import REGIONAL, pack

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.sharing import Sharing

_ZONE = ["account_id", "region", "availability_zone", "availability_zone_id"]
_RULE = "within one account a zone has one name and one id"


def check_zone_ids(both: pd.DataFrame, sharing: Sharing) -> None:
    """Refuse zones by which an account would lend to itself, where they match by id.

    Args:
        both: What `matching.comparable` returns.
        sharing: Who may serve whom; where zones match by name, ids decide nothing.

    Raises:
        ValueError: names an account, and a zone of it with two ids or an id of it with two zones.
    """
    if sharing.zonal_match == "az_name":
        return
    if _contradiction(both):
        # Of what zonal reservations never meet, idle slots are in the zone of another account.
        meets = both[both["scope"] != REGIONAL]
        if told := _contradiction(meets):
            raise ValueError(f"usage and reservations: {told}; {_RULE}: give each zone its own")


def check_zones(inventory: Inventory) -> None:
    """Refuse an inventory in which a zone of one account has two ids, or an id two zones.

    Raises:
        IntegrityError: names the account, the region, the zone and both.
    """
    frames = (
        inventory.instances,
        inventory.reservations,
        inventory.capacity_reservations,
        inventory.zones,
    )
    seen = pd.concat([frame[_ZONE].drop_duplicates() for frame in frames]).replace("", None)
    seen = seen.astype("category")
    if told := _contradiction(seen):
        raise IntegrityError(
            f"{told}; {_RULE}: no report is written; correct the saved answers, or collect again"
        )


def _contradiction(both: pd.DataFrame) -> str:
    """Tell the first zone of an account with two ids, or id with two zones; "" without any.

    Args:
        both: A column of categories for each of `_ZONE`; missing is unknown.
    """
    *where, name, place = _ZONE
    seen = _distinct(both)
    for one, other, text in (
        (name, place, "zone {} has the ids {} and {}"),
        (place, name, "the id {} is that of the zones {} and {}"),
    ):
        again = seen[seen.duplicated([*where, one], keep=False)]
        if len(again):
            pair = again.sort_values([*where, one, other]).head(2)
            words = {trait: both[trait].cat.categories[pair[trait]] for trait in _ZONE}
            account, region = (words[trait][0] for trait in where)
            return f"account {account}, {region}: {text.format(words[one][0], *words[other])}"
    return ""


def _distinct(both: pd.DataFrame) -> pd.DataFrame:
    """Return each account, region, name and id that are told together once, as category codes."""
    numbers, codes = pd.unique(pack(both, _ZONE)), {}
    numbers = numbers[numbers >= 0]
    for trait in reversed(_ZONE):
        numbers, places = np.divmod(numbers, len(both[trait].cat.categories) + 1)
        codes[trait] = places - 1
    return pd.DataFrame(codes)
