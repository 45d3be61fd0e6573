"""Allocation: who serves whom, in which order, and what the call refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ri_report.rules.allocation import ALLOCATIONS, allocate, allocated_units, cut
from ri_report.rules.sharing import Sharing
from tests.rules.fleet import END, Fleet, fleet, lines, table

if TYPE_CHECKING:
    from ri_report.rules.sharing import Mode


def given(world: Fleet) -> str:
    return table(world.allocations, ["usage_id", "reservation_id", "tier", "units"])


def test_zonal_reservation_covers_only_its_zone_and_exact_type() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.large in us-east-1b
        i-3: A runs 1 m5.xlarge in us-east-1a
        i-4: A runs 1 m5.large in us-east-1a, Windows
        i-5: A runs 1 m5.large in us-east-1a, dedicated
        r-1: A bought 9 m5.large in us-east-1a
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-1      | r-1            | owner | 4
        """)


def test_regional_reservation_covers_any_zone_and_size_but_no_other_family_or_region() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.xlarge in us-east-1c
        i-3: A runs 1 m5d.large in us-east-1a
        i-4: A runs 1 m5.large in eu-west-1a
        r-1: A bought 9 m5.large in us-east-1
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-1      | r-1            | owner | 4
        i-2      | r-1            | owner | 8
        """)


@pytest.mark.parametrize(
    "product", ["Windows", "Red Hat Enterprise Linux", "SUSE Linux", "dedicated"]
)
def test_regional_reservation_that_cannot_flex_covers_its_exact_type_in_any_zone(
    product: str,
) -> None:
    world = fleet(f"""
        i-1: A runs 1 m5.large in us-east-1a, {product}
        i-2: A runs 1 m5.xlarge in us-east-1a, {product}
        i-3: A runs 1 m5.large in us-east-1b, {product}
        r-1: A bought 9 m5.large in us-east-1, {product}
        """)
    assert world.allocations["usage_id"].tolist() == ["i-1", "i-3"]


def test_the_smallest_comes_first_by_factor_not_by_name_and_not_by_exact_size() -> None:
    world = fleet("""
        i-1: A runs 1 m5.12xlarge in us-east-1a
        i-2: A runs 1 m5.2xlarge in us-east-1a
        i-3: A runs 1 m5.xlarge in us-east-1a
        r-1: A bought 1 m5.12xlarge in us-east-1
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-1      | r-1            | owner | 72
        i-2      | r-1            | owner | 16
        i-3      | r-1            | owner | 8
        """)


def test_another_family_in_another_region_is_no_match_however_many_there_are() -> None:
    world = fleet("""
        i-0: A runs 1 m5.large in ap-south-1a
        i-1: A runs 1 c5.large in eu-west-1a
        i-2: A runs 1 c5.large in us-east-1a
        r-3: A bought 1 c5.large in us-west-2
        """)
    assert world.allocations.empty


def test_what_runs_inside_a_capacity_reservation_matches_by_type_too() -> None:
    world = fleet("""
        cr-1: A holds 1 m5.large in us-east-1a
        i-1: A runs 1 m5.large in us-east-1a, inside cr-1
        r-1: A bought 1 c5.large in us-east-1
        """)
    assert world.allocations.empty


def test_an_unknown_size_matches_only_itself() -> None:
    world = fleet("""
        i-1: A runs 2 m5.enormous in us-east-1a
        i-2: A runs 1 m5.large in us-east-1a
        r-1: A bought 3 m5.enormous in us-east-1
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-1/1    | r-1            | owner | 1
        i-1/2    | r-1            | owner | 1
        """)


def test_every_owner_is_served_before_anybody_else() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: B runs 2 m5.large in us-east-1a
        r-1: B bought 2 m5.large in us-east-1
        r-2: A bought 1 m5.large in us-east-1, ends 2028-01-01
        """)
    assert given(world) == lines("""
        usage_id | reservation_id | tier  | units
        i-1      | r-2            | owner | 4
        i-2/1    | r-1            | owner | 4
        i-2/2    | r-1            | owner | 4
        """)


def test_what_ends_first_is_used_first_then_the_first_by_id() -> None:
    world = fleet("""
        i-1: A runs 2 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1, ends 2027-03-01
        r-2: A bought 1 m5.large in us-east-1, ends 2027-02-01
        r-3: A bought 1 m5.large in us-east-1, ends 2027-02-01
        """)
    assert world.allocations["reservation_id"].tolist() == ["r-2", "r-3"]


