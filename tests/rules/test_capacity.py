"""Capacity reservations: what idle slots take of regional reservations, and never of zonal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ri_report.inventory.schema import CAPACITY_RESERVATIONS, ZONES
from ri_report.rules.allocation import allocate
from ri_report.rules.capacity import (
    CAPACITY,
    IDLE_SLOT_REASONS,
    SLOTS,
    covered_capacity,
    held_capacity,
    idle_slots,
    with_slots,
)
from ri_report.rules.conservation import check_conservation
from ri_report.rules.eligibility import NOT_ELIGIBLE_REASONS
from tests.rules.fleet import Fleet, fleet, lines, table

if TYPE_CHECKING:
    from ri_report.rules.analysis import Analysis


def given(world: Fleet) -> str:
    return table(world.allocations, ["usage_id", "reservation_id", "tier", "units"])


def result(text: str) -> Analysis:
    found = fleet(text).analysis
    check_conservation(found)
    return found


def test_idle_slots_take_what_all_instances_leave_of_a_regional_reservation() -> None:
    world = fleet("""
        i-a: A runs 1 m5.xlarge in us-east-1a
        i-b: B runs 1 m5.2xlarge in us-east-1b
        cr-a: A holds 9 m5.large in us-east-1c
        r-a: A bought 4 m5.2xlarge in us-east-1
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier         | units
        cr-a     | r-a            | owner        | 36
        i-a      | r-a            | owner        | 8
        i-b      | r-a            | organization | 16
        """)


def test_another_accounts_instance_comes_before_ones_own_idle_slot() -> None:
    world = fleet("""
        i-b: B runs 1 m5.2xlarge in us-east-1b
        cr-a: A holds 3 m5.large in us-east-1c
        r-a: A bought 1 m5.2xlarge in us-east-1
        """)
    assert world.allocations["usage_id"].tolist() == ["i-b"]


def test_the_owners_idle_slots_come_before_those_of_others_and_the_smallest_first() -> None:
    world = fleet("""
        cr-a1: A holds 1 m5.4xlarge in us-east-1a
        cr-a2: A holds 1 m5.2xlarge in us-east-1a
        cr-b: B holds 5 m5.large in us-east-1b
        r-a: A bought 5 m5.2xlarge in us-east-1
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier         | units
        cr-a1    | r-a            | owner        | 32
        cr-a2    | r-a            | owner        | 16
        cr-b     | r-a            | organization | 20
        """)


def test_idle_slots_belong_to_the_account_that_pays_for_them() -> None:
    text = """
        cr-a: A holds 2 m5.large in us-east-1a, idle slots billed to B
        r-a: A bought 1 m5.large in us-east-1, ends 2027-01-01
        r-b: B bought 1 m5.large in us-east-1, ends 2027-02-01
        """
    assert given(fleet(text)) == lines("""
        usage_id | reservation_id | tier         | units
        cr-a     | r-a            | organization | 4
        cr-a     | r-b            | owner        | 4
        """)
    alone = fleet(text, deactivated=["B"])
    assert alone.allocations["reservation_id"].tolist() == ["r-b"]


def test_zonal_reservations_serve_neither_idle_slots_nor_instances_inside() -> None:
    world = fleet("""
        cr-a: A holds 2 m5.large in us-east-1a
        i-in: A runs 1 m5.large in us-east-1a, inside cr-a
        i-out: A runs 1 m5.large in us-east-1a
        r-zonal: A bought 9 m5.large in us-east-1a
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-out    | r-zonal        | owner | 4
        """)


def test_zonal_reservations_serve_instances_inside_if_asked_to_but_never_idle_slots() -> None:
    world = fleet(
        """
        cr-a: A holds 2 m5.large in us-east-1a
        i-in: A runs 1 m5.large in us-east-1a, inside cr-a
        i-out: A runs 1 m5.large in us-east-1a
        r-zonal: A bought 9 m5.large in us-east-1a
        """,
        zonal_in_capacity_reservations=True,
    )
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-in     | r-zonal        | owner | 4
        i-out    | r-zonal        | owner | 4
        """)
    reasons = world.analysis.unused_reasons
    assert table(reasons, ["reservation_id", "reason", "unused_units"]) == lines("""
        reservation_id | reason          | unused_units
        r-zonal        | nothing_running | 28
        """)


def test_a_regional_reservation_serves_instances_inside_as_any_other() -> None:
    world = fleet("""
        cr-a: A holds 1 m5.large in us-east-1a
        i-in: A runs 1 m5.large in us-east-1a, inside cr-a
        i-out: A runs 1 m5.xlarge in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        """)
    assert world.allocations["usage_id"].tolist() == ["i-in"]


