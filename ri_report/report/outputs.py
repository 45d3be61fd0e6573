"""Outputs: which files each format makes of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.report import data, page, workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ri_report.report.model import Report


PLACES = frozenset({"ri-report.html", "ri-report.xlsx", "report.json", "tables"})
"""What outputs are called in the folder of a run, or the folder there that they are in."""


def render(report: Report, formats: Iterable[str]) -> dict[str, bytes]:
    """Return the files of these formats by relative path; equal reports give equal bytes."""
    return {path: content for name in formats for path, content in FORMATS[name](report).items()}


def _csv(report: Report) -> dict[str, bytes]:
    return {f"tables/{name}.csv": data.table_csv(t) for name, t in report.tables.items()}


def _parquet(report: Report) -> dict[str, bytes]:
    return {f"tables/{name}.parquet": data.table_parquet(t) for name, t in report.tables.items()}


FORMATS: dict[str, Callable[[Report], dict[str, bytes]]] = {
    "html": lambda report: {"ri-report.html": page.render(report).encode()},
    "xlsx": lambda report: {"ri-report.xlsx": workbook.render(report)},
    "json": lambda report: {"report.json": data.report_json(report)},
    "csv": _csv,
    "parquet": _parquet,
}
