"""Grounds: which of the reasons for unused units no split that AWS leaves open could change.

A reason tells what single rule kept units from work on instances that run uncovered (see module
`reasons`). So it rests on what is left of instances and of reservations, which may be open, and on
which of several reservations is matched with which of several kinds of instances once a rule is
relaxed, which this report decides. The bounds of module `bounds` hold for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.bounds import meet, narrow, parts, sums
from ri_report.rules.matching import comparable, takes_no_zonal, tell_apart
from ri_report.rules.reasons import NOTHING_RUNNING, relaxable, relaxed_keys
from ri_report.rules.sizes import QUARTERS
from ri_report.rules.wholes import WHOLE, open_groups

if TYPE_CHECKING:
    from ri_report.rules.bounds import Flags, Parts
    from ri_report.rules.matching import Integers
    from ri_report.rules.sharing import Sharing

_LINE = (
    "account_id",
    "region",
    "availability_zone",
    "availability_zone_id",
    "instance_type",
    "platform",
    "tenancy",
)


def firm_reasons(covered: pd.DataFrame, bought: pd.DataFrame, sharing: Sharing) -> pd.DataFrame:
    """Return for each reservation and reason whether its unused units are firm.

    Args:
        covered: What `coverage.cover` returns, with the `whole` of each row.
        bought: Frame `eligibility.ACTIVE` with the `unused_units` and the `whole` of each row.
        sharing: The preferences that the allocation followed.

    Returns:
        A column of flags for each reason, by reservation id.
    """
    kinds, least, most = _kinds(covered, bought, sharing)
    unused, units = _quarters(bought["unused_units"]), bought["units"] * bought["instance_count"]
    is_known = ~bought[WHOLE].duplicated(keep=False).to_numpy() & (bought[WHOLE] >= 0).to_numpy()
    rows = parts(
        np.arange(len(kinds) + len(bought)),
        np.append(most, np.where(is_known, unused, _quarters(units))),
    )
    rows.least = np.append(least, np.where(is_known, unused, 0))
    both = comparable(kinds, bought, sharing)
    found = _relax(rows, relaxable(both, sharing), len(kinds))
    ids = pd.Index(bought["reservation_id"])
    return pd.DataFrame({reason: flags[len(kinds) :] for reason, flags in found.items()}, ids)


def _relax(rows: Parts, both: pd.DataFrame, usage_count: int) -> dict[str, Flags]:
    """Relax the rules in their order; tell what of each row is known before and after each."""
    side = (np.arange(len(both)) >= usage_count).astype(np.int64)
    found: dict[str, Flags] = {}
    for reason, keys in relaxed_keys(both, usage_count):
        is_known = found.get(reason, rows.is_settled)
        narrow(rows, meet(rows, keys, side), own=False)
        found[reason] = is_known & rows.is_settled
    return {**found, NOTHING_RUNNING: rows.is_settled}


def _kinds(
    covered: pd.DataFrame, bought: pd.DataFrame, sharing: Sharing
) -> tuple[pd.DataFrame, Integers, Integers]:
    """Return one row of each kind of instances, and the least and the most uncovered of it."""
    both = comparable(covered, bought.iloc[:0], sharing)
    line = tell_apart(both, _LINE) * 2 + takes_no_zonal(covered, sharing).to_numpy()
    _, first, kind = np.unique(line, return_index=True, return_inverse=True)
    uncovered, units = (
        sums(kind, _quarters(covered[name]), len(first)) for name in ("uncovered_units", "units")
    )
    open_kinds = np.asarray(list(open_groups(pd.Series(kind), covered[WHOLE])), dtype=np.int64)
    is_open = np.isin(np.arange(len(first)), open_kinds)
    least, most = np.where(is_open, 0, uncovered), np.where(is_open, units, uncovered)
    may_wait = most > 0
    kinds = covered[[*_LINE, "capacity_reservation_id"]].iloc[first[may_wait]]
    return kinds, least[may_wait], most[may_wait]


def _quarters(units: pd.Series[float]) -> Integers:
    return np.rint(units.to_numpy(dtype="float64") * QUARTERS).astype(np.int64)
