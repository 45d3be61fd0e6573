"""Reasons: which single rule kept a unit from being used, and why an instance is uncovered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ri_report.rules.reasons import (
    NOT_ALL_READ,
    UNCOVERED,
    UNCOVERED_REASONS_TEXT,
    UNUSED_REASONS,
    UNUSED_REASONS_TEXT,
    uncovered_instances,
    unused_reasons,
)
from tests.rules.fleet import Fleet, fleet, lines, table

if TYPE_CHECKING:
    from ri_report.rules.sharing import ZonalMatch


def unused(world: Fleet) -> str:
    found = unused_reasons(world.covered, world.active, world.allocations, world.sharing)
    return table(found, ["reservation_id", "reason", "unused_units"])


def uncovered(world: Fleet) -> str:
    found = uncovered_instances(world.covered, world.active, world.sharing)
    return table(found, ["instance_id", "covered_units", "uncovered_units", "reason"])


@pytest.mark.parametrize(
    ("running", "bought", "reason"),
    [
        ("m5.large in us-east-1b", "m5.large in us-east-1a", "wrong_zone"),
        ("m5.xlarge in us-east-1a", "m5.large in us-east-1a", "size_not_flexible"),
        ("m5.xlarge in us-east-1a, Windows", "m5.large in us-east-1, Windows", "size_not_flexible"),
        ("g5.xlarge in us-east-1a", "g5.2xlarge in us-east-1", "size_not_flexible"),
        ("m5.large in us-east-1a, Windows", "m5.large in us-east-1a", "platform"),
        ("m5.large in us-east-1b, Windows", "m5.large in us-east-1", "platform"),
        ("m5.large in us-east-1a, dedicated", "m5.large in us-east-1a", "tenancy"),
        ("m5.large in us-east-1b", "m5.large in us-east-1, dedicated", "tenancy"),
        ("m5.large in eu-west-1a", "m5.large in us-east-1a", "region"),
        ("m5.xlarge in eu-west-1a", "m5.large in us-east-1", "region"),
        ("m5d.large in us-east-1a", "m5.large in us-east-1", "nothing_running"),
        # Two rules at once are no near miss.
        ("m5.xlarge in us-east-1b", "m5.large in us-east-1a", "nothing_running"),
        ("m5.large in us-east-1b, Windows", "m5.large in us-east-1a", "nothing_running"),
        ("m5.xlarge in us-east-1a, Windows", "m5.large in us-east-1", "nothing_running"),
        ("m5.xlarge in eu-west-1a", "m5.large in us-east-1a", "nothing_running"),
        ("m5.large in us-east-1a, Windows, dedicated", "m5.large in us-east-1", "nothing_running"),
    ],
)
def test_one_rule_kept_the_reservation_from_being_used(
    running: str, bought: str, reason: str
) -> None:
    world = fleet(f"i-1: A runs 3 {running}\nr-1: B bought 1 {bought}")
    units = world.active["units"][0]
    assert unused(world) == lines(f"""
        reservation_id | reason   | unused_units
        r-1            | {reason} | {units:g}
        """)


@pytest.mark.parametrize("deactivated", ["A", "B"])
@pytest.mark.parametrize("place", ["us-east-1", "us-east-1a"])
def test_sharing_that_is_off_on_either_side_is_a_reason(place: str, deactivated: str) -> None:
    text = f"""
        i-1: A runs 1 m5.large in us-east-1a
        r-1: B bought 1 m5.large in {place}
        """
    assert unused(fleet(text, deactivated=[deactivated])) == lines("""
        reservation_id | reason      | unused_units
        r-1            | sharing_off | 4
        """)
    assert uncovered(fleet(text, deactivated=[deactivated])) == lines("""
        instance_id | covered_units | uncovered_units | reason
        i-1         | 0             | 4               | sharing_off
        """)


def test_a_group_that_ends_sharing_is_a_reason_and_one_that_only_comes_first_is_not() -> None:
    text = """
        i-1: A runs 1 m5.large in us-east-1a
        r-1: B bought 1 m5.large in us-east-1
        """
    for groups in ({"shop": ["A"], "lab": ["B"]}, {"shop": ["A"]}, {"lab": ["B"]}, {}):
        world = fleet(text, mode="restricted", groups=groups)
        assert "r-1 | sharing_off | 4" in unused(world)
        assert "i-1 | 0 | 4 | sharing_off" in uncovered(world)
        assert len(fleet(text, mode="prioritized", groups=groups).allocations) == 1


def test_a_zonal_reservation_misses_what_runs_inside_a_capacity_reservation() -> None:
    text = """
        cr-1: A holds 1 m5.large in us-east-1a
        i-1: A runs 1 m5.large in us-east-1a, inside cr-1
        r-1: B bought 2 m5.large in us-east-1a
        """
    assert unused(fleet(text)) == lines("""
        reservation_id | reason               | unused_units
        r-1            | capacity_reservation | 4
        r-1            | nothing_running      | 4
        """)
    assert uncovered(fleet(text)) == lines("""
        instance_id | covered_units | uncovered_units | reason
        i-1         | 0             | 4               | capacity_reservation
        """)
    served = fleet(text, zonal_in_capacity_reservations=True)
    assert "r-1 | nothing_running | 4" in unused(served)
    assert served.analysis.uncovered.empty
    elsewhere = fleet(text.replace("2 m5.large in us-east-1a", "2 m5.large in us-east-1b"))
    assert "r-1 | nothing_running | 8" in unused(elsewhere)
    assert "no_reservation" in uncovered(elsewhere)


def test_idle_slots_are_no_near_miss() -> None:
    world = fleet(
        """
        cr-1: A holds 1 m5.large in us-east-1a
        r-1: B bought 1 m5.large in us-east-1
        """,
        deactivated=["A"],
    )
    assert "r-1 | nothing_running | 4" in unused(world)


def test_sharing_alone_must_be_what_is_missing() -> None:
    world = fleet(
        """
        i-1: A runs 1 m5.large in us-east-1b
        r-1: B bought 1 m5.large in us-east-1a
        """,
        deactivated=["A"],
    )
    assert "sharing_off" not in unused(world)
    assert "sharing_off" not in uncovered(world)


def test_reasons_share_the_unused_units_nearest_miss_first() -> None:
    world = fleet("""
        i-zone: A runs 1 m5.large in us-east-1b
        i-size: A runs 1 m5.xlarge in us-east-1a
        i-region: A runs 1 m5.large in eu-west-1a
        r-1: A bought 5 m5.large in us-east-1a
        """)
    assert unused(world) == lines("""
        reservation_id | reason            | unused_units
        r-1            | nothing_running   | 4
        r-1            | region            | 4
        r-1            | size_not_flexible | 8
        r-1            | wrong_zone        | 4
        """)


def test_one_uncovered_instance_is_a_reason_only_once() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1b
        r-1: A bought 1 m5.large in us-east-1a
        r-2: A bought 1 m5.large in us-east-1c
        """)
    assert unused(world) == lines("""
        reservation_id | reason          | unused_units
        r-1            | wrong_zone      | 4
        r-2            | nothing_running | 4
        """)


