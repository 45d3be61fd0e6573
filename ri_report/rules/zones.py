"""Zones: what depends on whether accounts share zonal reservations by zone name or by zone id.

AWS's billing guide matches by name, although one name may be another place in every account
(Billing User Guide, "Billing examples for specific services"; AWS RAM User Guide, "Availability
Zone IDs"). Where the two readings differ, both results are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import ALLOCATIONS, allocate, allocated_units
from ri_report.rules.matching import ZONAL, is_idle_slot
from ri_report.rules.unplaced import in_pools, unplaced_pools
from ri_report.rules.utilization import RESERVATION_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ri_report.rules.sharing import Sharing, ZonalMatch

ZONE_MATCH = Frame(
    "zone_match",
    ("reservation_id",),
    (
        *RESERVATION_COLUMNS,
        *(
            Column(f"{what}_units_by_{by}", "units", said, nullable=True)
            for what, by, said in (
                ("used", "name", "Units used if zones match by name"),
                ("used", "id", "Units used if zones match by id"),
                ("covered", "name", "Of these, by instances and not by idle slots"),
                ("covered", "id", "The same if zones match by id"),
            )
        ),
        Column("applied", "text", "Which of the two this report uses: az_name or az_id"),
    ),
)
OTHER: dict[ZonalMatch, ZonalMatch] = {"az_name": "az_id", "az_id": "az_name"}
"""The reading of zones that is not used where one is."""
ZONE_MATCH_OTHER = Column(
    "zone_match_other",
    "number",
    "What the row would have in place of its covered, used, uncovered or unused units if zones of"
    " other accounts matched by what this report does not match them by, of zone name and zone id;"
    " empty where no number of the row would differ or, as zone ids were not read, that is unknown",
    "By other zones",
    nullable=True,
    is_sparse=True,
)
ZONE_MATCH_OTHER_USE = replace(
    ZONE_MATCH_OTHER,
    name="zone_match_other_use",
    description="The same for what is used of its own",
    label="Used by other zones",
)


@dataclass(frozen=True)
class OtherReading:
    """What the reading of zones that the report does not use would give.

    Attributes:
        sharing: The preferences with the other reading.
        allocated: Frame `allocation.ALLOCATIONS` under these.
        allocations: The same but, in pools where one of the readings is unknown, as the report has
            it: there nothing is told of a difference.
    """

    sharing: Sharing
    allocated: pd.DataFrame
    allocations: pd.DataFrame


def other_reading(
    usage: pd.DataFrame, active: pd.DataFrame, sharing: Sharing, allocations: pd.DataFrame
) -> OtherReading | None:
    """Return what the other reading gives; None where nothing depends on it.

    Args:
        usage: Instances and idle slots (see `capacity.with_slots`).
        active: Frame `eligibility.ACTIVE`.
        sharing: The preferences; `zonal_match` is the reading that the report uses.
        allocations: Frame `allocation.ALLOCATIONS` by that reading.
    """
    if not _names_mislead(usage, active):
        return None
    other = replace(sharing, zonal_match=OTHER[sharing.zonal_match])
    given = allocate(usage, active, other)
    unplaced = unplaced_pools(usage, active, allocations, sharing)
    lost = usage.loc[in_pools(usage, unplaced), "usage_id"]
    parts = (
        given[~given["usage_id"].isin(lost)],
        allocations[allocations["usage_id"].isin(lost)],
    )
    both = pd.concat(parts).sort_values(list(ALLOCATIONS.key))
    return OtherReading(other, given, ALLOCATIONS.check(both))


def zone_match(
    usage: pd.DataFrame,
    active: pd.DataFrame,
    allocations: pd.DataFrame,
    other: OtherReading | None,
) -> pd.DataFrame:
    """Return frame `ZONE_MATCH`: each reservation that the other reading would use differently.

    A regional reservation is among them where it covers what a zonal one no longer does.

    Args:
        usage: Instances and idle slots (see `capacity.with_slots`).
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS` of these, as the report reads zones.
        other: What `other_reading` returns.
    """
    if other is None:
        return ZONE_MATCH.of([])
    applied = OTHER[other.sharing.zonal_match]
    results = {applied: allocations, other.sharing.zonal_match: other.allocations}
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
        applied=applied,
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


def told_otherwise(
    made: pd.DataFrame, other: pd.DataFrame, frame: Frame, measures: Sequence[str]
) -> list[pd.Series[float]]:
    """Return measures of a table as the other reading has them, missing where no number differs.

    What the other reading has no row of, as nothing is uncovered, unused or given, is 0 there.

    Args:
        made: The table by the reading of the report.
        other: The table by the other reading.
        frame: The declaration of both; each of its units may differ.
        measures: Of which the other's values are returned, aligned with the first table.
    """
    key, units = list(frame.key), [c.name for c in frame.columns if c.name.endswith("units")]
    found = made[key].merge(other[[*key, *units]], on=key, how="left", validate="1:1")[units]
    found = found.fillna(0.0).set_axis(made.index)
    differs = (found != made[units].fillna(0.0)).any(axis="columns")
    return [found[measure].where(differs) for measure in measures]
