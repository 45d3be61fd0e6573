"""Grounds: which reasons for unused units no split that AWS leaves open could have changed."""

from __future__ import annotations

import pytest

from tests.rules.fleet import fleet


def told(text: str) -> dict[object, set[str]]:
    """The reasons of each basis, as reservation and reason."""
    found = fleet(text).analysis.unused_reasons
    return {
        basis: set(rows["reservation_id"] + " " + rows["reason"])
        for basis, rows in found.groupby("basis")
    }


@pytest.mark.parametrize(
    ("text", "basis"),
    [
        # Nothing runs that either of them could have met.
        ("r-1: A bought 1 m5.large in us-east-1a\nr-2: A bought 1 m5.large in us-east-1b", "firm"),
        # One instance in a third zone, for which only one of them could have been.
        (
            """
            i: A runs 1 m5.large in us-east-1c
            r-1: A bought 1 m5.large in us-east-1a
            r-2: A bought 1 m5.large in us-east-1b
            """,
            "convention",
        ),
        # Two instances there, so for both.
        (
            """
            i: A runs 2 m5.large in us-east-1c
            r-1: A bought 1 m5.large in us-east-1a
            r-2: A bought 1 m5.large in us-east-1b
            """,
            "firm",
        ),
        # Which zone stays uncovered is open: that of the reservation's own type or another.
        (
            """
            i-1: A runs 1 m5.large in us-east-1c
            i-2: A runs 1 m5.xlarge in us-east-1c
            r: A bought 1 m5.large in us-east-1
            r-1: A bought 1 m5.large in us-east-1a
            """,
            "convention",
        ),
    ],
    ids=["nothing runs", "one for two", "two for two", "open what is left"],
)
def test_a_reason_is_firm_where_no_other_match_could_have_told_another(
    text: str, basis: str
) -> None:
    assert set(told(text)) == {basis}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Either of the two may be the one that covers the instance.
        (
            """
            i: A runs 1 m5.large in us-east-1a
            r-1: A bought 1 m5.large in us-east-1, ends 2026-12-01
            r-2: A bought 1 m5.large in us-east-1, ends 2027-01-01
            """,
            {"convention": {"r-2 nothing_running"}},
        ),
        # The same of a quarter of a unit.
        (
            """
            i: A runs 1 t3.nano in us-east-1c
            r-1: A bought 1 t3.nano in us-east-1a
            r-2: A bought 1 t3.nano in us-east-1b
            """,
            {"convention": {"r-1 wrong_zone", "r-2 nothing_running"}},
        ),
        # Whichever meets the one in the third zone, nothing else differs by one rule from r-2.
        (
            """
            i: A runs 1 m5.large in us-east-1c
            d: A runs 2 m5.large in us-east-1a, dedicated
            r-1: A bought 1 m5.large in us-east-1a
            r-2: A bought 1 m5.large in us-east-1b
            """,
            {"convention": {"r-1 wrong_zone", "r-2 nothing_running"}},
        ),
        # One of several that were bought at once.
        (
            """
            d: A runs 1 m5.large in us-east-1a, dedicated
            r: A bought 3 m5.large in us-east-1a
            """,
            {"firm": {"r tenancy", "r nothing_running"}},
        ),
        # What runs inside a capacity reservation is of another kind than what runs beside it.
        (
            """
            c: A holds 1 m5.large in us-east-1a
            in: A runs 1 m5.large in us-east-1a, inside c
            out: A runs 1 m5.large in us-east-1a
            r: A bought 3 m5.large in us-east-1a
            """,
            {"firm": {"r capacity_reservation", "r nothing_running"}},
        ),
    ],
)
def test_each_reason_of_each_reservation_is_judged(
    text: str, expected: dict[str, set[str]]
) -> None:
    assert told(text) == expected
