"""Near misses: which single rule stands between an instance and a reservation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ri_report.rules.capacity import with_slots
from ri_report.rules.misses import near_misses
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from ri_report.rules.sharing import ZonalMatch
    from tests.rules.fleet import Fleet

ZONAL = "r: A bought 1 m5.large in us-east-1a"
REGIONAL = "r: A bought 1 m5.large in us-east-1"


def missed(text: str, **options: object) -> list[str]:
    return misses_of(fleet(text, **options))  # type: ignore[arg-type] # options of fleet


def misses_of(world: Fleet) -> list[str]:
    usage = with_slots(world.usage, world.slots)
    found = near_misses(usage, world.active, world.sharing)
    pairs = zip(found["usage_id"], found["reservation_id"], found["reason"], strict=True)
    return [" ".join(pair) for pair in pairs]


@pytest.mark.parametrize(
    ("bought", "runs", "reason"),
    [
        (ZONAL, "A runs 1 m5.large in us-east-1b", "wrong_zone"),
        (ZONAL, "A runs 1 m5.xlarge in us-east-1a", "size_not_flexible"),
        (f"{REGIONAL}, Windows", "A runs 1 m5.xlarge in us-east-1a, Windows", "size_not_flexible"),
        (REGIONAL, "A runs 1 m5.large in us-east-1a, Windows", "platform"),
        (REGIONAL, "A runs 1 m5.large in us-east-1a, dedicated", "tenancy"),
        (REGIONAL, "A runs 1 m5.xlarge in eu-west-1a", "region"),
        (ZONAL, "A runs 1 m5.large in eu-west-1a", "region"),
        (REGIONAL, "B runs 1 m5.large in us-east-1a", "sharing_off"),
        (ZONAL, "A runs 1 m5.large in us-east-1a, inside c", "capacity_reservation"),
    ],
)
def test_one_rule_between_two_is_named(bought: str, runs: str, reason: str) -> None:
    """The reasons are those for unused units."""
    assert missed(f"i: {runs}\n{bought}", deactivated=["B"]) == [f"i r {reason}"]


def test_zonal_reservations_that_serve_instances_inside_miss_only_idle_slots() -> None:
    text = f"""
        c: A holds 2 m5.large in us-east-1a
        i: A runs 1 m5.large in us-east-1a, inside c
        {ZONAL}
        """
    assert missed(text) == ["c r capacity_reservation", "i r capacity_reservation"]
    assert missed(text, zonal_in_capacity_reservations=True) == ["c r capacity_reservation"]


@pytest.mark.parametrize(
    ("region", "reason"), [("us-east-1", "zone_unknown"), ("eu-central-1", "wrong_zone")]
)
def test_a_name_tells_the_place_without_an_id_where_it_is_the_same_for_every_account(
    region: str, reason: str
) -> None:
    text = f"i: B runs 1 m5.large in {region}b ()\nr: A bought 1 m5.large in {region}a ()"
    assert missed(text, zonal_match="az_id") == [f"i r {reason}"]


@pytest.mark.parametrize(
    ("bought", "runs"),
    [
        (REGIONAL, "A runs 1 m5.xlarge in us-east-1b"),
        (ZONAL, "A runs 1 m5.large in us-east-1a"),
        (ZONAL, "A runs 1 m5.xlarge in us-east-1b"),
        (REGIONAL, "A runs 1 c5.large in us-east-1a"),
        (REGIONAL, "B runs 1 m5.large in eu-west-1a"),
        # Sizes flex for Linux/UNIX on default tenancy alone.
        (REGIONAL, "A runs 1 m5.xlarge in us-east-1a, Windows"),
        (REGIONAL, "A runs 1 m5.xlarge in us-east-1a, dedicated"),
    ],
    ids=[
        "flexes",
        "matches",
        "size and zone",
        "another family",
        "sharing and region",
        "platform and size",
        "tenancy and size",
    ],
)
def test_a_match_or_what_misses_twice_is_no_near_miss(bought: str, runs: str) -> None:
    assert missed(f"i: {runs}\n{bought}", deactivated=["B"]) == []


@pytest.mark.parametrize(("zonal_match", "expected"), [("az_name", []), ("az_id", ["wrong_zone"])])
def test_zones_of_other_accounts_are_compared_as_the_setting_says(
    zonal_match: str, expected: list[str]
) -> None:
    text = f"i: B runs 1 m5.large in us-east-1a (use1-az9)\n{ZONAL} (use1-az1)"
    found = missed(text, zonal_match=zonal_match)
    assert found == [f"i r {reason}" for reason in expected]


@pytest.mark.parametrize("lost", [["instances"], ["reservations"], ["instances", "reservations"]])
@pytest.mark.parametrize(
    ("owner", "zone", "zonal_match", "expected"),
    [
        ("B", "us-east-1a", "az_id", ["zone_unknown"]),
        ("B", "us-east-1b", "az_id", ["zone_unknown"]),
        ("B", "us-east-1a", "az_name", []),
        ("B", "us-east-1b", "az_name", ["wrong_zone"]),
        # Within one account the names tell.
        ("A", "us-east-1a", "az_id", []),
        ("A", "us-east-1b", "az_id", ["wrong_zone"]),
    ],
)
def test_a_zone_whose_id_is_unknown_is_neither_the_same_nor_another(
    lost: list[str], owner: str, zone: str, zonal_match: ZonalMatch, expected: list[str]
) -> None:
    world = fleet(f"i: {owner} runs 1 m5.large in {zone}\n{ZONAL}", zonal_match=zonal_match)
    unknown = {name: getattr(world, name).assign(availability_zone_id="") for name in lost}
    assert misses_of(replace(world, **unknown)) == [f"i r {reason}" for reason in expected]


def test_each_pair_is_judged_on_its_own_and_told_in_the_order_of_reasons() -> None:
    text = """
        i-1: A runs 1 m5.large in us-east-1b
        i-2: A runs 1 m5.large in us-east-1a, Windows
        r-1: A bought 1 m5.large in us-east-1a
        r-2: A bought 1 m5.large in us-east-1
        """
    assert missed(text) == ["i-2 r-1 platform", "i-2 r-2 platform", "i-1 r-1 wrong_zone"]


def test_nothing_misses_nothing() -> None:
    assert missed("") == []
    assert missed(ZONAL) == []
