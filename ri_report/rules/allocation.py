"""Allocation: which reservation covers how much of which usage, in AWS's order.

The order, from the EC2 User Guide, "How Reserved Instance discounts are applied" (apply_ri):

1. zonal reservations before regional ones, across the whole organization (scenario 4);
2. within a scope, first the account that bought the reservation, then the others (scenario 3);
3. within a tier, the smallest size first, with no preference for the exact size (scenario 2);
4. fractions: what is left of a reservation covers part of a larger instance.

Where AWS is silent, a fixed convention decides: of several reservations, the one that ends
first; of several instances of one size, those of the account with most left to cover, then by
account and id. Totals per pool and tier do not depend on these conventions.

Everything is counted in integers, quarter normalized units x seconds, so sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.sharing import Sharing
from ri_report.rules.sizes import QUARTERS, pool_names, quarter_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

ZONAL = "zonal"
REGIONAL = "regional"
SECONDS_PER_HOUR = 3600
TICKS = QUARTERS * SECONDS_PER_HOUR
"""Quarter-unit-seconds in one normalized unit-hour."""

ALLOCATIONS = Frame(
    "allocations",
    ("period", "usage_id", "reservation_id"),
    (
        Column("period", "text", "The hour, where many are allocated in one call"),
        Column("usage_id", "text", "Usage that is covered"),
        Column("reservation_id", "text", "Reservation that covers it"),
        Column("tier", "text", "owner or organization"),
        Column("units", "units", "Normalized unit-hours"),
    ),
)


@dataclass
class _Side:
    """Usage or reservations, and what is left of each row to cover or to give."""

    frame: pd.DataFrame
    left: Integers
    size: Integers
    """What is served first; among reservations, which have no such order, the same for all."""
    order: Integers
    """Position of each row in the fixed order of its side, for what `size` leaves open."""


def allocate(
    usage: pd.DataFrame, reservations: pd.DataFrame, sharing: Sharing | None = None
) -> pd.DataFrame:
    """Return which reservation covers how much of which usage.

    Args:
        usage: usage_id, account_id, region, availability_zone, availability_zone_id,
            instance_type, platform, tenancy, hours [instance-hours within one clock hour; 1.0 in
            a snapshot]. Only eligible On-Demand usage.
        reservations: reservation_id, account_id, region, scope (`zonal` or `regional`),
            availability_zone, availability_zone_id, instance_type, platform, tenancy,
            instance_count, hours [that one unit offers; 1.0 in a snapshot]; `end`, where given,
            decides which of several reservations is used first. Only active ones.
        sharing: Who may serve whom; open sharing where omitted.

    Both frames may carry a `period`: rows of different periods never meet.

    Returns:
        Frame `ALLOCATIONS`, sorted by its key; units are normalized unit-hours. Equal input in
        any row order gives equal output.
    """
    sharing = sharing or Sharing()
    demand, supply = _demand(usage), _supply(reservations)
    served = []
    for scope in (ZONAL, REGIONAL):
        for tier in sharing.tiers:
            keys = match_keys(demand.frame, supply.frame, scope, sharing, tier)
            served.append(_serve(demand, supply, *keys).assign(tier=tier))
    given = pd.concat(served, ignore_index=True)
    totals = given.groupby([*ALLOCATIONS.key, "tier"], as_index=False)["ticks"].sum()
    totals["units"] = totals["ticks"] / TICKS
    return ALLOCATIONS.check(totals.sort_values(list(ALLOCATIONS.key)))


def match_keys(
    usage: pd.DataFrame, reservations: pd.DataFrame, scope: str, sharing: Sharing, tier: str
) -> tuple[Integers, Integers]:
    """Return a number for each usage and each reservation; they match where the numbers agree.

    Zonal reservations match zone and exact type; regional ones any zone, and any size where sizes
    flex; both match region, platform and tenancy (EC2 User Guide, "Regional and zonal Reserved
    Instances"). The number of what cannot match in this scope and tier is negative.
    """
    if scope == ZONAL:
        zone = "availability_zone" if sharing.zonal_match == "az_name" else "availability_zone_id"
        where, what = usage[zone], usage["instance_type"]
        their_where, their_what = reservations[zone], reservations["instance_type"]
    else:
        where, what = pd.Series("", usage.index), pool_names(usage)
        their_where, their_what = pd.Series("", reservations.index), pool_names(reservations)
    shared = ["period", "region", "platform", "tenancy"]
    ours = usage[shared].assign(
        where=where, what=what, circle=sharing.circles(usage["account_id"], tier)
    )
    theirs = reservations[shared].assign(
        where=their_where,
        what=their_what,
        circle=sharing.circles(reservations["account_id"], tier),
    )
    both = pd.concat([ours, theirs], ignore_index=True)
    numbers = both.groupby(list(both.columns), sort=False).ngroup().to_numpy(copy=True)
    supplied = numbers[len(usage) :]
    supplied[(reservations["scope"] != scope).to_numpy()] = -1
    return numbers[: len(usage)], supplied


def _demand(usage: pd.DataFrame) -> _Side:
    frame = _with_period(usage)
    size = quarter_units(frame["instance_type"]).to_numpy()
    order = _positions(frame, ["account_id", "usage_id"])
    return _Side(frame, size * _seconds(frame), size, order)


def _supply(reservations: pd.DataFrame) -> _Side:
    frame = _with_period(reservations)
    units = quarter_units(frame["instance_type"]).to_numpy() * frame["instance_count"].to_numpy()
    order = _positions(frame, [*({"end"} & set(frame.columns)), "reservation_id"])
    return _Side(frame, units * _seconds(frame), np.zeros_like(order), order)


def _with_period(frame: pd.DataFrame) -> pd.DataFrame:
    return (frame if "period" in frame else frame.assign(period="")).reset_index(drop=True)


def _seconds(frame: pd.DataFrame) -> Integers:
    seconds = frame["hours"].to_numpy(dtype="float64") * SECONDS_PER_HOUR
    return np.rint(seconds).astype(np.int64)


def _positions(frame: pd.DataFrame, by: list[str]) -> Integers:
    return np.argsort(frame.sort_values(by).index.to_numpy(), kind="stable")


def _serve(demand: _Side, supply: _Side, wanted: Integers, offered: Integers) -> pd.DataFrame:
    """Give what is left of the supply to what is left of the demand, wherever the keys agree."""
    usage, ours = _queue(demand, wanted, _most_left_first(demand, wanted))
    giving, theirs = _queue(supply, offered, np.zeros_like(offered))
    d, s, ticks = cut(ours, demand.left[usage], theirs, supply.left[giving])
    np.subtract.at(demand.left, usage[d], ticks)
    np.subtract.at(supply.left, giving[s], ticks)
    return pd.DataFrame(
        {
            "period": demand.frame["period"].to_numpy()[usage[d]],
            "usage_id": demand.frame["usage_id"].to_numpy()[usage[d]],
            "reservation_id": supply.frame["reservation_id"].to_numpy()[giving[s]],
            "ticks": ticks,
        }
    )


def _most_left_first(demand: _Side, wanted: Integers) -> Integers:
    """Return minus what each row's account has left under the row's key."""
    accounts = pd.DataFrame({"key": wanted, "account": demand.frame["account_id"].to_numpy()})
    return (
        -(accounts.assign(left=demand.left).groupby(["key", "account"])["left"])
        .transform("sum")
        .to_numpy()
    )


def _queue(side: _Side, keys: Integers, rank: Integers) -> tuple[Integers, Integers]:
    """Return the rows that have something left, in serving order, and their keys."""
    rows = np.flatnonzero((side.left > 0) & (keys >= 0))
    order = np.lexsort((side.order[rows], rank[rows], side.size[rows], keys[rows]))
    return rows[order], keys[rows[order]]


def cut(
    wanted: Integers, demand: Integers, offered: Integers, supply: Integers
) -> tuple[Integers, Integers, Integers]:
    """Lay demand and supply of each key end to end along one line and cut where either ends.

    Args:
        wanted: Key of each demand, ascending; within a key, first come, first served.
        demand: Positive amounts.
        offered: Key of each supply, ascending; within a key, first come, first used.
        supply: Positive amounts.

    Returns:
        Positions in demand, positions in supply, and the amount that goes from the one to the
        other; under each key the amounts add up to the smaller of the two sides.
    """
    keys = np.intersect1d(wanted, offered)
    reach = np.minimum(_totals(keys, wanted, demand), _totals(keys, offered, supply))
    d_rows, d_ends = _ends(keys, reach, wanted, demand)
    s_rows, s_ends = _ends(keys, reach, offered, supply)
    cuts = np.union1d(d_ends, s_ends)
    starts = np.concatenate([[0], cuts[:-1]]).astype(np.int64)
    d = d_rows[np.searchsorted(d_ends, starts, side="right")] if len(cuts) else d_rows[:0]
    s = s_rows[np.searchsorted(s_ends, starts, side="right")] if len(cuts) else s_rows[:0]
    return d, s, cuts - starts[: len(cuts)]


def _totals(keys: Integers, row_keys: Integers, amounts: Integers) -> Integers:
    """Sum the amounts under each key; the rows are in ascending order of their keys."""
    sums = np.concatenate([[0], np.cumsum(amounts)])
    return (
        sums[np.searchsorted(row_keys, keys, side="right")]
        - sums[np.searchsorted(row_keys, keys, side="left")]
    )


def _ends(
    keys: Integers, reach: Integers, row_keys: Integers, amounts: Integers
) -> tuple[Integers, Integers]:
    """Return the rows of these keys and where each ends on the line.

    On the line each key takes as much room as its `reach`; a row that lies beyond it ends where
    the key ends, so that it gets nothing.
    """
    rows = np.flatnonzero(np.isin(row_keys, keys))
    key = np.searchsorted(keys, row_keys[rows])
    before = np.cumsum(reach) - reach
    sums = np.cumsum(amounts[rows])
    first = np.searchsorted(row_keys[rows], keys, side="left")
    so_far = sums - (sums[first] - amounts[rows][first])[key]
    return rows, before[key] + np.minimum(so_far, reach[key])
