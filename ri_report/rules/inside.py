"""Inside: what depends on whether zonal reservations cover instances inside capacity reservations.

Zonal reservations do not apply to Capacity Reservations (EC2 User Guide, "Capacity Reservation
pricing and billing"). AWS gives no example of an instance that runs inside one, so the preferences
say whether they cover it, and what the other choice would change is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocate
from ri_report.rules.matching import ZONAL, is_idle_slot, runs_inside

if TYPE_CHECKING:
    from ri_report.rules.sharing import Sharing

INSIDE = Frame(
    "inside",
    ("usage_id", "reservation_id"),
    (
        Column("usage_id", "text", "Instance or capacity reservation"),
        Column("reservation_id", "text", "Reservation that covers it by either choice"),
        Column("is_idle_slot", "flag", "Whether idle slots are covered, and no instance"),
        Column("units", "units", "Normalized units covered"),
        Column("units_otherwise", "units", "The same by the other choice"),
    ),
)


def inside(
    usage: pd.DataFrame, active: pd.DataFrame, sharing: Sharing, allocations: pd.DataFrame
) -> pd.DataFrame:
    """Return frame `INSIDE`: what the other choice would allocate differently.

    Args:
        usage: Instances and idle slots (see `capacity.with_slots`).
        active: Frame `eligibility.ACTIVE`.
        sharing: The preferences.
        allocations: Frame `allocation.ALLOCATIONS` by these.
    """
    if not _may_differ(usage, active):
        return INSIDE.of([])
    chosen = sharing.zonal_in_capacity_reservations
    other = allocate(usage, active, replace(sharing, zonal_in_capacity_reservations=not chosen))
    both = pd.concat(
        [
            allocations.assign(units_otherwise=0.0),
            other.assign(units_otherwise=other["units"], units=0.0),
        ]
    )
    both = both.groupby(list(INSIDE.key), as_index=False)[["units", "units_otherwise"]].sum()
    slots = usage.loc[is_idle_slot(usage), "usage_id"]
    both = both.assign(is_idle_slot=both["usage_id"].isin(slots))
    return INSIDE.check(both[both["units"] != both["units_otherwise"]])


def _may_differ(usage: pd.DataFrame, active: pd.DataFrame) -> bool:
    """Whether anything that a zonal reservation is sold for runs inside a capacity reservation."""
    traits = ["region", "instance_type", "platform", "tenancy"]
    within = pd.MultiIndex.from_frame(usage.loc[runs_inside(usage), traits])
    zonal = pd.MultiIndex.from_frame(active.loc[active["scope"] == ZONAL, traits])
    return bool(within.isin(zonal).any())
