"""EC2 answers about one account and Region, in pages, filtered, under the account's zone names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
account 111122223333 web
zones us-east-1 use1-az6 use1-az1 use1-az2 use1-az4 use1-az3 use1-az5
run 9 m5.large us-east-1a name=api
run 4 m5.large us-east-1b name=api-old state=stopped
run 1 c5.large us-east-1b name="<b>&" platform=Windows lifecycle=spot
buy 3 m5.large us-east-1a payment=all ends=10
buy 2 m5.xlarge us-east-1 years=3 payment=partial state=retired ends=-5
hold 4 c5.large us-east-1b name=peak platform=Windows ends=30
hold 3 m5.large us-east-1a name=trial state=expired starts=-9 ends=-2
hold 2 r5.large us-east-1c name=lent shared_with=222233334444 billed_to=222233334444
hold 1 p5.48xlarge us-east-1d name=block reservation_type=capacity-block ends=5
account 222233334444 data
enable ap-east-1 us-east-1-bos-1a
run 5 r5.large us-east-1a
run 2 r5.large us-east-1-bos-1a
"""


def _client(world: Callable[..., Any], account_id: str = "111122223333") -> Any:  # noqa: ANN401 - AWS clients
    running = world(WORLD)
    return running.client("ec2", **running.assume(account_id))


def _refused(client: Any, operation: str, **parameters: Any) -> tuple[str, str]:  # noqa: ANN401 - AWS clients
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def _instances(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [i for r in answer["Reservations"] for i in r["Instances"]]


def test_pages_hold_what_was_asked_for_and_together_everything_once(
    world: Callable[..., Any],
) -> None:
    client = _client(world)
    paginator = client.get_paginator("describe_instances")
    pages = [_instances(page) for page in paginator.paginate(MaxResults=5)]
    assert [len(page) for page in pages] == [5, 5, 4]
    assert len({i["InstanceId"] for page in pages for i in page}) == 14


def test_without_max_results_everything_comes_at_once(world: Callable[..., Any]) -> None:
    answer = _client(world).describe_instances()
    assert len(_instances(answer)) == 14
    assert "NextToken" not in answer


@pytest.mark.parametrize("size", [-1, 0, 4, 1001])
def test_page_size_has_bounds(world: Callable[..., Any], size: int) -> None:
    code, message = _refused(_client(world), "describe_instances", MaxResults=size)
    assert code == "InvalidParameterValue"
    assert message.startswith(f"Value ( {size} ) for parameter maxResults is invalid.")


def test_page_size_and_instance_ids_exclude_each_other(world: Callable[..., Any]) -> None:
    client = _client(world)
    asked = {"MaxResults": 5, "InstanceIds": ["i-0123456789abcdef0"]}
    assert _refused(client, "describe_instances", **asked)[0] == "InvalidParameterCombination"


def test_token_is_valid_only_for_the_question_that_it_answers(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    keys = running.assume("111122223333")
    client = running.client("ec2", **keys)
    token = client.describe_instances(MaxResults=5)["NextToken"]
    other = running.client("ec2", **running.assume("222233334444"))
    elsewhere = running.client("ec2", "eu-west-1", **keys)
    filters = [{"Name": "instance-state-name", "Values": ["running"]}]
    asked = {"MaxResults": 5, "NextToken": token}
    for one, extra in ((other, {}), (elsewhere, {}), (client, {"Filters": filters})):
        assert _refused(one, "describe_instances", **asked, **extra)[0] == "InvalidNextToken"
    assert len(_instances(client.describe_instances(**asked))) == 5


@pytest.mark.parametrize("token", ["x", "AAAA", "NS4wMDAw", "é"])
def test_invented_token_is_refused(world: Callable[..., Any], token: str) -> None:
    code, _ = _refused(_client(world), "describe_instances", NextToken=token, MaxResults=5)
    assert code == "InvalidNextToken"


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"instance-state-name": ["running"]}, 10),
        ({"instance-state-name": ["running", "stopped"]}, 14),
        ({"instance-state-name": ["running"], "instance-type": ["m5.*"]}, 9),
        ({"instance-lifecycle": ["spot"]}, 1),
        ({"availability-zone": ["us-east-1?"]}, 14),
        ({"availability-zone-id": ["use1-az6"]}, 9),
        ({"instance-type": ["m5"]}, 0),
    ],
)
def test_filters_keep_what_matches_any_value_of_every_name(
    world: Callable[..., Any], filters: dict[str, list[str]], count: int
) -> None:
    asked = [{"Name": name, "Values": values} for name, values in filters.items()]
    assert len(_instances(_client(world).describe_instances(Filters=asked))) == count


