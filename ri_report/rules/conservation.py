"""Conservation: what must hold between the frames of an analysis, whatever the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ri_report.rules.analysis import Analysis

TOLERANCE_UNITS = 1e-6
"""Sums are of quarter units, exact in binary; the tolerance is for fractional hours."""


def check_conservation(analysis: Analysis) -> None:
    """Refuse an analysis that contradicts itself.

    Covered units of instances and of idle slots equal used units; the sums by place, account and
    pool equal the total; nothing is covered beyond its size or used beyond what was bought; lent
    equals borrowed; the reasons for unused units add up to them.

    Raises:
        IntegrityError: names the two sums that differ.
    """
    covered, used = analysis.covered["covered_units"], analysis.utilization["used_units"]
    pools, reasons = analysis.pools, analysis.unused_reasons["unused_units"]
    total = float(covered.sum())
    idle = float(analysis.capacity_reservations["covered_idle_units"].sum())
    _agree_all(
        "covered",
        total,
        {
            "covered by place": analysis.coverage["covered_units"],
            "covered by account": analysis.coverage_by_account["covered_units"],
            "covered by pool": pools["covered_units"],
        },
    )
    _agree_all(
        "covered of idle slots",
        idle,
        {
            "used by idle slots": analysis.utilization["idle_slot_units"],
            "covered of idle slots by pool": pools["covered_idle_units"],
        },
    )
    _agree_all(
        "covered with idle slots",
        total + idle,
        {
            "used by reservations": used,
            "used by pool": pools["used_units"],
            "allocated": analysis.allocations["units"],
        },
    )
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


def _agree_all(what: str, total: float, others: Mapping[str, pd.Series[float]]) -> None:
    for other, units in others.items():
        _agree(what, total, other, float(units.sum()))


def _agree(what: str, left: float, other: str, right: float) -> None:
    if abs(left - right) > TOLERANCE_UNITS:
        raise IntegrityError(
            f"units {what} are {left}, units {other} are {right}: the numbers contradict each other"
            " and no report is written; keep the snapshot and report this as a bug"
        )
