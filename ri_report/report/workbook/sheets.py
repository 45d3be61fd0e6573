"""Table sheets: one real Excel table for each table of the report, with its total row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl.formatting.rule import DataBar, FormatObject, Rule
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.table import Table as ExcelTable
from openpyxl.worksheet.table import TableColumn, TableFormula

from ri_report.report.formats import NOT_APPLICABLE, UNKNOWN, moment
from ri_report.report.sections import NOTHING, UNREAD
from ri_report.report.seen import KNOWN_BY, SEEN
from ri_report.report.tables import SUMMABLE, Table
from ri_report.report.workbook.cells import (
    BANNER,
    HEADING,
    NOTE,
    PLAIN,
    SUBTITLE,
    TITLE,
    TOTAL,
    Formula,
    Look,
    Pen,
    Sheet,
    height_of,
    look_of,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl.workbook import Workbook

    from ri_report.inventory.frames import Column, Frame
    from ri_report.report.model import Report
    from ri_report.report.workbook.cells import Value

MAX_ROWS = 1_048_000
"""Most rows of a sheet's table; Excel has 1,048,576 rows, some of which are head and total."""
HEAD_ROW = 4
WIDEST, NARROWEST = 40, 9
PAGE_WIDTH = 130
"""Width of a page [characters]; a narrower table leaves the rest free, or print enlarges it."""
FILTER_BUTTON = 3
TIME_WIDTH = 12


@dataclass(frozen=True)
class Part:
    """A table's rows on one sheet.

    Attributes:
        title: Title of the sheet.
        name: Name of the Excel table.
        start: Position of its first row in the table.
        count: How many rows it has.
    """

    title: str
    name: str
    start: int
    count: int

    def cells(self, frame: Frame, name: str) -> str:
        """Return the A1 reference of a column's body."""
        letter = get_column_letter(frame.names.index(name) + 1)
        return f"'{self.title}'!${letter}${HEAD_ROW + 1}:${letter}${HEAD_ROW + self.count}"

    def column(self, frame: Frame, name: str) -> str:
        """Return the structured reference of a column's body."""
        return f"{self.name}[{headings(frame)[name]}]"

    def total(self, frame: Frame, name: str) -> str:
        """Return the structured reference of a column's total."""
        return f"{self.name}[[#Totals],[{headings(frame)[name]}]]"


def parts(table: Table) -> list[Part]:
    """Return the sheets that a table's rows need; none for a table without rows."""
    starts = range(0, len(table.rows), MAX_ROWS)
    return [
        Part(
            table.title if number == 1 else f"{table.title[:26]} ({number})",
            f"tbl_{table.name}" if number == 1 else f"tbl_{table.name}_{number}",
            start,
            min(MAX_ROWS, len(table.rows) - start),
        )
        for number, start in enumerate(starts, 1)
    ]


