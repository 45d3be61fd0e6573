"""Figures: which numbers of the report are drawn, in which order, and what stands under them."""

from __future__ import annotations

from calendar import month_abbr
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.report.charts import Bar, bars
from ri_report.report.contents import months_ahead
from ri_report.report.formats import CONVENTION_SIGN, marked, number, text_of
from ri_report.report.wording import quantity
from ri_report.rules.basis import CONVENTION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ri_report.report.model import Report

MOST_FAMILIES = 14
MOST_RESERVATIONS = 16
LEAST_MONTHS = 12


@dataclass(frozen=True)
class Figure:
    """One chart with its words.

    Attributes:
        name: Its anchor.
        title: What it answers.
        caption: How it is to be read, and what it leaves out.
        svg: The drawing; "" where there is nothing to draw, and the caption says why.
        table: Name of the table that holds its numbers.
        has_long_labels: Whether the bars leave room for labels of many words.
    """

    name: str
    title: str
    caption: str
    svg: str
    table: str
    has_long_labels: bool = False


def figures(report: Report) -> tuple[Figure, ...]:
    """Return the charts of the report in reading order."""
    return _coverage_by_family(report), _expiry_timeline(report), _utilization(report)


def _coverage_by_family(report: Report) -> Figure:
    rows = _records(report, "coverage_by_family")
    shown = [
        Bar(
            row["family"],
            text_of(row["coverage_ratio"], "ratio"),
            f"{text_of(row['covered_units'], 'units')} of {number(row['running_units'])} units",
            float(row["running_units"]),
            _known(row["covered_units"]),
        )
        for row in rows[:MOST_FAMILIES]
    ]
    caption = "Normalized units running: solid is covered, hatched is not; hollow, unknown."
    left_out = len(rows) - len(shown)
    if left_out:
        caption += f" The {left_out:,} smallest families are in the table."
    return _figure(
        Figure("chart-families", "Coverage by family", caption, "", "coverage_by_family"),
        shown,
        "No eligible instance was seen running.",
    )


def _utilization(report: Report) -> Figure:
    rows = _records(report, "utilization")
    idle = sorted(
        (row for row in rows if row["unused_units"] > 0),
        key=lambda row: (-row["unused_units"], row["reservation_id"]),
    )
    unknown = sum(_known(row["unused_units"]) is None for row in rows)
    names = account_names(report)
    shown = [_reservation(row, names) for row in idle[:MOST_RESERVATIONS]]
    return _figure(
        Figure(
            "chart-reservations",
            "Reservations that are not fully used",
            "Normalized units bought: solid is used, hatched is not; most unused first."
            + _signed(rows)
            + _rest_of_reservations(
                len(rows) - len(idle) - unknown, len(idle) - len(shown), unknown
            ),
            "",
            "utilization",
            has_long_labels=True,
        ),
        shown,
        _without_idle(len(rows), unknown),
    )


def _reservation(row: dict[str, Any], names: dict[str, str]) -> Bar:
    where = row["availability_zone"] or row["region"]
    owner = names.get(row["account_id"]) or row["account_id"]
    words = [f"{number(row['unused_units'])} of {number(row['purchased_units'])} units unused"]
    if row["unused_reason"]:
        words.append(row["unused_reason"].replace("_", " "))
    return Bar(
        f"{row['instance_type']} \u00d7 {row['instance_count']:,}",
        marked(text_of(row["utilization_ratio"], "ratio"), row["basis"]),
        " · ".join([*words, owner]),
        float(row["purchased_units"]),
        float(row["used_units"]),
        where,
    )


def _without_idle(count: int, unknown: int) -> str:
    """Say why no reservation is drawn, in words that hold of what was read."""
    if unknown:
        some = quantity(unknown, "reservation")
        return f"The use of {some} is unknown; no other was seen unused."
    return (
        "Every active reservation that was seen is used in full."
        if count
        else "No active reservation was seen."
    )


def _rest_of_reservations(full: int, capped: int, unknown: int) -> str:
    words = f" {capped:,} more that are not fully used are in the table." if capped else ""
    if full:
        words += f" {full:,} {'is' if full == 1 else 'are'} used in full and not drawn."
    if unknown:
        words += f" {unknown:,}, whose use is unknown, {'is' if unknown == 1 else 'are'} not drawn."
    return words


