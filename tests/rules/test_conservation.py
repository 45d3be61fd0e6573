"""Conservation: an analysis that contradicts itself is refused; any other is let through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ri_report.errors import IntegrityError
from ri_report.rules.conservation import check_conservation
from tests.rules.fleet import fleet

FLEET = """
    i-1: A runs 3 m5.large in us-east-1a
    i-2: B runs 1 m5.2xlarge in us-east-1b
    r-1: A bought 4 m5.large in us-east-1
    r-2: A bought 2 c5.large in us-east-1a
    cr-1: B holds 2 r5.large in us-east-1a
    r-3: A bought 1 r5.large in us-east-1
    """
SUMS = [
    ("covered", "covered_units", "covered", "covered by place"),
    ("coverage", "covered_units", "covered", "covered by place"),
    ("coverage_by_account", "covered_units", "covered", "covered by account"),
    ("pools", "covered_units", "covered", "covered by pool"),
    ("capacity_reservations", "covered_idle_units", "covered of idle slots", "used by idle slots"),
    ("utilization", "idle_slot_units", "covered of idle slots", "used by idle slots"),
    ("pools", "covered_idle_units", "covered of idle slots", "covered of idle slots by pool"),
    ("utilization", "used_units", "covered with idle slots", "used by reservations"),
    ("pools", "used_units", "covered with idle slots", "used by pool"),
    ("allocations", "units", "covered with idle slots", "allocated"),
    ("pools", "lent_units", "lent", "borrowed"),
    ("pools", "borrowed_units", "lent", "borrowed"),
    ("utilization", "unused_units", "unused", "unused by reason"),
    ("unused_reasons", "unused_units", "unused", "unused by reason"),
]


@pytest.mark.parametrize("text", [FLEET, ""])
def test_what_the_rules_make_agrees_with_itself(text: str) -> None:
    world = fleet(text)
    check_conservation(world.analysis)


@pytest.mark.parametrize(("name", "column", "one", "other"), SUMS)
def test_one_sum_that_differs_is_refused_and_both_are_named(
    name: str, column: str, one: str, other: str
) -> None:
    result = fleet(FLEET).analysis
    frame = vars(result)[name].copy()
    frame.loc[0, column] += 0.25
    said = rf"units {one} are [\d.]+, units {other} are [\d.]+: the numbers contradict each other"
    with pytest.raises(IntegrityError, match=said):
        check_conservation(replace(result, **{name: frame}))


def test_what_fractional_hours_round_off_is_let_through() -> None:
    result = fleet(FLEET).analysis
    rounded = result.allocations.assign(units=result.allocations["units"] * (1 + 1e-9))
    check_conservation(replace(result, allocations=rounded))


def test_more_covered_than_runs_is_refused() -> None:
    result = fleet(FLEET).analysis
    beyond = result.covered.assign(uncovered_units=-1.0)
    with pytest.raises(IntegrityError, match="below zero"):
        check_conservation(replace(result, covered=beyond))


def test_more_used_than_was_bought_is_refused() -> None:
    result = fleet(FLEET).analysis
    beyond = result.utilization.assign(unused_units=[-1.0, 1.0, 0.0])
    reasons = result.unused_reasons.assign(unused_units=0.0)
    with pytest.raises(IntegrityError, match="below zero"):
        check_conservation(replace(result, utilization=beyond, unused_reasons=reasons))
