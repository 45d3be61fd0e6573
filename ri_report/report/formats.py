"""Formats by meaning: how a raw value reads, wherever it is shown as text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.rules.basis import CONVENTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ri_report.inventory.frames import Column, Kind

UNKNOWN = "unknown"
CONVENTION_SIGN = "\u2248"
"""Stands before a number that rests on a convention."""
NOT_APPLICABLE = "n/a"


def moment(value: datetime) -> str:
    """Return `2026-11-01 06:00 UTC`; the value is aware UTC."""
    return f"{value:%Y-%m-%d %H:%M} UTC"


def number(value: float) -> str:
    """Return up to two decimals with thousands separators: `1,234`, `0.25`, `2.5`."""
    if pd.isna(value):
        return UNKNOWN
    return f"{_rounded(value, 2):,f}".rstrip("0").rstrip(".")


def percent(value: float) -> str:
    """Return a ratio 0..1 with one decimal: `93.1 %`."""
    if pd.isna(value):
        return UNKNOWN
    return f"{_rounded(value * 100, 1):,f} %"


def _rounded(value: float, decimals: int) -> Decimal:
    """Round half away from zero, as spreadsheets do, so that page and workbook show the same."""
    step = Decimal(1).scaleb(-decimals)
    rounded = Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_UP)
    return rounded + 0  # no -0


WRITERS: dict[Kind, Callable[[Any], str]] = {
    "text": str,
    "count": lambda value: f"{int(value):,}",
    "units": number,
    "number": number,
    "ratio": percent,
    "cost": lambda value: f"{value:,.4f}",
    "time": lambda value: f"{value:%Y-%m-%d}",
    "days": lambda value: f"{int(value):,}",
    "flag": lambda value: "yes" if value else "no",
}


def text_of(value: Any, kind: Kind) -> str:  # noqa: ANN401 - a cell holds any of the kinds
    """Return the value as a reader sees it; a missing value is `unknown`, never 0."""
    return UNKNOWN if pd.isna(value) else WRITERS[kind](value)


def marked(text: str, basis: str) -> str:
    """Return a number as text; behind a sign where it rests on a convention: `≈ 93.1 %`."""
    return f"{CONVENTION_SIGN} {text}" if basis == CONVENTION else text


def cell_text(row: Mapping[str, Any], column: Column) -> str:
    """Return one cell of a table as text; a ratio whose whole is 0 is `n/a`."""
    value = row[column.name]
    if column.is_sparse and pd.isna(value):
        return ""
    if column.ratio_of and pd.isna(value):
        whole = row[column.ratio_of[1]]
        return UNKNOWN if pd.isna(whole) or whole else NOT_APPLICABLE
    return text_of(value, column.kind)