def _expiry_timeline(report: Report) -> Figure:
    rows = {row["month"]: row for row in _records(report, "expiries")}
    figure = Figure(
        "chart-expiries",
        "What ends when",
        "Instances whose reservation ends, and queued ones that start. Bars are normalized"
        " units that end: solid is in use now, hatched is not; hollow, unknown."
        + _signed(list(rows.values())),
        "",
        "expiries",
    )
    if not rows:
        nothing = "No active reservation was seen that ends, and no queued purchase that starts."
        return replace(figure, caption=nothing)
    shown = _months_shown(rows, months_ahead(report.as_of))
    return replace(figure, svg=_side_by_side(figure, shown))


def _months_shown(rows: dict[str, dict[str, Any]], ahead: list[str]) -> list[Bar]:
    """Return a bar for each month of a year at least, and through the last that has anything."""
    last = max((place for place, month in enumerate(ahead) if month in rows), default=0)
    months = ahead[: max(LEAST_MONTHS, last + 1)]
    later = [row for month, row in rows.items() if month not in ahead]
    shown = [_ending(_spoken(month), [rows[month]] if month in rows else []) for month in months]
    return [*shown, _ending("Later", later)] if later else shown


def _side_by_side(figure: Figure, shown: list[Bar]) -> str:
    """Draw the bars of a long chart in two columns on one scale."""
    half = -(-len(shown) // 2) if len(shown) > LEAST_MONTHS else len(shown)
    longest = max(bar.whole for bar in shown)
    columns = [column for column in (shown[:half], shown[half:]) if column]
    return "".join(
        bars(
            f"{figure.name}-{number}",
            f"{figure.title}: {column[0].label} to {column[-1].label}",
            _in_words(column),
            column,
            longest=longest,
        )
        for number, column in enumerate(columns, 1)
    )


def _ending(label: str, rows: list[dict[str, Any]]) -> Bar:
    ending, units, used, starting = (
        sum(row[name] for row in rows)
        for name in ("ending_instances", "ending_units", "ending_used_units", "starting_instances")
    )
    ends = f"{ending:,} end" if ending else ""
    starts = f"{starting:,} start" if starting else ""
    return Bar(
        label,
        " · ".join(word for word in (ends, starts) if word),
        _units_that_end(rows, units) if ending else "",
        float(units),
        _known(used),
    )


def _units_that_end(rows: list[dict[str, Any]], units: float) -> str:
    """Return the units, which are known; the sign tells that how many are in use is open."""
    sign = f" {CONVENTION_SIGN}" if any(row["basis"] == CONVENTION for row in rows) else ""
    return f"{number(units)} unit{'' if units == 1 else 's'}{sign}"


def _signed(rows: Iterable[dict[str, Any]]) -> str:
    """Say what the sign means where a row has it."""
    if all(row["basis"] != CONVENTION for row in rows):
        return ""
    return f" {CONVENTION_SIGN}: how much of it is used is a convention."


def _spoken(month: str) -> str:
    return f"{month_abbr[int(month[5:])]} {month[:4]}"


def _figure(words: Figure, shown: list[Bar], nothing: str) -> Figure:
    """Draw the bars; without any, say why there is no drawing."""
    if not shown:
        return replace(words, caption=nothing)
    return replace(words, svg=bars(words.name, words.title, _in_words(shown), shown))


def _in_words(shown: Iterable[Bar]) -> str:
    return "; ".join(
        f"{bar.label} {bar.label_note} {bar.value} {bar.note}".replace("  ", " ").strip()
        for bar in shown
    )


def account_names(report: Report) -> dict[str, str]:
    """Return the name of each account by its id."""
    rows = report.tables["accounts"].rows
    return dict(zip(rows["account_id"], rows["account_name"], strict=True))


def _records(report: Report, table: str) -> list[dict[str, Any]]:
    rows = report.tables[table].rows
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _known(value: Any) -> float | None:  # noqa: ANN401 - a cell of a nullable column
    return None if pd.isna(value) else float(value)
