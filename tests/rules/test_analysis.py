"""The rules in their order: counts of what runs, and inventories that lack one side or both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ri_report.rules import capacity, counts, eligibility
from ri_report.rules.analysis import analyze
from ri_report.rules.basis import MARKED
from ri_report.rules.coverage import COVERED_USAGE_COLUMNS
from ri_report.rules.inside import INSIDE
from ri_report.rules.unplaced import UNPLACED
from tests.rules.fleet import fleet, lines, table

if TYPE_CHECKING:
    from ri_report.rules.sharing import ZonalMatch

DECLARED = {
    "running": counts.RUNNING.names,
    "covered": [
        *eligibility.USAGE.names,
        *(column.name for column in COVERED_USAGE_COLUMNS),
        "whole",
        "zone_match_other",
        "basis",
        "completeness",
    ],
    "not_eligible": eligibility.NOT_ELIGIBLE.names,
    "active": [*eligibility.ACTIVE.names, "whole"],
    "other_states": eligibility.OTHER_STATES.names,
    "allocations": MARKED["allocations"].names,
    "coverage": MARKED["coverage"].names,
    "coverage_by_account": MARKED["coverage_by_account"].names,
    "utilization": MARKED["utilization"].names,
    "unused_reasons": MARKED["unused_reasons"].names,
    "uncovered": MARKED["uncovered"].names,
    "zone_match": MARKED["zone_match"].names,
    "pools": MARKED["pools"].names,
    "expiries": MARKED["expiries"].names,
    "capacity_reservations": MARKED["capacity_reservations"].names,
    "idle_slots": capacity.SLOTS.names,
    "unplaced": UNPLACED.names,
    "inside": INSIDE.names,
}
RUNNING = "i-1: A runs 2 m5.large in us-east-1a"
SPOT = "i-2: A runs 2 m5.large in us-east-1a, spot"
BOUGHT = "r-1: A bought 1 m5.large in us-east-1"
RETIRED = "r-2: A bought 1 m5.large in us-east-1, retired"


def test_running_instances_are_counted_by_account_region_and_type() -> None:
    world = fleet("""
        i-1: A runs 3 m5.large in us-east-1a
        i-2: A runs 1 m5.large in us-east-1b, spot
        i-3: A runs 1 m5.large in us-east-1b, dedicated
        i-4: A runs 5 m5.large in us-east-1b, stopped
        i-5: B runs 2 c5.large in eu-west-1a, host
        """)
    found = counts.running(world.usage, world.not_eligible)
    assert set(found["completeness"]) == {"complete"}
    assert table(found, counts.RUNNING.names[:-1]) == lines("""
        account_id | region    | instance_type | running_instances | eligible_instances | not_eligible_instances
        A          | us-east-1 | m5.large      | 5                 | 4                  | 1
        B          | eu-west-1 | c5.large      | 2                 | 0                  | 2
        """)  # noqa: E501 - a table


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", set()),
        (RUNNING, {"running", "covered", "coverage", "coverage_by_account", "uncovered", "pools"}),
        (SPOT, {"running", "not_eligible"}),
        (BOUGHT, {"active", "utilization", "unused_reasons", "pools", "expiries"}),
        (RETIRED, {"other_states"}),
        (f"{SPOT}\n{RETIRED}", {"running", "not_eligible", "other_states"}),
    ],
)
def test_what_is_not_there_makes_empty_tables_with_all_their_columns(
    text: str, filled: set[str]
) -> None:
    world = fleet(text)
    result = vars(world.analysis)
    assert {name for name, frame in result.items() if len(frame)} == filled
    assert {name: list(frame.columns) for name, frame in result.items()} == DECLARED


def test_the_moment_decides_what_gives_a_discount_and_how_long_it_lasts() -> None:
    world = fleet("r-1: A bought 1 m5.large in us-east-1, ends 2026-12-01")
    before, after = (
        analyze(replace(world.inventory, as_of=moment), world.sharing)
        for moment in (datetime(2026, 11, 29, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    )
    assert before.utilization["days_left"].tolist() == [2]
    assert after.utilization.empty
    assert after.other_states["reason"].tolist() == ["ended"]


@pytest.mark.parametrize(("zonal_match", "units"), [("az_name", [4]), ("az_id", [])])
def test_the_preferences_decide_how_zones_are_compared_in_every_table(
    zonal_match: ZonalMatch, units: list[float]
) -> None:
    text = """
        i-1: B runs 1 m5.large in us-east-1a (use1-az2)
        r-1: A bought 1 m5.large in us-east-1a (use1-az1)
        """
    found = fleet(text, zonal_match=zonal_match).analysis
    assert found.allocations["units"].tolist() == units
    assert table(found.zone_match, ["used_units_by_name", "used_units_by_id", "applied"]) == lines(
        f"""
        used_units_by_name | used_units_by_id | applied
        4                  | 0                | {zonal_match}
        """
    )


def test_rows_tell_what_the_other_reading_of_zones_would_give() -> None:
    made = fleet("""
        r: A bought 1 m5.large in us-east-1a (use1-az1)
        i: B runs 1 m5.large in us-east-1a (use1-az2)
        """).analysis
    for name in ("covered", "coverage", "utilization", "allocations"):
        assert getattr(made, name)["zone_match_other"].tolist() == [0], name


def test_every_row_says_whether_it_is_firm_or_a_convention() -> None:
    """Which of two alike is covered, and which of two is used, is open; the sums are not."""
    made = fleet("""
        i-1: A runs 2 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        i-2: B runs 1 r5.large in us-east-1a
        r-2: B bought 1 r5.large in us-east-1
        r-3: B bought 1 r5.large in us-east-1
        """).analysis
    told = {
        name: sorted(zip(getattr(made, name)[key], getattr(made, name)["basis"], strict=True))
        for name, key in {
            "coverage": "instance_type",
            "coverage_by_account": "instance_type",
            "uncovered": "instance_id",
            "utilization": "reservation_id",
            "pools": "pool",
            "allocations": "reservation_id",
        }.items()
    }
    assert told == {
        "coverage": [("m5.large", "firm"), ("r5.large", "firm")],
        "coverage_by_account": [("m5.large", "firm"), ("r5.large", "firm")],
        "uncovered": [("i-1/2", "convention")],
        "utilization": [("r-1", "firm"), ("r-2", "convention"), ("r-3", "convention")],
        "pools": [("m5", "firm"), ("r5", "firm")],
        "allocations": [("r-1", "convention"), ("r-2", "convention")],
    }
