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
    both, at = comparable(usage, active, sharing), len(usage)
    is_mixed = mixed_pools(both, sharing)
    regional, zonal = (
        np.where(is_mixed, NONE, match_keys(both, scope, sharing, sharing.widest_tier))
        for scope in (REGIONAL, ZONAL)
    )
    is_zonal = (active["scope"] == ZONAL).to_numpy()
    pooled = _apart(regional[:at], is_idle_slot(usage).to_numpy())
    bought = _apart(np.where(is_zonal, zonal[at:], regional[at:]), is_zonal)
    placed = _apart(tell_apart(both[:at], _PLACE), pooled)
    account = _apart(tell_apart(both[at:], _POOL), bought)
    usage_levels = ((sure.usage, np.arange(at)), (sure.places, placed), (pooled >= 0, pooled))
    bought_levels = (
        (sure.reservations, np.arange(len(active))),
        (sure.pooled_reservations, account),
        (bought >= 0, bought),
    )
    return _smallest(usage_levels), _smallest(bought_levels)


def _apart(numbers: Integers, kinds: Integers | NDArray[np.bool_]) -> Integers:
    """Number anew, equal ones of different kinds apart; what has none, NONE, still has none."""
    pairs = pd.DataFrame({"number": numbers, "kind": kinds})
    return np.where(numbers == NONE, NONE, pairs.groupby(["number", "kind"]).ngroup())


def _smallest(levels: tuple[tuple[NDArray[np.bool_], Integers], ...]) -> Integers:
    """Return the number at the first level whose flag is set, NONE without; levels never mix."""
    flags, numbers = zip(*levels, strict=True)
    return _apart(np.select(flags, numbers, NONE), np.select(flags, range(len(flags))))


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
