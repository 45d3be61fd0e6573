"""Headlines: the few numbers of page one, of what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ri_report.report.formats import UNKNOWN, marked, number, percent, text_of
from ri_report.report.model import Kpi
from ri_report.report.seen import is_in, known
from ri_report.report.wording import UNLISTED, quantity
from ri_report.rules.basis import FIRM, basis_of_cover, basis_of_use
from ri_report.rules.expiry import HORIZONS_DAYS, ending_within
from ri_report.rules.zones import ZONE_MATCH_OTHER

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
        _utilization(analysis, targets.utilization, basis),
        _coverage(analysis, targets.coverage, basis),
        _unused(analysis, basis),
        _uncovered(analysis, basis),
        _expiring(analysis, as_of, basis),
    )
    found = _read_otherwise(analysis, found, basis.other_match)
    if basis.unread:
        found = tuple(_unread(kpi, basis.unread) for kpi in found)
    return (*(_judged(kpi, basis) for kpi in found), _accounts_read(basis))


def _unread(kpi: Kpi, why: str) -> Kpi:
    return replace(kpi, value=None, detail=why, basis="", otherwise=None, otherwise_by="")


def _read_otherwise(analysis: Analysis, kpis: tuple[Kpi, ...], by: str) -> tuple[Kpi, ...]:
    """Say beside each number that rests on use or cover what the other reading of zones gives."""
    found = {**_use_otherwise(analysis), **_cover_otherwise(analysis)}
    return tuple(
        replace(kpi, otherwise=found[kpi.name], otherwise_by=by)
        if kpi.value is not None and found.get(kpi.name, kpi.value) != kpi.value
        else kpi
        for kpi in kpis
    )


def otherwise_text(kpi: Kpi) -> str:
    """Return `88.9 % if zones matched by id`; "" where that reads as the value itself does."""
    value, other = text_of(kpi.value, kpi.kind), text_of(kpi.otherwise, kpi.kind)
    if kpi.otherwise is None or value == other:
        return ""
    return f"{other} if zones of other accounts matched by {kpi.otherwise_by}"


def _use_otherwise(analysis: Analysis) -> dict[str, float]:
    sure = known(analysis.utilization, "used_units")
    part, whole = _sum_otherwise(sure, "used_units"), sure["purchased_units"].sum()
    return {"utilization": _share(part, whole) or 0.0, "unused_units": whole - part}


def _cover_otherwise(analysis: Analysis) -> dict[str, float]:
    sure = known(analysis.covered, "covered_units")
    part, whole = _sum_otherwise(sure, "covered_units"), sure["units"].sum()
    return {"coverage": _share(part, whole) or 0.0, "uncovered_units": whole - part}


def _sum_otherwise(rows: pd.DataFrame, measure: str) -> float:
    """Add up the other reading's units of the rows that it changes, and the units of the rest."""
    return float(rows[ZONE_MATCH_OTHER.name].fillna(rows[measure]).sum())


def _judged(kpi: Kpi, basis: Basis) -> Kpi:
    caveat = basis.caveat
    if caveat or (kpi.target is not None and kpi.value is None):
        return replace(kpi, standing="unknown", caveat=caveat)
    if kpi.target is None or kpi.value is None:
        return kpi
    return replace(kpi, standing="good" if kpi.value >= kpi.target else "bad")


def _accounts_read(basis: Basis) -> Kpi:
    read, total = basis.accounts_read, basis.accounts_total
    is_all = read == total and basis.is_all_listed
    detail = "every account in scope was read" if is_all else f"{total - read:,} not in full"
    return Kpi(
        "accounts_read",
        "Accounts read",
        read,
        "count",
        detail if basis.is_all_listed else f"{detail}; without {UNLISTED}",
        whole=total,
        standing="good" if is_all else "bad",
        basis=FIRM,
    )


def _left_out(frame: pd.DataFrame, sure: pd.DataFrame, noun: str) -> str:
    count = len(frame) - len(sure)
    return f"; {count:,} {noun}{'' if count == 1 else 's'} left out, unknown" if count else ""


def _sum(values: pd.Series[float], *, is_all: bool) -> float | None:
    """Return the sum of what is known; of nothing it is 0 only where nothing is missing."""
    return float(values.sum()) if len(values) or is_all else None


