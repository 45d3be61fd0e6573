"""Sentences: what stands out, why, and what is due, in words that name their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report.report.formats import number, percent
from ri_report.report.headlines import known, units_text
from ri_report.rules.expiry import HORIZONS_DAYS, ending_within
from ri_report.rules.reasons import UNCOVERED_REASONS_TEXT, UNUSED_REASONS_TEXT

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from ri_report.report.completeness import Basis
    from ri_report.rules.analysis import Analysis


def sentences(analysis: Analysis, as_of: datetime, basis: Basis) -> tuple[str, ...]:
    """Return what stands out, why, and what is due, as sentences that name their numbers.

    Where not everything was read, each says so, and nothing is said of what is unknown.
    """
    if basis.unread:
        return (f"Nothing can be said about utilization and coverage: {basis.unread}.",)
    found = (
        _most_unused(analysis) or _all_used(analysis, basis),
        _most_uncovered(analysis) or _all_covered(analysis, basis),
        _due(analysis.utilization, as_of) or _nothing_due(analysis, basis),
    )
    return tuple(_hedged(sentence, basis) for sentence in found if sentence)


def _hedged(sentence: str, basis: Basis) -> str:
    if not basis.caveat:
        return sentence
    first = sentence if sentence[:1].isdigit() else sentence[:1].lower() + sentence[1:]
    return f"Of what was read, {first}"


def _all_used(analysis: Analysis, basis: Basis) -> str:
    if not basis.caveat:
        return "Every unit of every active reservation is in use."
    if not len(known(analysis.utilization, "used_units")):
        return ""
    return "all purchased units whose use is known are in use."


def _all_covered(analysis: Analysis, basis: Basis) -> str:
    if not len(known(analysis.covered, "covered_units")):
        return ""
    if not basis.caveat:
        return "Every eligible instance is covered in full."
    return "all eligible instances whose cover is known are covered in full."


def _nothing_due(analysis: Analysis, basis: Basis) -> str:
    if not basis.caveat:
        return f"No reservation ends within {HORIZONS_DAYS[0]} days."
    if not len(analysis.utilization):
        return ""
    return f"nothing ends within {HORIZONS_DAYS[0]} days."


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
    first, units = soon.iloc[0], units_text(soon["used_units"])
    one = "reservation ends" if len(soon) == 1 else "reservations end"
    return (
        f"{len(soon):,} {one} within {HORIZONS_DAYS[0]} days and with them the cover of {units} "
        f"units; the first is {first['instance_type']} in {first['region']} on "
        f"{first['end']:%Y-%m-%d}."
    )
