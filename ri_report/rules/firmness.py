"""Firmness: which rows follow from AWS's rules alone, and which from a convention of this report.

AWS documents the order of scopes and tiers: zonal before regional, the owner before its group
before the organization. Within a tier it leaves open which of the instances that wait gets what,
and which of several reservations gives it; its own word on sizes, smallest first, is not what bills
show. A row is **firm** when every split that AWS leaves open gives it the same units, and else a
**convention**.

How that is known. Under one key of one tier as much passes over as the smaller side has, however
it is split. So bounds of what waits and what is offered give bounds of what passes over and of what
is left (module `bounds`), for single rows and for rows taken together. Where the least and the most
agree in the end, no split could have changed the number. Before the first tier they agree
everywhere; they part only where both sides of a key are left with a choice: something waits that
gets nothing, or something offered is not taken, and the row is not alone.

The totals of a pool never part: zonal reservations of one type and zone give the smaller of two
known sums, and in the widest tier regional ones meet all that is still uncovered in the pool. So
what is left of a pool is known, and a row that is alone in being open in its pool is not open.
That takes one reading of zones: in a pool that compares them in two ways (`matching.mixed_pools`)
nothing is called firm.

The bounds are safe, not sharp: a row called a convention may in rare cases have no choice either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.bounds import joined, meet, narrow, parts, settle, sums
from ri_report.rules.matching import (
    REGIONAL,
    ZONAL,
    comparable,
    is_idle_slot,
    match_keys,
    mixed_pools,
    tell_apart,
)
from ri_report.rules.ranks import numbered, ranks
from ri_report.rules.sharing import OWNER
from ri_report.rules.sizes import QUARTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ri_report.rules.bounds import Flags, Meeting, Parts
    from ri_report.rules.matching import Integers
    from ri_report.rules.sharing import Sharing

_PLACE = [
    "region",
    "availability_zone",
    "availability_zone_id",
    "instance_type",
    "platform",
    "tenancy",
]
USAGE_SIDE, RESERVATION_SIDE, SLOT_SIDE = 0, 1, 2


@dataclass(frozen=True)
class Firmness:
    """Whether rows are firm, for each row of usage, reservations or allocations.

    Attributes:
        usage: What is covered of it.
        lines: What is covered of all that its account runs of the same at the same place.
        places: What is covered of the same at the same place over all accounts.
        pooled_usage: What is covered of all that its account runs in the pool, and by whom.
        reservations: What is used of it, and by whom: its owner or others, instances or slots.
        pooled_reservations: What is used of all that its account bought in the pool, and by whom.
        allocations: Its units.
    """

    usage: Flags
    lines: Flags
    places: Flags
    pooled_usage: Flags
    reservations: Flags
    pooled_reservations: Flags
    allocations: Flags


def firmness(
    usage: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame, sharing: Sharing
) -> Firmness:
    """Return which rows no split that AWS leaves open could have changed.

    Args:
        usage: What the allocation was asked to cover, with its `units`.
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS` of these.
        sharing: The preferences that the allocation followed.
    """
    both, side = comparable(usage, active, sharing), _sides(usage, active)
    amounts, pairs = _amounts(usage, active), _pairs(usage, active, allocations)
    left_by_instances = amounts - pairs.given(side, USAGE_SIDE)
    left = left_by_instances - pairs.given(side, SLOT_SIDE)
    rows, kinds = parts(np.arange(len(both)), amounts), parts(_kinds(both, side), amounts)
    for stage in _stages(both, side, sharing, ZONAL, USAGE_SIDE):
        stage.run(pairs, kinds, rows, kinds)
    pools = joined(kinds, _pools(both, side, kinds, sharing))
    classes = numbered(_sided(match_keys(both, REGIONAL, sharing, sharing.widest_tier), side))
    for stage in _stages(both, side, sharing, REGIONAL, USAGE_SIDE):
        stage.run(pairs, pools, rows, kinds, pools)
    for level in (rows, kinds, pools):
        settle(level, classes, left_by_instances)
    is_settled_by_instances = rows.is_settled
    for stage in _stages(both, side, sharing, REGIONAL, SLOT_SIDE):
        stage.run(pairs, pools, rows, kinds, pools)
    lines = joined(kinds, _sided(tell_apart(both, [*_PLACE, "account_id"]), side))
    place = ranks(_sided(tell_apart(both, _PLACE), side))
    places = joined(kinds, place * (len(both) + 1) + classes)
    for level in (rows, pools, lines, places):
        settle(level, classes, left)
    is_bought, is_mixed = side == RESERVATION_SIDE, mixed_pools(both, sharing)
    is_reservation_firm = rows.is_settled & rows.is_own_settled & is_settled_by_instances
    is_pool_firm = pools.is_settled & pools.is_own_settled & ~is_mixed
    return Firmness(
        usage=(rows.is_settled & ~is_mixed)[~is_bought],
        lines=(lines.is_settled & ~is_mixed)[~is_bought],
        places=(places.is_settled & ~is_mixed)[~is_bought],
        pooled_usage=is_pool_firm[~is_bought],
        reservations=(is_reservation_firm & ~is_mixed)[is_bought],
        pooled_reservations=is_pool_firm[is_bought],
        allocations=pairs.is_firm & ~is_mixed[pairs.usage],
    )


@dataclass(frozen=True)
class _Stage:
    """One tier of one scope: who meets there."""

    scope: str
    tier: str
    keys: Integers
    side: Integers

    def run(self, pairs: _Pairs, whole: Parts, *levels: Parts) -> None:
        """Judge the allocations of this tier, then narrow the bounds of each level."""
        meeting = meet(whole, self.keys, (self.side == RESERVATION_SIDE).astype(np.int64))
        pairs.judge(levels[0], meeting, self)
        for level in levels:
            narrow(level, meeting, own=self.tier == OWNER)


def _stages(
    both: pd.DataFrame, side: Integers, sharing: Sharing, scope: str, taking: int
) -> Iterator[_Stage]:
    """Yield the tiers of a scope in AWS's order; only usage of the `taking` side takes part."""
    is_there = (side == taking) | (side == RESERVATION_SIDE)
    if (side == taking).any():
        for tier in sharing.tiers:
            keys = match_keys(both, scope, sharing, tier)
            yield _Stage(scope, tier, np.where(is_there, keys, -1), side)


@dataclass
class _Pairs:
    """The allocations, and which of them could not be smaller or larger."""

    usage: Integers
    reservation: Integers
    scope: pd.Categorical[str]
    tier: pd.Categorical[str]
    amount: Integers
    is_firm: Flags

    def given(self, side: Integers, taking: int) -> Integers:
        """Return how much of each row passes over to usage of the `taking` side."""
        chosen = side[self.usage] == taking
        amount, both = self.amount[chosen], (self.usage[chosen], self.reservation[chosen])
        return sums(np.concatenate(both), np.tile(amount, 2), len(side))

    def judge(self, rows: Parts, meeting: Meeting, stage: _Stage) -> None:
        """Judge the allocations of a tier by what is left before it.

        All that passes over elsewhere goes by other usage or other reservations, so the rest of
        what passes over is this allocation's at least.
        """
        is_here = (self.scope == stage.scope) & (self.tier == stage.tier)
        chosen = np.flatnonzero(is_here & (stage.keys[self.usage] >= 0))
        usage, reservation = self.usage[chosen], self.reservation[chosen]
        key = meeting.keys[usage]
        least = rows.least[usage] + rows.least[reservation] - meeting.whole_most.max(axis=0)[key]
        most = np.minimum(rows.most[usage], rows.most[reservation])
        self.is_firm[chosen] = least >= np.minimum(most, meeting.given_most[key])


def _pairs(usage: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame) -> _Pairs:
    taker = _row_numbers(usage["usage_id"], allocations["usage_id"])
    giver = _row_numbers(active["reservation_id"], allocations["reservation_id"])
    return _Pairs(
        taker,
        giver + len(usage),
        pd.Categorical(active["scope"])[giver],
        pd.Categorical(allocations["tier"]),
        _quarters(allocations["units"]),
        np.zeros(len(allocations), dtype=bool),
    )


def _row_numbers(ids: pd.Series[str], named: pd.Series[str]) -> Integers:
    """Return at which row each named id stands; ids are unique, and each named one is there."""
    return pd.factorize(pd.concat([ids, named], ignore_index=True))[0][len(ids) :]


def _amounts(usage: pd.DataFrame, active: pd.DataFrame) -> Integers:
    """Return what each row of usage, then each reservation, has to cover or to give."""
    return _quarters(pd.concat([usage["units"], active["units"] * active["instance_count"]]))


def _quarters(units: pd.Series[float]) -> Integers:
    return np.rint(units.to_numpy(dtype="float64") * QUARTERS).astype(np.int64)


def _sides(usage: pd.DataFrame, active: pd.DataFrame) -> Integers:
    usage_sides = np.where(is_idle_slot(usage), SLOT_SIDE, USAGE_SIDE)
    return np.append(usage_sides, np.full(len(active), RESERVATION_SIDE)).astype(np.int64)


def _sided(keys: Integers, side: Integers) -> Integers:
    """Return keys that differ between sides; negative ones stay negative."""
    return np.where(keys < 0, -1, keys * 3 + side)


def _kinds(both: pd.DataFrame, side: Integers) -> Integers:
    """Number the rows that no rule can tell apart."""
    return _sided(tell_apart(both, [*_PLACE, "account_id", "scope"]), side)


def _pools(both: pd.DataFrame, side: Integers, kinds: Parts, sharing: Sharing) -> Integers:
    """Number what each account has in a pool; zonal reservations stay what they are."""
    keys = match_keys(both, REGIONAL, sharing, OWNER)
    return np.where(keys < 0, -1 - kinds.part, _sided(keys, side))
