"""Wholes: which sums over many rows no split that AWS leaves open could change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ri_report.rules.basis import basis_of_cover, basis_of_use
from ri_report.rules.wholes import NONE, WHOLE, is_fixed, open_groups
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from ri_report.rules.sharing import Mode, ZonalMatch


@pytest.mark.parametrize(
    ("weight", "whole", "fixed"),
    [
        ([], [], True),
        ([1, 1, 0], [0, 0, 1], True),
        ([1, 0, 0], [0, 0, 1], False),
        ([0.25, 0.25, 1], [0, 0, 1], True),
        ([0.25, 0.5, 1], [0, 0, 1], False),
        ([0, 1], [NONE, 0], True),
        ([1, 1], [NONE, 0], False),
    ],
)
def test_a_sum_is_fixed_where_each_whole_is_in_it_with_one_weight(
    weight: list[float], whole: list[int], *, fixed: bool
) -> None:
    weights = pd.Series(weight, dtype="float64")
    assert is_fixed(weights, pd.Series(whole, dtype="int64")) == fixed


def test_a_group_that_has_only_a_part_of_a_whole_is_open() -> None:
    group = pd.Series(["a", "b", "b", "c", "c", "d"])
    assert open_groups(group, pd.Series([0, 0, 1, 2, 2, NONE])) == {"a", "b", "d"}


FLEET = """
    i-1: A runs 1 m5.large in us-east-1a
    i-2: A runs 1 m5.xlarge in us-east-1b
    r-1: A bought 1 m5.large in us-east-1
    i-3: A runs 1 c5.large in us-east-1a
    r-3: A bought 1 c5.large in us-east-1, ends 2026-12-01
    r-4: A bought 1 c5.large in us-east-1, ends 2027-03-01
    r-5: B bought 1 r5.large in us-east-1, ends 2027-03-01