def headings(frame: Frame) -> dict[str, str]:
    """Return each column's heading; Excel repairs a file in which two of a table are the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for column in frame.columns:
        heading = column.heading + (" (UTC)" if column.kind == "time" else "")
        unique = heading if heading.lower() not in taken else f"{heading} ({column.name})"
        taken.add(unique.lower())
        found[column.name] = unique
    return found


def write_table(book: Workbook, report: Report, table: Table) -> list[Sheet]:
    """Write a table on as many sheets as it needs."""
    if not len(table.rows):
        return [_empty_sheet(book, report, table)]
    return [_table_sheet(book, report, table, part) for part in parts(table)]


def incomplete(report: Report) -> str:
    """Return the line that every sheet of an incomplete run begins with; "" for a complete one."""
    if report.is_complete:
        return ""
    return (
        f"INCOMPLETE: {report.extent} accounts were read in full. The figures describe what was"
        " read; the rest is unknown, not zero."
    )


def observed(report: Report) -> str:
    """Return when the figures were true, and of how much."""
    return f"As of {moment(report.as_of)} · {report.extent} accounts read in full"


def _empty_sheet(book: Workbook, report: Report, table: Table) -> Sheet:
    sheet = Sheet(book, table.title, [PAGE_WIDTH], run=report.run)
    _write_top(sheet, report, table)
    unread = "" if report.is_of_all else UNREAD
    sheet.line((NOTHING.get(table.name, "There are no rows.") + unread, PLAIN))
    return sheet


def _table_sheet(book: Workbook, report: Report, table: Table, part: Part) -> Sheet:
    here = slice(part.start, part.start + part.count)
    counted = None if table.in_total is None else table.in_total.iloc[here]
    whole = replace(table, rows=table.rows.iloc[here], in_total=counted)
    values = [shown(whole, column) for column in table.frame.columns]
    heads = headings(table.frame)
    widths = [
        _width(column, heads[column.name], column_values)
        for column, column_values in zip(table.frame.columns, values, strict=True)
    ]
    rest = max(PAGE_WIDTH - sum(widths), 0)
    sheet = Sheet(book, part.title, [*widths, rest], run=report.run, head_row=HEAD_ROW)
    _write_top(sheet, report, table)
    _write_head(sheet, table.frame, widths)
    _write_body(sheet, table.frame, values, widths)
    totals = _totals(whole, part)
    if totals:
        _write_totals(sheet, table, totals)
    if part == parts(table)[-1]:
        _write_seen(sheet, table)
    sheet.ws.tables.add(_excel_table(table.frame, part, totals))
    _add_bars(sheet, table.frame, part)
    return sheet


def _write_top(sheet: Sheet, report: Report, table: Table) -> None:
    sheet.line((table.title, TITLE), height=24)
    page = list(takewhile(lambda total: total <= PAGE_WIDTH, accumulate(sheet.widths)))
    widths = sheet.widths[: max(len(page), 1)]
    sheet.wide(table.note, NOTE, widths)
    if incomplete(report):
        sheet.wide(incomplete(report), BANNER, widths)
    else:
        sheet.line((observed(report), SUBTITLE), height=18)


def _write_head(sheet: Sheet, frame: Frame, widths: Sequence[float]) -> None:
    """Write the headings, with a line below them that is free for the filter's buttons."""
    lines = max(
        -(-len(text) * 1.15 // width)
        for text, width in zip(headings(frame).values(), widths, strict=True)
    )
    sheet.line(
        *(
            (heading, replace(HEADING, horizontal=look.horizontal, indent=look.indent))
            for heading, look in zip(headings(frame).values(), _looks(frame), strict=True)
        ),
        height=13 * (lines + 1) + 4,
    )


def _write_body(
    sheet: Sheet, frame: Frame, values: list[list[Value]], widths: Sequence[float]
) -> None:
    pens = [
        Pen(sheet, column.kind, replace(look, wrap=width >= WIDEST))
        for column, look, width in zip(frame.columns, _looks(frame), widths, strict=True)
    ]
    wrapped = [place for place, width in enumerate(widths) if width >= WIDEST]
    for row in zip(*values, strict=True):
        cells = [pen.write(value) for pen, value in zip(pens, row, strict=True)]
        height = height_of((str(row[place]), widths[place]) for place in wrapped)
        sheet.append(cells, height=height)


def shown(table: Table, column: Column) -> list[Value]:
    """Return a column's values as cells hold them: raw, naive UTC, or a word where unknown."""
    values = table.rows[column.name]
    if column.kind == "text":
        return list(values)
    if column.kind == "time":
        values = values.dt.tz_localize(None)
    cells = zip(values, values.isna(), _words(table, column), strict=True)
    return [word if missing else _plain(value) for value, missing, word in cells]


def _plain(value: Any) -> Value:  # noqa: ANN401 - a cell holds any of the kinds
    """Return what openpyxl writes fast: a datetime of the standard library, a Python number."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    plain: Value = value.item() if hasattr(value, "item") else value
    return plain


def _words(table: Table, column: Column) -> list[str]:
    """Return what stands in each cell if it has no value."""
    if column.is_sparse:
        return [""] * len(table.rows)
    if not column.ratio_of:
        return [UNKNOWN] * len(table.rows)
    return [
        NOT_APPLICABLE if whole else UNKNOWN
        for whole in (table.rows[column.ratio_of[1]] == 0).fillna(value=False)
    ]


def _width(column: Column, heading: str, values: list[Value]) -> float:
    words = max(len(word) for word in heading.split()) * 1.15 + 2
    if column.kind == "time":
        body = float(TIME_WIDTH)
    elif column.kind == "text":
        body = max(len(str(v)) for v in values) * 0.95 + 2
    else:
        numbers = [float(v) for v in values if not isinstance(v, str)]  # type: ignore[arg-type] # only numbers are left
        body = max(len(f"{max(numbers, default=0) * 10:,.2f}"), len(UNKNOWN)) + 2
    least = max(words, len(heading) / 2 + FILTER_BUTTON, NARROWEST)
    return float(round(min(max(body, least), WIDEST)))


def _totals(table: Table, part: Part) -> dict[str, Value]:
    """Return each total: sums of what the filter lets through, and ratios of these sums."""
    total = table.total()
    found: dict[str, Value] = {}
    for column in table.frame.columns:
        if column.kind in SUMMABLE:
            cells = part.column(table.frame, column.name)
            values = table.rows[column.name]
            if table.may_lack_rows:
                found[column.name] = _sum_of_part(cells)
            else:
                found[column.name] = _sum(values, cells, total[column.name])
        elif column.ratio_of:
            of = (part.total(table.frame, name) for name in column.ratio_of)
            known = all(total[name] is not None for name in column.ratio_of)
            word = NOT_APPLICABLE if known else UNKNOWN
            found[column.name] = Formula(_ratio(*of), _number(total[column.name], word))
    return found


def _sum(values: pd.Series[float], cells: str, total: float | None) -> Value:
    """Return a sum; over an unknown value it is unknown, as long as that value is in sight.

    102 counts the numbers and 103 whatever there is. Where the total leaves out rows that do have
    a number, no formula could know them, and the total stands as it is.
    """
    formula = f"SUBTOTAL(109,{cells})"
    if total is None:
        text = f'=IF(SUBTOTAL(102,{cells})<SUBTOTAL(103,{cells}),"{UNKNOWN}",{formula})'
        return Formula(text, UNKNOWN)
    return Formula(f"={formula}", float(total)) if values.sum() == total else float(total)


def _sum_of_part(cells: str) -> Formula:
    """Return a sum over rows of which some may be missing: unknown until a filter chooses some."""
    text = (
        f"=IF(OR(SUBTOTAL(102,{cells})<SUBTOTAL(103,{cells}),SUBTOTAL(103,{cells})=ROWS({cells})),"
        f'"{UNKNOWN}",SUBTOTAL(109,{cells}))'
    )
    return Formula(text, UNKNOWN)


def _ratio(part: str, whole: str) -> str:
    return (
        f'=IF(COUNT({part},{whole})<2,"{UNKNOWN}",IF({whole}=0,"{NOT_APPLICABLE}",{part}/{whole}))'
    )


def _number(value: float | None, word: str) -> float | str:
    return word if value is None else float(value)


def _write_totals(sheet: Sheet, table: Table, totals: dict[str, Value]) -> None:
    frame, basis = table.frame, table.total_basis()
    row = [
        (
            totals.get(name),
            signed(replace(look, bold=True, fill=TOTAL, roof="9AA5B1"), basis.get(name, "")),
        )
        for name, look in zip(frame.names, _looks(frame), strict=True)
    ]
    sheet.line(("Total", row[0][1]), *row[1:])


def _write_seen(sheet: Sheet, table: Table) -> None:
    """Write below the totals the sums that the headlines rest on, where these are no totals."""
    sums, names = table.of_what_was_read(), table.frame.names
    if not sums:
        return
    row = sheet.row + 1
    cells = {name: f"{get_column_letter(names.index(name) + 1)}{row}" for name in sums}
    found: dict[str, Value] = {name: seen_sum(table, name) for name in table.seen.sums}
    for column in table.frame.columns:
        if column.ratio_of and column.name in sums:
            text = _ratio(*(cells[name] for name in column.ratio_of))
            found[column.name] = Formula(text, _number(sums[column.name], NOT_APPLICABLE))
    looks = dict(zip(names, _looks(table.frame), strict=True))
    styles = {
        name: signed(replace(look, bold=True, italic=True), table.seen.basis.get(name, ""))
        for name, look in looks.items()
    }
    first = replace(styles[names[0]], wrap=True)
    sheet.line((SEEN, first), *((found.get(name), styles[name]) for name in names[1:]))


def seen_sum(table: Table, name: str) -> Value:
    """Return what a column adds up to over the rows that are known, whatever the filters show.

    Where rows that are unknown hold some of it as well, no formula could know that, and the sum
    stands as it is.
    """
    value = table.seen.sums[name]
    return Formula(f"={known_sum(table, name)}", value) if table.is_seen_in_rows else value


def known_sum(table: Table, name: str) -> str:
    """Return the formula, without its equals sign, of a sum over the rows that are known."""
    by = KNOWN_BY.get(name, name)
    references = [
        (part.column(table.frame, name), part.column(table.frame, by)) for part in parts(table)
    ]
    if table.rows[by].notna().all():
        return f"SUM({','.join(cells for cells, _ in references)})"
    return "+".join(f'SUMIFS({cells},{known},">=0")' for cells, known in references)


def _looks(frame: Frame) -> list[Look]:
    """Return how each column looks; only the first begins at the very edge."""
    first, *others = (look_of(column.kind) for column in frame.columns)
    return [replace(first, indent=0), *others]


def _excel_table(frame: Frame, part: Part, totals: dict[str, Value]) -> ExcelTable:
    last = get_column_letter(len(frame.columns))
    body = f"A{HEAD_ROW}:{last}{HEAD_ROW + part.count}"
    whole = f"A{HEAD_ROW}:{last}{HEAD_ROW + part.count + 1}" if totals else body
    table = ExcelTable(displayName=part.name, ref=whole, totalsRowCount=1 if totals else None)
    table.autoFilter = AutoFilter(ref=body)
    table.tableColumns = [
        _excel_column(number, heading, totals.get(name))
        for number, (name, heading) in enumerate(headings(frame).items(), 1)
    ]
    if totals:
        table.tableColumns[0].totalsRowLabel = "Total"
    return table


def _excel_column(number: int, heading: str, total: Value) -> TableColumn:
    column = TableColumn(id=number, name=heading)
    if not isinstance(total, Formula):
        return column
    if total.text.startswith("=SUBTOTAL(109,"):
        column.totalsRowFunction = "sum"
    else:
        column.totalsRowFunction = "custom"
        column.totalsRowFormula = TableFormula(attr_text=total.text[1:])
    return column


def _add_bars(sheet: Sheet, frame: Frame, part: Part) -> None:
    for number, column in enumerate(frame.columns, 1):
        if column.kind == "ratio":
            letter = get_column_letter(number)
            cells = f"{letter}{HEAD_ROW + 1}:{letter}{HEAD_ROW + part.count}"
            sheet.ws.conditional_formatting.add(cells, _bar())


def _bar() -> Rule:
    """Return a bar that is empty at 0 and fills the cell at 1."""
    ends = [FormatObject("num", 0), FormatObject("num", 1)]
    return Rule(type="dataBar", dataBar=DataBar(0, 100, cfvo=ends, color="A9C4E0"))