def test_idle_slots_match_by_product_as_instances_do() -> None:
    world = fleet("""
        cr-1: A holds 1 m5.large in us-east-1a, Windows
        cr-2: A holds 1 m5.xlarge in us-east-1a, Windows
        cr-3: A holds 1 m5.large in us-east-1a, RHEL with HA
        cr-4: A holds 1 m5.large in eu-west-1a
        cr-5: A holds 1 m5.large in us-east-1a, dedicated
        r-1: A bought 9 m5.large in us-east-1, Windows
        r-2: A bought 9 m5.large in us-east-1, Red Hat Enterprise Linux with HA
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        cr-1     | r-1            | owner | 4
        cr-3     | r-2            | owner | 4
        """)


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        ("Linux/UNIX", ""),
        ("capacity-block", "capacity_block"),
        ("interruptible", "interruptible_capacity"),
        ("novelty", "lifecycle_unknown"),
        ("Windows with SQL Server", "platform_not_sold"),
        ("RHEL with SQL Server Web", "platform_not_sold"),
        ("Ubuntu Pro", "platform_not_sold"),
        ("Plan 9", "platform_unknown"),
        ("host", "dedicated_host"),
        ("novel", "tenancy_unknown"),
        ("expired", "not_running"),
        ("arn:outpost", "outpost"),
    ],
)
def test_what_takes_no_reservation_says_why(mark: str, reason: str) -> None:
    fields = {
        "interruptible": {"reservation_type": mark},
        "novelty": {"reservation_type": mark},
        "capacity-block": {"reservation_type": mark},
        "expired": {"state": mark},
        "host": {"tenancy": mark},
        "novel": {"tenancy": mark},
        "arn:outpost": {"outpost_arn": mark},
    }
    world = fleet("cr-1: A holds 2 m5.large in us-east-1a\nr-1: A bought 9 m5.large in us-east-1")
    capacity = world.capacity.assign(**fields.get(mark, {"platform": mark}))
    held = held_capacity(capacity, ZONES.of([]))
    assert (held["reason"].tolist(), held["idle_units"].tolist()) == ([reason], [8])
    assert len(idle_slots(held)) == (0 if reason else 1)


@pytest.mark.parametrize("kind", ["mac1.metal", "mac2-m2pro.metal"])
def test_macs_take_no_reservation_though_their_platform_is_called_linux(kind: str) -> None:
    world = fleet(f"""
        cr-1: A holds 2 {kind} in us-east-1a, dedicated
        r-1: A bought 9 {kind} in us-east-1, dedicated
        """)
    assert world.held["reason"].tolist() == ["platform_not_sold"]
    assert world.held["platform"].tolist() == ["macOS"]
    assert world.allocations.empty


def test_a_place_where_aws_does_not_say_takes_no_reservation() -> None:
    zones = ZONES.of(
        [
            {
                "account_id": "A",
                "region": "us-east-1",
                "availability_zone": "us-east-1b",
                "zone_type": "local-zone",
            }
        ]
    )
    world = fleet("""
        cr-1: A holds 2 m5.large in us-east-1b
        cr-2: A holds 2 m5.large in us-east-1-nyc-1a
        """)
    held = held_capacity(world.capacity, zones)
    assert held["reason"].tolist() == ["local_zone", "outside_region_zones"]


def of_owner_and_payer() -> pd.DataFrame:
    """What C, who owns a capacity reservation, and B, who pays for its idle slots, tell of it."""
    text = """
        cr-1: B holds 3 m5.large in us-east-1a, idle slots billed to B
        cr-2: C holds 2 m5.large in us-east-1b, idle slots billed to B
        """
    told = fleet(text).capacity
    is_payers = told["account_id"] == "B"
    return told.assign(
        capacity_reservation_id="cr-1", owner_id=is_payers.map({True: "C", False: ""})
    )


def test_idle_slots_that_only_the_account_that_pays_told_of_are_its() -> None:
    held = held_capacity(of_owner_and_payer().iloc[:1], ZONES.of([]))
    columns = ["account_id", "billed_account_id", "capacity_reservation_id", "idle_units"]
    assert table(held, columns) == lines("""
        account_id | billed_account_id | capacity_reservation_id | idle_units
        C          | B                 | cr-1                    | 12
        """)
    assert idle_slots(held)["account_id"].tolist() == ["B"]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_idle_slots_that_both_told_of_count_once_as_the_owner_says(order: list[int]) -> None:
    held = held_capacity(of_owner_and_payer().iloc[order], ZONES.of([]))
    columns = ["account_id", "billed_account_id", "availability_zone", "idle_units"]
    assert table(held, columns) == lines("""
        account_id | billed_account_id | availability_zone | idle_units
        C          | B                 | us-east-1b        | 8
        """)
    assert len(idle_slots(held)) == 1


def test_an_unknown_count_of_idle_slots_is_refused_and_not_taken_for_zero() -> None:
    world = fleet("cr-1: A holds 2 m5.large in us-east-1a")
    unknown = {"available_instances": pd.array([pd.NA], dtype="Int64")}
    with pytest.raises(ValueError, match="missing values in available_instances"):
        CAPACITY_RESERVATIONS.check(world.capacity.assign(**unknown))


