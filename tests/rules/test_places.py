"""Places: what zone names and ids say of each other, and what contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ri_report.inventory.schema import ZONES
from ri_report.rules.allocation import allocate
from ri_report.rules.analysis import analyze
from ri_report.rules.places import contradictions, without_contradictions
from ri_report.rules.sharing import Sharing
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.rules.sharing import ZonalMatch
    from tests.rules.fleet import Fleet

ZONAL = "r: A bought 1 m5.large in us-east-1a (use1-az1)"
BY_ID = Sharing(zonal_match="az_id")


def given(world: Fleet, sharing: Sharing) -> list[tuple[str, str]]:
    rows = allocate(world.usage, world.active, sharing)
    return list(zip(rows["usage_id"], rows["tier"], strict=True))


def unnamed(world: Fleet, *ids: str) -> pd.DataFrame:
    """Usage of which some has an id of its zone and no name."""
    lost = world.usage["usage_id"].isin(ids)
    return world.usage.assign(availability_zone=world.usage["availability_zone"].mask(lost, ""))


CONTRADICTIONS = {
    "two ids": (
        "i: A runs 1 m5.large in us-east-1a (use1-az2)",
        "account A, us-east-1: zone us-east-1a has the ids use1-az1 and use1-az2",
    ),
    "two names": (
        "i: A runs 1 m5.large in us-east-1b (use1-az1)",
        "account A, us-east-1: the id use1-az1 is that of the zones us-east-1a and us-east-1b",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_zones_of_one_account_that_contradict_each_other_are_refused(name: str) -> None:
    """By id its reservation would be lent to itself, or not serve its own zone."""
    line, text = CONTRADICTIONS[name]
    world = fleet(f"{ZONAL}\n{line}")
    with pytest.raises(ValueError, match=rf"^usage and reservations: {text}; within one account"):
        allocate(world.usage, world.active, BY_ID)


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_zone_ids_that_contradict_each_other_are_unknown_in_their_account_and_region(
    name: str,
) -> None:
    world = fleet(f"""
        {ZONAL}
        {CONTRADICTIONS[name][0]}
        j: A runs 1 m5.large in us-west-2a (usw2-az1)
        k: B runs 1 m5.large in us-east-1a (use1-az6)
        """)
    found = contradictions(world.inventory)
    assert found.to_dict("records") == [{"account_id": "A", "region": "us-east-1"}]
    kept = without_contradictions(world.inventory)
    ids = dict(
        zip(kept.instances["instance_id"], kept.instances["availability_zone_id"], strict=True)
    )
    assert ids == {"i": "", "j": "usw2-az1", "k": "use1-az6"}
    assert kept.reservations["availability_zone_id"].tolist() == [""]
    made = analyze(world.inventory, BY_ID)
    assert made.covered.loc[made.covered["usage_id"] == "k", "covered_units"].tolist() == [0]


def test_the_map_of_zones_contradicts_an_instance() -> None:
    world = fleet("i: A runs 1 m5.large in us-east-1a (use1-az2)")
    zone = {
        "account_id": "A",
        "region": "us-east-1",
        "availability_zone": "us-east-1a",
        "availability_zone_id": "use1-az6",
    }
    inventory = replace(world.inventory, zones=ZONES.of([zone]))
    kept = without_contradictions(inventory)
    assert kept.instances["availability_zone_id"].tolist() == [""]


def test_zones_that_agree_are_kept_as_they_are() -> None:
    inventory = fleet(f"{ZONAL}\ni: A runs 2 m5.large in us-east-1a (use1-az1)").inventory
    assert without_contradictions(inventory) is inventory


def test_zones_of_which_the_id_or_the_name_was_not_read_contradict_nothing() -> None:
    inventory = fleet(f"""
        {ZONAL}
        i: A runs 1 m5.large in us-east-1b
        j: A runs 1 m5.large in us-east-1c
        k: A runs 1 m5.large in us-east-1d
        """).inventory
    unread = inventory.instances.assign(
        availability_zone=["us-east-1b", "us-east-1c", ""],
        availability_zone_id=["", "", "use1-az1"],
    )
    seen = replace(inventory, instances=unread)
    assert contradictions(seen).empty
    assert without_contradictions(seen) is seen


def test_what_ids_of_one_account_say_is_nothing_to_another() -> None:
    world = fleet(f"""
        {ZONAL}
        i-b: B runs 1 m5.large in us-east-1a (use1-az2)
        i-c: C runs 1 m5.large in us-east-1c (use1-az1)
        """)
    assert given(world, BY_ID) == [("i-c", "organization")]


def test_zones_that_decide_nothing_may_contradict_each_other_in_a_call_of_the_library() -> None:
    """By name ids decide nothing; idle slots are in the zone of the owner, not of the payer."""
    world = fleet(f"{ZONAL}\ni: A runs 1 m5.large in us-east-1a (use1-az2)")
    assert given(world, Sharing()) == [("i", "owner")]
    slots = world.usage.assign(kind="idle_slot")
    assert allocate(slots, world.active, BY_ID).empty


@pytest.mark.parametrize("zonal_match", ["az_name", "az_id"])
@pytest.mark.parametrize("deactivated", [frozenset[str](), frozenset("A")])
def test_usage_with_an_id_alone_is_its_own_accounts_first(
    zonal_match: ZonalMatch, deactivated: frozenset[str]
) -> None:
    world = fleet(f"{ZONAL}\ni: A runs 1 m5.large in us-east-1a (use1-az1)")
    sharing = Sharing(zonal_match=zonal_match, deactivated_accounts=deactivated)
    rows = allocate(unnamed(world, "i"), world.active, sharing)
    assert list(rows["tier"]) == ["owner"]


def test_usage_of_which_neither_name_nor_id_is_known_is_in_no_zone_of_its_account() -> None:
    world = fleet("""
        r: A bought 2 m5.large in us-east-1a
        i: A runs 1 m5.large in us-east-1a
        j: A runs 1 m5.large in us-east-1b
        """)
    usage = world.usage.assign(availability_zone=["us-east-1a", ""], availability_zone_id=["", ""])
    reservations = world.active.assign(availability_zone_id="")
    for sharing in (Sharing(), BY_ID):
        assert allocate(usage, reservations, sharing)["usage_id"].tolist() == ["i"]


def test_usage_with_an_id_that_its_account_does_not_name_matches_others_by_id() -> None:
    world = fleet(f"{ZONAL}\ni: B runs 1 m5.large in us-east-1b (use1-az1)")
    usage = unnamed(world, "i")
    assert list(allocate(usage, world.active, BY_ID)["tier"]) == ["organization"]
    assert allocate(usage, world.active, Sharing()).empty


@pytest.mark.parametrize(
    ("region", "covered"), [("us-east-1", []), ("eu-central-1", ["i"]), ("eu-west-1", [])]
)
@pytest.mark.parametrize("lost", [{"usage"}, {"active"}, {"usage", "active"}])
def test_a_name_is_the_place_where_it_is_the_same_for_every_account(
    region: str, covered: list[str], lost: set[str]
) -> None:
    """AWS Regions and Availability Zones, "AZ IDs": only the oldest Regions map independently."""
    world = fleet(f"r: A bought 1 m5.large in {region}a\ni: B runs 1 m5.large in {region}a")
    usage, active = (
        side.assign(availability_zone_id="") if name in lost else side
        for name, side in (("usage", world.usage), ("active", world.active))
    )
    assert list(allocate(usage, active, BY_ID)["usage_id"]) == covered
