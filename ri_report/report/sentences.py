"""Sentences: what stands out, why, and what is due, in words that name their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report.report.formats import marked, number, percent
from ri_report.report.headlines import used_text
from ri_report.report.seen import is_in, known
from ri_report.rules.basis import CONVENTION, FIRM, basis_of_cover, basis_of_use
from ri_report.rules.expiry import HORIZONS_DAYS, ending_within
from ri_report.rules.reasons import UNCOVERED_REASONS_TEXT, UNUSED_REASONS_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

    from ri_report.report.completeness import Basis
    from ri_report.rules.analysis import Analysis

POOL = ["region", "pool", "platform"]
"""Whole pools, over both tenancies, so that their sums are firm where all is known."""


def sentences(analysis: Analysis, as_of: datetime, basis: Basis) -> tuple[str, ...]:
    """Return what stands out, why, and what is due, as sentences that name their numbers.

    Where not everything was read, each says so, and nothing is said of what is unknown.
    """
    if basis.unread:
        return (f"Nothing can be said about utilization and coverage: {basis.unread}.",)
    found = (
        _most_unused(analysis) or _all_used(analysis, basis),
        _most_uncovered(analysis) or _all_covered(analysis, basis),
        _due(analysis, as_of) or _nothing_due(analysis, basis),
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
    where = analysis.active[["reservation_id", *POOL]]
    rows = analysis.unused_reasons.merge(where, on="reservation_id", how="left", validate="m:1")
    top = _largest(rows, POOL, "unused_units")
    if top is None:
        return ""
    pools = analysis.utilization[["reservation_id"]].merge(where, how="left", validate="1:1")
    is_known = analysis.utilization["unused_units"].notna()
    made_of, whole = (
        basis_of_use(analysis, is_in(chosen)) for chosen in (is_known & _same(pools, top), is_known)
    )
    units = marked(number(top["unused_units"]), made_of)
    share = marked(percent(top["unused_units"] / rows["unused_units"].sum()), _both(made_of, whole))
    return (
        f"The largest block of unused units is {top['pool']} {top['platform']} in {top['region']}: "
        f"{units} units, {share} of all unused."
        f"{_why(rows[_same(rows, top)], 'unused_units', UNUSED_REASONS_TEXT)}"
    )


def _most_uncovered(analysis: Analysis) -> str:
    rows = analysis.uncovered.merge(
        analysis.covered[["usage_id", "pool"]].rename(columns={"usage_id": "instance_id"}),
        on="instance_id",
        how="left",
        validate="1:1",
    )
    top = _largest(rows, POOL, "uncovered_units")
    if top is None:
        return ""
    is_known = analysis.covered["uncovered_units"].notna()
    made_of, whole = (
        basis_of_cover(analysis, is_in(chosen))
        for chosen in (is_known & _same(analysis.covered, top), is_known)
    )
    units = marked(number(top["uncovered_units"]), made_of)
    share = marked(
        percent(top["uncovered_units"] / rows["uncovered_units"].sum()), _both(made_of, whole)
    )
    return (
        f"The largest block of uncovered usage is {top['pool']} {top['platform']} in "
        f"{top['region']}: {units} units, {share} of all uncovered."
        f"{_why(rows[_same(rows, top)], 'uncovered_units', UNCOVERED_REASONS_TEXT)}"
    )


def _same(rows: pd.DataFrame, top: dict[str, Any]) -> pd.Series[bool]:
    """Return which rows are of the pool, aligned."""
    return (rows[POOL] == [top[name] for name in POOL]).all(axis="columns")


def _both(one: str, other: str) -> str:
    return CONVENTION if CONVENTION in (one, other) else FIRM


def _why(rows: pd.DataFrame, measure: str, texts: Mapping[str, str]) -> str:
    """Return the reason for most of a pool; whether there are others is said, as it may be open."""
    top = _largest(rows, ["reason"], measure)
    if top is None:
        return ""
    lead = "" if (rows["reason"] == top["reason"]).all() else "Main reason: "
    return f" {lead}{texts[top['reason']]}."


def _due(analysis: Analysis, as_of: datetime) -> str:
    used = analysis.utilization
    soon = ending_within(used, HORIZONS_DAYS[0], as_of).sort_values(["end", "reservation_id"])
    if soon.empty:
        return ""
    first, units = soon.iloc[0], used_text(analysis, soon)
    one = "reservation ends" if len(soon) == 1 else "reservations end"
    return (
        f"{len(soon):,} {one} within {HORIZONS_DAYS[0]} days and with them the cover of {units} "
        f"units; the first is {first['instance_type']} in {first['region']} on "
        f"{first['end']:%Y-%m-%d}."
    )
