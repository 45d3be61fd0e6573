"""AWS's worked examples, kept as a text that people can read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from ri_report.rules.allocation import allocated_units
from ri_report.rules.coverage import ratio
from tests.rules.fleet import Fleet, fleet

TEXT = Path(__file__).with_name("conformance") / "aws-worked-examples.txt"
ROW = re.compile(r"    (?P<line>(?P<id>\S+): [^|]+?) +\| (?P<part>\S+) of (?P<whole>\S+) \w+")


class Example(NamedTuple):
    title: str
    world: Fleet
    expected: dict[str, tuple[float, float]]


def examples() -> list[Example]:
    return [_example(section) for section in TEXT.read_text("utf-8").split("\n# ")[1:]]


def _example(section: str) -> Example:
    title, _, rest = section.partition("\n")
    rows = [row for line in rest.splitlines() if (row := ROW.fullmatch(line))]
    return Example(
        title,
        fleet("\n".join(row["line"] for row in rows)),
        {row["id"]: (float(row["part"]), float(row["whole"])) for row in rows},
    )


@pytest.mark.parametrize("example", examples(), ids=lambda example: str(example.title))
def test_the_engine_allocates_as_aws_does(example: Example) -> None:
    world = example.world
    covered = world.usage.assign(
        id=world.usage["usage_id"].str.replace(r"/\d+$", "", regex=True),
        part=allocated_units(world.usage["usage_id"], world.allocations),
        whole=world.usage["units"] * world.usage["hours"],
    )
    idle = world.slots.assign(
        id=world.slots["usage_id"],
        part=allocated_units(world.slots["usage_id"], world.allocations),
        whole=world.slots["units"],
    )
    used = world.active.assign(
        id=world.active["reservation_id"],
        part=allocated_units(world.active["reservation_id"], world.allocations),
        whole=world.active["units"] * world.active["instance_count"] * world.active["hours"],
    )
    found = {
        str(name): (rows["part"].sum(), rows["whole"].sum())
        for side in (covered, idle, used)
        for name, rows in side.groupby("id")
    }
    assert found == example.expected


def test_a_total_utilization_is_a_ratio_of_sums() -> None:
    world = next(e.world for e in examples() if e.title == "A total is a ratio of sums")
    bought = world.active["units"] * world.active["hours"]
    used = allocated_units(world.active["reservation_id"], world.allocations)
    total = ratio(used.to_frame().sum(), bought.to_frame(used.name).sum())
    assert total.tolist() == [pytest.approx(0.691136832091327, abs=1e-15)]


def test_all_examples_are_read() -> None:
    assert len(examples()) == TEXT.read_text("utf-8").count("\n# ") == 26
    assert all(example.expected for example in examples())
