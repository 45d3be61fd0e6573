"""Coverage: how much of what runs is covered by reservations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocated_units
from ri_report.rules.eligibility import INSTANCE_COLUMNS
from ri_report.rules.sizes import factor_bases

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

PLACE = ("region", "availability_zone", "availability_zone_id")
PRODUCT = ("instance_type", "platform", "tenancy")

MEASURES = (
    Column("running_instances", "count", "Eligible On-Demand instances running", nullable=True),
    Column(
        "covered_instances",
        "units",
        "Covered units / normalization factor; fractional",
        nullable=True,
    ),
    Column("uncovered_instances", "units", "Running - covered", nullable=True),
    Column("running_units", "units", "Normalized units running", nullable=True),
    Column("covered_units", "units", "Normalized units covered by reservations", nullable=True),
    Column(
        "coverage_ratio",
        "ratio",
        "Covered units / running units",
        "Coverage",
        nullable=True,
        ratio_of=("covered_units", "running_units"),
    ),
)
_BY_NAME = {column.name: column for column in INSTANCE_COLUMNS}
_KEY_COLUMNS = tuple(_BY_NAME[name] for name in (*PLACE, *PRODUCT))
FACTOR_BASIS = Column(
    "factor_basis",
    "text",
    "What the normalization factor rests on; none: each instance counts as one unit",
)
COVERAGE = Frame("coverage", (*PLACE, *PRODUCT), (*_KEY_COLUMNS, *MEASURES, FACTOR_BASIS))
COVERAGE_BY_ACCOUNT = Frame(
    "coverage_by_account",
    ("account_id", *PLACE, *PRODUCT),
    (_BY_NAME["account_id"], *_KEY_COLUMNS, *MEASURES, FACTOR_BASIS),
)
COVERED_USAGE_COLUMNS = (
    Column("covered_units", "units", "Normalized units covered by reservations"),
    Column("uncovered_units", "units", "Normalized units not covered by reservations"),
)


def ratio(part: pd.Series[float], whole: pd.Series[float]) -> pd.Series[float]:
    """Return part / whole as 0..1; where the whole is 0 the ratio is unknown, never 0 or 1."""
    return part.astype("float64") / whole.astype("float64").mask(whole == 0)


def cover(usage: pd.DataFrame, allocations: pd.DataFrame) -> pd.DataFrame:
    """Return the usage with `covered_units` and `uncovered_units`, aligned and in its order."""
    units = allocated_units(usage["usage_id"], allocations)
    return usage.assign(covered_units=units, uncovered_units=usage["units"] - units)


def coverage(covered: pd.DataFrame) -> pd.DataFrame:
    """Return frame `COVERAGE`: one row per place, type, platform and tenancy.

    Zone name and zone id are both part of the key, because one name is a different place in
    different accounts (AWS RAM User Guide, "Availability Zone IDs").

    Args:
        covered: What `cover` returns.
    """
    return COVERAGE.check(_with_factor_basis(measure(covered, COVERAGE.key)))


def coverage_by_account(covered: pd.DataFrame) -> pd.DataFrame:
    """Return frame `COVERAGE_BY_ACCOUNT`: the same by account."""
    return COVERAGE_BY_ACCOUNT.check(_with_factor_basis(measure(covered, COVERAGE_BY_ACCOUNT.key)))


def _with_factor_basis(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(factor_basis=factor_bases(rows["instance_type"]))


def measure(covered: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Sum the measures of coverage by any columns, sorted by them; unknown over an unknown.

    Covered instances are fractional: covered units over the units of each instance.
    """
    counted = covered.assign(
        running_instances=1,
        covered_instances=covered["covered_units"] / covered["units"],
        # Summed, not subtracted, so that a rounded fraction never leaves a rest below zero.
        uncovered_instances=covered["uncovered_units"] / covered["units"],
        running_units=covered["units"],
    )
    summed = [column.name for column in MEASURES if not column.ratio_of]
    sums = counted.groupby(list(by), as_index=False)[summed].sum(skipna=False)
    return sums.assign(coverage_ratio=ratio(sums["covered_units"], sums["running_units"]))
