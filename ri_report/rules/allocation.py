"""Allocation: which reservation covers how much of which usage, in AWS's order.

The order, from the EC2 User Guide, "How Reserved Instance discounts are applied" (apply_ri):

1. zonal reservations before regional ones, across the whole organization (scenario 4);
2. within a scope, first the account that bought the reservation, then the others (scenario 3);
3. within a tier, the smallest size first, with no preference for the exact size (scenario 2);
4. fractions: what is left of a reservation covers part of a larger instance;
5. idle slots of capacity reservations, after all instances of the organization, from what is left
   of regional reservations ("Capacity Reservation pricing and billing").

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
from ri_report.rules.intake import check_distinct, check_sides
from ri_report.rules.matching import REGIONAL, ZONAL, comparable, is_idle_slot, match_keys
from ri_report.rules.places import check_zone_ids
from ri_report.rules.ranks import distinct, inverse, text_order
from ri_report.rules.sharing import GROUP, ORGANIZATION, OWNER, Sharing
from ri_report.rules.sizes import QUARTERS, quarter_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ri_report.rules.matching import Integers

SECONDS_PER_HOUR = 3600
TICKS = QUARTERS * SECONDS_PER_HOUR
"""Quarter-unit-seconds in one normalized unit-hour."""
TIERS = (OWNER, GROUP, ORGANIZATION)

ALLOCATIONS = Frame(
    "allocations",
    ("period", "usage_id", "reservation_id"),
    (
        Column("period", "text", "The hour, where many are allocated in one call"),
        Column("usage_id", "text", "Usage that is covered"),
        Column("reservation_id", "text", "Reservation that covers it"),
        Column("tier", "text", "owner, group or organization"),
        Column("units", "units", "Normalized unit-hours"),
    ),
)


@dataclass
class _Side:
    """Usage or reservations as numbers, and what is left of each row to cover or to give."""

    left: Integers
    place: Integers
    """Place of each row by period and id."""
    rank: Integers
    """Place of each row in the order in which its side is served."""
    size: Integers
    account: Integers


def allocate(
    usage: pd.DataFrame, reservations: pd.DataFrame, sharing: Sharing | None = None
) -> pd.DataFrame:
    """Return which reservation covers how much of which usage.

    Args:
        usage: usage_id, account_id, region, availability_zone, availability_zone_id,
            instance_type, platform, tenancy, hours [instance-hours within one clock hour; 1.0 in
            a snapshot]. Only eligible On-Demand usage. Where given, `kind` tells instances
            (`instance`) from idle slots of capacity reservations (`idle_slot`, whose hours are
            slot-hours and whose account is the one that pays), and `capacity_reservation_id` (""
            for none) tells which instances run inside one. Zonal reservations serve no slots and,
            unless `sharing` says so, no such instances.
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
        ValueError: a row would make a wrong number (see `intake.check_sides`), or an id stands
            twice in a period; or zones match by id and within one account a zone has two ids, or
            an id two zones.
    """
    check_sides(usage, reservations)
    sharing = sharing or Sharing()
    usage, reservations = usage.reset_index(drop=True), reservations.reset_index(drop=True)
    both = comparable(usage, reservations, sharing)
    check_zone_ids(both, sharing)
    demand = _demand(usage, both.head(len(usage)))
    supply = _supply(reservations, both.tail(len(reservations)))
    check_distinct(usage, "usage_id", demand.place)
    check_distinct(reservations, "reservation_id", supply.place)
    slots = is_idle_slot(usage).to_numpy(dtype=bool)
    turns = [(ZONAL, ~slots), (REGIONAL, ~slots), *([(REGIONAL, slots)] if slots.any() else [])]
    served = [
        _serve(demand, supply, _only(turn, match_keys(both, scope, sharing, tier)), tier)
        for scope, turn in turns
        for tier in sharing.tiers
    ]
    given = _sorted(pd.concat(served), demand, supply)
    return _named(given, usage, reservations)


def allocated_units(ids: pd.Series[str], allocations: pd.DataFrame) -> pd.Series[float]:
    """Return the units allocated to each id, 0.0 where there are none, aligned with the ids.

    Args:
        ids: A column `usage_id` or `reservation_id`.
        allocations: Frame `ALLOCATIONS`.
    """
    name = str(ids.name)
    numbers = pd.factorize(pd.concat([ids, allocations[name]]))[0]
    asked, given = numbers[: len(ids)], numbers[len(ids) :]
    units = allocations["units"].groupby(given).sum().reindex(asked, fill_value=0.0)
    return pd.Series(units.to_numpy(), ids.index, dtype="float64", name=name)


def _demand(usage: pd.DataFrame, traits: pd.DataFrame) -> _Side:
    size, account = _sizes(traits), _codes(traits["account_id"])
    place = _places(usage["usage_id"], traits)
    rank = inverse(np.argsort((size * (account.max(initial=0) + 1) + account) * len(usage) + place))
    return _Side(size * _seconds(usage), place, rank, size, account)


def _supply(reservations: pd.DataFrame, traits: pd.DataFrame) -> _Side:
    bought = reservations["instance_count"].to_numpy(dtype="int64") * _seconds(reservations)
    ends = pd.factorize(reservations.get("end", reservations["hours"]), sort=True)[0]
    unknown_last = np.where(ends < 0, len(ends), ends)
    place = _places(reservations["reservation_id"], traits)
    rank, alike = inverse(np.lexsort((place, unknown_last))), np.zeros_like(bought)
    return _Side(_sizes(traits) * bought, place, rank, alike, alike)


def _codes(trait: pd.Series[Any]) -> Integers:
    return np.asarray(trait.cat.codes, dtype=np.int64)


def _sizes(traits: pd.DataFrame) -> Integers:
    """Return the quarter units of one instance of each row."""
    types = traits["instance_type"].cat
    sizes = quarter_units(pd.Series(types.categories, dtype="str"))
    return np.asarray(sizes, dtype=np.int64)[types.codes]


def _seconds(frame: pd.DataFrame) -> Integers:
    hours: NDArray[np.float64] = frame["hours"].to_numpy(dtype="float64")
    return np.rint(hours * SECONDS_PER_HOUR).astype(np.int64)


def _places(ids: pd.Series[str], traits: pd.DataFrame) -> Integers:
    """Return the place of each row by period and, within a period, by id."""
    by_id = text_order(ids)
    periods = traits["period"].cat.codes.to_numpy()[by_id]
    return inverse(by_id[np.argsort(periods, kind="stable")])


def _only(turn: NDArray[np.bool_], keys: Integers) -> Integers:
    """Take the key from usage whose turn it is not."""
    if turn.all():
        return keys
    is_out = np.zeros(len(keys), dtype=bool)
    is_out[: len(turn)] = ~turn
    return np.where(is_out, -1, keys)


def _serve(demand: _Side, supply: _Side, keys: Integers, tier: str) -> pd.DataFrame:
    """Give what is left of the supply to what is left of the demand, wherever the keys agree.

    Returns:
        usage and reservation [row numbers], the ticks that go from the one to the other, and the
        number of the tier in `TIERS`.
    """
    wanted, offered = _met(keys, demand, supply)
    taking, giving = _queue(demand, wanted), _queue(supply, offered)
    if tier != OWNER:
        taking = _most_left_first(demand, wanted, taking)
    d, s, ticks = cut(wanted[taking], demand.left[taking], offered[giving], supply.left[giving])
    np.subtract.at(demand.left, taking[d], ticks)
    np.subtract.at(supply.left, giving[s], ticks)
    given = {"usage": taking[d], "reservation": giving[s], "ticks": ticks}
    return pd.DataFrame(given).assign(tier=TIERS.index(tier))


def _met(keys: Integers, demand: _Side, supply: _Side) -> tuple[Integers, Integers]:
    """Number anew the keys under which anything is left to give; what is out of reach has -1."""
    offered = keys[len(demand.left) :]
    held = pd.Index(distinct(np.sort(offered[(offered >= 0) & (supply.left > 0)])))
    numbers = held.get_indexer(pd.Index(keys)).astype(np.int64)
    numbers[np.concatenate([demand.left, supply.left]) == 0] = -1
    return numbers[: len(demand.left)], numbers[len(demand.left) :]


def _queue(side: _Side, keys: Integers) -> Integers:
    """Return the rows that have a key, by key and, within a key, by rank."""
    rows = np.flatnonzero(keys >= 0)
    return rows[np.argsort(keys[rows] * (len(keys) + 1) + side.rank[rows])]


def _most_left_first(demand: _Side, keys: Integers, queue: Integers) -> Integers:
    """Return the queue so that, of one size, the account with most left under the key is first."""
    accounts, names = pd.factorize(keys[queue] + len(keys) * demand.account[queue])
    left = np.zeros(len(names), dtype=np.int64)
    np.add.at(left, accounts, demand.left[queue])
    sizes = keys[queue] * (demand.size.max(initial=0) + 1) + demand.size[queue]
    return queue[np.lexsort((-left[accounts], sizes))]


def _sorted(given: pd.DataFrame, demand: _Side, supply: _Side) -> pd.DataFrame:
    """Sort by period, usage id and reservation id, which the places of both sides say."""
    usage, reservation = given["usage"].to_numpy(), given["reservation"].to_numpy()
    pairs = demand.place[usage] * (len(supply.place) + 1) + supply.place[reservation]
    return given.iloc[np.argsort(pairs)]


def _named(given: pd.DataFrame, usage: pd.DataFrame, reservations: pd.DataFrame) -> pd.DataFrame:
    """Return frame `ALLOCATIONS` from row numbers.

    No pair stands twice: once a reservation has met a usage in one tier, either of them is empty.
    """
    taker, giver = given["usage"].to_numpy(), given["reservation"].to_numpy()
    rows = pd.DataFrame(
        {
            "period": usage["period"].array[taker] if "period" in usage else "",
            "usage_id": usage["usage_id"].array[taker],
            "reservation_id": reservations["reservation_id"].array[giver],
            "tier": pd.array(TIERS, dtype="str")[given["tier"].to_numpy()],
            "units": given["ticks"].to_numpy() / TICKS,
        }
    )
    return ALLOCATIONS.check(rows, known_unique=True)


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
    keys = np.intersect1d(distinct(wanted), distinct(offered), assume_unique=True)
    reach = np.minimum(_totals(keys, wanted, demand), _totals(keys, offered, supply))
    d_rows, d_ends = _ends(keys, reach, wanted, demand)
    s_rows, s_ends = _ends(keys, reach, offered, supply)
    cuts = distinct(np.sort(np.concatenate([d_ends, s_ends])))
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
    row_keys, amounts = row_keys[rows], amounts[rows]
    first = np.flatnonzero(np.diff(row_keys, prepend=-1))
    count = np.diff(first, append=len(rows))
    before, sums = np.cumsum(reach) - reach, np.cumsum(amounts)
    so_far = sums - np.repeat(sums[first] - amounts[first], count)
    return rows, np.repeat(before, count) + np.minimum(so_far, np.repeat(reach, count))
