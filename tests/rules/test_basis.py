"""Basis: every row says whether its units follow from AWS's rules or rest on a convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ri_report.rules.basis import MARKED, marked
from ri_report.rules.utilization import POOLS
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    import pandas as pd

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
    r-6: A bought 1 r5.large in us-east-1, ends 2027-01-01
    r-7: A bought 1 r5.large in us-east-1, ends 2027-02-01
    # Nothing is open.
    cr-8: A holds 1 m4.large in us-east-1a
    r-8: A bought 1 m4.large in us-east-1, ends 2027-03-01
    # Which of two capacity reservations has its idle slot covered is open.
    cr-9: A holds 1 c4.large in us-east-1a
    cr-10: A holds 1 c4.large in us-east-1a
    r-9: A bought 1 c4.large in us-east-1, ends 2027-03-01
"""


@pytest.mark.parametrize(
    ("name", "key", "conventions", "firm"),
    [
        ("covered", "usage_id", "i-1 i-2 i-3/1 i-3/2 i-4 i-5", "i-6"),
        ("allocations", "reservation_id", "r-1 r-3 r-4 r-6 r-9", "r-8"),
        ("coverage", "instance_type", "m5.large m5.xlarge", "c5.large r5.large t3.large"),
        (
            "coverage_by_account",
            "account_id instance_type",
            "A+m5.large A+m5.xlarge B+t3.large C+t3.large",
            "A+c5.large A+r5.large",
        ),
        ("utilization", "reservation_id", "r-6 r-7", "r-1 r-3 r-4 r-8 r-9"),
        ("uncovered", "instance_id", "i-2 i-3/2 i-5", ""),
        ("pools", "account_id pool", "B+t3 C+t3", "A+c4 A+c5 A+m4 A+m5 A+r5 A+t3"),
        ("capacity_reservations", "capacity_reservation_id", "cr-10 cr-9", "cr-8"),
        ("expiries", "month", "2027-01 2027-02", "2027-03"),
    ],
)
def test_a_row_is_firm_where_nothing_that_aws_leaves_open_changes_it(
    name: str, key: str, conventions: str, firm: str
) -> None:
    world = fleet(FLEET)
    frame = vars(world.analysis)[name]
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


def test_a_reason_is_a_convention_where_it_depends_on_what_aws_leaves_uncovered() -> None:
    """If r-1 covers i-2 in place of i-1, nothing is left that r-2 misses by its platform alone."""
    made = fleet("""
        i-1: A runs 2 m5.large in us-east-1a
        i-2: A runs 1 m5.xlarge in us-east-1b
        r-1: A bought 2 m5.large in us-east-1
        r-2: A bought 1 m5.xlarge in us-east-1b, Windows
        """).analysis
    assert made.unused_reasons["reason"].tolist() == ["platform"]
    assert basis_by(made.unused_reasons, "reservation_id") == {"r-2": "convention"}
    assert basis_by(made.utilization, "reservation_id") == {"r-1": "firm", "r-2": "firm"}


def basis_by(frame: pd.DataFrame, key: str) -> dict[str, str]:
    return dict(zip(frame[key], frame["basis"], strict=True))


MOVED = """
    r: A bought 1 m5.large in us-east-1a (use1-az1)
    i-b: B runs 1 m5.large in us-east-1a (use1-az2)
    i-c: C runs 2 m5.large in us-east-1b (use1-az1)
"""
"""By name r covers i-b and nothing is open; by id one of two alike, and it is open which."""


def test_a_row_that_tells_both_readings_is_firm_where_it_is_in_both() -> None:
    """What i-c/2 would get by id is what it gets by name, so that only the one is told."""
    made = fleet(MOVED).analysis
    others = dict(zip(made.covered["usage_id"], made.covered["zone_match_other"], strict=True))
    assert others == {"i-b": 0, "i-c/1": 4, "i-c/2": pytest.approx(float("nan"), nan_ok=True)}
    told = {"i-b": "firm", "i-c/1": "convention", "i-c/2": "firm"}
    assert basis_by(made.covered, "usage_id") == told
    del told["i-b"]
    assert basis_by(made.uncovered, "instance_id") == told
    assert set(made.coverage["basis"]) == {"firm"}
    assert basis_by(made.pools, "account_id") == dict.fromkeys("ABC", "firm")
    by_id = fleet(MOVED, zonal_match="az_id")
    told = {"i-b": "firm", "i-c/1": "convention", "i-c/2": "convention"}
    assert basis_by(by_id.analysis.covered, "usage_id") == told


def test_a_reservation_of_which_one_reading_leaves_the_use_open_is_a_convention() -> None:
    """By name neither is used, by id one of them, and it is open which."""
    made = fleet("""
        r-1: A bought 1 m5.large in us-east-1b (use1-az2)
        r-2: A bought 1 m5.large in us-east-1b (use1-az2)
        i-b: B runs 1 m5.large in us-east-1a (use1-az2)
        """).analysis
    assert basis_by(made.zone_match, "reservation_id") == {"r-1": "convention"}
    assert basis_by(made.utilization, "reservation_id") == {"r-1": "convention", "r-2": "firm"}


def test_an_allocation_that_both_readings_make_is_firm_where_it_is_in_both() -> None:
    """By id r-d gives 4 of its 8 units to i-c, of its group, before B gets what is left."""
    made = fleet(
        """
        r-a: A bought 1 m5.large in us-east-1a (use1-az1)
        r-d: D bought 2 m5.large in us-east-1
        i-c: C runs 1 m5.large in us-east-1a (use1-az2)
        i-b: B runs 1 m5.xlarge in us-east-1c (use1-az3)
        """,
        mode="prioritized",
        groups={"one": {*"ACD"}},
    ).analysis.allocations
    names = ["usage_id", "reservation_id", "units", "zone_match_other", "basis"]
    assert made[names].to_numpy().tolist() == [
        ["i-b", "r-d", 8, 4, "firm"],
        ["i-c", "r-a", 4, 0, "convention"],
    ]
