"""Seen: the sums of what was read and is known, whose quotients the headlines are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ri_report.rules.basis import FIRM, basis_of_cover, basis_of_use

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.rules.analysis import Analysis

SEEN = "Of what was read"
SUMS_OF_COVER = ("running_units", "covered_units")
SUMS_OF_USE = ("purchased_units", "used_units")
KNOWN_BY = {
    "running_instances": "covered_units",
    "running_units": "covered_units",
    "purchased_units": "used_units",
}
"""By column the one that must be known for a row to count; any other must itself be known."""


@dataclass(frozen=True)
class Seen:
    """Sums by name of column, and whether each is firm; nothing where nothing is known."""

    sums: dict[str, float] = field(default_factory=dict)
    basis: dict[str, str] = field(default_factory=dict)


def seen(analysis: Analysis) -> Seen:
    """Return the sums of what is known, over instances and over reservations.

    An instance whose cover is unknown is in none of them, nor is a reservation whose use is.

    Args:
        analysis: What `unknown.blind` returns.
    """
    cover, use = _cover(analysis), _use(analysis)
    return Seen(cover.sums | use.sums, cover.basis | use.basis)


def known(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows in which a measure is known."""
    return frame[frame[measure].notna()]


def is_in(rows: pd.Series[bool]) -> pd.Series[float]:
    """Return the weight of each row in a sum over some rows."""
    return rows.astype("float64")


def _cover(analysis: Analysis) -> Seen:
    rows = analysis.covered
    sure = known(rows, "covered_units")
    if sure.empty:
        return Seen()
    by_unit = basis_of_cover(analysis, is_in(rows["covered_units"].notna()))
    weight = (1 / sure["units"]).reindex(rows.index, fill_value=0.0)
    by_instance = basis_of_cover(analysis, weight)
    told = {
        "running_instances": (len(sure), FIRM),
        "covered_instances": ((sure["covered_units"] / sure["units"]).sum(), by_instance),
        "uncovered_instances": ((sure["uncovered_units"] / sure["units"]).sum(), by_instance),
        "running_units": (sure["units"].sum(), FIRM),
        "covered_units": (sure["covered_units"].sum(), by_unit),
        "uncovered_units": (sure["uncovered_units"].sum(), by_unit),
    }
    return _told(told)


def _use(analysis: Analysis) -> Seen:
    rows = analysis.utilization
    sure = known(rows, "used_units")
    if sure.empty:
        return Seen()
    by_unit = basis_of_use(analysis, is_in(rows["used_units"].notna()))
    told = {
        "purchased_units": (sure["purchased_units"].sum(), FIRM),
        "used_units": (sure["used_units"].sum(), by_unit),
        "unused_units": (sure["unused_units"].sum(), by_unit),
    }
    return _told(told)


def _told(told: dict[str, tuple[float, str]]) -> Seen:
    sums = {name: float(value) for name, (value, _) in told.items()}
    return Seen(sums, {name: basis for name, (_, basis) in told.items()})
