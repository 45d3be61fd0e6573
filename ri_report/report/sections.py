"""Sections: each table of the report as the page shows it, formatted and capped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.report.accounts import ACCOUNT_SUMMARY
from ri_report.report.figures import account_names
from ri_report.report.formats import UNKNOWN, cell_text, number
from ri_report.report.marks import MARKS, PARTLY, SHARED, shared_sign
from ri_report.report.naming import ACCOUNT_IDS, name_of
from ri_report.report.seen import SEEN
from ri_report.report.text import visible
from ri_report.rules.basis import BASIS, BASIS_TEXT, CONVENTION, MARKED, READ_OTHERWISE
from ri_report.rules.capacity import IDLE_SLOT_REASONS
from ri_report.rules.completeness import COMPLETE, COMPLETENESS, COMPLETENESS_TEXT, PARTIAL
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT, FACTOR_BASIS
from ri_report.rules.eligibility import NOT_ELIGIBLE_REASONS
from ri_report.rules.reasons import UNCOVERED_REASONS_TEXT, UNUSED_REASONS_TEXT
from ri_report.rules.zones import ZONE_MATCH_OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ri_report.inventory.frames import Column
    from ri_report.report.model import Report
    from ri_report.report.tables import Table

MOST_ROWS = 500
LONG_TEXT, LONG_WORDS = 44, 20
"""From which length on any text, and text of several words, may wrap [characters]."""
NAME_LIMIT = 40
CELL_LIMIT, FIX_LIMIT = 300, 1000
"""Most characters of a cell; a tag's value has 256 at most, and a fix may be a policy."""
NOT_IN_PAGE = frozenset({"allocations"})
"""One row per reservation and instance: too long to read, and complete in workbook and CSV."""

CODES = frozenset({"reason", "unused_reason", "factor_basis"})
WIDE = frozenset({"utilization", "uncovered"})
PLACE = frozenset({"scope", "availability_zone", "availability_zone_id"})
TRAITS = PLACE | {"platform", "tenancy", "offering_class", "payment_option"}
"""What in the widest tables stands behind the numbers."""
EVERY_ROW = "of what was read"
OTHERWISE_BESIDE = {
    frame.name: {unit: column.name for column, unit in told.items()}
    for frame, told in READ_OTHERWISE.items()
}
"""By table the numbers beside which stands what the other reading of zones gives."""
OTHERWISE = "by other zones"
OTHERWISE_TEXT = (
    "What it would be if zonal reservations matched the zones of other accounts the other way: by"
    " id where this report does by name, or by name where it does by id"
)
FACTOR_NOTES = {
    "multiple": "8 \u00d7 N",
    "largest_size": "as largest",
    "none": "no factor",
}
"""What coverage says beside a type whose factor AWS does not document."""
COVERAGE_TABLES = frozenset({COVERAGE.name, COVERAGE_BY_ACCOUNT.name})
RESERVATION_ID = "reservation_id"
NAMED_BESIDE = frozenset(name_of(column) for column in ACCOUNT_IDS)
SAID_TEXT = BASIS_TEXT | COMPLETENESS_TEXT
REASONS = {
    **dict.fromkeys((*MARKED, "coverage_by_family", "accounts"), SAID_TEXT),
    "utilization": UNUSED_REASONS_TEXT | SAID_TEXT,
    "unused_reasons": UNUSED_REASONS_TEXT | SAID_TEXT,
    "uncovered": UNCOVERED_REASONS_TEXT | SAID_TEXT,
    "not_eligible": NOT_ELIGIBLE_REASONS,
    "capacity_reservations": IDLE_SLOT_REASONS | SAID_TEXT,
}
NOTHING = {
    "coverage": "No eligible instance was seen running.",
    "utilization": "No active reservation was seen.",
    "unused_reasons": "No purchased unit was seen unused.",
    "zone_match": "Matching zones by name or by id gives the same result for what was seen.",
    "coverage_by_family": "No eligible instance was seen running.",
    "coverage_by_account": "No eligible instance was seen running.",
    "uncovered": "No instance was seen that is left uncovered.",
    "pools": "Nothing was seen running and nothing was seen reserved.",
    "capacity_reservations": "No active capacity reservation was seen.",
    "expiries": "No active reservation was seen that ends, and no queued purchase that starts.",
    "gaps": "Everything in scope was read.",
    "running": "No instance was seen running.",
    "purchases": "No reservation was seen in any state.",
    "not_eligible": "Reservations can cover every instance that was seen running.",
    "reservations_other_states": "Every reservation that was seen is active.",
}

