"""The first and the last sheet: what the workbook rests on, and what its columns mean."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from openpyxl.workbook.defined_name import DefinedName

from ri_report.inventory.frames import Column, Frame
from ri_report.report.sections import REASONS
from ri_report.report.tables import Table
from ri_report.report.workbook.cells import (
    BANNER,
    FORMATS,
    HEADING,
    LINE,
    MOMENT_FORMAT,
    SECTION,
    SUBTITLE,
    TITLE,
    Look,
    Sheet,
    height_of,
    link,
    styled,
)
from ri_report.report.workbook.sheets import headings, incomplete, parts
from ri_report.report.workbook.summary import AS_OF
from ri_report.report.workbook.summary import NAME as SUMMARY

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

    from ri_report.report.model import Report
    from ri_report.report.workbook.cells import Value

NAME = "Read me"
WIDTHS = (26, 88, 50, 20)
LABEL = Look(bold=True, rule=LINE)
TEXT = Look(wrap=True, rule=LINE)
LEVELS = {"gap": "Not read", "warning": "Warning", "note": "Note"}
SOURCES = {"aws": "AWS, read from every account with its role", "dumps": "Saved AWS CLI answers"}

DICTIONARY = Frame(
    "dictionary",
    ("table", "column"),
    (
        Column("sheet", "text", "Sheet of the workbook"),
        Column("heading", "text", "Heading of the column"),
        Column("kind", "text", "What kind of value it holds, and its unit", "Holds"),
        Column("description", "text", "What it says", "Meaning"),
        Column("table", "text", "Name of the table in CSV, Parquet and JSON", "Table in CSV"),
        Column("column", "text", "Name of the column there", "Column in CSV"),
    ),
)
KINDS = {
    "text": "text",
    "count": "count",
    "units": "normalized units or instances, fractional",
    "number": "number",
    "ratio": "ratio, 0 to 1",
    "cost": "money, in the currency of its row",
    "time": "moment, UTC",
    "days": "whole days",
    "flag": "true or false",
}


def write_read_me(book: Workbook, report: Report, dictionary: Table) -> Sheet:
    """Write the sheet that tells what was read, what to beware of, and what the words mean."""
    sheet = Sheet(book, NAME, WIDTHS, run=report.run)
    sheet.line(("Reserved Instance report", TITLE), height=24)
    if incomplete(report):
        sheet.wide(f"{incomplete(report)} See the sheet Not read.", BANNER, WIDTHS)
    sheet.line(("Coverage and utilization of EC2 Reserved Instances", SUBTITLE))
    sheet.skip()
    _write_scope(book, sheet, report)
    _write_findings(sheet, report)
    _write_sheets(sheet, [*report.tables.values(), dictionary])
    _write_method(sheet, report)
    _write_codes(sheet, report)
    return sheet


def dictionary_of(report: Report) -> Table:
    """Return every column of every table, with what it means."""
    rows = [
        {
            "sheet": table.title,
            "heading": headings(table.frame)[column.name],
            "kind": KINDS[column.kind],
            "description": column.description,
            "table": table.name,
            "column": column.name,
        }
        for table in report.tables.values()
        for column in table.frame.columns
    ]
    note = "Every column of every table, under its heading here and its name in the data files."
    return Table("Data dictionary", note, DICTIONARY, DICTIONARY.of(rows))


def _write_scope(book: Workbook, sheet: Sheet, report: Report) -> None:
    _write_section(sheet, "Scope")
    place = f"'{NAME}'!$B${sheet.row + 1}"
    book.defined_names[AS_OF] = DefinedName(AS_OF, attr_text=place)
    as_of = report.as_of.replace(tzinfo=None)
    sheet.line(("As of (UTC)", LABEL), (as_of, replace(TEXT, number_format=MOMENT_FORMAT)))
    facts: list[tuple[str, Value]] = [
        ("Run", report.run),
        ("Accounts read in full", report.extent),
        ("Regions", ", ".join(report.regions)),
        ("Source", SOURCES[report.source]),
        ("AWS endpoint", report.endpoint),
        ("Made by", f"ri-report {report.version}"),
    ]
    for label, value in facts:
        if value:
            sheet.line((label, LABEL), (value, TEXT))
    sheet.skip()


def _write_findings(sheet: Sheet, report: Report) -> None:
    _write_section(sheet, "Data quality")
    if not report.findings:
        sheet.line(("Nothing to report", TEXT))
    else:
        _write_heads(sheet, "Level", "What was found", "What to do", "Listed in")
    for finding in report.findings:
        texts = (LEVELS[finding.level], finding.text, finding.fix)
        cells = [styled(sheet, TEXT, text) for text in texts]
        listed = report.tables.get(finding.table)
        listed_in = link(sheet, listed.title) if listed else styled(sheet, TEXT)
        height = height_of(zip(texts, WIDTHS, strict=False))
        sheet.append([*cells, listed_in], height=height)
    sheet.skip()


def _write_sheets(sheet: Sheet, tables: list[Table]) -> None:
    _write_section(sheet, "Sheets")
    _write_heads(sheet, "Sheet", "What it holds", "Rows")
    text = styled(sheet, TEXT, "Headline numbers, charts, and checks of the sums")
    sheet.append([link(sheet, SUMMARY), text, styled(sheet, TEXT)])
    count = Look(horizontal="left", number_format=FORMATS["count"], rule=LINE)
    for table in tables:
        for title in [part.title for part in parts(table)] or [table.title]:
            cells = styled(sheet, TEXT, table.note), styled(sheet, count, len(table.rows))
            height = height_of([(table.note, WIDTHS[1])])
            sheet.append([link(sheet, title), *cells], height=height)
    sheet.skip()


def _write_method(sheet: Sheet, report: Report) -> None:
    _write_section(sheet, "Definitions")
    for term, definition in report.method:
        sheet.line((term, LABEL), (definition, TEXT))


def _write_codes(sheet: Sheet, report: Report) -> None:
    """Write what the reason codes of the tables say."""
    sheet.skip()
    _write_section(sheet, "Reasons")
    _write_heads(sheet, "Code", "What it says", "Sheet")
    titles: dict[tuple[str, str], list[str]] = {}
    for name in (name for name in report.tables if name in REASONS):
        for reason in REASONS[name].items():
            titles.setdefault(reason, []).append(report.tables[name].title)
    for (code, text), sheets in titles.items():
        sheet.line((code, TEXT), (text, TEXT), (", ".join(sheets), TEXT))


def _write_section(sheet: Sheet, title: str) -> None:
    sheet.line((title, SECTION), height=20)


def _write_heads(sheet: Sheet, *heads: str) -> None:
    sheet.line(*((head, HEADING) for head in heads))
