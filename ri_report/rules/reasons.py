"""Reasons: why units of a reservation are unused, and why units of an instance are uncovered.

For a reservation the question is counterfactual: which single rule, if it did not exist, would
have put the unused units to work on instances that run uncovered? The rules are relaxed one at a
time, nearest miss first, and each relaxation takes its share of the unused units and of the
uncovered instances, so that the reasons of a reservation add up to its unused units.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocated_units, cut
from ri_report.rules.eligibility import INSTANCE_COLUMNS
from ri_report.rules.matching import RULES, ZONAL, arrange, comparable, match_keys, pack
from ri_report.rules.sizes import QUARTERS, families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ri_report.rules.matching import Integers
    from ri_report.rules.sharing import Sharing

NOTHING_RUNNING = "nothing_running"
NOT_ALL_READ = "not_all_read"
ZONE_UNKNOWN = "zone_unknown"
UNUSED_REASONS_TEXT = {
    "capacity_reservation": "A match runs uncovered inside a capacity reservation, which zonal"
    " reservations do not serve",
    ZONE_UNKNOWN: "A match runs uncovered, and whether in the same zone was not read",
    "wrong_zone": "The same type runs uncovered in another zone",
    "size_not_flexible": "Another size of the family runs uncovered; this reservation cannot flex",
    "sharing_off": "A match runs uncovered in an account that sharing does not reach",
    "platform": "The same type runs uncovered on another platform",
    "tenancy": "The same type runs uncovered with another tenancy",
    "region": "The same type, or of a size-flexible reservation another size of its family, runs"
    " uncovered in another region",
    NOTHING_RUNNING: "Nothing was seen running uncovered that it matches, or would match but for"
    " one rule",
    NOT_ALL_READ: "Not all was read that its use rests on: what its owner runs or holds idle",
}
UNCOVERED_REASONS_TEXT = {
    "no_reservation": "None of the active reservations that were seen matches it",
    "exhausted": "The reservations that match it are used up",
    "sharing_off": "A reservation that matches it, used or not, is in an account that sharing does"
    " not reach",
    "capacity_reservation": "It runs inside a capacity reservation, which a zonal reservation that"
    " would match it, used or not, does not serve",
    NOT_ALL_READ: "What its own account bought was not read, and comes first",
    ZONE_UNKNOWN: "Whether it is in the zone of a zonal reservation of its pool was not read",
}
UNUSED_REASONS = Frame(
    "unused_reasons",
    ("reservation_id", "reason"),
    (
        Column("reservation_id", "text", "Reservation"),
        Column("reason", "text", "What kept it from being used"),
        Column("unused_units", "units", "Unused normalized units for this reason", nullable=True),
    ),
)
UNCOVERED = Frame(
    "uncovered",
    ("instance_id",),
    (
        Column("instance_id", "text", "Instance not fully covered", "Instance"),
        *INSTANCE_COLUMNS,
        Column("running_units", "units", "Normalized units of the instance"),
        Column("covered_units", "units", "Of these, covered", nullable=True),
        Column("uncovered_units", "units", "Of these, not covered", nullable=True),
        Column("reason", "text", "Why it is not fully covered"),
        Column("name", "text", "Value of the tag Name"),
    ),
)

_NEAR_MISSES: tuple[tuple[str, frozenset[str], str], ...] = (
    ("capacity_reservation", frozenset({"scope"}), ""),
    ("wrong_zone", frozenset({"zone"}), ""),
    ("size_not_flexible", frozenset({"instance_type", "pool"}), "family"),
    ("sharing_off", frozenset({"circle"}), ""),
    ("platform", frozenset({"platform", "pool"}), "instance_type"),
    ("tenancy", frozenset({"tenancy", "pool"}), "instance_type"),
    ("region", frozenset({"region", "zone"}), ""),
)
"""Each reason, nearest miss first: which traits need not agree any more, and which must instead."""


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
    active = active.sort_values("reservation_id", ignore_index=True)
    kinds = _uncovered_kinds(covered)
    uncovered, unused = _quarters(kinds["uncovered_units"]), _unused(active, allocations)
    both = relaxable(comparable(kinds, active, sharing), sharing)
    found = [
        _relax(keys, uncovered, unused).assign(reason=reason)
        for reason, keys in relaxed_keys(both, len(kinds))
    ]
    rest = pd.DataFrame({"row": np.arange(len(active)), "quarters": unused})
    rows = pd.concat([*found, rest.assign(reason=NOTHING_RUNNING)], ignore_index=True)
    rows["reservation_id"] = active["reservation_id"].array[rows["row"].to_numpy()]
    sums = rows.groupby(list(UNUSED_REASONS.key), as_index=False)["quarters"].sum()
    sums["unused_units"] = sums["quarters"] / QUARTERS
    return UNUSED_REASONS.check(sums[sums["quarters"] > 0])


def _uncovered_kinds(covered: pd.DataFrame) -> pd.DataFrame:
    """Sum the uncovered units of instances that no rule can tell apart."""
    kind = [*(column.name for column in INSTANCE_COLUMNS), "capacity_reservation_id"]
    left = covered[covered["uncovered_units"] > 0]
    return left.groupby(kind, as_index=False)[["uncovered_units"]].sum()


def _unused(active: pd.DataFrame, allocations: pd.DataFrame) -> Integers:
    used = allocated_units(active["reservation_id"], allocations)
    return _quarters(active["units"] * active["instance_count"] - used)


def relaxable(both: pd.DataFrame, sharing: Sharing) -> pd.DataFrame:
    """Return what `matching.comparable` returns with all that rules without one trait compare."""
    family = families(both["instance_type"].astype("str")).astype("category")
    return arrange(both, sharing, sharing.widest_tier).assign(family=family)


def relaxed_keys(both: pd.DataFrame, usage_count: int) -> Iterator[tuple[str, Integers]]:
    """Yield each reason, nearest miss first, with the keys by which rows match but for its rule.

    A reason comes once for each scope; what is of another scope, or has no key, is negative.

    Args:
        both: What `relaxable` returns.
        usage_count: How many of its rows, the first ones, are usage.
    """
    is_usage = np.arange(len(both)) < usage_count
    yield from _keys_without_zone(both)
    for reason, dropped, instead in _NEAR_MISSES:
        for scope, rule in RULES.items():
            traits = [trait for trait in rule if trait not in dropped]
            keys = pack(both, [*traits, instead] if instead else traits)
            any_scope = is_usage & ("scope" in dropped)
            yield reason, np.where(any_scope | both["scope"].isin(["", scope]), keys, -1)


def _keys_without_zone(both: pd.DataFrame) -> Iterator[tuple[str, Integers]]:
    """Yield the keys of zonal reservations where the zone of one side is unknown.

    Within one account the names tell that the zones differ.
    """
    traits = [trait for trait in RULES[ZONAL] if trait not in ("circle", "zone")]
    is_usage, is_zonal, is_lost = both["scope"] == "", both["scope"] == ZONAL, both["zone"].isna()
    lost_reservations = is_usage | (is_zonal & is_lost)
    lost_usage = (is_usage & is_lost) | is_zonal
    for reason, trait in (("wrong_zone", "account_id"), ("zone_unknown", "circle")):
        keys = pack(both, [*traits, trait])
        for meeting in (lost_reservations, lost_usage):
            yield reason, np.where(meeting, keys, -1)


def _relax(keys: Integers, uncovered: Integers, unused: Integers) -> pd.DataFrame:
    """Match what is left by these keys; take it from both sides."""
    wanted, offered = keys[: len(uncovered)], keys[len(uncovered) :]
    taking, giving = _waiting(wanted, uncovered), _waiting(offered, unused)
    d, s, quarters = cut(wanted[taking], uncovered[taking], offered[giving], unused[giving])
    np.subtract.at(uncovered, taking[d], quarters)
    np.subtract.at(unused, giving[s], quarters)
    return pd.DataFrame({"row": giving[s], "quarters": quarters})


def _waiting(keys: Integers, left: Integers) -> Integers:
    rows = np.flatnonzero((left > 0) & (keys >= 0))
    return rows[np.argsort(keys[rows], kind="stable")]


def uncovered_instances(
    covered: pd.DataFrame, active: pd.DataFrame, sharing: Sharing
) -> pd.DataFrame:
    """Return frame `UNCOVERED`: each instance with units left to cover, largest first, and why.

    Args:
        covered: What `coverage.cover` returns.
        active: Frame `eligibility.ACTIVE`.
        sharing: The preferences that the allocation followed.
    """
    left = covered[covered["uncovered_units"] > 0].reset_index(drop=True)
    both = comparable(left, active, sharing)
    everywhere = replace(sharing, mode="open", deactivated_accounts=frozenset())
    inside_too = replace(sharing, zonal_in_capacity_reservations=True)
    applies = {
        "exhausted": _has_match(both, len(left), sharing),
        "sharing_off": _has_match(both, len(left), everywhere),
        "capacity_reservation": _has_match(
            comparable(left, active, inside_too), len(left), sharing
        ),
    }
    reason = np.select(list(applies.values()), list(applies), "no_reservation")
    rows = left.rename(columns={"usage_id": "instance_id", "units": "running_units"})
    rows["reason"] = pd.Series(reason, rows.index, dtype="str")
    return UNCOVERED.check(
        rows.sort_values(["uncovered_units", "instance_id"], ascending=[False, True])
    )


def _has_match(both: pd.DataFrame, usage_count: int, sharing: Sharing) -> NDArray[np.bool_]:
    found = np.zeros(usage_count, dtype=bool)
    for scope in RULES:
        for tier in sharing.tiers:
            keys = match_keys(both, scope, sharing, tier)
            wanted, offered = keys[:usage_count], keys[usage_count:]
            found |= (wanted >= 0) & np.isin(wanted, offered)
    return found


def _quarters(units: pd.Series[float]) -> Integers:
    return np.rint(units.to_numpy(dtype="float64") * QUARTERS).astype(np.int64)
