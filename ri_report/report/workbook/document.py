"""The workbook as a document: its sheets in order, its properties, its bytes."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties

from ri_report.report.formats import moment
from ri_report.report.text import visible
from ri_report.report.workbook.cells import TEXT_LIMIT
from ri_report.report.workbook.cover import dictionary_of, write_read_me
from ri_report.report.workbook.package import Computed, finish
from ri_report.report.workbook.sheets import write_table
from ri_report.report.workbook.summary import write_summary

if TYPE_CHECKING:
    from ri_report.report.model import Report


def render(report: Report) -> bytes:
    """Return the report as an Excel workbook; equal reports give equal bytes.

    Values are raw numbers with formats; totals, headlines and checks are live formulas whose
    values stand in the file too. What is unknown says so and is never 0.
    """
    saved, computed = save(report)
    return finish(saved, computed, report.as_of)


def save(report: Report) -> tuple[bytes, Computed]:
    """Return what openpyxl saves, and the values that its formulas still lack."""
    book = Workbook(write_only=True)
    try:
        return _save(book, report)
    finally:
        _discard(book)


def _save(book: Workbook, report: Report) -> tuple[bytes, Computed]:
    book.properties = _properties(report)
    dictionary = dictionary_of(report)
    sheets = [write_read_me(book, report, dictionary), write_summary(book, report)]
    for table in (*report.tables.values(), dictionary):
        sheets += write_table(book, report, table)
    out = io.BytesIO()
    book.save(out)
    computed = {sheet.ws.path.removeprefix("/"): sheet.computed for sheet in sheets}
    return out.getvalue(), {name: values for name, values in computed.items() if values}


def _discard(book: Workbook) -> None:
    """Close what an error left open and remove its files, which openpyxl does only after saving."""
    sheets: list[Any] = list(book.worksheets)  # what they write with is not in the stubs
    for sheet in sheets:
        # Whatever went wrong is already under way; this is about what it leaves behind.
        with suppress(Exception):
            sheet.close()
        with suppress(Exception):
            sheet._writer.cleanup()  # noqa: SLF001 - openpyxl has no public way


def _properties(report: Report) -> DocumentProperties:
    as_of = report.as_of.replace(tzinfo=None)
    return DocumentProperties(
        title="Reserved Instance report",
        subject=f"Coverage and utilization of EC2 Reserved Instances as of {moment(report.as_of)}",
        creator=f"ri-report {report.version}",
        lastModifiedBy=f"ri-report {report.version}",
        description=f"Run {visible(report.run, TEXT_LIMIT)}",
        created=as_of,
        modified=as_of,
    )
