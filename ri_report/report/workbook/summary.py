"""The summary sheet: headlines computed from the tables, charts, and checks of the sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.workbook.defined_name import DefinedName

from ri_report.report.accounts import READINGS_IN_FULL
from ri_report.report.formats import NOT_APPLICABLE, UNKNOWN
from ri_report.report.headlines import otherwise_text
from ri_report.report.workbook.cells import (
    BANNER,
    HEADING,
    LINE,
    SECTION,
    SUBTITLE,
    TITLE,
    WRAPPED,
    Formula,
    Look,
    Sheet,
    look_of,
    signed,
)
from ri_report.report.workbook.diagrams import CHART_ROWS, add_charts
from ri_report.report.workbook.sheets import incomplete, known_sum, observed, parts
from ri_report.rules.expiry import HORIZONS_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from openpyxl.workbook import Workbook

    from ri_report.report.model import Kpi, Report
    from ri_report.report.tables import Table
    from ri_report.report.workbook.cells import Value

NAME = "Summary"
AS_OF = "as_of"
"""Defined name of the cell that holds the moment of observation."""
WIDTHS = (30, 16, 14, 14, 16, 82)
STANDINGS = {"good": "meets target", "bad": "below target", "neutral": "", "unknown": "not judged"}
OK, CHECK = "OK", "CHECK"
TOLERANCE_UNITS = 0.001

Sum = tuple[str, str]
"""A table and the column to add up."""


@dataclass(frozen=True)
class Check:
    """Two sums that must be equal, each over one or more columns."""

    label: str
    left: tuple[Sum, ...]
    right: tuple[Sum, ...]
    meaning: str


CHECKS = (
    Check(
        "Covered = used",
        (("coverage", "covered_units"), ("capacity_reservations", "covered_idle_units")),
        (("utilization", "used_units"),),
        "Units covered, of instances (Coverage) and of idle slots (Capacity reservations), and"
        " units used (Utilization) are the same units",
    ),
    Check(
        "Bought = used + unused",
        (("utilization", "purchased_units"),),
        (("utilization", "used_units"), ("utilization", "unused_units")),
        "Every unit bought (Utilization) is either used or unused",
    ),
    Check(
        "Unused = its reasons",
        (("utilization", "unused_units"),),
        (("unused_reasons", "unused_units"),),
        "The reasons (Unused by reason) add up to the unused units (Utilization)",
    ),
    Check(
        "Running = covered + uncovered",
        (("coverage", "running_units"),),
        (("coverage", "covered_units"), ("uncovered", "uncovered_units")),
        "What runs (Coverage) is covered, or listed instance by instance (Uncovered)",
    ),
    Check(
        "Families add up",
        (("coverage", "running_units"),),
        (("coverage_by_family", "running_units"),),
        "The families (Coverage by family) add up to the total (Coverage)",
    ),
    Check(
        "Accounts add up",
        (("coverage", "running_units"),),
        (("coverage_by_account", "running_units"),),
        "The accounts that were read (Coverage by account) add up to the total (Coverage)",
    ),
    Check(
        "Used = allocated",
        (("utilization", "used_units"),),
        (("allocations", "covered_units"), ("utilization", "idle_slot_units")),
        "What is used (Utilization) is what was allocated to instances, piece by piece"
        " (Allocations), and to idle slots",
    ),
    Check(
        "Lent = borrowed",
        (("pools", "lent_units"),),
        (("pools", "borrowed_units"),),
        "What accounts lend, other accounts borrow (Pools)",
    ),
    Check(
        "Eligible in both counts",
        (("running", "eligible_instances"),),
        (("coverage", "running_instances"),),
        "The plain count (Running instances) and Coverage hold the same eligible instances",
    ),
)


def write_summary(book: Workbook, report: Report) -> Sheet:
    """Write the sheet and define a name for each headline number."""
    sheet = Sheet(book, NAME, WIDTHS, run=report.run)
    sheet.line(("Summary", TITLE), height=24)
    if incomplete(report):
        sheet.wide(incomplete(report), BANNER, WIDTHS)
    sheet.line((observed(report), SUBTITLE))
    for sentence in report.sentences:
        sheet.wide(sentence, WRAPPED, WIDTHS)
    sheet.skip()
    _write_kpis(book, sheet, report)
    sheet.skip()
    if add_charts(sheet, report, sheet.row + 1):
        sheet.skip(CHART_ROWS)
    _write_checks(sheet, report)
    return sheet


def _write_kpis(book: Workbook, sheet: Sheet, report: Report) -> None:
    sheet.line(("Headlines", SECTION), height=20)
    _write_heads(sheet, ("Headline", "Value", "Of", "Target", "Standing", "What it rests on"))
    for kpi in report.kpis:
        place = f"'{NAME}'!$B${sheet.row + 1}"
        book.defined_names[kpi.name] = DefinedName(kpi.name, attr_text=place)
        number = look_of(kpi.kind)
        sheet.line(
            (kpi.label, Look(bold=True, rule=LINE)),
            (kpi_value(report, kpi), signed(replace(number, bold=True, size=12), kpi.basis)),
            (kpi.whole, number),
            (kpi.target, number),
            (STANDINGS[kpi.standing] if kpi.target else "", Look(rule=LINE)),
            (_basis(kpi), Look(wrap=True, rule=LINE)),
        )


def _write_heads(sheet: Sheet, heads: tuple[str, ...]) -> None:
    over_numbers = replace(HEADING, horizontal="right", indent=1)
    looks = (HEADING, over_numbers, over_numbers, over_numbers, HEADING, HEADING)
    sheet.line(*zip(heads, looks, strict=True))


def _basis(kpi: Kpi) -> str:
    parts = (
        text[:1].upper() + text[1:]
        for text in (kpi.detail, otherwise_text(kpi), kpi.caveat)
        if text
    )
    return ". ".join(parts)


def kpi_value(report: Report, kpi: Kpi) -> Value:
    """Return a formula where the tables say the same as the headline, else the value itself."""
    if kpi.value is None:
        return UNKNOWN if kpi.caveat or kpi.kind != "ratio" else NOT_APPLICABLE
    formula = FORMULAS[kpi.name](report) if kpi.name in FORMULAS else None
    if formula and isinstance(formula.value, float) and abs(formula.value - kpi.value) < 1e-9:  # noqa: PLR2004 - rounding of sums in another order
        return formula
    return float(kpi.value)


def added(report: Report, *sums: Sum) -> Formula | None:
    """Return the formula of a sum over columns, whatever the filters show; unknown is left out."""
    texts, value = [], 0.0
    for table_name, column in sums:
        if table_name not in report.tables:
            return None
        table = report.tables[table_name]
        value += float(table.rows[column].sum())
        texts += [part.column(table.frame, column) for part in parts(table)]
    return Formula(f"=SUM({','.join(texts)})" if texts else "=0", value)


def _seen(column: str, *names: str) -> Callable[[Report], Formula | None]:
    """Return what makes the sum of a column over what was read, of the first table that has it."""

    def formula(report: Report) -> Formula | None:
        table = _adding_up(report, (column,), names)
        if not table:
            return None
        return Formula(f"={known_sum(table, column)}", table.seen.sums[column])

    return formula


def _quotient(part: str, whole: str, *names: str) -> Callable[[Report], Formula | None]:
    """Return what makes the ratio of two such sums."""

    def formula(report: Report) -> Formula | None:
        table = _adding_up(report, (part, whole), names)
        if not table or not table.seen.sums[whole]:
            return None
        above, below = (known_sum(table, name) for name in (part, whole))
        value = table.seen.sums[part] / table.seen.sums[whole]
        return Formula(f'=IF(({below})=0,"{NOT_APPLICABLE}",({above})/({below}))', value)

    return formula


def _adding_up(report: Report, columns: tuple[str, ...], names: tuple[str, ...]) -> Table | None:
    """Return the first of these tables whose known rows add up to what the headlines rest on."""
    tables = (report.tables[name] for name in names if name in report.tables)
    return next((t for t in tables if t.is_seen_in_rows and set(columns) <= set(t.seen.sums)), None)


def _ending(report: Report) -> Formula | None:
    table, days = report.tables["utilization"], HORIZONS_DAYS[-1]
    counts = [
        f"SUMPRODUCT(--({p.cells(table.frame, 'end')}<={AS_OF}+{days}))" for p in parts(table)
    ]
    ending = table.rows["end"] <= pd.Timestamp(report.as_of + timedelta(days=days))
    return Formula("=" + "+".join(counts), float(ending.sum())) if counts else None


def _read(report: Report) -> Formula | None:
    table = report.tables["accounts"]
    counts = [
        f'COUNTIF({p.column(table.frame, "reading")},"{reading}")'
        for p in parts(table)
        for reading in sorted(READINGS_IN_FULL)
    ]
    value = float(table.rows["reading"].isin(READINGS_IN_FULL).sum())
    return Formula("=" + "+".join(counts), value) if counts else None


FORMULAS: dict[str, Callable[[Report], Formula | None]] = {
    "utilization": _quotient("used_units", "purchased_units", "utilization"),
    "coverage": _quotient("covered_units", "running_units", "coverage", "coverage_by_account"),
    "unused_units": _seen("unused_units", "utilization"),
    "uncovered_units": _seen("uncovered_units", "uncovered"),
    "expiring_reservations": _ending,
    "accounts_read": _read,
}
"""How each headline is computed from the tables of the same workbook."""


def _write_checks(sheet: Sheet, report: Report) -> None:
    sheet.line(("Checks", SECTION), height=20)
    _write_heads(sheet, ("Check", "One side", "Other side", "Difference", "Result", "What it says"))
    first = sheet.row + 1
    for check in CHECKS:
        left, right = added(report, *check.left), added(report, *check.right)
        if left and right:
            _write_check(sheet, check, (left, right), is_unsure=_is_unsure(report, check))
    results = f"E{first}:E{max(sheet.row, first)}"
    sheet.ws.conditional_formatting.add(results, _when(OK, "1E6B3A", "DDF0E3"))
    sheet.ws.conditional_formatting.add(results, _when(CHECK, "8A1C1C", "F8DAD7"))


def _is_unsure(report: Report, check: Check) -> bool:
    """Whether a side adds up what is partly unknown, so that a difference proves nothing."""
    sums = (*check.left, *check.right)
    return any(report.tables[table].rows[column].isna().any() for table, column in sums)


def _write_check(
    sheet: Sheet, check: Check, sides: tuple[Formula, Formula], *, is_unsure: bool
) -> None:
    left, right = sides
    row = sheet.row + 1
    difference = float(left.value) - float(right.value)
    failed = UNKNOWN if is_unsure else CHECK
    result = OK if abs(difference) < TOLERANCE_UNITS else failed
    number = look_of("units")
    sheet.line(
        (check.label, Look(rule=LINE)),
        (left, number),
        (right, number),
        (Formula(f"=B{row}-C{row}", difference), number),
        (
            Formula(f'=IF(ABS(D{row})<{TOLERANCE_UNITS},"{OK}","{failed}")', result),
            Look(bold=True, rule=LINE),
        ),
        (check.meaning, Look(rule=LINE)),
    )


def _when(word: str, color: str, fill: str) -> Rule:
    """Return the rule that paints a cell that holds this word."""
    style = DifferentialStyle(font=Font(color=color), fill=PatternFill(bgColor=fill))
    return Rule(type="cellIs", operator="equal", formula=[f'"{word}"'], dxf=style)
