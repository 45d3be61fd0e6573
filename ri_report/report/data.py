"""Data files for machines: report.json, one CSV or Parquet file for each table."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.report.model import SCHEMA_VERSION
from ri_report.report.text import visible

if TYPE_CHECKING:
    from datetime import datetime

    from ri_report.inventory.frames import Column
    from ri_report.report.model import Report
    from ri_report.report.tables import Table

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet program read text as a formula (OWASP, "CSV Injection"): the four
signs, also in full width, and the two control characters that some programs skip."""

_UNPRINTABLE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\uffff]"
)


def report_json(report: Report) -> bytes:
    """Return report.json: headlines, completeness, findings, method and the data dictionary.

    Numbers are raw: ratios 0..1, units in normalized units, unknown is null, moments ISO 8601 in
    UTC. Outside text is exact; what a terminal could not show harmlessly is escaped after JSON's
    rules. The rows of the tables stand in the CSV files that the dictionary names.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "run": report.run,
        "as_of": iso(report.as_of),
        "version": report.version,
        "source": report.source,
        "endpoint": report.endpoint,
        "regions": list(report.regions),
        "completeness": _completeness(report),
        "kpis": {kpi.name: _raw_values(asdict(kpi)) for kpi in report.kpis},
        "sentences": list(report.sentences),
        "findings": [asdict(finding) for finding in report.findings],
        "method": [{"term": term, "definition": text} for term, text in report.method],
        "tables": {name: _described(table) for name, table in report.tables.items()},
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    return (_UNPRINTABLE.sub(_escape, text) + "\n").encode()


def table_csv(table: Table) -> bytes:
    """Return the table as CSV after RFC 4180: UTF-8, a header of column names, CRLF, quotes.

    Values are raw: ratios 0..1, moments ISO 8601 in UTC, flags `true` or `false`, unknown is an
    empty field. Outside text shows what is hidden in it, and text that a spreadsheet program would
    read as a formula begins with an apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.frame.names)
    writer.writerows(zip(*(_fields(table, c) for c in table.frame.columns), strict=True))
    return out.getvalue().encode()


def table_parquet(table: Table) -> bytes:
    """Return the table as Parquet with the declared types; outside text is exact."""
    out = io.BytesIO()
    table.rows[table.frame.names].to_parquet(out, engine="pyarrow", compression="zstd", index=False)
    return out.getvalue()


def looks_like_formula(text: str) -> bool:
    """Return whether a spreadsheet program might read the text as a formula."""
    return text.startswith(FORMULA_STARTS)


def iso(moment: datetime) -> str:
    """Return `2026-11-01T06:00:00Z`, with microseconds only where there are any; aware UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def _completeness(report: Report) -> dict[str, Any]:
    return {
        "complete": report.is_complete,
        "accounts_read": report.accounts_read,
        "accounts_total": report.accounts_total,
        "accounts_left_out": report.accounts_left_out,
        "gaps": [_raw_values(row) for row in report.tables["gaps"].rows.to_dict("records")],
    }


def _described(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "note": table.note,
        "file": f"tables/{table.name}.csv",
        "rows": len(table.rows),
        "may_lack_rows": table.may_lack_rows,
        "key": list(table.frame.key),
        "total": _raw_values(table.total()),
        "total_basis": table.total_basis(),
        "of_what_was_read": _raw_values(table.of_what_was_read()),
        "of_what_was_read_basis": table.seen.basis if table.of_what_was_read() else {},
        "completeness": table.completeness,
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "label": column.heading,
                "description": column.description,
                "nullable": column.nullable,
                "ratio_of": list(column.ratio_of) if column.ratio_of else None,
            }
            for column in table.frame.columns
        ],
    }


def _raw_values(values: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): _raw(value) for name, value in values.items()}


def _raw(value: Any) -> Any:  # noqa: ANN401 - a cell holds any of the kinds
    """Return a value as JSON has it; missing is None."""
    if isinstance(value, str):
        return str(value)
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return iso(value)
    return value.item() if hasattr(value, "item") else value


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _fields(table: Table, column: Column) -> list[Any]:
    values = table.rows[column.name]
    if column.kind == "text":
        return [_inert(value) for value in values]
    raw = (_raw(value) for value in values)
    if column.kind == "flag":
        return ["" if value is None else str(value).lower() for value in raw]
    return list(raw)


def _inert(text: str) -> str:
    shown = visible(text, max(len(text), 40))
    return f"'{shown}" if looks_like_formula(text) else shown
