"""Utilization and pools: whole tables, worked out by hand from the fleet."""

from __future__ import annotations

import pandas as pd

from ri_report.rules.reasons import UNUSED_REASONS, unused_reasons
from ri_report.rules.utilization import POOLS, UTILIZATION, pools, utilization
from tests.rules.fleet import AS_OF, Fleet, fleet, lines, table

FLEET = """
    i-a: A runs 1 m5.large in us-east-1a
    i-b: B runs 2 m5.xlarge in us-east-1b
    i-c: C runs 1 m5.large in us-east-1a, Windows
    r-own: A bought 1 m5.large in us-east-1a
    r-lent: A bought 3 m5.large in us-east-1
    r-windows: C bought 2 m5.xlarge in us-east-1, Windows, ends 2026-11-30T05:59
    r-idle: C bought 1 g5.2xlarge in us-east-1, ends 2026-11-30T06:00
    """
"""r-own serves A; r-lent gives its 12 units to the 16 of B; the others match nothing."""


def used(world: Fleet) -> pd.DataFrame:
    reasons = unused_reasons(world.covered, world.active, world.allocations, world.sharing)
    return utilization(world.active, world.allocations, reasons, AS_OF, slots=world.slots)


def test_utilization_tells_of_each_reservation_what_is_used_lent_and_left() -> None:
    units = ["purchased_units", "used_units", "unused_units", "utilization_ratio", "lent_units"]
    columns = ["reservation_id", *units, "days_left", "unused_reason"]
    assert table(used(fleet(FLEET)), columns) == lines("""
        reservation_id | purchased_units | used_units | unused_units | utilization_ratio | lent_units | days_left | unused_reason
        r-idle         | 16              | 0          | 16           | 0                 | 0          | 8         | nothing_running
        r-lent         | 12              | 12         | 0            | 1                 | 12         | 39        |
        r-own          | 4               | 4          | 0            | 1                 | 0          | 39        |
        r-windows      | 16              | 0          | 16           | 0                 | 0          | 7         | nothing_running
        """)  # noqa: E501 - a table


def test_the_main_reason_is_the_one_with_most_units() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1b
        i-2: A runs 2 m5.large in us-east-1a, Windows
        r-1: A bought 3 m5.large in us-east-1a
        """)
    assert used(world)["unused_reason"].tolist() == ["platform"]


def test_of_equal_reasons_the_first_by_name_is_the_main_one() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1b
        i-2: A runs 1 m5.large in us-east-1a, Windows
        i-3: A runs 1 m5.large in us-east-1a, dedicated
        r-1: A bought 3 m5.large in us-east-1a
        """)
    assert used(world)["unused_reason"].tolist() == ["platform"]


def test_what_is_used_in_full_needs_no_reason() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1a
        """)
    assert used(world)["unused_reason"].tolist() == [""]


def test_an_end_that_is_unknown_leaves_the_days_unknown() -> None:
    world = fleet("r-1: A bought 1 m5.large in us-east-1")
    active = world.active.assign(end=pd.Series([pd.NaT], dtype="datetime64[us, UTC]"))
    found = utilization(active, world.allocations, UNUSED_REASONS.of([]), AS_OF, slots=world.slots)
    assert found["days_left"].isna().tolist() == [True]


def test_pools_tell_of_each_account_what_it_runs_buys_lends_and_borrows() -> None:
    world = fleet(FLEET)
    found = pools(world.covered, world.slots, world.active, world.allocations)
    columns = ["pool", "platform", "account_id", *POOLS.names[len(POOLS.key) : -2]]
    assert table(found, columns) == lines("""
        pool       | platform   | account_id | running_units | covered_units | purchased_units | used_units | lent_units | borrowed_units
        g5.2xlarge | Linux/UNIX | C          | 0             | 0             | 16              | 0          | 0          | 0
        m5         | Linux/UNIX | A          | 4             | 4             | 16              | 16         | 12         | 0
        m5         | Linux/UNIX | B          | 16            | 12            | 0               | 0          | 0          | 12
        m5.large   | Windows    | C          | 4             | 0             | 0               | 0          | 0          | 0
        m5.xlarge  | Windows    | C          | 0             | 0             | 16              | 0          | 0          | 0
        """)  # noqa: E501 - a table


def test_regions_and_tenancies_are_pools_of_their_own() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.large in eu-west-1a
        i-3: A runs 1 m5.large in us-east-1a, dedicated
        """)
    found = pools(world.covered, world.slots, world.active, world.allocations)
    assert table(found, ["region", "pool", "tenancy", "running_units"]) == lines("""
        region    | pool     | tenancy   | running_units
        eu-west-1 | m5       | default   | 4
        us-east-1 | m5       | default   | 4
        us-east-1 | m5.large | dedicated | 4
        """)


def test_without_reservations_the_tables_are_empty() -> None:
    empty = fleet("")
    pd.testing.assert_frame_equal(used(empty), UTILIZATION.of([]))
    found = pools(empty.covered, empty.slots, empty.active, empty.allocations)
    pd.testing.assert_frame_equal(found, POOLS.of([]))