"""
"""Which size of m5 is covered is open, and which reservation of c5 is used."""


def parts(text: str, mode: Mode = "open", zonal_match: ZonalMatch = "az_name") -> str:
    """The ids of each whole with several members, and after a bar those that are in none."""
    groups = {"blue": frozenset({"A", "B"}), "red": frozenset({"C", "D"})} if mode != "open" else {}
    made = fleet(text, mode=mode, groups=groups, zonal_match=zonal_match).analysis
    named, lost = [], []
    for rows, key in ((made.covered, "usage_id"), (made.active, "reservation_id")):
        members = rows.groupby(WHOLE)[key].agg(sorted)
        named += [ids for number, ids in members.items() if number != NONE and len(ids) > 1]
        lost += members.get(NONE, [])
    return " | ".join([*sorted(" ".join(ids) for ids in named), " ".join(lost)]).rstrip(" |")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Enough for all of it, so that each is firm and a whole of its own.
        ("i: A runs 2 m5.large in us-east-1a\nr: A bought 2 m5.large in us-east-1", ""),
        # One of two sizes and accounts; which is open, in each pool apart.
        (
            """
            i-1: A runs 1 m5.large in us-east-1a
            i-2: B runs 1 m5.xlarge in us-east-1b
            i-3: A runs 1 c5.large in us-east-1a
            i-4: B runs 1 c5.xlarge in us-east-1b
            r-1: C bought 1 m5.large in us-east-1
            r-2: C bought 1 c5.large in us-east-1
            """,
            "i-1 i-2 | i-3 i-4",
        ),
        # Of two owners, in two zones and in a pool: each of the three apart.
        (
            """
            i: C runs 1 m5.large in us-east-1a
            j: C runs 1 m5.large in us-east-1b
            k: C runs 1 c5.large in us-east-1a
            r-1: A bought 1 m5.large in us-east-1a
            r-2: B bought 1 m5.large in us-east-1a
            s-1: A bought 1 m5.large in us-east-1b
            s-2: B bought 1 m5.large in us-east-1b
            t-1: A bought 1 c5.large in us-east-1
            t-2: B bought 1 c5.large in us-east-1
            """,
            "r-1 r-2 | s-1 s-2 | t-1 t-2",
        ),
        # Of one owner: what is used of all that it bought is known, of one of them not.
        (
            """
            i: A runs 1 m5.large in us-east-1a
            r-1: A bought 1 m5.large in us-east-1
            r-2: A bought 1 m5.large in us-east-1
            r-3: B bought 1 m5.large in us-east-1
            """,
            "r-1 r-2",
        ),
        # What of one kind at one place is covered is known, of one of them not.
        (
            """
            i: A runs 1 m5.large in us-east-1a
            j: B runs 1 m5.large in us-east-1a
            k: B runs 1 m5.xlarge in us-east-1b
            r: C bought 1 m5.large in us-east-1a
            """,
            "i j",
        ),
        # An instance and an idle slot never stand in for each other.
        (
            """
            i-1: A runs 1 m5.large in us-east-1a
            i-2: B runs 1 m5.xlarge in us-east-1a
            c: A holds 2 m5.large in us-east-1a
            r: C bought 1 m5.large in us-east-1
            """,
            "i-1 i-2",
        ),
    ],
    ids=["nothing open", "pools", "zones and pools", "one owner", "one place", "slots"],
)
def test_a_whole_is_the_smallest_part_whose_total_is_firm(text: str, expected: str) -> None:
    assert parts(text) == expected


def test_accounts_that_do_not_share_are_in_no_common_whole() -> None:
    text = """
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.xlarge in us-east-1b
        i-3: C runs 1 m5.large in us-east-1a
        i-4: C runs 1 m5.xlarge in us-east-1b
        r-1: B bought 1 m5.large in us-east-1
        r-2: D bought 1 m5.large in us-east-1
    """
    assert parts(text, "restricted") == "i-1 i-2 | i-3 i-4"
    assert parts(text, "prioritized") == "i-1 i-2 i-3 i-4"


def test_where_zones_are_compared_in_two_ways_nothing_of_the_pool_is_in_a_whole() -> None:
    text = """
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.large in us-east-1a ()
        r-a: A bought 1 m5.large in us-east-1a
        r-b: B bought 1 m5.large in us-east-1a
        k-1: C runs 1 c5.large in us-east-1a
        k-2: C runs 1 c5.large in us-east-1b
        r-c: C bought 1 c5.large in us-east-1
    """
    assert parts(text, zonal_match="az_id") == "k-1 k-2 | i-1 i-2 r-a r-b"


@pytest.mark.parametrize(
    ("ids", "basis"),
    [("i-1 i-2", "firm"), ("i-1", "convention"), ("i-3", "firm"), ("i-2 i-3", "convention")],
)
def test_what_is_covered_of_a_whole_pool_is_firm(ids: str, basis: str) -> None:
    made = fleet(FLEET).analysis
    weight = made.covered["usage_id"].isin(ids.split()).astype("float64")
    assert basis_of_cover(made, weight) == basis


@pytest.mark.parametrize(
    ("ids", "basis"),
    [("r-1", "firm"), ("r-3", "convention"), ("r-3 r-4", "firm"), ("r-4 r-5", "convention")],
)
def test_what_is_used_of_a_whole_pool_is_firm(ids: str, basis: str) -> None:
    made = fleet(FLEET).analysis
    weight = made.utilization["reservation_id"].isin(ids.split()).astype("float64")
    assert basis_of_use(made, weight) == basis


def test_a_month_is_firm_where_no_pool_ends_in_several() -> None:
    made = fleet(FLEET).analysis
    told = dict(zip(made.expiries["month"], made.expiries["basis"], strict=True))
    assert told == {"2026-12": "convention", "2027-01": "firm", "2027-03": "convention"}


def test_what_covers_one_of_two_capacity_reservations_is_a_convention() -> None:
    held = fleet("""
        cr-1: A holds 1 m5.large in us-east-1a
        cr-2: A holds 1 m5.large in us-east-1b
        cr-3: A holds 1 c5.large in us-east-1b
        cr-4: A holds 1 c5.large in us-east-1b, capacity-block
        r-1: A bought 1 m5.large in us-east-1
        r-3: A bought 1 c5.large in us-east-1
        """).analysis.capacity_reservations
    told = dict(zip(held["capacity_reservation_id"], held["basis"], strict=True))
    firm = {"cr-3": "firm", "cr-4": "firm"}
    assert told == {"cr-1": "convention", "cr-2": "convention", **firm}


def test_only_what_the_reading_of_zones_changes_is_told() -> None:
    """Names and ids swap for two that serve both ways; the third serves D by id alone."""
    made = fleet("""
        i-b: B runs 1 m5.large in us-east-1a (use1-az2)
        i-c: C runs 1 m5.large in us-east-1b (use1-az1)
        r-1: A bought 1 m5.large in us-east-1a (use1-az1)
        r-2: A bought 1 m5.large in us-east-1b (use1-az2)
        r-3: A bought 1 m5.large in us-east-1c (use1-az3)
        i-d: D runs 1 m5.large in us-east-1d (use1-az3)
        """).analysis
    found = dict(zip(made.zone_match["reservation_id"], made.zone_match["basis"], strict=True))
    assert found == {"r-3": "firm"}
    coverage = made.coverage.set_index("availability_zone")
    assert coverage["zone_match_other"].dropna().to_dict() == {"us-east-1d": 4}