def test_of_many_reservations_the_first_by_id_miss_what_runs_uncovered() -> None:
    bought = [f"r-{n}: A bought 1 m5.large in us-east-1a" for n in range(99, 59, -1)]
    world = fleet("\n".join([*bought, "i-1: A runs 20 m5.large in us-east-1b"]))
    missed = [f"r-{n} | wrong_zone | 4" for n in range(60, 80)]
    idle = [f"r-{n} | nothing_running | 4" for n in range(80, 100)]
    assert unused(world).splitlines()[1:] == [*missed, *idle]


def test_the_smallest_size_counts_too() -> None:
    """A nano is a quarter of a normalized unit."""
    world = fleet("""
        i-1: A runs 1 t3.nano in us-east-1b
        r-1: A bought 1 t3.nano in us-east-1a
        r-2: A bought 1 t2.nano in us-east-1a
        """)
    assert unused(world) == lines("""
        reservation_id | reason          | unused_units
        r-1            | wrong_zone      | 0.25
        r-2            | nothing_running | 0.25
        """)
    assert uncovered(world) == lines("""
        instance_id | covered_units | uncovered_units | reason
        i-1         | 0             | 0.25            | no_reservation
        """)


@pytest.mark.parametrize(
    ("zonal_match", "reason"), [("az_name", "sharing_off"), ("az_id", "no_reservation")]
)
def test_sharing_is_to_blame_only_where_the_zones_would_match_as_the_setting_says(
    zonal_match: ZonalMatch, reason: str
) -> None:
    text = """
        i-1: A runs 1 m5.large in us-east-1a (use1-az2)
        r-1: B bought 1 m5.large in us-east-1a (use1-az1)
        """
    found = uncovered(fleet(text, deactivated=["A"], zonal_match=zonal_match))
    assert found.endswith(f"i-1 | 0 | 4 | {reason}")


