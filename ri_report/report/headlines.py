"""Headlines: the few numbers of page one, and the three sentences beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ri_report.report.formats import number, percent
from ri_report.report.model import Kpi, Standing
from ri_report.rules.expiry import HORIZONS_DAYS, ending_within
from ri_report.rules.reasons import UNCOVERED_REASONS_TEXT, UNUSED_REASONS_TEXT

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from ri_report.report.model import Targets
    from ri_report.rules.analysis import Analysis


@dataclass(frozen=True)
class Basis:
    """What the headlines rest on.

    Attributes:
        accounts_read: Active accounts in scope of which everything was read.
        accounts_total: Active accounts in scope.
        instances: Whether any list of instances was read.
        reservations: Whether any list of reservations was read.
    """

    accounts_read: int
    accounts_total: int
    instances: bool = True
    reservations: bool = True

    @property
    def caveat(self) -> str:
        """What must stand beside a number that does not rest on everything; "" if it does."""
        if self.accounts_read == self.accounts_total:
            return ""
        return f"Of what was read: {self.accounts_read:,} of {self.accounts_total:,} accounts"

    @property
    def unread(self) -> str:
        """Of what no list at all was read, without which no ratio means anything; "" if none."""
        if not self.reservations:
            return "no list of reservations was read"
        return "" if self.instances else "no list of instances was read"


def headlines(
    analysis: Analysis, as_of: datetime, targets: Targets, basis: Basis
) -> tuple[Kpi, ...]:
    """Return the headline numbers in reading order; unknown where nothing of a kind was read.

    Args:
        analysis: What the rules made of the inventory.
        as_of: Aware UTC moment of observation.
        targets: What utilization and coverage are held against.
        basis: What was read.
    """
    caveat = basis.caveat
    found: tuple[Kpi, ...] = (
        _utilization(analysis.utilization, targets.utilization, caveat),
        _coverage(analysis.covered, targets.coverage, caveat),
        _idle(analysis.utilization, caveat),
        _uncovered(analysis, caveat),
        _expiring(analysis.utilization, as_of, caveat),
    )
    if basis.unread:
        found = tuple(
            replace(k, value=None, standing="unknown", detail=basis.unread) for k in found
        )
    return (*found, _accounts_read(basis))


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


def sentences(analysis: Analysis, as_of: datetime, basis: Basis) -> tuple[str, ...]:
    """Return what stands out, why, and what is due, as sentences that name their numbers."""
    if basis.unread:
        return (f"Nothing can be said about utilization and coverage: {basis.unread}.",)
    read = " that was read" if basis.caveat else ""
    found = (
        _most_unused(analysis) or f"Every unit of every active reservation{read} is in use.",
        _most_uncovered(analysis)
        or (f"Every eligible instance{read} is covered in full." if len(analysis.covered) else ""),
        _due(analysis.utilization, as_of)
        or f"No reservation{read} ends within {HORIZONS_DAYS[0]} days.",
    )
    return tuple(sentence for sentence in found if sentence)


def _utilization(used: pd.DataFrame, target: float, caveat: str) -> Kpi:
    bought, units = used["instance_count"].sum(), used["purchased_units"].sum()
    size = used["purchased_units"] / used["instance_count"]
    instances = (used["used_units"] / size).sum()
    value = _share(used["used_units"].sum(), units)
    detail = (
        f"{number(used['used_units'].sum())} of {number(units)} normalized units; "
        f"counted in instances {percent(instances / bought)}"
        if bought
        else "no active reservations"
    )
    if idle := used["idle_slot_units"].sum():
        detail += f"; {percent(idle / units)} by idle slots of capacity reservations"
    standing = _standing(value, target, caveat)
    return Kpi("utilization", "Utilization", value, "ratio", detail, None, target, standing, caveat)


def _coverage(covered: pd.DataFrame, target: float, caveat: str) -> Kpi:
    running = covered["units"].sum()
    instances = (covered["covered_units"] / covered["units"]).sum()
    value = _share(covered["covered_units"].sum(), running)
    detail = (
        f"{number(covered['covered_units'].sum())} of {number(running)} normalized units; "
        f"counted in instances {percent(instances / len(covered))}"
        if len(covered)
        else "no eligible instances running"
    )
    standing = _standing(value, target, caveat)
    return Kpi("coverage", "Coverage", value, "ratio", detail, None, target, standing, caveat)


def _idle(used: pd.DataFrame, caveat: str) -> Kpi:
    unused = used[used["unused_units"] > 0]
    wholly = int((unused["used_units"] == 0).sum())
    partly = len(unused) - wholly
    detail = f"in {len(unused):,} reservations: {wholly:,} idle, {partly:,} partly used"
    value = float(unused["unused_units"].sum())
    return Kpi("unused_units", "Unused units", value, "units", detail, caveat=caveat)


def _uncovered(analysis: Analysis, caveat: str) -> Kpi:
    covered = analysis.covered
    value = float((covered["uncovered_units"] / covered["units"]).sum())
    units = number(covered["uncovered_units"].sum())
    detail = f"of {len(covered):,} eligible, {units} normalized units; partly covered ones pro rata"
    return Kpi("uncovered_instances", "Uncovered instances", value, "units", detail, caveat=caveat)


def _expiring(used: pd.DataFrame, as_of: datetime, caveat: str) -> Kpi:
    ending = {days: ending_within(used, days, as_of) for days in HORIZONS_DAYS}
    horizon = HORIZONS_DAYS[-1]
    within = " · ".join(f"{days} days: {len(rows):,}" for days, rows in ending.items())
    units = number(ending[horizon]["used_units"].sum())
    detail = f"within {within}; {units} units now in use end within {horizon} days"
    return Kpi(
        "expiring_reservations",
        f"Expiring in {horizon} days",
        len(ending[horizon]),
        "count",
        detail,
        caveat=caveat,
    )


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def _standing(value: float | None, target: float, caveat: str) -> Standing:
    if value is None or caveat:
        return "unknown"
    return "good" if value >= target else "bad"


def _largest(frame: pd.DataFrame, by: list[str], measure: str) -> dict[str, Any] | None:
    """Return the group with the largest sum, or None where nothing is above 0."""
    sums = frame.groupby(by, as_index=False)[measure].sum()
    sums = sums[sums[measure] > 0].sort_values([measure, *by], ascending=[False] + [True] * len(by))
    return None if sums.empty else sums.iloc[0].to_dict()


def _most_unused(analysis: Analysis) -> str:
    where = analysis.active[["reservation_id", "region", "pool", "platform"]]
    rows = analysis.unused_reasons.merge(where, on="reservation_id", how="left", validate="m:1")
    top = _largest(rows, ["region", "pool", "platform", "reason"], "unused_units")
    if top is None:
        return ""
    share = percent(top["unused_units"] / rows["unused_units"].sum())
    why = UNUSED_REASONS_TEXT[top["reason"]]
    return (
        f"The largest block of unused units is {top['pool']} {top['platform']} in {top['region']}: "
        f"{number(top['unused_units'])} units, {share} of all unused. {why}."
    )


def _most_uncovered(analysis: Analysis) -> str:
    rows = analysis.uncovered.merge(
        analysis.covered[["usage_id", "pool"]].rename(columns={"usage_id": "instance_id"}),
        on="instance_id",
        how="left",
        validate="1:1",
    )
    top = _largest(rows, ["region", "pool", "platform", "reason"], "uncovered_units")
    if top is None:
        return ""
    share = percent(top["uncovered_units"] / rows["uncovered_units"].sum())
    why = UNCOVERED_REASONS_TEXT[top["reason"]]
    return (
        f"The largest block of uncovered usage is {top['pool']} {top['platform']} in "
        f"{top['region']}: {number(top['uncovered_units'])} units, {share} of all uncovered. {why}."
    )


def _due(used: pd.DataFrame, as_of: datetime) -> str:
    soon = ending_within(used, HORIZONS_DAYS[0], as_of).sort_values(["end", "reservation_id"])
    if soon.empty:
        return ""
    first, units = soon.iloc[0], number(soon["used_units"].sum())
    one = "reservation ends" if len(soon) == 1 else "reservations end"
    return (
        f"{len(soon):,} {one} within {HORIZONS_DAYS[0]} days and with them the cover of {units} "
        f"units; the first is {first['instance_type']} in {first['region']} on "
        f"{first['end']:%Y-%m-%d}."
    )
