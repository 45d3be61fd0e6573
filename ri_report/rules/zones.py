"""Zones: what depends on whether accounts share zonal reservations by zone name or by zone id.

AWS's billing guide matches by name, although one name may be another place in every account
(Billing User Guide, "Billing examples for specific services"; AWS RAM User Guide, "Availability
Zone IDs"). Where the two readings differ, both results are shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocate, allocated_units
from ri_report.rules.matching import ZONAL, is_idle_slot

if TYPE_CHECKING:
    from ri_report.rules.sharing import Sharing, ZonalMatch

ZONE_MATCH = Frame(
    "zone_match",
    ("reservation_id",),
    (
        Column("reservation_id", "text", "Reservation whose use depends on it", "Reservation"),
        Column("account_id", "text", "Account that bought it", "Owner"),
        Column("region", "text", "Region"),
        Column("scope", "text", "zonal or regional"),
        Column("availability_zone", "text", "Zone name in the owner's account", "Zone"),
        Column("availability_zone_id", "text", "Zone id", "Zone id"),
        Column("instance_type", "text", "Instance type"),
        Column("platform", "text", "Platform"),
        Column("tenancy", "text", "default or dedicated"),
        Column("used_units_by_name", "units", "Units used if zones match by name"),
        Column("used_units_by_id", "units", "Units used if zones match by id"),
        Column("covered_units_by_name", "units", "Of these, by instances and not by idle slots"),
        Column("covered_units_by_id", "units", "The same if zones match by id"),
        Column("applied", "text", "Which of the two this report uses: az_name or az_id"),
    ),
)
_OTHER: dict[ZonalMatch, ZonalMatch] = {"az_name": "az_id", "az_id": "az_name"}


def zone_match(
    usage: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame, sharing: Sharing
) -> pd.DataFrame:
    """Return frame `ZONE_MATCH`: each reservation that the other reading would use differently.

    A regional reservation is among them where it covers what a zonal one no longer does.

    Args:
        usage: Instances and idle slots (see `capacity.with_slots`).
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS` of these under `sharing`.
        sharing: The preferences; `zonal_match` is the reading that the report uses.
    """
    if not _names_mislead(usage, active):
        return ZONE_MATCH.of([])
    other = _OTHER[sharing.zonal_match]
    results = {
        sharing.zonal_match: allocations,
        other: allocate(usage, active, replace(sharing, zonal_match=other)),
    }
    ids, slots = active["reservation_id"], set(usage.loc[is_idle_slot(usage), "usage_id"])
    used = {match: allocated_units(ids, units) for match, units in results.items()}
    covered = {
        match: allocated_units(ids, units[~units["usage_id"].isin(slots)])
        for match, units in results.items()
    }
    both = active.assign(
        used_units_by_name=used["az_name"],
        used_units_by_id=used["az_id"],
        covered_units_by_name=covered["az_name"],
        covered_units_by_id=covered["az_id"],
        applied=sharing.zonal_match,
    )
    differs = (used["az_name"] != used["az_id"]) | (covered["az_name"] != covered["az_id"])
    return ZONE_MATCH.check(both[differs])


def _names_mislead(usage: pd.DataFrame, active: pd.DataFrame) -> bool:
    """Whether, where a zonal reservation lies, one name is several places or one place several."""
    zonal = active[active["scope"] == ZONAL]
    places = ["region", "availability_zone", "availability_zone_id"]
    seen = pd.concat([usage[places], zonal[places]]).drop_duplicates()
    seen = seen[seen["region"].isin(zonal["region"])]
    return any(seen.duplicated(["region", name]).any() for name in places[1:])