def test_what_is_used_has_no_reason() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.large in us-east-1b
        r-1: A bought 1 m5.large in us-east-1a
        """)
    assert unused(world) == "reservation_id | reason | unused_units"


def test_an_instance_is_uncovered_because_nothing_matches_or_all_that_matches_is_used_up() -> None:
    world = fleet("""
        i-1: A runs 2 m5.large in us-east-1a
        i-2: A runs 1 c5.large in us-east-1a
        i-3: A runs 1 m5.large in us-east-1a, Windows
        i-4: A runs 1 r5.2xlarge in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        r-2: A bought 1 r5.xlarge in us-east-1
        r-3: A bought 1 c5.xlarge in us-east-1a
        """)
    assert uncovered(world) == lines("""
        instance_id | covered_units | uncovered_units | reason
        i-4         | 8             | 8               | exhausted
        i-1/2       | 0             | 4               | exhausted
        i-2         | 0             | 4               | no_reservation
        i-3         | 0             | 4               | no_reservation
        """)


def test_every_reason_has_a_text() -> None:
    assert set(UNUSED_REASONS_TEXT) == {
        "capacity_reservation",
        "zone_unknown",
        "wrong_zone",
        "size_not_flexible",
        "sharing_off",
        "platform",
        "tenancy",
        "region",
        "nothing_running",
        NOT_ALL_READ,
    }
    assert set(UNCOVERED_REASONS_TEXT) == {
        "no_reservation",
        "exhausted",
        "sharing_off",
        "capacity_reservation",
        "zone_unknown",
        NOT_ALL_READ,
    }


def test_a_text_is_true_of_every_case_that_has_its_reason() -> None:
    """Another size of a family may be what runs elsewhere, and a match may be used where it is."""
    elsewhere = fleet("""
        i-1: A runs 1 m5.xlarge in eu-west-1a
        r-1: A bought 1 m5.large in us-east-1
        """)
    assert "r-1 | region | 4" in unused(elsewhere)
    assert "another size of its family" in UNUSED_REASONS_TEXT["region"]
    used_there = """
        i-1: A runs 1 m5.large in us-east-1a
        i-2: B runs 1 m5.large in us-east-1a
        r-1: B bought 1 m5.large in us-east-1
        """
    assert "i-1 | 0 | 4 | sharing_off" in uncovered(fleet(used_there, deactivated=["B"]))
    inside = used_there.replace("in us-east-1a", "in us-east-1a, inside c", 1).replace(
        "in us-east-1\n", "in us-east-1a\n"
    )
    assert "i-1 | 0 | 4 | capacity_reservation" in uncovered(fleet(inside))
    for reason in ("sharing_off", "capacity_reservation"):
        assert "used or not" in UNCOVERED_REASONS_TEXT[reason]


@pytest.mark.parametrize("text", ["", "i-1: A runs 1 m5.large in us-east-1a"])
def test_no_reservations_need_no_reasons(text: str) -> None:
    world = fleet(text)
    found = unused_reasons(world.covered, world.active, world.allocations, world.sharing)
    pd.testing.assert_frame_equal(found, UNUSED_REASONS.of([]))


@pytest.mark.parametrize("text", ["", "r-1: A bought 1 m5.large in us-east-1a"])
def test_no_instances_are_not_uncovered(text: str) -> None:
    world = fleet(text)
    found = uncovered_instances(world.covered, world.active, world.sharing)
    pd.testing.assert_frame_equal(found, UNCOVERED.of([]))


@pytest.mark.parametrize("side", ["instances", "reservations"])
@pytest.mark.parametrize(
    ("owner", "zonal_match", "reason"),
    [
        ("B", "az_id", "zone_unknown"),
        ("B", "az_name", "wrong_zone"),
        # Within one account the names tell that the zones differ.
        ("A", "az_id", "wrong_zone"),
    ],
)
def test_a_zone_that_is_not_known_is_not_called_the_wrong_one(
    side: str, owner: str, zonal_match: ZonalMatch, reason: str
) -> None:
    text = f"""
        i-1: A runs 1 m5.large in us-east-1b
        r-1: {owner} bought 1 m5.large in us-east-1a
        """
    world = fleet(text, zonal_match=zonal_match)
    frame = getattr(world, side).assign(availability_zone_id="")
    world = replace(world, **{side: frame})
    assert unused(world) == lines(f"""
        reservation_id | reason   | unused_units
        r-1            | {reason} | 4
        """)
