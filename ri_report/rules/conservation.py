"""Conservation: what must hold between the frames of an analysis, whatever the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.errors import IntegrityError

if TYPE_CHECKING:
    from ri_report.rules.analysis import Analysis

TOLERANCE_UNITS = 1e-6
"""Sums are of quarter units, exact in binary; the tolerance is for fractional hours."""


def check_conservation(analysis: Analysis) -> None:
    """Refuse an analysis that contradicts itself.

    Covered units equal used units; the sums by place, account and pool equal the total; nothing
    is covered beyond its size or used beyond what was bought; lent equals borrowed; the reasons
    for unused units add up to them.

    Raises:
        IntegrityError: names the two sums that differ.
    """
    covered, used = analysis.covered["covered_units"], analysis.utilization["used_units"]
    pools, reasons = analysis.pools, analysis.unused_reasons["unused_units"]
    total = float(covered.sum())
    for what, value in {
        "used by reservations": used.sum(),
        "covered by place": analysis.coverage["covered_units"].sum(),
        "covered by account": analysis.coverage_by_account["covered_units"].sum(),
        "covered by pool": pools["covered_units"].sum(),
        "used by pool": pools["used_units"].sum(),
        "allocated": analysis.allocations["units"].sum(),
    }.items():
        _agree("covered", total, what, float(value))
    _agree(
        "lent", float(pools["lent_units"].sum()), "borrowed", float(pools["borrowed_units"].sum())
    )
    unused = float(analysis.utilization["unused_units"].sum())
    _agree("unused", unused, "unused by reason", float(reasons.sum()))
    for frame, column in (
        (analysis.covered, "uncovered_units"),
        (analysis.utilization, "unused_units"),
    ):
        if (frame[column] < -TOLERANCE_UNITS).any():
            raise IntegrityError(f"{column} is below zero: more was given than there is; report it")


def _agree(what: str, left: float, other: str, right: float) -> None:
    if abs(left - right) > TOLERANCE_UNITS:
        raise IntegrityError(
            f"units {what} are {left}, units {other} are {right}: the numbers contradict each other"
            " and no report is written; keep the snapshot and report this as a bug"
        )