def test_every_reason_has_a_text() -> None:
    assert set(IDLE_SLOT_REASONS) | {"spot", "scheduled"} == set(NOT_ELIGIBLE_REASONS)


def test_instances_and_idle_slots_stand_in_one_frame_row_by_row() -> None:
    world = fleet("""
        cr-1: A holds 3 m5.large in us-east-1a
        i-1: A runs 1 m5.large in us-east-1a, inside cr-1
        """)
    both = with_slots(world.usage, world.slots)
    assert table(both, ["usage_id", "kind", "capacity_reservation_id", "hours"]) == lines("""
        usage_id | kind      | capacity_reservation_id | hours
        i-1      | instance  | cr-1                    | 1
        cr-1     | idle_slot |                         | 2
        """)
    assert both.index.tolist() == [0, 1]


def test_before_the_allocation_no_idle_slot_is_covered() -> None:
    world = fleet("cr-1: A holds 3 m5.large in us-east-1a")
    assert world.held["covered_idle_units"].tolist() == [0]


def test_a_full_capacity_reservation_has_no_idle_slots() -> None:
    world = fleet("""
        cr-1: A holds 2 m5.large in us-east-1a
        i-1: A runs 2 m5.large in us-east-1a, inside cr-1
        """)
    pd.testing.assert_frame_equal(world.slots, SLOTS.of([]))
    assert world.held["idle_units"].tolist() == [0]


FLEET = """
    i-a: A runs 1 m5.xlarge in us-east-1a
    i-b: B runs 1 m5.xlarge in us-east-1a, inside cr-b
    cr-b: B holds 5 m5.large in us-east-1a
    cr-c: C holds 2 m5.large in us-east-1a
    r-a: A bought 3 m5.2xlarge in us-east-1
    r-z: B bought 1 m5.xlarge in us-east-1a
    """
"""r-z covers i-a, as zonal reservations come first; of its 48 units r-a gives 8 to i-b and 16 + 8
to all idle slots: i-b leaves 4 of those of cr-b."""


def test_the_use_by_idle_slots_is_in_the_use_and_apart() -> None:
    columns = ["reservation_id", "used_units", "idle_slot_units", "unused_units", "lent_units"]
    assert table(result(FLEET).utilization, columns) == lines("""
        reservation_id | used_units | idle_slot_units | unused_units | lent_units
        r-a            | 32         | 24              | 16           | 32
        r-z            | 8          | 0               | 0            | 8
        """)


def test_coverage_and_counts_know_no_idle_slots() -> None:
    found = result(FLEET)
    assert found.coverage["running_instances"].tolist() == [2]
    assert found.coverage["running_units"].tolist() == [16]
    assert found.coverage["coverage_ratio"].tolist() == [1]
    assert found.running["running_instances"].sum() == 2


def test_pools_hold_idle_slots_apart() -> None:
    columns = [
        "account_id",
        "running_units",
        "covered_units",
        "used_units",
        "lent_units",
        "borrowed_units",
        "idle_units",
        "covered_idle_units",
    ]
    assert table(result(FLEET).pools, columns) == lines("""
        account_id | running_units | covered_units | used_units | lent_units | borrowed_units | idle_units | covered_idle_units
        A          | 8             | 8             | 32         | 32         | 8              | 0          | 0
        B          | 8             | 8             | 8          | 8          | 24             | 16         | 16
        C          | 0             | 0             | 0          | 0          | 8              | 8          | 8
        """)  # noqa: E501 - a table


def test_the_table_of_capacity_reservations_tells_what_is_covered_of_each() -> None:
    columns = [
        "capacity_reservation_id",
        "total_instances",
        "available_instances",
        "idle_units",
        "covered_idle_units",
    ]
    text = FLEET.replace("bought 3 m5.2xlarge", "bought 7 m5.large")
    assert table(result(text).capacity_reservations, columns) == lines("""
        capacity_reservation_id | total_instances | available_instances | idle_units | covered_idle_units
        cr-b                    | 5               | 4                   | 16         | 16
        cr-c                    | 2               | 2                   | 8          | 4
        """)  # noqa: E501 - a table


def test_without_capacity_reservations_the_tables_are_empty() -> None:
    world = fleet("i-1: A runs 1 m5.large in us-east-1a")
    pd.testing.assert_frame_equal(world.held, CAPACITY.of([]))
    pd.testing.assert_frame_equal(covered_capacity(world.held, world.allocations), CAPACITY.of([]))


def test_a_kind_of_usage_that_is_unknown_is_refused() -> None:
    world = fleet("i-1: A runs 1 m5.large in us-east-1a\nr-1: A bought 1 m5.large in us-east-1")
    with pytest.raises(ValueError, match="no kind 'slot'"):
        allocate(world.usage.assign(kind="slot"), world.active)