def test_what_has_no_known_end_is_used_last() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        r-2: A bought 1 m5.large in us-east-1
        """)
    ends = pd.Series([pd.NaT, END]).astype(world.active["end"].dtype)
    found = allocate(world.usage, world.active.assign(end=ends))
    assert found["reservation_id"].tolist() == ["r-2"]


def test_the_smallest_comes_first_whatever_its_id_and_whoever_else_runs() -> None:
    world = fleet("""
        i-1: A runs 1 t3.micro in us-east-1a
        i-2: B runs 1 t3.micro in us-east-1a
        i-9: A runs 1 t3.nano in us-east-1a
        r-1: A bought 1 t3.nano in us-east-1
        """)
    assert world.allocations["usage_id"].tolist() == ["i-9"]


def test_of_accounts_that_lack_alike_the_first_by_id_comes_first() -> None:
    world = fleet("""
        i-1: C runs 1 m5.large in us-east-1a
        i-2: B runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        """)
    assert world.allocations["usage_id"].tolist() == ["i-2"]


def test_the_last_second_of_the_smallest_size_is_given() -> None:
    second = f"{1 / 3600} hours"
    world = fleet(f"""
        i-1: A runs 1 t3.nano in us-east-1a, {second}
        r-1: A bought 1 t3.nano in us-east-1, {second}
        """)
    assert world.allocations["units"].tolist() == [pytest.approx(0.25 / 3600)]


def test_without_periods_the_period_of_every_row_is_empty() -> None:
    world = fleet("i: A runs 1 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1")
    assert world.allocations["period"].tolist() == [""]


def test_the_units_of_ids_stand_beside_them_whatever_their_rows_are_called() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        i-2: A runs 1 m5.xlarge in us-east-1a
        r-1: A bought 2 m5.large in us-east-1
        """)
    ids = pd.Series(["i-2", "i-0", "i-1", "i-2"], [5, 3, 8, 1], dtype="str", name="usage_id")
    found = allocated_units(ids, world.allocations)
    assert found.to_dict() == {5: 4, 3: 0, 8: 4, 1: 4}
    assert found.name == "usage_id"


def test_of_one_size_the_account_that_lacks_most_comes_first() -> None:
    world = fleet("""
        i-1: B runs 1 m5.large in us-east-1a
        i-2: C runs 1 m5.large in us-east-1a
        i-3: C runs 1 m5.xlarge in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        """)
    assert world.allocations["usage_id"].tolist() == ["i-2"]


def test_a_deactivated_account_neither_lends_nor_borrows() -> None:
    text = """
        i-a: A runs 2 m5.large in us-east-1a
        i-b: B runs 2 m5.large in us-east-1a
        r-a: A bought 3 m5.large in us-east-1a
        r-b: C bought 3 m5.large in us-east-1
        """
    assert given(fleet(text, deactivated=["A"])) == lines("""
        usage_id | reservation_id | tier         | units
        i-a/1    | r-a            | owner        | 4
        i-a/2    | r-a            | owner        | 4
        i-b/1    | r-b            | organization | 4
        i-b/2    | r-b            | organization | 4
        """)
    assert given(fleet(text, deactivated=["B"])) == lines("""
        usage_id | reservation_id | tier  | units
        i-a/1    | r-a            | owner | 4
        i-a/2    | r-a            | owner | 4
        """)


GROUPS = {"shop": ["A", "B"], "lab": ["C", "D"]}


@pytest.mark.parametrize("place", ["us-east-1", "us-east-1a"])
def test_prioritized_sharing_serves_the_group_of_the_buyer_before_all_others(place: str) -> None:
    text = f"""
        i-b: B runs 1 m5.large in us-east-1a
        i-c: C runs 3 m5.large in us-east-1a
        i-m: M runs 1 m5.large in us-east-1a
        r-a: A bought 3 m5.large in {place}
        """
    assert given(fleet(text, mode="prioritized", groups=GROUPS)) == lines("""
        usage_id | reservation_id | tier         | units
        i-b      | r-a            | group        | 4
        i-c/1    | r-a            | organization | 4
        i-c/2    | r-a            | organization | 4
        """)
    assert given(fleet(text, mode="restricted", groups=GROUPS)) == lines("""
        usage_id | reservation_id | tier         | units
        i-b      | r-a            | group        | 4
        """)
    # Without groups, what is left goes to whoever lacks most.
    assert fleet(text).allocations["usage_id"].tolist() == ["i-c/1", "i-c/2", "i-c/3"]


def test_zonal_reservations_of_all_tiers_come_before_regional_ones_of_the_owner() -> None:
    world = fleet(
        """
        i-a: A runs 2 m5.large in us-east-1a
        r-own: A bought 2 m5.large in us-east-1
        r-group: B bought 1 m5.large in us-east-1a
        r-other: C bought 1 m5.large in us-east-1a
        """,
        mode="prioritized",
        groups=GROUPS,
    )
    assert given(world) == lines("""
        usage_id | reservation_id | tier         | units
        i-a/1    | r-group        | group        | 4
        i-a/2    | r-other        | organization | 4
        """)


def test_in_restricted_mode_an_account_in_no_group_shares_with_nobody() -> None:
    world = fleet(
        """
        i-m: M runs 1 m5.large in us-east-1a
        i-n: N runs 2 m5.large in us-east-1a
        i-a: A runs 1 m5.large in us-east-1a
        r-m: M bought 9 m5.large in us-east-1
        """,
        mode="restricted",
        groups=GROUPS,
    )
    assert world.allocations["usage_id"].tolist() == ["i-m"]


