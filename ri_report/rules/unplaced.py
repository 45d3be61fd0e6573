"""Unplaced: pools in which zone ids were not read that would decide how zonal reservations match.

Without the id of a zonal reservation, or of usage that it might serve in another account, it is
unknown whether they are in one place; that is not the same as knowing that they are not. Zonal
reservations take part in their own pool alone, so what they would do by id is unknown there, and
nowhere else. In regions where names are places for every account they tell it without ids (see
`matching.INDEPENDENT_REGIONS`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocated_units
from ri_report.rules.matching import ZONAL, arrange, comparable, pack
from ri_report.rules.sharing import OWNER

if TYPE_CHECKING:
    from ri_report.rules.sharing import Sharing

UNPLACED = Frame(
    "unplaced",
    ("region", "pool", "platform", "tenancy"),
    (
        Column("region", "text", "Region"),
        Column("pool", "text", "Family where sizes flex, else the exact type", "Family or type"),
        Column("platform", "text", "Platform"),
        Column("tenancy", "text", "default or dedicated"),
        Column("reservations", "count", "Zonal reservations without a zone id that matters"),
        Column("instances", "count", "Instances without a zone id that matters"),
        Column("applied", "text", "How this report matches zones: az_name or az_id"),
    ),
)
_KIND = ("circle", "region", "instance_type", "platform", "tenancy")


def unplaced_pools(
    usage: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame, sharing: Sharing
) -> pd.DataFrame:
    """Return frame `UNPLACED`: the pools in which it is unknown what zones by id would give.

    An id matters where a zonal reservation has units left that its own account does not use, and
    the same runs in another account that it may serve, not covered by a zonal one of its own.

    Args:
        usage: Instances and idle slots (see `capacity.with_slots`).
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS` of these, by whichever reading of zones: within
            one account both are the same.
        sharing: Who may serve whom.
    """
    both = arrange(comparable(usage, active, sharing), sharing, sharing.widest_tier)
    is_bought = np.arange(len(both)) >= len(usage)
    rows = pd.DataFrame(
        {
            "kind": pack(both, _KIND),
            "account": both["account_id"].cat.codes,
            "is_lost": both["place"].isna(),
            "is_bought": is_bought,
        }
    )
    waits = (both["scope"] == np.where(is_bought, ZONAL, "")) & (
        _left(usage, active, allocations) > 0
    )
    taking, giving = rows[waits & ~is_bought], rows[waits & is_bought]
    lost = pd.concat([_lost(taking, giving), _lost(giving, taking)])
    found = both.loc[lost.index, list(UNPLACED.key)].astype("str")
    counts = found.assign(reservations=lost["is_bought"], instances=~lost["is_bought"])
    sums = counts.groupby(list(UNPLACED.key), as_index=False).sum()
    return UNPLACED.check(sums.assign(applied=sharing.zonal_match))


def in_pools(frame: pd.DataFrame, pools: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row whether it lies in one of these pools, aligned.

    Args:
        frame: Anything with the key of `UNPLACED`.
        pools: Frame `UNPLACED`.
    """
    key = list(UNPLACED.key)
    found = pd.MultiIndex.from_frame(frame[key]).isin(pd.MultiIndex.from_frame(pools[key]))
    return pd.Series(found, frame.index, dtype=bool)


def _left(usage: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame) -> pd.Series[float]:
    """Return what zonal reservations leave of each row when all have served their own account."""
    zonal = active.loc[active["scope"] == ZONAL, "reservation_id"]
    is_own = (allocations["tier"] == OWNER) & allocations["reservation_id"].isin(zonal)
    own = allocations[is_own]
    sides = (
        usage["units"] - allocated_units(usage["usage_id"], own),
        active["units"] * active["instance_count"] - allocated_units(active["reservation_id"], own),
    )
    return pd.concat(sides, ignore_index=True)


def _lost(mine: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return what might meet another account's but for an id, of either, that is unknown."""
    accounts = others.groupby("kind")["account"].agg(["min", "max"]).reindex(mine["kind"])
    own = mine[["account"]].to_numpy()
    is_met = (accounts.notna() & (accounts != own)).any(axis="columns").to_numpy(dtype=bool)
    lost: pd.DataFrame = mine[is_met & mine["is_lost"]]
    return lost