def _utilization(analysis: Analysis, target: float, basis: Basis) -> Kpi:
    used = analysis.utilization
    sure = known(used, "used_units")
    part, whole = sure["used_units"].sum(), sure["purchased_units"].sum()
    made_of = basis_of_use(analysis, is_in(used["used_units"].notna()))
    detail = (
        f"{marked(number(part), made_of)} of {number(whole)} normalized units; "
        f"counted in instances {_used_instances(analysis, sure)}"
        if len(sure)
        else basis.nothing("use" if len(used) else "active reservations")
    )
    if idle := sure["idle_slot_units"].sum():
        share = marked(percent(idle / whole), made_of)
        detail += f"; {share} by idle slots of capacity reservations"
    detail += _left_out(used, sure, "reservation")
    value = _share(part, whole)
    made_of = made_of if value is not None else ""
    return Kpi("utilization", "Utilization", value, "ratio", detail, target=target, basis=made_of)


def _used_instances(analysis: Analysis, sure: pd.DataFrame) -> str:
    """Return the share of bought instances in use: firm where only one size has a choice."""
    size = sure["purchased_units"] / sure["instance_count"]
    share = (sure["used_units"] / size).sum() / sure["instance_count"].sum()
    weight = (1 / size).reindex(analysis.utilization.index, fill_value=0.0)
    return marked(percent(share), basis_of_use(analysis, weight))


def _coverage(analysis: Analysis, target: float, basis: Basis) -> Kpi:
    covered = analysis.covered
    sure = known(covered, "covered_units")
    part, whole = sure["covered_units"].sum(), sure["units"].sum()
    made_of = basis_of_cover(analysis, is_in(covered["covered_units"].notna()))
    detail = (
        f"{marked(number(part), made_of)} of {number(whole)} normalized units; "
        f"counted in instances {_covered_instances(analysis, sure)}"
        if len(sure)
        else basis.nothing("eligible instances running")
    )
    detail += _left_out(covered, sure, "instance")
    value = _share(part, whole)
    made_of = made_of if value is not None else ""
    return Kpi("coverage", "Coverage", value, "ratio", detail, target=target, basis=made_of)


def _covered_instances(analysis: Analysis, sure: pd.DataFrame) -> str:
    """Return the share of instances that is covered: firm where only one size has a choice."""
    share = (sure["covered_units"] / sure["units"]).sum() / len(sure)
    weight = (1 / sure["units"]).reindex(analysis.covered.index, fill_value=0.0)
    return marked(percent(share), basis_of_cover(analysis, weight))


def _unused(analysis: Analysis, basis: Basis) -> Kpi:
    used = analysis.utilization
    sure = known(used, "unused_units")
    detail = f"of {number(sure['purchased_units'].sum())} normalized units bought"
    detail += _left_out(used, sure, "reservation")
    value = _sum(sure["unused_units"], is_all=basis.is_all_seen and len(sure) == len(used))
    made_of = basis_of_use(analysis, is_in(used["unused_units"].notna()))
    if value is None:
        detail, made_of = basis.nothing("use"), ""
    return Kpi("unused_units", "Unused units", value, "units", detail, basis=made_of)


def _uncovered(analysis: Analysis, basis: Basis) -> Kpi:
    covered = analysis.covered
    sure = known(covered, "uncovered_units")
    value = _sum(sure["uncovered_units"], is_all=basis.is_all_seen)
    running = number(sure["units"].sum())
    detail = f"of {running} normalized units in {quantity(len(sure), 'eligible instance')}"
    detail += _left_out(covered, sure, "instance")
    made_of = basis_of_cover(analysis, is_in(covered["uncovered_units"].notna()))
    if value is None:
        detail, made_of = basis.nothing("cover"), ""
    return Kpi("uncovered_units", "Uncovered units", value, "units", detail, basis=made_of)


def _expiring(analysis: Analysis, as_of: datetime, basis: Basis) -> Kpi:
    used = analysis.utilization
    ending = {days: ending_within(used, days, as_of) for days in HORIZONS_DAYS}
    horizon = HORIZONS_DAYS[-1]
    within = " · ".join(f"{days} days: {len(rows):,}" for days, rows in ending.items())
    units = used_text(analysis, ending[horizon])
    detail = f"within {within}; {units} units now in use end within {horizon} days"
    is_known = len(used) > 0 or basis.is_all_bought_seen
    value = len(ending[horizon]) if is_known else None
    if value is None:
        detail = basis.nothing("active reservations")
    label, made_of = f"Expiring in {horizon} days", "" if value is None else FIRM
    return Kpi("expiring_reservations", label, value, "count", detail, basis=made_of)


def used_text(analysis: Analysis, rows: pd.DataFrame) -> str:
    """Return what is used of some rows of `utilization` as text; over an unknown it is unknown."""
    units = rows["used_units"]
    if units.isna().any():
        return UNKNOWN
    made_of = basis_of_use(analysis, is_in(analysis.utilization.index.to_series().isin(rows.index)))
    return marked(number(units.sum()), made_of)


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None
