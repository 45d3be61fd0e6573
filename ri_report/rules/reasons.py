"""Reasons: why units of a reservation are unused, and why units of an instance are uncovered.

For a reservation the question is counterfactual: which single rule, if it did not exist, would
have put the unused units to work on instances that run uncovered? The rules are relaxed one at a
time, nearest miss first, and each relaxation takes its share of the unused units and of the
uncovered instances, so that the reasons of a reservation add up to its unused units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import REGIONAL, ZONAL, cut, match_keys
from ri_report.rules.eligibility import INSTANCE_COLUMNS
from ri_report.rules.sharing import ORGANIZATION, Sharing
from ri_report.rules.sizes import QUARTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING_RUNNING = "nothing_running"
UNUSED_REASONS_TEXT = {
    "wrong_zone": "The same type runs uncovered in another zone",
    "size_not_flexible": "Another size of the family runs uncovered; this reservation cannot flex",
    "sharing_off": "A match runs uncovered in an account that sharing does not reach",
    "platform": "The same type runs uncovered on another platform",
    "tenancy": "The same type runs uncovered with another tenancy",
    "region": "The same type runs uncovered in another region",
    NOTHING_RUNNING: "Nothing else that it could match runs uncovered",
}
UNCOVERED_REASONS_TEXT = {
    "no_reservation": "No active reservation matches it",
    "exhausted": "Every reservation that matches it is used up",
    "sharing_off": "A reservation that matches it is in an account that sharing does not reach",
}
UNUSED_REASONS = Frame(
    "unused_reasons",
    ("reservation_id", "reason"),
    (
        Column("reservation_id", "text", "Reservation"),
        Column("reason", "text", "What kept it from being used"),
        Column("unused_units", "units", "Unused normalized units for this reason"),
    ),
)
UNCOVERED = Frame(
    "uncovered",
    ("instance_id",),
    (
        Column("instance_id", "text", "Instance not fully covered", "Instance"),
        *INSTANCE_COLUMNS,
        Column("running_units", "units", "Normalized units of the instance"),
        Column("covered_units", "units", "Of these, covered"),
        Column("uncovered_units", "units", "Of these, not covered"),
        Column("reason", "text", "Why it is not fully covered"),
        Column("name", "text", "Value of the tag Name"),
    ),
)

_NEAR_MISSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("wrong_zone", ("circle", "region", "instance_type", "platform", "tenancy")),
    ("size_not_flexible", ("circle", "region", "family", "platform", "tenancy")),
    ("sharing_off", ("region", "pool", "platform", "tenancy")),
    ("platform", ("region", "instance_type", "tenancy")),
    ("tenancy", ("region", "instance_type", "platform")),
    ("region", ("pool", "platform", "tenancy")),
)
"""Each reason and what still has to agree when its rule is relaxed, nearest miss first."""


def unused_reasons(
    covered: pd.DataFrame, active: pd.DataFrame, allocations: pd.DataFrame, sharing: Sharing
) -> pd.DataFrame:
    """Return frame `UNUSED_REASONS`; per reservation the units add up to its unused units.

    Args:
        covered: What `coverage.cover` returns.
        active: Frame `eligibility.ACTIVE`.
        allocations: Frame `allocation.ALLOCATIONS`.
        sharing: The preferences that the allocation followed.
    """
    covered, active = covered.sort_values("usage_id"), active.sort_values("reservation_id")
    used = active["reservation_id"].map(allocations.groupby("reservation_id")["units"].sum())
    purchased = active["units"] * active["instance_count"]
    unused = _quarters(purchased - used.fillna(0.0))
    uncovered = _quarters(covered["uncovered_units"])
    ours, theirs = _comparable(covered, sharing), _comparable(active, sharing)
    found = []
    for reason, alike in _NEAR_MISSES:
        taken = _relax(ours, theirs, alike, (uncovered, unused))
        found.append(taken.assign(reason=reason))
    rest = pd.DataFrame(
        {"row": np.arange(len(active)), "quarters": unused, "reason": NOTHING_RUNNING}
    )
    rows = pd.concat([*found, rest[rest["quarters"] > 0]], ignore_index=True)
    rows["reservation_id"] = active["reservation_id"].to_numpy()[rows["row"].astype("int64")]
    sums = rows.groupby(list(UNUSED_REASONS.key), as_index=False)["quarters"].sum()
    return UNUSED_REASONS.check(sums.assign(unused_units=sums["quarters"] / QUARTERS))


def uncovered_instances(
    covered: pd.DataFrame, active: pd.DataFrame, sharing: Sharing
) -> pd.DataFrame:
    """Return frame `UNCOVERED`: each instance with units left to cover, largest first, and why."""
    left = covered[covered["uncovered_units"] > 0].reset_index(drop=True)
    everyone = Sharing(zonal_match=sharing.zonal_match)
    reachable = _has_match(left, active, sharing)
    anywhere = _has_match(left, active, everyone)
    reason = np.select([reachable, anywhere], ["exhausted", "sharing_off"], "no_reservation")
    rows = left.rename(columns={"usage_id": "instance_id", "units": "running_units"})
    rows = rows.assign(reason=pd.Series(reason, dtype="str"))
    return UNCOVERED.check(
        rows.sort_values(["uncovered_units", "instance_id"], ascending=[False, True])
    )


def _has_match(usage: pd.DataFrame, active: pd.DataFrame, sharing: Sharing) -> np.ndarray:
    found = np.zeros(len(usage), dtype=bool)
    for scope in (ZONAL, REGIONAL):
        for tier in sharing.tiers:
            wanted, offered = match_keys(
                usage.assign(period=""), active.assign(period=""), scope, sharing, tier
            )
            found |= np.isin(wanted, offered[offered >= 0])
    return found


def _quarters(units: pd.Series[float]) -> np.ndarray:
    return (units * QUARTERS).round().to_numpy(dtype="int64", copy=True)


def _comparable(frame: pd.DataFrame, sharing: Sharing) -> pd.DataFrame:
    return frame.assign(
        circle=sharing.circles(frame["account_id"], ORGANIZATION),
        family=frame["instance_type"].str.partition(".")[0],
    ).reset_index(drop=True)


def _relax(
    usage: pd.DataFrame,
    active: pd.DataFrame,
    alike: Sequence[str],
    left: tuple[np.ndarray, np.ndarray],
) -> pd.DataFrame:
    """Match what is left by these columns alone; take it from both sides."""
    uncovered, unused = left
    both = pd.concat([usage[list(alike)], active[list(alike)]], ignore_index=True)
    numbers = both.groupby(list(alike), sort=False).ngroup().to_numpy()
    wanted, offered = numbers[: len(usage)], numbers[len(usage) :]
    d_rows, s_rows = _waiting(wanted, uncovered), _waiting(offered, unused)
    d, s, quarters = cut(wanted[d_rows], uncovered[d_rows], offered[s_rows], unused[s_rows])
    np.subtract.at(uncovered, d_rows[d], quarters)
    np.subtract.at(unused, s_rows[s], quarters)
    return pd.DataFrame({"row": s_rows[s], "quarters": quarters})


def _waiting(keys: np.ndarray, left: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(left > 0)
    return rows[np.argsort(keys[rows], kind="stable")]
