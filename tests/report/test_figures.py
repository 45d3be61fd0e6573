from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lxml import etree

from ri_report.report.figures import figures
from ri_report.rules.expiry import EXPIRIES
from ri_report.rules.utilization import UTILIZATION

if TYPE_CHECKING:
    from ri_report.report.figures import Figure
    from ri_report.report.model import Report


def figure(report: Report, name: str) -> Figure:
    return next(one for one in figures(report) if one.name == name)


def words(one: Figure) -> list[str]:
    """Return label and value of each bar, from top to bottom."""
    texts = list(etree.fromstring(one.svg).iter("text"))
    return [f"{a.text}: {b.text or ''}" for a, b in zip(texts[::2], texts[1::2], strict=True)]


def with_rows(report: Report, name: str, rows: list[dict[str, Any]]) -> Report:
    table = report.tables[name]
    new = replace(table, rows=table.frame.of(rows), in_total=None)
    return replace(report, tables=report.tables | {name: new})


def reservation(name: str, purchased: float, used: float) -> dict[str, Any]:
    return {column.name: 0 for column in UTILIZATION.columns if column.kind == "count"} | {
        "reservation_id": name,
        "instance_type": name,
        "region": "eu-west-1",
        "instance_count": 1,
        "purchased_units": purchased,
        "used_units": used,
        "unused_units": purchased - used,
        "utilization_ratio": used / purchased,
        "lent_units": 0,
        "idle_slot_units": 0,
    }


def test_reservation_with_most_unused_units_comes_first(complete: Report) -> None:
    rows = [reservation("a", 8, 6), reservation("b", 64, 32), reservation("c", 8, 8)]
    one = figure(with_rows(complete, "utilization", rows), "chart-reservations")
    assert words(one) == ["b \u00d7 1: 50.0 %", "a \u00d7 1: 75.0 %"]
    assert one.caption.endswith("1 is used in full and not drawn.")


def test_reservations_beyond_the_cap_are_counted(complete: Report) -> None:
    rows = [reservation(f"r{n:02d}", 8, 0) for n in range(20)]
    one = figure(with_rows(complete, "utilization", rows), "chart-reservations")
    assert len(words(one)) == 16
    assert "4 more that are not fully used are in the table" in one.caption


def test_nothing_unused_is_a_sentence_and_not_an_empty_box(complete: Report) -> None:
    one = figure(with_rows(complete, "utilization", [reservation("a", 8, 8)]), "chart-reservations")
    assert (one.svg, one.caption) == ("", "Every active reservation that was seen is used in full.")


def test_timeline_shows_a_year_of_months_and_then_years(complete: Report) -> None:
    measures = {c.name: 0 for c in EXPIRIES.columns if c.kind != "text"}
    rows = [
        measures | {"month": "2026-12", "ending_instances": 3, "ending_units": 12.0},
        measures | {"month": "2027-02", "starting_instances": 2},
        measures | {"month": "2027-12", "ending_instances": 1, "ending_units": 4.0},
        measures | {"month": "2028-01", "ending_instances": 4, "ending_units": 4.0},
        measures | {"month": "2028-06", "ending_instances": 5, "ending_units": 4.0},
    ]
    shown = words(figure(with_rows(complete, "expiries", rows), "chart-expiries"))
    assert shown[:4] == ["Nov 2026: ", "Dec 2026: 3 end", "Jan 2027: ", "Feb 2027: 2 start"]
    assert shown[11:] == ["Oct 2027: ", "Rest of 2027: 1 end", "2028: 9 end"]


def test_figures_without_anything_say_so(complete: Report) -> None:
    empty = complete
    for name in ("coverage_by_family", "utilization", "expiries"):
        empty = with_rows(empty, name, [])
    assert [(one.svg, one.caption) for one in figures(empty)] == [
        ("", "No eligible instance was seen running."),
        ("", "No active reservation was seen that ends, and no queued purchase that starts."),
        ("", "No active reservation was seen."),
    ]
