"""Allocation: which reservation covers how much of which usage, in AWS's order.

The order, from the EC2 User Guide, "How Reserved Instance discounts are applied" (apply_ri):

1. zonal reservations before regional ones, across the whole organization (scenario 4);
2. within a scope, first the account that bought the reservation, then the others (scenario 3);
3. within a tier, the smallest size first, with no preference for the exact size (scenario 2);
4. fractions: what is left of a reservation covers part of a larger instance.

Where AWS is silent, a fixed convention decides: of several reservations, the one that ends
first, then by id; of several instances of one size, those of the account with most left to cover
in the pool, then by account and id. How much of a pool is covered, and how much of what was
bought for it is used, does not depend on these conventions.

Everything is counted in integers, quarter normalized units x seconds, so sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.matching import REGIONAL, ZONAL, comparable, match_keys
from ri_report.rules.sharing import Sharing
from ri_report.rules.sizes import QUARTERS, quarter_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ri_report.rules.matching import Integers

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

    left: Integers
    size: Integers
    """What is served first; among reservations, which have no such order, the same for all."""
    account: Integers
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

    Both frames may carry a `period` (text): rows of different periods never meet. Ids are unique
    within a period. Hours count in whole seconds.

    Returns:
        Frame `ALLOCATIONS`, sorted by its key; units are normalized unit-hours. Equal input in
        any row order gives equal output; an empty side gives an empty frame.

    Raises:
        ValueError: a scope is neither zonal nor regional, or only one side has periods.
    """
    sharing = sharing or Sharing()
    usage, reservations = usage.reset_index(drop=True), reservations.reset_index(drop=True)
    both = comparable(usage, reservations)
    demand, supply = _demand(usage), _supply(reservations)
    served = [
        _serve(demand, supply, match_keys(both, scope, sharing, tier)).assign(tier=tier)
        for scope in (ZONAL, REGIONAL)
        for tier in sharing.tiers
    ]
    return _named(pd.concat(served, ignore_index=True), usage, reservations)


def allocated_units(ids: pd.Series[str], allocations: pd.DataFrame) -> pd.Series[float]:
    """Return the units allocated to each id, 0.0 where there are none, aligned with the ids.

    Args:
        ids: A column `usage_id` or `reservation_id`.
        allocations: Frame `ALLOCATIONS`.
    """
    units = allocations.groupby(str(ids.name))["units"].sum()
    return ids.map(units.to_dict()).astype("float64").fillna(0.0)


def _demand(usage: pd.DataFrame) -> _Side:
    size = _integers(quarter_units(usage["instance_type"]))
    account = _ranks(usage["account_id"])
    order = np.lexsort((_ranks(usage["usage_id"]), account))
    return _Side(size * _seconds(usage), size, account, _inverse(order))


def _supply(reservations: pd.DataFrame) -> _Side:
    units = quarter_units(reservations["instance_type"]) * reservations["instance_count"]
    bought = _integers(units) * _seconds(reservations)
    alike = np.zeros_like(bought)
    ids = _ranks(reservations["reservation_id"])
    ends = _ranks(reservations["end"]) if "end" in reservations else alike
    return _Side(bought, alike, alike, _inverse(np.lexsort((ids, ends))))


def _seconds(frame: pd.DataFrame) -> Integers:
    hours: NDArray[np.float64] = frame["hours"].to_numpy(dtype="float64")
    return np.rint(hours * SECONDS_PER_HOUR).astype(np.int64)


def _integers(column: pd.Series[int]) -> Integers:
    return np.asarray(column, dtype=np.int64)


def _ranks(column: pd.Series[Any]) -> Integers:
    """Return the place of each row's value among the sorted values; unknown ones come last."""
    codes, values = pd.factorize(column, sort=True)
    return np.where(codes < 0, len(values), codes).astype(np.int64)


def _inverse(order: NDArray[np.integer[Any]]) -> Integers:
    """Return the position of each row from the rows in their order."""
    positions = np.empty(len(order), dtype=np.int64)
    positions[order] = np.arange(len(order))
    return positions


def _serve(demand: _Side, supply: _Side, keys: Integers) -> pd.DataFrame:
    """Give what is left of the supply to what is left of the demand, wherever the keys agree.

    Returns:
        usage and reservation [row numbers], and the ticks that go from the one to the other.
    """
    wanted, offered = keys[: len(demand.left)], keys[len(demand.left) :]
    taking, giving = _waiting(demand, wanted, offered), _waiting(supply, offered, wanted)
    taking = _queue(demand, wanted, taking, _most_left_first(demand, wanted, taking))
    giving = _queue(supply, offered, giving, np.zeros_like(giving))
    d, s, ticks = cut(wanted[taking], demand.left[taking], offered[giving], supply.left[giving])
    np.subtract.at(demand.left, taking[d], ticks)
    np.subtract.at(supply.left, giving[s], ticks)
    return pd.DataFrame({"usage": taking[d], "reservation": giving[s], "ticks": ticks})


def _waiting(side: _Side, keys: Integers, others: Integers) -> Integers:
    """Return the rows that have something left and whose key the other side has too."""
    return np.flatnonzero((side.left > 0) & (keys >= 0) & np.isin(keys, others))


def _most_left_first(demand: _Side, keys: Integers, rows: Integers) -> Integers:
    """Return minus what each row's account has left under the row's key."""
    left = pd.DataFrame(
        {"key": keys[rows], "account": demand.account[rows], "left": demand.left[rows]}
    )
    totals = left.groupby(["key", "account"])["left"].transform("sum")
    return -totals.to_numpy(dtype="int64")


def _queue(side: _Side, keys: Integers, rows: Integers, rank: Integers) -> Integers:
    """Return these rows by key and, within a key, in the order in which they are served."""
    return rows[np.lexsort((side.order[rows], rank, side.size[rows], keys[rows]))]


def _named(given: pd.DataFrame, usage: pd.DataFrame, reservations: pd.DataFrame) -> pd.DataFrame:
    """Return frame `ALLOCATIONS` from row numbers."""
    taker, giver = _integers(given["usage"]), _integers(given["reservation"])
    rows = pd.DataFrame(
        {
            "period": usage["period"].array[taker] if "period" in usage else "",
            "usage_id": usage["usage_id"].array[taker],
            "reservation_id": reservations["reservation_id"].array[giver],
            "tier": given["tier"].array,
            "units": _integers(given["ticks"]) / TICKS,
        }
    )
    return ALLOCATIONS.check(rows.sort_values(list(ALLOCATIONS.key)))


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
    sums: Integers = np.concatenate([[0], np.cumsum(amounts)], dtype=np.int64)
    ends = np.searchsorted(row_keys, keys, side="right")
    starts = np.searchsorted(row_keys, keys, side="left")
    return sums[ends] - sums[starts]


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
