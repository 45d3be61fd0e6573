"""A made-up organization of any size is whole, distinct, repeatable, and takes no room."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from ri_report.sandbox.organization import Organization
from ri_report.sandbox.population import generated_organization, id_at, place_of
from ri_report.sandbox.regions import ENABLED_BY_DEFAULT, EVERY_REGION

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
REGIONS = ("us-east-1", "us-east-2", "us-west-1")
EVERYTHING: list[tuple[str, dict[str, Any]]] = [
    ("describe_regions", {}),
    ("describe_regions", {"AllRegions": True}),
    ("describe_regions", {"RegionNames": ["us-east-2"]}),
    ("describe_regions", {"RegionNames": ["xx-east-2"]}),
    ("describe_availability_zones", {}),
    ("describe_availability_zones", {"ZoneNames": ["us-east-1b"]}),
    ("describe_capacity_reservations", {"MaxResults": 5}),
    ("describe_reserved_instances", {}),
    ("describe_reserved_instances", {"OfferingClass": "convertible"}),
    ("describe_reserved_instances", {"Filters": [{"Name": "state", "Values": ["active"]}]}),
    ("describe_instances", {}),
    ("describe_instances", {"MaxResults": 5}),
    ("describe_instances", {"MaxResults": 4}),
    ("describe_instances", {"DryRun": True}),
    ("describe_instances", {"NextToken": "never-given"}),
    ("describe_instances", {"InstanceIds": ["i-00000000000000000"]}),
    ("describe_instances", {"Filters": [{"Name": "owner-id", "Values": ["1"]}]}),
    (
        "describe_instances",
        {"MaxResults": 5, "Filters": [{"Name": "instance-type", "Values": ["m5.*"]}]},
    ),
]


def _told(client: Any, operation: str, parameters: dict[str, Any]) -> list[Any]:  # noqa: ANN401 - AWS clients
    """Every page of an answer, or the refusal."""
    pages: list[Any] = []
    try:
        while not pages or "NextToken" in pages[-1]:
            token = {"NextToken": pages[-1]["NextToken"]} if pages else {}
            pages.append(getattr(client, operation)(**parameters, **token))
    except ClientError as error:
        pages.append(error.response)
    for page in pages:
        page["ResponseMetadata"]["HTTPHeaders"].pop("date")
    return pages


def _identifiers(account: Any) -> list[str]:  # noqa: ANN401 - an Account
    held = [i for rows in account.instances.values() for i in rows]
    bought = [r for rows in account.reserved_instances.values() for r in rows]
    return [i["InstanceId"] for i in held] + [r["ReservedInstancesId"] for r in bought]


def test_blueprints_answer_what_the_ordinary_way_answers(world: Callable[..., Any]) -> None:
    """The same accounts, made up on demand and kept as they are, cannot be told apart."""
    made_up = generated_organization(6, 3, 13, AS_OF)
    kept = Organization(
        tuple(made_up.accounts), made_up.management_account_id, founded=made_up.founded
    )
    answers, blueprints = [], []
    for organization in (made_up, kept):
        running = world(organization)
        blueprints.append(running.endpoint._sandbox._blueprints)
        told: list[Any] = []
        for account, region in zip(made_up.accounts[1:], cycle(REGIONS), strict=False):
            client = running.client("ec2", region, **running.assume(account.account_id))
            told += [_told(client, operation, wanted) for operation, wanted in EVERYTHING]
        told += [_told(running.client("organizations"), "list_accounts", {})]
        answers.append(told)
    assert answers[0] == answers[1]
    assert len(blueprints[0]._kept) > len(EVERYTHING)
    assert blueprints[1] is None


def test_session_policies_bound_made_up_accounts_too(world: Callable[..., Any]) -> None:
    organization = generated_organization(2, 1, 3, AS_OF)
    running = world(organization)
    allow = '{"Statement": [{"Effect": "Allow", "Action": "ec2:DescribeRegions", "Resource": "*"}]}'
    keys = running.assume(organization.accounts[1].account_id, Policy=allow)
    client = running.client("ec2", **keys)
    assert client.describe_regions()["Regions"]
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        client.describe_instances()


def test_ten_thousand_accounts_have_ten_thousand_ids_that_lead_back() -> None:
    ids = [id_at(place) for place in range(10_000)]
    assert len(set(ids)) == 10_000
    assert {len(one) for one in ids} == {12}
    assert any(one.startswith("0") for one in ids)
    assert [place_of(one) for one in ids] == list(range(10_000))


def test_only_accounts_of_the_organization_are_found() -> None:
    organization = generated_organization(3, 1, 1, AS_OF)
    assert organization.account(id_at(2)) is not None
    for account_id in (id_at(3), "999988887777", "@@ACCOUNT@@@", "", "12"):
        assert organization.account(account_id) is None


def test_ids_differ_in_all_accounts_and_regions() -> None:
    accounts = generated_organization(40, 5, 30, AS_OF).accounts
    ids = [one for account in accounts for one in _identifiers(account)]
    assert len(ids) == 40 * 5 * (30 + 4)
    assert len(set(ids)) == len(ids)
    launches = {
        (account.account_id, region, instance["ReservationId"])
        for account in accounts
        for region, rows in account.instances.items()
        for instance in rows
    }
    assert len({launch for _, _, launch in launches}) == len(launches)


def test_equal_input_gives_equal_accounts() -> None:
    one, other = (generated_organization(3, 2, 9, AS_OF).accounts[2] for _ in range(2))
    assert dict(one.instances) == dict(other.instances)
    assert dict(one.reserved_instances) == dict(other.reserved_instances)


def test_neighbours_call_the_same_zone_by_different_names() -> None:
    accounts = generated_organization(2, 1, 0, AS_OF).accounts
    one, other = (account.zones("us-east-1") for account in accounts)
    assert {zone.zone_id for zone in one} == {zone.zone_id for zone in other}
    assert one[0].name == other[0].name
    assert one[0].zone_id != other[0].zone_id


@pytest.mark.parametrize(("regions", "opted_in"), [(1, 0), (17, 0), (18, 1), (34, 17)])
def test_regions_enabled_by_default_come_before_those_opted_in(
    world: Callable[..., Any], regions: int, opted_in: int
) -> None:
    client = world(generated_organization(1, regions, 0, AS_OF)).client("ec2")
    described = client.describe_regions()["Regions"]
    assert [region["RegionName"] for region in described] == list(EVERY_REGION)[:regions]
    statuses = [region["OptInStatus"] for region in described]
    assert statuses.count("opted-in") == opted_in


def test_the_commercial_partition_has_34_regions_and_half_of_them_need_opt_in() -> None:
    assert len(ENABLED_BY_DEFAULT) == 17
    assert len(EVERY_REGION) == 34
    ids = [zone for region in EVERY_REGION.values() for zone in region.zone_ids]
    assert len(set(ids)) == len(ids)


def test_an_instance_is_as_long_as_ec2_tells_it(world: Callable[..., Any]) -> None:
    """3 to 5 KB of XML: disks, a network interface, tags and options."""
    client = world(generated_organization(1, 1, 60, AS_OF)).client("ec2")
    answer = client.describe_instances(MaxResults=1000)
    length = int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"])
    assert 3000 < length / 60 < 5000
    assert sum(len(launch["Instances"]) for launch in answer["Reservations"]) == 60


def test_pages_are_lean_only_where_no_script_turns_them(world: Callable[..., Any]) -> None:
    from ri_report.sandbox.faults import Script  # noqa: PLC0415 - this test alone

    organization = generated_organization(1, 1, 8, AS_OF)
    running = world(organization, faults=Script("ec2:* * * call 1: empty page"))
    client = running.client("ec2")
    first = client.describe_instances(MaxResults=5)
    assert first["Reservations"] == []
    second = client.describe_instances(MaxResults=5, NextToken=first["NextToken"])
    assert sum(len(launch["Instances"]) for launch in second["Reservations"]) == 5


def test_a_million_instances_take_no_room() -> None:
    tracemalloc.start()
    organization = generated_organization(5000, 17, 60, AS_OF)
    for place in (0, 2500, 4999):
        account = organization.account(id_at(place))
        assert account is not None
        assert len(account.instances["sa-east-1"]) == 60
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 1 << 20


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, 0, 1), (1, 35, 1), (1, 1, -1)])
def test_numbers_out_of_bounds_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="1 to 34 Regions"):
        generated_organization(*numbers, AS_OF)