SEEN_LABEL = f"{SEEN}, as in the headlines"
UNREAD = " What was not read may hold some."


@dataclass(frozen=True)
class Cell:
    """One cell: its text, muted text beside it, its style, and whether it is a convention."""

    text: str
    name: str = ""
    style: str = ""
    is_marked: bool = False


@dataclass(frozen=True)
class Section:
    """One table as the page shows it.

    Attributes:
        table: The table.
        heads: Heading, description and style of each column.
        rows: The first `MOST_ROWS` rows, in the order of the table.
        total: The cells of the total row; empty where the table has none.
        total_label: What the total row says that it covers.
        total_span: How many columns these words take.
        seen: The cells of the row below it, of what was read; empty where the total says the same.
        seen_label: What that row says that it is.
        count: How many rows the table has.
        nothing: What is said in place of a table without rows.
        reasons: (code in words, meaning) of the codes that the shown rows use.
    """

    table: Table
    heads: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...]
    total_label: str
    total_span: int
    seen: tuple[Cell, ...]
    seen_label: str
    count: int
    nothing: str
    reasons: tuple[tuple[str, str], ...]

    @property
    def left_out(self) -> int:
        """How many rows are only in the workbook and the CSV file."""
        return self.count - len(self.rows)


def sections(report: Report) -> tuple[Section, ...]:
    """Return every table that the page shows, in reading order."""
    names = account_names(report) | _reservation_names(report)
    return tuple(
        _section(table, names, "" if report.is_of_all else UNREAD)
        for table in report.tables.values()
        if table.name not in NOT_IN_PAGE
    )


def _reservation_names(report: Report) -> dict[str, str]:
    """Return what each active reservation bought, for tables that tell its id alone."""
    rows = report.tables["utilization"].rows
    bought = zip(rows["instance_type"], rows["instance_count"], strict=True)
    texts = (f"{instance_type} \u00d7 {count:,}" for instance_type, count in bought)
    return dict(zip(rows["reservation_id"], texts, strict=True))


def _section(table: Table, names: Mapping[str, str], unread: str) -> Section:
    columns = shown_columns(table)
    shown = table.rows.head(MOST_ROWS).to_dict("records")
    partly = PARTLY.get(table.name, "") if COMPLETE in _completeness(table.rows) else ""
    span = _span(table)
    nothing = NOTHING.get(table.name, "There are no rows.")
    return Section(
        table,
        tuple((c.heading, c.description, _style(c)) for c in columns),
        tuple(
            tuple(_marked(_cell(row, c, names), row, c, table.name, partly) for c in columns)
            for row in shown
        ),
        _sums(table, table.total(), table.total_basis(), span),
        _total_label(table),
        span,
        _sums(table, table.of_what_was_read(), table.seen.basis, span),
        SEEN_LABEL,
        len(table.rows),
        nothing + unread,
        _reasons(table, shown),
    )


def shown_columns(table: Table) -> list[Column]:
    """Return the columns but those that the page tells by a mark or a note in others.

    In the widest tables what tells where and what something is stands behind the numbers.
    """
    told = {BASIS.name, COMPLETENESS.name, *OTHERWISE_BESIDE.get(table.name, {}).values()}
    told |= {FACTOR_BASIS.name} if table.name in COVERAGE_TABLES else set()
    told |= NAMED_BESIDE if table.name != ACCOUNT_SUMMARY.name else set()
    columns = [column for column in table.frame.columns if column.name not in told]
    return sorted(columns, key=lambda column: table.name in WIDE and column.name in TRAITS)


def _marked(cell: Cell, row: Mapping[Any, Any], column: Column, table: str, partly: str) -> Cell:
    is_convention = column.name == MARKS.get(table) and row[BASIS.name] == CONVENTION
    beside = _beside(row, column.name, table, partly)
    return replace(cell, name=", ".join(beside) or cell.name, is_marked=is_convention)