def test_unknown_filter_is_refused(world: Callable[..., Any]) -> None:
    asked = [{"Name": "instance-sate-name", "Values": ["running"]}]
    refusal = _refused(_client(world), "describe_instances", Filters=asked)
    assert refusal == ("InvalidParameterValue", "The filter 'instance-sate-name' is invalid")


def test_instance_ids_choose_and_unknown_ones_are_refused(world: Callable[..., Any]) -> None:
    client = _client(world)
    first = _instances(client.describe_instances())[0]["InstanceId"]
    chosen = _instances(client.describe_instances(InstanceIds=[first]))
    assert [i["InstanceId"] for i in chosen] == [first]
    code, _ = _refused(client, "describe_instances", InstanceIds=["i-0123456789abcdef0"])
    assert code == "InvalidInstanceID.NotFound"


def test_instance_is_described_in_ec2s_fields(world: Callable[..., Any]) -> None:
    named = [{"Name": "instance-type", "Values": ["c5.large"]}]
    answer = _client(world).describe_instances(Filters=named)
    (launch,) = answer["Reservations"]
    (instance,) = launch["Instances"]
    assert launch["OwnerId"] == "111122223333"
    assert instance["InstanceId"].startswith("i-0")
    assert len(instance["InstanceId"]) == 19
    assert instance["Placement"] == {
        "AvailabilityZone": "us-east-1b",
        "AvailabilityZoneId": "use1-az1",
        "GroupName": "",
        "Tenancy": "default",
    }
    assert instance["State"] == {"Code": 16, "Name": "running"}
    assert instance["Platform"] == "windows"
    assert instance["PlatformDetails"] == "Windows"
    assert instance["UsageOperation"] == "RunInstances:0002"
    assert instance["InstanceLifecycle"] == "spot"
    assert instance["Tags"] == [{"Key": "Name", "Value": "<b>&"}]
    assert instance["LaunchTime"].tzinfo is not None
    assert instance["ProductCodes"] == []
    assert "CapacityReservationId" not in instance


def test_reserved_instances_come_in_every_state_without_pages(world: Callable[..., Any]) -> None:
    client = _client(world)
    zonal, regional = client.describe_reserved_instances()["ReservedInstances"]
    assert zonal["Scope"] == "Availability Zone"
    assert (zonal["AvailabilityZone"], zonal["AvailabilityZoneId"]) == ("us-east-1a", "use1-az6")
    assert zonal["RecurringCharges"] == []
    assert zonal["FixedPrice"] > 0
    assert (zonal["End"] - zonal["Start"]).total_seconds() == zonal["Duration"] - 1
    assert zonal["Duration"] == 31_536_000
    assert regional["Scope"] == "Region"
    assert "AvailabilityZone" not in regional
    assert regional["Duration"] == 94_608_000
    assert regional["State"] == "retired"
    assert regional["UsagePrice"] == 0.0
    assert regional["RecurringCharges"][0]["Frequency"] == "Hourly"
    state = [{"Name": "state", "Values": ["active"]}]
    kept = client.describe_reserved_instances(Filters=state)["ReservedInstances"]
    assert [r["ReservedInstancesId"] for r in kept] == [zonal["ReservedInstancesId"]]


def _names(answer: dict[str, Any]) -> list[str]:
    return [held["Tags"][0]["Value"] for held in answer["CapacityReservations"]]


def test_capacity_reservations_come_in_every_state_and_in_pages(world: Callable[..., Any]) -> None:
    client = _client(world)
    assert _names(client.describe_capacity_reservations()) == ["peak", "trial", "lent", "block"]
    paginator = client.get_paginator("describe_capacity_reservations")
    sizes = {
        size: [
            len(page["CapacityReservations"])
            for page in paginator.paginate(PaginationConfig={"PageSize": size})
        ]
        for size in (1, 3, 1000)
    }
    assert sizes == {1: [1, 1, 1, 1], 3: [3, 1], 1000: [4]}
    code, message = _refused(client, "describe_capacity_reservations", MaxResults=1001)
    assert code == "InvalidParameterValue"
    assert message.endswith("Expecting a value less than or equal to 1000.")
    code, _ = _refused(client, "describe_capacity_reservations", NextToken="x", MaxResults=5)
    assert code == "InvalidNextToken"


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"state": ["active"]}, ["peak", "lent", "block"]),
        ({"state": ["active"], "instance-platform": ["Windows"]}, ["peak"]),
        ({"instance-type": ["?5.large"]}, ["peak", "trial", "lent"]),
        ({"end-date-type": ["unlimited"]}, ["lent"]),
        ({"instance-match-criteria": ["targeted"]}, ["block"]),
        ({"availability-zone-id": ["use1-az1"]}, ["peak"]),
        ({"owner-id": ["222233334444"]}, []),
    ],
)
def test_capacity_reservations_are_filtered(
    world: Callable[..., Any], filters: dict[str, list[str]], names: list[str]
) -> None:
    asked = [{"Name": name, "Values": values} for name, values in filters.items()]
    assert _names(_client(world).describe_capacity_reservations(Filters=asked)) == names


