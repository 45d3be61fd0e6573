"""Marks: which number of a row bears the sign of a convention, and for which others it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ri_report.report.tables import Table

MARKS = {
    "coverage": "covered_instances",
    "coverage_by_account": "covered_instances",
    "utilization": "used_units",
    "uncovered": "uncovered_units",
    "pools": "covered_units",
    "unused_reasons": "unused_units",
    "zone_match": "used_units_by_name",
    "expiries": "ending_used_units",
    "capacity_reservations": "covered_idle_units",
    "accounts": "covered_units",
}
"""By table the number that bears the mark where the row is a convention."""
SHARED = {
    "coverage": ("uncovered_instances", "covered_units", "coverage_ratio"),
    "coverage_by_account": ("uncovered_instances", "covered_units", "coverage_ratio"),
    "utilization": ("unused_units", "utilization_ratio", "idle_slot_units", "lent_units"),
    "uncovered": ("covered_units",),
    "pools": ("used_units", "lent_units", "borrowed_units", "covered_idle_units"),
    "zone_match": ("used_units_by_id", "covered_units_by_name", "covered_units_by_id"),
    "accounts": (
        "coverage_ratio",
        "used_units",
        "utilization_ratio",
        "borrowed_units",
        "lent_units",
    ),
}
"""By table the other numbers of such a row that another split could change: the mark is theirs too,
but beside each of them it would hide the numbers."""
PARTLY = MARKS | {"coverage_by_family": "covered_units"}
"""By table the number that says partial where the row is and others of the table are complete."""


def shared_sign(table: Table) -> str:
    """Say for which numbers of a row the sign beside one of them stands; a table of `SHARED`."""
    headings = {column.name: column.heading for column in table.frame.columns}
    first = headings[MARKS[table.name]]
    *most, last = (headings[name] for name in SHARED[table.name])
    others = f"{', '.join(most)} and {last}" if most else last
    return f"The sign beside {first} stands for {others} of its row too"
