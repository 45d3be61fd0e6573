"""The tables of the report: rows under a declaration, with a title, a note and a total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ri_report.report.contents import CONTENTS

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.inventory.frames import Frame
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis

SUMMABLE = frozenset({"count", "units"})


@dataclass(frozen=True)
class Table:
    """One table of every output.

    Attributes:
        title: What stands above it; also the workbook's sheet, so at most 31 characters.
        note: Where it comes from and how it is to be read, in a sentence.
        frame: The declaration of its columns; its name is the CSV file and the page's anchor.
        rows: The rows, raw values, in the order in which they are shown.
        in_total: For each row whether the total covers it; None where it covers all.
    """

    title: str
    note: str
    frame: Frame
    rows: pd.DataFrame
    in_total: pd.Series[bool] | None = None

    @property
    def name(self) -> str:
        """The name of the CSV file, the JSON key and the anchor."""
        return self.frame.name

    def total(self) -> dict[str, Any]:
        """Return the sums of counts and units and the ratios of these sums, by column name.

        A sum over an unknown value is unknown (None). Columns without a total are left out; a
        table without any such column, or without rows, gives an empty dict.
        """
        if self.rows.empty:
            return {}
        counted = self.rows if self.in_total is None else self.rows[self.in_total.to_numpy()]
        sums: dict[str, Any] = {}
        for column in self.frame.columns:
            if column.kind in SUMMABLE:
                values = counted[column.name]
                sums[column.name] = None if values.isna().any() else values.sum()
        for column in self.frame.columns:
            if column.ratio_of:
                sums[column.name] = _quotient(*(sums[name] for name in column.ratio_of))
        return sums


def _quotient(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def make_tables(inventory: Inventory, analysis: Analysis) -> dict[str, Table]:
    """Return every table of the report by name, in reading order."""
    tables = {}
    for entry in CONTENTS:
        rows = entry.frame.check(entry.rows(inventory, analysis))
        in_total = entry.in_total(rows) if entry.in_total else None
        tables[entry.frame.name] = Table(entry.title, entry.note, entry.frame, rows, in_total)
    return tables