def test_capacity_reservation_is_described_in_ec2s_fields(world: Callable[..., Any]) -> None:
    client = _client(world)
    peak, _, _, block = client.describe_capacity_reservations()["CapacityReservations"]
    name = peak["CapacityReservationId"]
    assert name.startswith("cr-0")
    assert len(name) == 20
    assert peak["OwnerId"] == "111122223333"
    assert peak["CapacityReservationArn"].endswith(f":111122223333:capacity-reservation/{name}")
    assert (peak["AvailabilityZone"], peak["AvailabilityZoneId"]) == ("us-east-1b", "use1-az1")
    assert (peak["InstanceType"], peak["InstancePlatform"]) == ("c5.large", "Windows")
    assert (peak["TotalInstanceCount"], peak["AvailableInstanceCount"]) == (4, 4)
    assert (peak["EndDateType"], peak["ReservationType"]) == ("limited", "default")
    assert peak["StartDate"] < peak["EndDate"]
    assert "UnusedReservationBillingOwnerId" not in peak
    assert block["ReservationType"] == "capacity-block"
    chosen = client.describe_capacity_reservations(CapacityReservationIds=[name])
    assert _names(chosen) == ["peak"]
    unknown = {"CapacityReservationIds": ["cr-0123456789abcdef0"]}
    code, _ = _refused(client, "describe_capacity_reservations", **unknown)
    assert code == "InvalidCapacityReservationId.NotFound"


def test_consumer_sees_what_is_shared_with_it_and_whose_it_is(world: Callable[..., Any]) -> None:
    answer = _client(world, "222233334444").describe_capacity_reservations()
    (lent,) = answer["CapacityReservations"]
    assert _names(answer) == ["lent"]
    assert lent["OwnerId"] == "111122223333"
    assert lent["UnusedReservationBillingOwnerId"] == "222233334444"


def test_empty_region_answers_with_empty_lists(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("ec2", "us-west-2", **running.assume("111122223333"))
    assert client.describe_instances()["Reservations"] == []
    assert client.describe_reserved_instances()["ReservedInstances"] == []
    assert client.describe_capacity_reservations()["CapacityReservations"] == []


def test_regions_are_the_enabled_ones_unless_all_are_asked_for(world: Callable[..., Any]) -> None:
    running = world(WORLD)

    def statuses(account_id: str, **options: Any) -> dict[str, str]:  # noqa: ANN401 - parameters
        client = running.client("ec2", **running.assume(account_id))
        answer = client.describe_regions(**options)
        return {region["RegionName"]: region["OptInStatus"] for region in answer["Regions"]}

    assert "ap-east-1" not in statuses("111122223333")
    assert statuses("111122223333", AllRegions=True)["ap-east-1"] == "not-opted-in"
    assert statuses("222233334444")["ap-east-1"] == "opted-in"
    assert statuses("222233334444")["us-east-1"] == "opt-in-not-required"


def test_zone_names_are_the_accounts_own_over_shared_zone_ids(world: Callable[..., Any]) -> None:
    running = world(WORLD)

    def zones(account_id: str) -> dict[str, str]:
        client = running.client("ec2", **running.assume(account_id))
        answer = client.describe_availability_zones()["AvailabilityZones"]
        return {zone["ZoneName"]: zone["ZoneId"] for zone in answer}

    web, data = zones("111122223333"), zones("222233334444")
    assert (web["us-east-1a"], data["us-east-1a"]) == ("use1-az6", "use1-az1")
    assert set(web.values()) == set(data.values()) - {"use1-bos1-az1"}


def test_local_zone_shows_its_type(world: Callable[..., Any]) -> None:
    answer = _client(world, "222233334444").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["local-zone"]}]
    )
    (zone,) = answer["AvailabilityZones"]
    assert (zone["ZoneName"], zone["OptInStatus"]) == ("us-east-1-bos-1a", "opted-in")


def test_operation_that_is_not_served_is_an_invalid_action(world: Callable[..., Any]) -> None:
    assert _refused(_client(world), "describe_images")[0] == "InvalidAction"


def test_dry_run_says_that_the_request_would_have_succeeded(world: Callable[..., Any]) -> None:
    assert _refused(_client(world), "describe_instances", DryRun=True)[0] == "DryRunOperation"
