"""Places: what zone names and zone ids say of each other, and where they contradict each other.

Within one account a zone has one name and one id (AWS Regions and Availability Zones, "AZ IDs").
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.matching import REGIONAL, pack

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.sharing import Sharing

_ZONE = ["account_id", "region", "availability_zone", "availability_zone_id"]
_PLACED = ("instances", "reservations", "capacity_reservations")
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


def contradictions(inventory: Inventory) -> pd.DataFrame:
    """Return the account_id and region where a zone of the account has two ids, or an id two zones.

    Args:
        inventory: What was seen.
    """
    seen = pd.concat([getattr(inventory, name)[_ZONE] for name in (*_PLACED, "zones")])
    known = seen[(seen[_ZONE[2:]] != "").all(axis="columns")].drop_duplicates()
    *where, name, place = _ZONE
    again = known.duplicated([*where, name]) | known.duplicated([*where, place])
    cells: pd.DataFrame = known.loc[again, where].drop_duplicates(ignore_index=True)
    return cells


def without_contradictions(inventory: Inventory) -> Inventory:
    """Return the inventory without the zone ids of an account where these contradict each other.

    Which of them is right is unknown, so all of its ids in that region are.

    Args:
        inventory: What was seen.
    """
    broken = pd.MultiIndex.from_frame(contradictions(inventory))
    if broken.empty:
        return inventory
    frames = {name: getattr(inventory, name) for name in _PLACED}
    return replace(
        inventory,
        **{
            name: frame.assign(
                availability_zone_id=frame["availability_zone_id"].mask(
                    pd.MultiIndex.from_frame(frame[_ZONE[:2]]).isin(broken), ""
                )
            )
            for name, frame in frames.items()
        },
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
