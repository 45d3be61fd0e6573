"""Modifications: AWS's examples keep their footprint, which counts once beside the original."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from ri_report.rules.hours import KIND, by_hour
from tests.rules.fleet import fleet

TEXT = Path(__file__).with_name("conformance") / "aws-modification-examples.txt"
ROW = re.compile(r"    (?P<line>(?P<when>\w+)\S*: [^|]+?) +\| (?P<units>\S+) units")


class Example(NamedTuple):
    title: str
    lines: dict[str, list[str]]
    units: dict[str, float]


def examples() -> list[Example]:
    return [_example(section) for section in TEXT.read_text("utf-8").split("\n# ")[1:]]


def _example(section: str) -> Example:
    title, _, rest = section.partition("\n")
    rows = [row for line in rest.splitlines() if (row := ROW.fullmatch(line))]
    lines: dict[str, list[str]] = {}
    units: dict[str, float] = {}
    for row in rows:
        lines.setdefault(row["when"], []).append(row["line"])
        units[row["when"]] = units.get(row["when"], 0.0) + float(row["units"])
    return Example(title, lines, units)


def footprint(lines: list[str]) -> float:
    active = fleet("\n".join(lines)).active
    return float((active["units"] * active["instance_count"]).sum())


@pytest.mark.parametrize("example", examples(), ids=lambda example: str(example.title))
def test_each_footprint_is_that_of_the_page(example: Example) -> None:
    found = {when: footprint(lines) for when, lines in example.lines.items()}
    assert found == example.units


@pytest.mark.parametrize("example", examples(), ids=lambda example: str(example.title))
def test_aws_accepts_exactly_what_keeps_the_footprint(example: Example) -> None:
    before, wanted = example.units.values()
    assert (before == wanted) == ("after" in example.lines)


@pytest.mark.parametrize(
    "example", [e for e in examples() if "after" in e.lines], ids=lambda e: str(e.title)
)
def test_what_was_modified_is_bought_once(example: Example) -> None:
    """EC2 goes on telling the original, as retired, beside what it became."""
    retired = [f"{line}, retired" for line in example.lines["before"]]
    assert footprint(retired + example.lines["after"]) == example.units["before"]


def test_a_modification_at_a_quarter_past_nine_holds_from_nine() -> None:
    """The page's request at 9:15 PM is effective from 9:00 PM: no hour is bought twice or never."""
    ten = "A bought 10 m4.large in us-east-1a"
    bought = fleet(f"before: {ten}\nafter: {ten}").active.sort_values("reservation_id")
    nine = pd.Timestamp(datetime(2026, 11, 22, 21, tzinfo=UTC))
    day = pd.Timedelta(days=1)
    bought = bought.assign(start=[nine, nine - day], end=[nine + day, nine])
    runs = bought[[*KIND, "start", "end"]].head(0)
    hourly = by_hour(runs, bought, nine - day / 8, nine + day / 8)
    offered = hourly.reservations.merge(hourly.periods, on="period", suffixes=("", "_in_all"))
    hours = offered["hours_in_all"].groupby(offered["reservation_id"]).sum()
    assert hours.to_dict() == {"before": 3, "after": 3}
    assert not hourly.reservations["period"].duplicated().any()


def test_all_examples_are_read() -> None:
    assert len(examples()) == TEXT.read_text("utf-8").count("\n# ") == 7
