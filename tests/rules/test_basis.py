"""Basis: every row says whether its units follow from AWS's rules or rest on a convention."""

from __future__ import annotations

import pytest

from ri_report.rules.analysis import analyze
from ri_report.rules.basis import MARKED, marked
from ri_report.rules.utilization import POOLS
from tests.rules.fleet import fleet

FLEET = """
    # Which size and which zone the 4 units cover, AWS leaves open.
    i-1: A runs 1 m5.large in us-east-1a
    i-2: A runs 1 m5.xlarge in us-east-1b
    r-1: A bought 1 m5.large in us-east-1
    # Which of two alike is covered is open, that one of them is, is not.
    i-3: A runs 2 c5.large in us-east-1a
    r-3: A bought 1 c5.large in us-east-1
    # Which of two accounts borrows is open, what is lent and covered at the place is not.
    i-4: B runs 1 t3.large in us-east-1a
    i-5: C runs 1 t3.large in us-east-1a
    r-4: A bought 1 t3.large in us-east-1
    # Which of two reservations is used is open, that the instance is covered is not.
    i-6: A runs 1 r5.large in us-east-1a
    r-6: A bought 1 r5.large in us-east-1
    r-7: A bought 1 r5.large in us-east-1
    # Nothing is open.
    cr-8: A holds 1 m4.large in us-east-1a
    r-8: A bought 1 m4.large in us-east-1
"""


@pytest.mark.parametrize(
    ("name", "key", "conventions", "firm"),
    [
        ("covered", "usage_id", "i-1 i-2 i-3/1 i-3/2 i-4 i-5", "i-6"),
        ("allocations", "reservation_id", "r-1 r-3 r-4 r-6", "r-8"),
        ("coverage", "instance_type", "m5.large m5.xlarge", "c5.large r5.large t3.large"),
        (
            "coverage_by_account",
            "account_id instance_type",
            "A+m5.large A+m5.xlarge B+t3.large C+t3.large",
            "A+c5.large A+r5.large",
        ),
        ("utilization", "reservation_id", "r-6 r-7", "r-1 r-3 r-4 r-8"),
        ("uncovered", "instance_id", "i-2 i-3/2 i-5", ""),
        ("pools", "account_id pool", "B+t3 C+t3", "A+c5 A+m4 A+m5 A+r5 A+t3"),
    ],
)
def test_a_row_is_firm_where_nothing_that_aws_leaves_open_changes_it(
    name: str, key: str, conventions: str, firm: str
) -> None:
    world = fleet(FLEET)
    frame = vars(analyze(world.inventory, world.sharing))[name]
    rows = frame[key.split()].agg("+".join, axis=1)
    told = {basis: " ".join(sorted(rows[frame["basis"] == basis])) for basis in frame["basis"]}
    expected = {"convention": conventions, "firm": firm}
    assert told == {basis: ids for basis, ids in expected.items() if ids}


def test_a_marked_frame_is_the_same_with_columns_for_the_other_reading_and_what_it_rests_on() -> (
    None
):
    made = marked(POOLS)
    assert made == MARKED["pools"]
    assert (made.name, made.key) == ("pools", POOLS.key)
    assert made.names == [
        *POOLS.names,
        "zone_match_other",
        "zone_match_other_use",
        "basis",
        "completeness",
    ]
