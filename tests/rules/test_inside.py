"""Inside: what the other choice on zonal reservations and capacity reservations would change."""

from __future__ import annotations

import pytest

from tests.rules.fleet import fleet, lines, table

COLUMNS = ["usage_id", "reservation_id", "is_idle_slot", "units", "units_otherwise"]
UNUSED = """
    cr: A holds 2 m5.large in us-east-1a
    i-in: A runs 1 m5.large in us-east-1a, inside cr
    r-zonal: B bought 1 m5.large in us-east-1a
    """


def changed(text: str, *, inside: bool = False) -> str:
    world = fleet(text, zonal_in_capacity_reservations=inside)
    return table(world.analysis.inside, COLUMNS)


def test_a_zonal_reservation_would_cover_what_runs_inside_uncovered() -> None:
    assert changed(UNUSED) == lines("""
        usage_id | reservation_id | is_idle_slot | units | units_otherwise
        i-in     | r-zonal        | False        | 0     | 4
        """)
    assert changed(UNUSED, inside=True) == lines("""
        usage_id | reservation_id | is_idle_slot | units | units_otherwise
        i-in     | r-zonal        | False        | 4     | 0
        """)


def test_a_regional_reservation_would_be_free_for_idle_slots() -> None:
    text = UNUSED + "r-regional: A bought 1 m5.large in us-east-1"
    assert changed(text) == lines("""
        usage_id | reservation_id | is_idle_slot | units | units_otherwise
        cr       | r-regional     | True         | 0     | 4
        i-in     | r-regional     | False        | 4     | 0
        i-in     | r-zonal        | False        | 0     | 4
        """)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        UNUSED.replace("m5.large in us-east-1a, inside cr", "m5.large in us-east-1a"),
        UNUSED.replace("B bought 1 m5.large", "B bought 1 m5.xlarge"),
        UNUSED.replace("B bought 1 m5.large in us-east-1a", "B bought 1 m5.large in us-east-1b"),
        UNUSED.replace("B bought 1 m5.large in us-east-1a", "B bought 1 m5.large in us-east-1"),
    ],
    ids=["outside", "other_type", "other_zone", "regional"],
)
def test_nothing_depends_on_it_where_no_zonal_reservation_meets_an_instance_inside(
    text: str, *, inside: bool
) -> None:
    assert changed(text, inside=inside) == " | ".join(COLUMNS)
