"""Wholes: the parts of a fleet whose totals are firm, and which sums follow from them.

Every row of usage and every reservation is in one whole at most, the smallest part around it whose
total no split that AWS leaves open could change (see module `firmness`): the row itself where it is
firm; else all of its kind at its place, or of its account in the pool, where those are firm; else
what is left of its pool among all accounts that share in the end. What covers one row of a whole
rather than another is open. In a pool that compares zones in two ways (`matching.mixed_pools`) no
total is known, and so there is no whole. So a sum over rows is firm where each whole is in it with
one weight, as where it is in it entirely or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.matching import (
    REGIONAL,
    ZONAL,
    comparable,
    is_idle_slot,
    match_keys,
    mixed_pools,
    tell_apart,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from ri_report.rules.firmness import Firmness
    from ri_report.rules.matching import Integers
    from ri_report.rules.sharing import Sharing

WHOLE = "whole"
"""Name of the column that numbers them."""
NONE = -1
"""The number of what is in no part with a firm total."""

_PLACE = ["region", "availability_zone", "availability_zone_id", "instance_type"]
_POOL = ["account_id", "region", "pool", "platform", "tenancy"]


def wholes(
    usage: pd.DataFrame, active: pd.DataFrame, sure: Firmness, sharing: Sharing
) -> tuple[Integers, Integers]:
    """Return the whole of each row of usage, and of each reservation, numbered from 0.

    Args:
        usage: What the allocation was asked to cover; instances and idle slots are never in one
            whole.
        active: Frame `eligibility.ACTIVE`.
        sure: What `firmness` says of these.
        sharing: The preferences that the allocation followed.
    """
    both, at = comparable(usage, active), len(usage)
    widest = sharing.widest_tier
    is_mixed = mixed_pools(both, sharing)
    regional, zonal = (
        np.where(is_mixed, NONE, match_keys(both, scope, sharing, widest))
        for scope in (REGIONAL, ZONAL)
    )
    pooled = 2 * regional[:at] + is_idle_slot(usage).to_numpy()
    placed = _numbers(tell_apart(both[:at], _PLACE), pooled)
    bought = np.where(regional[at:] >= 0, 2 * regional[at:], 2 * zonal[at:] + 1)
    account = _numbers(tell_apart(both[at:], _POOL), bought)
    usage_levels = ((sure.usage, np.arange(at)), (sure.places, placed))
    bought_levels = (
        (sure.reservations, np.arange(len(active))),
        (sure.pooled_reservations, account),
    )
    return _smallest(usage_levels, pooled), _smallest(bought_levels, bought)


def _numbers(one: Integers, other: Integers) -> Integers:
    """Number the pairs of two columns."""
    pairs = pd.DataFrame({"one": one, "other": other})
    return np.asarray(pairs.groupby(["one", "other"], sort=False).ngroup(), dtype=np.int64)


def _smallest(
    levels: tuple[tuple[NDArray[np.bool_], Integers], ...], largest: Integers
) -> Integers:
    """Return the number of the first level that is firm, else the largest; levels never mix."""
    names = [*(number for _, number in levels), largest]
    flags = [*(flag for flag, _ in levels), largest >= 0]
    level = np.select(flags, list(range(len(flags))), NONE)
    number = np.select(flags, names, NONE)
    return np.where(level == NONE, NONE, _numbers(level, number)).astype(np.int64)


def is_fixed(weight: pd.Series[float], whole: pd.Series[int]) -> bool:
    """Return whether no open split could change the sum of the rows' units, each times its weight.

    Args:
        weight: Of each row: 0 where it is not in the sum.
        whole: The whole of each row.
    """
    spread = weight.groupby(whole.to_numpy()).agg(["min", "max"])
    same = spread["min"] == spread["max"]
    same &= (spread.index != NONE) | (spread["max"] == 0)
    return bool(same.all())


def open_groups(group: pd.Series[str], whole: pd.Series[int]) -> set[Hashable]:
    """Return the groups whose sums of units an open split could change.

    They are those that have only a part of some whole.

    Args:
        group: Of each row.
        whole: The whole of each row.
    """
    pairs = pd.DataFrame({"group": group.to_numpy(), "whole": whole.to_numpy()}).drop_duplicates()
    is_open = pairs["whole"].duplicated(keep=False) | (pairs["whole"] == NONE)
    return set(pairs.loc[is_open, "group"])
