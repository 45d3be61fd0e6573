"""Conservation: an analysis that contradicts itself is refused; any other is let through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ri_report.errors import IntegrityError
from ri_report.rules.analysis import analyze
from ri_report.rules.conservation import check_conservation
from tests.rules.fleet import fleet

FLEET = """
    i-1: A runs 3 m5.large in us-east-1a
    i-2: B runs 1 m5.2xlarge in us-east-1b
    r-1: A bought 4 m5.large in us-east-1
    r-2: A bought 2 c5.large in us-east-1a
    """
SUMS = [
    ("covered", "covered_units"),
    ("utilization", "used_units"),
    ("utilization", "unused_units"),
    ("coverage", "covered_units"),
    ("coverage_by_account", "covered_units"),
    ("pools", "covered_units"),
    ("pools", "used_units"),
    ("pools", "lent_units"),
    ("pools", "borrowed_units"),
    ("allocations", "units"),
    ("unused_reasons", "unused_units"),
]


@pytest.mark.parametrize("text", [FLEET, ""])
def test_what_the_rules_make_agrees_with_itself(text: str) -> None:
    world = fleet(text)
    check_conservation(analyze(world.inventory, world.sharing))


@pytest.mark.parametrize(("name", "column"), SUMS)
def test_one_sum_that_differs_is_refused(name: str, column: str) -> None:
    world = fleet(FLEET)
    result = analyze(world.inventory, world.sharing)
    frame = vars(result)[name].copy()
    frame.loc[0, column] += 0.25
    with pytest.raises(IntegrityError, match="contradict"):
        check_conservation(replace(result, **{name: frame}))


def test_more_covered_than_runs_is_refused() -> None:
    world = fleet(FLEET)
    result = analyze(world.inventory, world.sharing)
    beyond = result.covered.assign(uncovered_units=-1.0)
    with pytest.raises(IntegrityError, match="below zero"):
        check_conservation(replace(result, covered=beyond))


def test_more_used_than_was_bought_is_refused() -> None:
    world = fleet(FLEET)
    result = analyze(world.inventory, world.sharing)
    beyond = result.utilization.assign(unused_units=[-1.0, 1.0])
    reasons = result.unused_reasons.assign(unused_units=0.0)
    with pytest.raises(IntegrityError, match="below zero"):
        check_conservation(replace(result, utilization=beyond, unused_reasons=reasons))