def _beside(row: Mapping[Any, Any], column: str, table: str, partly: str) -> Iterator[str]:
    """Yield what stands beside a number or an instance type."""
    other = OTHERWISE_BESIDE.get(table, {}).get(column, "")
    if other and not pd.isna(row[other]):
        yield f"{number(row[other])} {OTHERWISE}"
    if column == partly and row[COMPLETENESS.name] == PARTIAL:
        yield PARTIAL
    if column == "instance_type" and table in COVERAGE_TABLES:
        yield from filter(None, [FACTOR_NOTES.get(row[FACTOR_BASIS.name])])


def _completeness(rows: pd.DataFrame) -> set[str]:
    """Return which words on their completeness rows say."""
    return set(rows[COMPLETENESS.name]) if COMPLETENESS.name in rows else set()


def _style(column: Column) -> str:
    return {"text": "", "flag": "", "time": "t"}.get(column.kind, "n")


def _cell(row: Mapping[Any, Any], column: Column, names: Mapping[str, str]) -> Cell:
    text = cell_text(row, column)
    style = _style(column)
    if column.kind != "text":
        return Cell(text, "", f"{style} u".strip() if text == UNKNOWN else style)
    if column.name in ACCOUNT_IDS:
        return Cell(text, visible(names.get(text, ""), NAME_LIMIT))
    if column.name in CODES:
        return Cell(text.replace("_", " "))
    if column.name == RESERVATION_ID:
        name = "" if "instance_type" in row else names.get(text, "")
        return Cell(visible(text, CELL_LIMIT), visible(name, NAME_LIMIT), "id")
    limit = FIX_LIMIT if column.name == "fix" else CELL_LIMIT
    return Cell(visible(text, limit), "", _wrapping(text))


def _wrapping(text: str) -> str:
    if len(text) >= LONG_TEXT:
        return "w"
    return "s" if len(text) >= LONG_WORDS and " " in text else ""


def _span(table: Table) -> int:
    """Return how many columns the words of the total row take: those before the first sum."""
    total = table.total()
    columns = shown_columns(table)
    return next((place for place, column in enumerate(columns) if column.name in total), 0)


def _sums(
    table: Table, sums: Mapping[str, Any], basis: Mapping[str, str], span: int
) -> tuple[Cell, ...]:
    """Return the cells right of the words of a row of sums; none where there are no sums."""
    if not sums:
        return ()
    columns = shown_columns(table)[span:]
    return tuple(_total_cell(sums, column, basis.get(column.name, "")) for column in columns)


def _total_label(table: Table) -> str:
    count = len(table.rows)
    summed = count if table.in_total is None else int(table.in_total.sum())
    rows = "row" if summed == 1 else "rows"
    unknown = f", {count - summed:,} not queried left out" if summed < count else ""
    unread = "; there may be more that was not read" if table.may_lack_rows else ""
    return f"Total of {summed:,} {rows}{unknown}{unread}"


def _total_cell(total: Mapping[str, Any], column: Column, basis: str) -> Cell:
    if column.name not in total:
        return Cell("")
    text = cell_text(total, column)
    return Cell(text, "", "n u" if text == UNKNOWN else "n", basis == CONVENTION)


def _reasons(table: Table, shown: list[dict[Any, Any]]) -> tuple[tuple[str, str], ...]:
    texts = REASONS.get(table.name, {})
    if table.name in SHARED:
        texts = {**texts, CONVENTION: f"{BASIS_TEXT[CONVENTION]}. {shared_sign(table)}"}
    used = {row[name] for row in shown for name in CODES & set(table.frame.names)}
    if table.name in MARKS and any(row[BASIS.name] == CONVENTION for row in shown):
        used.add(CONVENTION)
    if any(not pd.isna(row.get(ZONE_MATCH_OTHER.name)) for row in shown):
        texts = {**texts, OTHERWISE: OTHERWISE_TEXT}
        used.add(OTHERWISE)
    words = _completeness(table.rows)
    if PARTIAL in words:
        partial = PARTIAL if COMPLETE in words else EVERY_ROW
        texts = {**texts, EVERY_ROW: COMPLETENESS_TEXT[PARTIAL]}
        used.add(partial)
    return tuple((code.replace("_", " "), text) for code, text in texts.items() if code in used)
