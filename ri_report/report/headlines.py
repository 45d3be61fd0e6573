"""Headlines: the few numbers of page one, of what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ri_report.report.formats import UNKNOWN, number, percent
from ri_report.report.model import Kpi
from ri_report.rules.expiry import HORIZONS_DAYS, ending_within

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from ri_report.report.completeness import Basis
    from ri_report.report.model import Targets
    from ri_report.rules.analysis import Analysis


def headlines(
    analysis: Analysis, as_of: datetime, targets: Targets, basis: Basis
) -> tuple[Kpi, ...]:
    """Return the headline numbers in reading order, of what is known.

    What is unknown is in no sum, neither above nor below a line; where nothing is known, neither
    is the number. With a caveat no number is judged.

    Args:
        analysis: What `unknown.blind` returns.
        as_of: Aware UTC moment of observation.
        targets: What utilization and coverage are held against.
        basis: What was read.
    """
    found: tuple[Kpi, ...] = (
        _utilization(analysis.utilization, targets.utilization, basis),
        _coverage(analysis.covered, targets.coverage, basis),
        _idle(analysis.utilization, basis),
        _uncovered(analysis.covered, basis),
        _expiring(analysis.utilization, as_of, basis),
    )
    if basis.unread:
        found = tuple(replace(kpi, value=None, detail=basis.unread) for kpi in found)
    return (*(_judged(kpi, basis) for kpi in found), _accounts_read(basis))


def _judged(kpi: Kpi, basis: Basis) -> Kpi:
    caveat = basis.caveat
    if caveat or (kpi.target is not None and kpi.value is None):
        return replace(kpi, standing="unknown", caveat=caveat)
    if kpi.target is None or kpi.value is None:
        return kpi
    return replace(kpi, standing="good" if kpi.value >= kpi.target else "bad")


def _accounts_read(basis: Basis) -> Kpi:
    read, total = basis.accounts_read, basis.accounts_total
    return Kpi(
        "accounts_read",
        "Accounts read",
        read,
        "count",
        "every account in scope was read" if read == total else f"{total - read:,} not in full",
        whole=total,
        standing="good" if read == total else "bad",
    )


def known(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows in which a measure is known."""
    return frame[frame[measure].notna()]


def _left_out(frame: pd.DataFrame, sure: pd.DataFrame, noun: str) -> str:
    count = len(frame) - len(sure)
    return f"; {count:,} {noun}{'' if count == 1 else 's'} left out, unknown" if count else ""


def _sum(values: pd.Series[float], *, is_all: bool) -> float | None:
    """Return the sum of what is known; of nothing it is 0 only where nothing is missing."""
    return float(values.sum()) if len(values) or is_all else None


def _utilization(used: pd.DataFrame, target: float, basis: Basis) -> Kpi:
    sure = known(used, "used_units")
    bought, units = sure["instance_count"].sum(), sure["purchased_units"].sum()
    size = sure["purchased_units"] / sure["instance_count"]
    instances = (sure["used_units"] / size).sum()
    detail = (
        f"{number(sure['used_units'].sum())} of {number(units)} normalized units; "
        f"counted in instances {percent(instances / bought)}"
        if bought
        else basis.nothing("active reservations")
    )
    if idle := sure["idle_slot_units"].sum():
        detail += f"; {percent(idle / units)} by idle slots of capacity reservations"
    detail += _left_out(used, sure, "reservation")
    value = _share(sure["used_units"].sum(), units)
    return Kpi("utilization", "Utilization", value, "ratio", detail, target=target)


def _coverage(covered: pd.DataFrame, target: float, basis: Basis) -> Kpi:
    sure = known(covered, "covered_units")
    running = sure["units"].sum()
    instances = (sure["covered_units"] / sure["units"]).sum()
    detail = (
        f"{number(sure['covered_units'].sum())} of {number(running)} normalized units; "
        f"counted in instances {percent(instances / len(sure))}"
        if len(sure)
        else basis.nothing("eligible instances running")
    )
    detail += _left_out(covered, sure, "instance")
    value = _share(sure["covered_units"].sum(), running)
    return Kpi("coverage", "Coverage", value, "ratio", detail, target=target)


def _idle(used: pd.DataFrame, basis: Basis) -> Kpi:
    sure = known(used, "unused_units")
    unused = sure[sure["unused_units"] > 0]
    wholly = int((unused["used_units"] == 0).sum())
    partly = len(unused) - wholly
    detail = f"in {len(unused):,} reservations: {wholly:,} idle, {partly:,} partly used"
    detail += _left_out(used, sure, "reservation")
    value = _sum(sure["unused_units"], is_all=basis.is_all_seen)
    if value is None:
        detail = basis.nothing("use")
    return Kpi("unused_units", "Unused units", value, "units", detail)


def _uncovered(covered: pd.DataFrame, basis: Basis) -> Kpi:
    sure = known(covered, "uncovered_units")
    value = _sum(sure["uncovered_units"] / sure["units"], is_all=basis.is_all_seen)
    units = number(sure["uncovered_units"].sum())
    detail = f"of {len(sure):,} eligible, {units} normalized units; partly covered ones pro rata"
    detail += _left_out(covered, sure, "instance")
    if value is None:
        detail = basis.nothing("cover")
    return Kpi("uncovered_instances", "Uncovered instances", value, "units", detail)


def _expiring(used: pd.DataFrame, as_of: datetime, basis: Basis) -> Kpi:
    ending = {days: ending_within(used, days, as_of) for days in HORIZONS_DAYS}
    horizon = HORIZONS_DAYS[-1]
    within = " · ".join(f"{days} days: {len(rows):,}" for days, rows in ending.items())
    units = units_text(ending[horizon]["used_units"])
    detail = f"within {within}; {units} units now in use end within {horizon} days"
    is_known = len(used) > 0 or basis.is_all_bought_seen
    value = len(ending[horizon]) if is_known else None
    if value is None:
        detail = basis.nothing("active reservations")
    label = f"Expiring in {horizon} days"
    return Kpi("expiring_reservations", label, value, "count", detail)


def units_text(values: pd.Series[float]) -> str:
    """Return a sum as text; over an unknown value it is unknown."""
    return UNKNOWN if values.isna().any() else number(values.sum())


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None
