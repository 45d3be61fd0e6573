"""Coverage: whole tables, worked out by hand from the fleet."""

from __future__ import annotations

import pandas as pd
import pytest

from ri_report.rules.coverage import (
    COVERAGE,
    COVERAGE_BY_ACCOUNT,
    coverage,
    coverage_by_account,
    measure,
    ratio,
)
from tests.rules.fleet import fleet, lines, table

FLEET = """
    i-1: A runs 3 m5.large in us-east-1a
    i-2: B runs 1 m5.large in us-east-1a
    i-3: B runs 1 m5.large in us-east-1a (use1-az6)
    i-4: A runs 2 m5.2xlarge in us-east-1b
    i-5: A runs 1 m5.large in us-east-1a, Windows
    i-6: C runs 4 c5.large in eu-west-1a, spot
    r-1: A bought 2 m5.large in us-east-1a
    r-2: A bought 3 m5.xlarge in us-east-1
    """
"""Two of i-1 by zone; of r-2's 24 units, 4 go to the third i-1 and 20 to the 32 of i-4; nothing is
left to lend."""

PRODUCT = ["availability_zone", "availability_zone_id", "instance_type", "platform"]
COUNTS = ["running_instances", "covered_instances", "uncovered_instances"]
UNITS = ["running_units", "covered_units", "coverage_ratio"]


def test_coverage_is_counted_by_place_type_platform_and_tenancy() -> None:
    found = coverage(fleet(FLEET).covered)
    assert table(found, [*PRODUCT, *COUNTS]) == lines("""
        availability_zone | availability_zone_id | instance_type | platform   | running_instances | covered_instances | uncovered_instances
        us-east-1a        | use1-az1             | m5.large      | Linux/UNIX | 4                 | 3                 | 1
        us-east-1a        | use1-az1             | m5.large      | Windows    | 1                 | 0                 | 1
        us-east-1a        | use1-az6             | m5.large      | Linux/UNIX | 1                 | 0                 | 1
        us-east-1b        | use1-az2             | m5.2xlarge    | Linux/UNIX | 2                 | 1.25              | 0.75
        """)  # noqa: E501 - a table
    assert table(found, ["availability_zone_id", "instance_type", *UNITS]) == lines("""
        availability_zone_id | instance_type | running_units | covered_units | coverage_ratio
        use1-az1             | m5.large      | 16            | 12            | 0.75
        use1-az1             | m5.large      | 4             | 0             | 0
        use1-az6             | m5.large      | 4             | 0             | 0
        use1-az2             | m5.2xlarge    | 32            | 20            | 0.625
        """)


def test_coverage_by_account_sets_accounts_apart() -> None:
    found = coverage_by_account(fleet(FLEET).covered)
    assert table(found, ["account_id", *PRODUCT[1:], *UNITS]) == lines("""
        account_id | availability_zone_id | instance_type | platform   | running_units | covered_units | coverage_ratio
        A          | use1-az1             | m5.large      | Linux/UNIX | 12            | 12            | 1
        A          | use1-az1             | m5.large      | Windows    | 4             | 0             | 0
        A          | use1-az2             | m5.2xlarge    | Linux/UNIX | 32            | 20            | 0.625
        B          | use1-az1             | m5.large      | Linux/UNIX | 4             | 0             | 0
        B          | use1-az6             | m5.large      | Linux/UNIX | 4             | 0             | 0
        """)  # noqa: E501 - a table


def test_a_total_is_a_ratio_of_sums_not_a_mean() -> None:
    covered = fleet(FLEET).covered.assign(all="all")
    total = measure(covered, ["all"])
    assert total["coverage_ratio"].tolist() == [32 / 56]
    assert total["covered_instances"].tolist() == [4.25]
    assert total["uncovered_instances"].tolist() == [3.75]


def test_thirds_never_leave_less_than_nothing_uncovered() -> None:
    world = fleet("""
        i-1: A runs 9 m5.6xlarge in us-east-1a
        r-1: A bought 9 m5.6xlarge in us-east-1
        i-2: A runs 3 c5.6xlarge in us-east-1a
        r-2: A bought 1 c5.4xlarge in us-east-1
        """)
    found = coverage(world.covered).sort_values("instance_type")
    assert found["uncovered_instances"].tolist() == pytest.approx([3 - 32 / 48, 0.0])
    assert (found["uncovered_instances"] >= 0).all()


def test_a_row_says_what_its_units_rest_on() -> None:
    """A type without a factor counts one unit an instance, and its row says so."""
    world = fleet("""
        i-1: A runs 3 m5.large in us-east-1a
        i-2: A runs 3 m5.huge in us-east-1a
        i-3: A runs 1 c6a.metal in us-east-1a
        """)
    names = ("instance_type", "running_units", "factor_basis")
    expected = lines("""
        instance_type | running_units | factor_basis
        c6a.metal     | 384           | largest_size
        m5.huge       | 3             | none
        m5.large      | 12            | documented
        """)
    assert table(coverage(world.covered), names) == expected
    assert table(coverage_by_account(world.covered), names) == expected


def test_the_ratio_of_nothing_is_unknown() -> None:
    part, whole = pd.Series([0.0, 2.0, 0.0, 3.0, 0.5]), pd.Series([0.0, 0.0, 4.0, 4.0, 1.0])
    assert ratio(part, whole).isna().tolist() == [True, True, False, False, False]
    assert ratio(part, whole).tolist()[2:] == [0.0, 0.75, 0.5]


def test_a_sum_over_an_unknown_is_unknown() -> None:
    covered = fleet(FLEET).covered
    dark = covered["usage_id"] == "i-2"
    lost = {name: covered[name].mask(dark) for name in ("covered_units", "uncovered_units")}
    found = measure(covered.assign(**lost), ["account_id"])
    assert table(found, ["account_id", *COUNTS, *UNITS]) == lines("""
        account_id | running_instances | covered_instances | uncovered_instances | running_units | covered_units | coverage_ratio
        A          | 6                 | 4.25              | 1.75                | 48            | 32            | 0.666667
        B          | 2                 | nan               | nan                 | 8             | nan           | nan
        """)  # noqa: E501 - a table


def test_without_instances_the_tables_are_empty() -> None:
    world = fleet("r-1: A bought 1 m5.large in us-east-1")
    pd.testing.assert_frame_equal(coverage(world.covered), COVERAGE.of([]))
    pd.testing.assert_frame_equal(coverage_by_account(world.covered), COVERAGE_BY_ACCOUNT.of([]))


def test_without_reservations_everything_is_uncovered() -> None:
    found = coverage(fleet("i-1: A runs 2 m5.large in us-east-1a").covered)
    assert table(found, [*COUNTS, *UNITS]) == lines("""
        running_instances | covered_instances | uncovered_instances | running_units | covered_units | coverage_ratio
        2                 | 0                 | 2                   | 8             | 0             | 0
        """)  # noqa: E501 - a table
