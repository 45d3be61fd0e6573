from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
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
    texts = list(etree.fromstring(f"<div>{one.svg}</div>").iter("text"))
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


def ending(month: str, instances: int, units: float) -> dict[str, Any]:
    measures = {c.name: 0 for c in EXPIRIES.columns if c.kind != "text"}
    return measures | {"month": month, "ending_instances": instances, "ending_units": units}


def timeline(report: Report, rows: list[dict[str, Any]]) -> Figure:
    return figure(with_rows(report, "expiries", rows), "chart-expiries")


def test_timeline_shows_every_month_through_the_last_in_which_anything_ends(
    complete: Report,
) -> None:
    rows = [ending("2026-12", 3, 12), ending("2028-06", 5, 4) | {"starting_instances": 2}]
    shown = words(timeline(complete, rows))
    assert shown[:3] == ["Nov 2026: ", "Dec 2026: 3 end", "Jan 2027: "]
    assert len(shown) == 20
    assert shown[-2:] == ["May 2028: ", "Jun 2028: 5 end · 2 start"]


def test_timeline_shows_a_year_at_least_and_what_ends_after_three_as_later(
    complete: Report,
) -> None:
    assert len(words(timeline(complete, [ending("2026-12", 3, 12)]))) == 12
    rows = [ending("2029-11", 1, 1), ending("2029-12", 2, 2), ending("2999-01", 4, 4)]
    shown = words(timeline(complete, rows))
    assert len(shown) == 36 + 1 + 1
    assert shown[-2:] == ["Nov 2029: 1 end", "Later: 6 end"]


def test_a_long_timeline_is_drawn_in_two_columns_on_one_scale(complete: Report) -> None:
    one = timeline(complete, [ending("2026-12", 3, 10), ending("2028-06", 5, 40)])
    columns = list(etree.fromstring(f"<div>{one.svg}</div>"))
    assert [c.findtext("{*}title") or c.findtext("title") for c in columns] == [
        "What ends when: Nov 2026 to Aug 2027",
        "What ends when: Sep 2027 to Jun 2028",
    ]
    widths = [
        sum(
            float(str(r.get("width")).rstrip("%"))
            for r in column.iter("rect")
            if "%" in r.get("width", "")
        )
        for column in columns
    ]
    assert widths[1] == pytest.approx(4 * widths[0])


def test_months_without_anything_stand_in_the_table_too(complete: Report) -> None:
    rows = complete.tables["expiries"].rows
    months = list(rows["month"])
    first, last = (int(m[:4]) * 12 + int(m[5:]) for m in ("2026-11", months[-1]))
    assert months[0] == "2026-11"
    assert len(months) == last - first + 1
    nothing = rows[(rows["ending_reservations"] == 0) & (rows["starting_instances"] == 0)]
    assert len(nothing)
    assert set(nothing["basis"]) == {"firm"}
    assert nothing["ending_used_units"].eq(0).all()


def test_figures_without_anything_say_so(complete: Report) -> None:
    empty = complete
    for name in ("coverage_by_family", "utilization", "expiries"):
        empty = with_rows(empty, name, [])
    assert [(one.svg, one.caption) for one in figures(empty)] == [
        ("", "No eligible instance was seen running."),
        ("", "No active reservation was seen that ends, and no queued purchase that starts."),
        ("", "No active reservation was seen."),
    ]
