"""Utilization: how much of what was bought is used, by reservation and by pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocated_units
from ri_report.rules.coverage import ratio
from ri_report.rules.sharing import OWNER

if TYPE_CHECKING:
    from datetime import datetime

RESERVATION_COLUMNS = (
    Column("reservation_id", "text", "ReservedInstancesId", "Reservation"),
    Column("account_id", "text", "Account that bought it", "Owner"),
    Column("region", "text", "Region"),
    Column("scope", "text", "zonal or regional"),
    Column("availability_zone", "text", "Zone name in the owner's account", "Zone"),
    Column("availability_zone_id", "text", "Zone id", "Zone id"),
    Column("instance_type", "text", "Instance type"),
    Column("platform", "text", "Platform"),
    Column("tenancy", "text", "default or dedicated"),
)
"""What tells one reservation from others."""
UTILIZATION = Frame(
    "utilization",
    ("reservation_id",),
    (
        *RESERVATION_COLUMNS,
        Column("instance_count", "count", "Instances bought", "Bought"),
        Column("purchased_units", "units", "Normalized units bought"),
        Column(
            "used_units",
            "units",
            "Normalized units that cover instances or idle slots",
            nullable=True,
        ),
        Column("unused_units", "units", "Bought - used", nullable=True),
        Column(
            "utilization_ratio",
            "ratio",
            "Used / purchased",
            "Utilization",
            nullable=True,
            ratio_of=("used_units", "purchased_units"),
        ),
        Column(
            "idle_slot_units", "units", "Of what is used, by idle slots of capacity", nullable=True
        ),
        Column("lent_units", "units", "Used by other accounts", nullable=True),
        Column("offering_class", "text", "standard or convertible"),
        Column("payment_option", "text", "No, Partial or All Upfront"),
        Column("start", "time", "Start of the term", nullable=True),
        Column("end", "time", "End of the term", nullable=True),
        Column("days_left", "days", "Whole days until the end", nullable=True),
        Column("unused_reason", "text", "Main reason for what is unused", "Why unused"),
        Column("factor_basis", "text", "What the normalization factor rests on"),
    ),
)
POOLS = Frame(
    "pools",
    ("region", "pool", "platform", "tenancy", "account_id"),
    (
        Column("region", "text", "Region"),
        Column("pool", "text", "Family where sizes flex, else the exact type", "Family or type"),
        Column("platform", "text", "Platform"),
        Column("tenancy", "text", "default or dedicated"),
        Column("account_id", "text", "Account", "Account"),
        Column("running_units", "units", "Normalized units that the account runs", nullable=True),
        Column("covered_units", "units", "Of these, covered by any reservation", nullable=True),
        Column(
            "purchased_units", "units", "Normalized units that the account bought", nullable=True
        ),
        Column("used_units", "units", "Of these, used by any account", nullable=True),
        Column("lent_units", "units", "Of its own, used by other accounts", nullable=True),
        Column(
            "borrowed_units",
            "units",
            "Of what it runs or holds idle, covered by others",
            nullable=True,
        ),
        Column("idle_units", "units", "Idle slots of capacity that it pays for", nullable=True),
        Column(
            "covered_idle_units", "units", "Of these, covered by any reservation", nullable=True
        ),
    ),
)
POOL_MEASURES = POOLS.names[len(POOLS.key) :]


def utilization(
    active: pd.DataFrame,
    allocations: pd.DataFrame,
    reasons: pd.DataFrame,
    as_of: datetime,
    *,
    slots: pd.DataFrame,
) -> pd.DataFrame:
    """Return frame `UTILIZATION`, one row per active reservation.

    Args:
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS`.
        reasons: Frame `reasons.UNUSED_REASONS`; its largest row names the main reason.
        as_of: Aware UTC moment of observation.
        slots: Frame `capacity.SLOTS`; what of the use goes to idle slots is in the use, and apart.
    """
    purchased = active["units"] * active["instance_count"]
    used = allocated_units(active["reservation_id"], allocations)
    days = (active["end"] - pd.Timestamp(as_of)) / pd.Timedelta(days=1)
    return UTILIZATION.check(
        active.assign(
            purchased_units=purchased,
            used_units=used,
            unused_units=purchased - used,
            utilization_ratio=ratio(used, purchased),
            idle_slot_units=allocated_units(
                active["reservation_id"],
                allocations[allocations["usage_id"].isin(slots["usage_id"])],
            ),
            lent_units=allocated_units(
                active["reservation_id"], allocations[allocations["tier"] != OWNER]
            ),
            days_left=np.floor(days),
            unused_reason=_main_reasons(active["reservation_id"], reasons),
        ).sort_values("reservation_id")
    )


def pools(
    covered: pd.DataFrame, slots: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame
) -> pd.DataFrame:
    """Return frame `POOLS`: what each account runs, buys, lends and borrows in each pool.

    Over the accounts of a pool, covered instances and idle slots equal used, and lent equals
    borrowed; these sums do not depend on any convention of the allocation. How much of the shared
    part each account lends or borrows does.

    Args:
        covered: What `coverage.cover` returns.
        slots: Frame `capacity.SLOTS`.
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS`.
    """
    place = [*POOLS.key, "usage_id"]
    flows = _flows(pd.concat([covered[place], slots[place]]), active, allocations)
    idle = slots.assign(
        idle_units=slots["units"],
        covered_idle_units=allocated_units(slots["usage_id"], allocations),
    )
    runs = covered.assign(running_units=covered["units"])
    bought = active.assign(purchased_units=active["units"] * active["instance_count"])
    rows = pd.concat(
        [
            runs[[*POOLS.key, "running_units", "covered_units"]],
            bought[[*POOLS.key, "purchased_units"]],
            idle[[*POOLS.key, "idle_units", "covered_idle_units"]],
            flows,
        ]
    )
    sums = rows.groupby(list(POOLS.key), as_index=False)[list(POOL_MEASURES)].sum()
    return POOLS.check(sums)


def _main_reasons(ids: pd.Series[str], reasons: pd.DataFrame) -> pd.Series[str]:
    """Return the reason with most units of each reservation, of equal ones the first by name."""
    ranked = reasons.sort_values(
        ["unused_units", "reason"], ascending=[False, True]
    ).drop_duplicates("reservation_id")
    main = dict(zip(ranked["reservation_id"], ranked["reason"], strict=True))
    return ids.map(main).astype("str").fillna("")


def _flows(usage: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame) -> pd.DataFrame:
    """Return used and lent units at the owner, borrowed units at the account that uses."""
    lent = allocations["units"].where(allocations["tier"] != OWNER, 0.0)
    flows = allocations.assign(
        used_units=allocations["units"], lent_units=lent, borrowed_units=lent
    )
    place = list(POOLS.key)
    owners = flows[["reservation_id", "used_units", "lent_units"]].merge(
        active[["reservation_id", *place]], on="reservation_id", how="left", validate="m:1"
    )
    users = flows[["usage_id", "borrowed_units"]].merge(
        usage[["usage_id", *place]], on="usage_id", how="left", validate="m:1"
    )
    return pd.concat([owners, users])[[*place, "used_units", "lent_units", "borrowed_units"]]