@pytest.mark.parametrize("mode", ["prioritized", "restricted"])
def test_a_deactivated_account_shares_with_nobody_in_its_group_either(mode: Mode) -> None:
    text = """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.large in us-east-1a
        r-a: A bought 2 m5.large in us-east-1
        """
    for off, served in (("A", ["i-a"]), ("B", ["i-a"]), ("C", ["i-a", "i-b"])):
        world = fleet(text, mode=mode, groups=GROUPS, deactivated=[off])
        assert world.allocations["usage_id"].tolist() == served


def test_a_group_named_like_an_account_is_not_that_account() -> None:
    world = fleet(
        """
        i-a: A runs 1 m5.large in us-east-1a
        i-b: B runs 1 m5.large in us-east-1a
        r-m: M bought 2 m5.large in us-east-1
        """,
        mode="restricted",
        groups={"M": ["A"], "B": ["C"]},
    )
    assert world.allocations.empty


ZONES_NAMED_DIFFERENTLY = """
    i-name: B runs 1 m5.large in us-east-1a (use1-az9)
    i-place: B runs 1 m5.large in us-east-1b (use1-az1)
    r-1: A bought 2 m5.large in us-east-1a (use1-az1)
    """


@pytest.mark.parametrize(("match", "served"), [("az_name", "i-name"), ("az_id", "i-place")])
def test_between_accounts_the_zone_is_its_name_or_its_place_as_configured(
    match: str, served: str
) -> None:
    by_id = match == "az_id"
    world = fleet(ZONES_NAMED_DIFFERENTLY, zonal_match="az_id" if by_id else "az_name")
    assert world.allocations["usage_id"].tolist() == [served]


def test_a_zone_whose_id_is_unknown_is_no_other_zone_whose_id_is_unknown() -> None:
    world = fleet(
        """
        i-1: A runs 1 m5.large in us-east-1a
        i-2: B runs 1 m5.large in us-east-1b
        r-1: A bought 9 m5.large in us-east-1a
        """,
        zonal_match="az_id",
    )
    unknown = {"availability_zone_id": ""}
    found = allocate(world.usage.assign(**unknown), world.active.assign(**unknown), world.sharing)
    assert found["usage_id"].tolist() == ["i-1"]


def test_rows_of_different_periods_never_meet() -> None:
    world = fleet("""
        i-1: A runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1
        """)
    hours = ["2026-11-22T05", "2026-11-22T06"]
    usage = pd.concat([world.usage.assign(period=hour) for hour in hours])
    found = allocate(usage, world.active.assign(period=hours[1]), world.sharing)
    assert found["period"].tolist() == [hours[1]]


def test_a_frame_as_the_interface_describes_it_is_enough() -> None:
    place = {"region": "us-east-1", "availability_zone_id": "", "tenancy": "default", "hours": 1.0}
    what = {"account_id": "1", "platform": "Linux/UNIX", "instance_type": "m5.large", **place}
    usage = pd.DataFrame([{"usage_id": "u", "availability_zone": "us-east-1a", **what}])
    bought = {"reservation_id": "r", "scope": "regional", "availability_zone": None}
    found = allocate(usage, pd.DataFrame([{**bought, "instance_count": 1, **what}]))
    assert found["units"].tolist() == [4.0]


@pytest.mark.parametrize("scope", ["Region", "Availability Zone", "", "both"])
def test_an_unknown_scope_is_refused(scope: str) -> None:
    world = fleet("r-1: A bought 1 m5.large in us-east-1")
    with pytest.raises(ValueError, match="scope"):
        allocate(world.usage, world.active.assign(scope=scope))


def test_periods_on_one_side_alone_are_refused() -> None:
    world = fleet("r-1: A bought 1 m5.large in us-east-1")
    with pytest.raises(ValueError, match="period"):
        allocate(world.usage, world.active.assign(period="1"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i-1: A runs 1 m5.large in us-east-1a",
        "r-1: A bought 1 m5.large in us-east-1a",
    ],
)
def test_an_empty_side_gives_an_empty_frame(text: str) -> None:
    pd.testing.assert_frame_equal(fleet(text).allocations, ALLOCATIONS.of([]))


def test_the_inputs_are_left_as_they_are() -> None:
    world = fleet("""
        i-1: A runs 3 m5.large in us-east-1a
        r-1: A bought 2 m5.xlarge in us-east-1
        """)
    usage, active = world.usage.copy(), world.active.copy()
    allocate(world.usage, world.active, Sharing())
    pd.testing.assert_frame_equal(world.usage, usage)
    pd.testing.assert_frame_equal(world.active, active)


def test_a_line_is_cut_where_either_side_ends() -> None:
    def row(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(numbers, dtype=np.int64)

    # Key 1: demand 5 and 3 before supply 6, of which nothing is left for the last 2; key 2 has no
    # supply; key 4: supply 1 and 9 before demand 4.
    d, s, amounts = cut(row(1, 1, 2, 4), row(5, 3, 7, 4), row(1, 3, 4, 4), row(6, 8, 1, 9))
    assert list(zip(d, s, amounts, strict=True)) == [(0, 0, 5), (1, 0, 1), (3, 2, 1), (3, 3, 3)]
