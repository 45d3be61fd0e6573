"""The tables of the report: rows under a declaration, with a title, a note and a total."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isclose
from typing import TYPE_CHECKING, Any

from ri_report.inventory.outcomes import is_all_listed
from ri_report.report.contents import CONTENTS
from ri_report.report.naming import with_name_columns, with_names
from ri_report.report.seen import KNOWN_BY, SEEN, Seen, seen
from ri_report.report.wording import UNLISTED
from ri_report.rules.basis import BASIS, CONVENTION, FIRM
from ri_report.rules.completeness import COMPLETE, COMPLETENESS, PARTIAL, UNKNOWN
from ri_report.rules.unread import unread

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from ri_report.inventory.frames import Frame
    from ri_report.inventory.schema import Inventory
    from ri_report.report.contents import Entry, Needed
    from ri_report.rules.analysis import Analysis

TOLERANCE_UNITS = 1e-6
SUMMABLE = frozenset({"count", "units"})
LACKING: dict[Needed, str] = {
    "instances": "Incomplete: what runs where instances were not read is not in it.",
    "reservations": "Incomplete: what was bought where reservations were not read is not in it.",
    "accounts": f"Incomplete: {UNLISTED} are not in it.",
}
"""What the note says of a table that may lack rows, by what was not read or listed."""
RECONCILED = (
    f"The line \u201c{SEEN}\u201d is no total: it adds up what is known, and the headlines are made"
    " of it."
)
REST = "It also holds known units of rows that are unknown because other units of theirs are."


@dataclass(frozen=True)
class Table:
    """One table of every output.

    Attributes:
        title: What stands above it; also the workbook's sheet, so at most 31 characters.
        note: Where it comes from and how it is to be read, in a sentence.
        frame: The declaration of its columns; its name is the CSV file and the page's anchor.
        rows: The rows, raw values, in the order in which they are shown.
        in_total: For each row whether the total covers it; None where it covers all.
        may_lack_rows: Whether what was not read may hold more rows; then no sum is known.
        open_totals: Columns whose total is open where a row is; other totals are of whole pools.
        seen: What those of its columns that the headlines rest on add up to, of what was read.
    """

    title: str
    note: str
    frame: Frame
    rows: pd.DataFrame
    in_total: pd.Series[bool] | None = None
    may_lack_rows: bool = False
    open_totals: tuple[str, ...] = ()
    seen: Seen = field(default_factory=Seen)

    @property
    def name(self) -> str:
        """The name of the CSV file, the JSON key and the anchor."""
        return self.frame.name

    def total(self) -> dict[str, Any]:
        """Return the sums of counts and units and the ratios of these sums, by column name.

        A sum over an unknown value, or over rows that may be missing, is unknown (None).
        Columns without a total are left out; a table without any such column, or without rows,
        gives an empty dict.
        """
        if self.rows.empty:
            return {}
        counted = self.rows if self.in_total is None else self.rows[self.in_total.to_numpy()]
        sums: dict[str, Any] = {}
        for column in self.frame.columns:
            if column.kind in SUMMABLE:
                values = counted[column.name]
                is_unknown = self.may_lack_rows or values.isna().any()
                sums[column.name] = None if is_unknown else values.sum()
        for column in self.frame.columns:
            if column.ratio_of:
                sums[column.name] = _quotient(*(sums[name] for name in column.ratio_of))
        return sums

    def of_what_was_read(self) -> dict[str, Any]:
        """Return the sums that the headlines rest on, and their ratios, by column name.

        These are of what was read and is known, and no totals. Where each of them is a total, that
        says it already and the dict is empty.
        """
        total = self.total()
        if all(total.get(name, 0) is not None for name in self.seen.sums):
            return {}
        sums: dict[str, Any] = dict(self.seen.sums)
        for column in self.frame.columns:
            if column.ratio_of and set(column.ratio_of) <= set(sums):
                sums[column.name] = _quotient(*(sums[name] for name in column.ratio_of))
        return sums

    def sum_of_known(self, name: str) -> float:
        """Return what a column adds up to over the rows whose cover, or use, is known."""
        is_known = self.rows[KNOWN_BY.get(name, name)].notna()
        return float(self.rows.loc[is_known, name].sum())

    @property
    def is_seen_in_rows(self) -> bool:
        """Whether the rows that are known add up to `seen`, and none that is unknown holds more."""
        return all(
            isclose(self.sum_of_known(name), value, abs_tol=TOLERANCE_UNITS)
            for name, value in self.seen.sums.items()
        )

    @property
    def completeness(self) -> str:
        """The least complete of what its rows say, `unknown` where some may be missing; or ""."""
        if COMPLETENESS.name not in self.frame.names:
            return ""
        told = {*self.rows[COMPLETENESS.name], *([UNKNOWN] if self.may_lack_rows else [])}
        return next((word for word in (UNKNOWN, PARTIAL) if word in told), COMPLETE)

    def total_basis(self) -> dict[str, str]:
        """Return for each total that is known whether it is firm, if rows of the table say so."""
        if BASIS.name not in self.frame.names:
            return {}
        # What an unknown row would say is not known either.
        is_open = (self.rows[BASIS.name] != FIRM).any()
        return {
            name: CONVENTION if is_open and name in self.open_totals else FIRM
            for name, total in self.total().items()
            if total is not None
        }


def _quotient(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def make_tables(inventory: Inventory, analysis: Analysis) -> dict[str, Table]:
    """Return every table of the report by name, in reading order.

    Args:
        inventory: What was seen, and how the reading of each cell ended.
        analysis: What `unknown.blind` returns.
    """
    missing = unread(inventory.outcomes)
    are_lacking: dict[Needed, bool] = {
        "instances": bool(missing.instances.places),
        "reservations": bool(missing.reservations.places),
        "accounts": not is_all_listed(inventory.outcomes),
    }
    lacking = {needed for needed, is_lacking in are_lacking.items() if is_lacking}
    found = seen(analysis)
    tables = (_table(entry, inventory, analysis, lacking) for entry in CONTENTS)
    return {
        table.name: _with_seen(table, found, entry.headline_sums)
        for table, entry in zip(tables, CONTENTS, strict=True)
    }


def _table(
    entry: Entry, inventory: Inventory, analysis: Analysis, missing: Collection[Needed]
) -> Table:
    frame = with_name_columns(entry.frame)
    made = entry.rows(inventory, analysis)
    rows = frame.check(with_names(made, entry.frame, inventory.accounts))
    lacking = [needed for needed in entry.needs if needed in missing]
    return Table(
        entry.title,
        " ".join([entry.note, *(LACKING[needed] for needed in lacking)]),
        frame,
        rows,
        entry.in_total(rows) if entry.in_total else None,
        may_lack_rows=bool(lacking),
        open_totals=entry.open_totals,
    )


def _with_seen(table: Table, found: Seen, names: Collection[str]) -> Table:
    """Return the table with the sums of these columns, and a note of them where it shows them."""
    told = Seen(
        {name: value for name, value in found.sums.items() if name in names},
        {name: basis for name, basis in found.basis.items() if name in names},
    )
    table = replace(table, seen=told)
    if not table.of_what_was_read():
        return table
    rest = "" if table.is_seen_in_rows else f" {REST}"
    return replace(table, note=f"{table.note} {RECONCILED}{rest}")
