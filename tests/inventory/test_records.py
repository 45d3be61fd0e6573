"""EC2's records, as boto3 or the AWS CLI give them, become rows of the frames."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.model import StringShape

from ri_report.errors import IntegrityError
from ri_report.inventory.fields import MalformedRecordError
from ri_report.inventory.records import (
    CAPACITY_STATES,
    INSTANCE_STATES,
    account_rows,
    capacity_rows,
    fill_zone_ids,
    instance_rows,
    reservation_rows,
    zone_rows,
)
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
)
from ri_report.sandbox.wire import service_model

WEB = "222222222222"
INSTANCE = {
    "InstanceId": "i-1",
    "InstanceType": "m5.large",
    "State": {"Code": 16, "Name": "running"},
    "Placement": {
        "AvailabilityZone": "us-east-1a",
        "AvailabilityZoneId": "use1-az6",
        "Tenancy": "dedicated",
    },
    "PlatformDetails": "Windows",
    "UsageOperation": "RunInstances:0002",
    "Platform": "windows",
    "InstanceLifecycle": "spot",
    "OutpostArn": "arn:x",
    "CapacityReservationId": "cr-1",
    "LaunchTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "Tags": [{"Key": "team", "Value": "a"}, {"Key": "Name", "Value": "front <1>"}],
}
RESERVATION = {
    "ReservedInstancesId": "r-1",
    "InstanceType": "c5.xlarge",
    "InstanceCount": 4,
    "State": "active",
    "Scope": "Availability Zone",
    "AvailabilityZone": "us-east-1b",
    "AvailabilityZoneId": "use1-az1",
    "InstanceTenancy": "dedicated",
    "ProductDescription": "Linux/UNIX (Amazon VPC)",
    "OfferingClass": "convertible",
    "OfferingType": "Partial Upfront",
    "Start": "2026-01-02T03:04:05+00:00",
    "End": "2027-01-02T03:04:05+00:00",
    "Duration": 31536000,
    "FixedPrice": 100.5,
    "UsagePrice": 0.0,
    "RecurringCharges": [
        {"Amount": 0.25, "Frequency": "Hourly"},
        {"Amount": 0.5, "Frequency": "Hourly"},
    ],
    "CurrencyCode": "USD",
}


CAPACITY_RESERVATION = {
    "CapacityReservationId": "cr-1",
    "OwnerId": WEB,
    "CapacityReservationArn": f"arn:aws:ec2:us-east-1:{WEB}:capacity-reservation/cr-1",
    "InstanceType": "m5.large",
    "InstancePlatform": "RHEL with HA",
    "AvailabilityZone": "us-east-1b",
    "AvailabilityZoneId": "use1-az1",
    "Tenancy": "dedicated",
    "TotalInstanceCount": 20,
    "AvailableInstanceCount": 7,
    "State": "active",
    "ReservationType": "default",
    "Interruptible": False,
    "UnusedReservationBillingOwnerId": "333333333333",
    "OutpostArn": "arn:o",
    "StartDate": "2026-01-02T03:04:05+00:00",
    "EndDate": datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
    "EndDateType": "limited",
}


def launch(*instances: dict[str, Any], owner: str = WEB) -> list[dict[str, Any]]:
    return [{"OwnerId": owner, "ReservationId": "r", "Instances": list(instances)}]


def instance(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a record
    (row,) = instance_rows(launch(INSTANCE | changes), WEB, "us-east-1")
    return row


def reservation(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a record
    (row,) = reservation_rows([RESERVATION | changes], WEB, "us-east-1")
    return row


def capacity(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a record
    (row,) = capacity_rows([CAPACITY_RESERVATION | changes], WEB, "us-east-1")
    return row


def test_an_instance_is_taken_over_field_by_field() -> None:
    assert instance() == {
        "account_id": WEB,
        "region": "us-east-1",
        "instance_id": "i-1",
        "name": "front <1>",
        "instance_type": "m5.large",
        "availability_zone": "us-east-1a",
        "availability_zone_id": "use1-az6",
        "state": "running",
        "lifecycle": "spot",
        "tenancy": "dedicated",
        "platform": "windows",
        "platform_details": "Windows",
        "usage_operation": "RunInstances:0002",
        "outpost_arn": "arn:x",
        "capacity_reservation_id": "cr-1",
        "launch_time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }


def test_a_reservation_is_taken_over_field_by_field() -> None:
    assert reservation() == {
        "account_id": WEB,
        "region": "us-east-1",
        "reservation_id": "r-1",
        "scope": "zonal",
        "availability_zone": "us-east-1b",
        "availability_zone_id": "use1-az1",
        "instance_type": "c5.xlarge",
        "product_description": "Linux/UNIX (Amazon VPC)",
        "tenancy": "dedicated",
        "instance_count": 4,
        "state": "active",
        "start": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "end": datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
        "duration_seconds": 31536000,
        "offering_class": "convertible",
        "payment_option": "Partial Upfront",
        "fixed_price": 100.5,
        "usage_price": 0.0,
        "recurring_hourly_cost": 0.75,
        "currency": "USD",
    }


def test_a_capacity_reservation_is_taken_over_field_by_field() -> None:
    assert capacity() == {
        "account_id": WEB,
        "owner_id": "",
        "region": "us-east-1",
        "capacity_reservation_id": "cr-1",
        "instance_type": "m5.large",
        "platform": "RHEL with HA",
        "availability_zone": "us-east-1b",
        "availability_zone_id": "use1-az1",
        "tenancy": "dedicated",
        "total_instances": 20,
        "available_instances": 7,
        "state": "active",
        "reservation_type": "default",
        "unused_billing_owner_id": "333333333333",
        "outpost_arn": "arn:o",
        "start": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "end": datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
    }


REQUIRED_OF_A_CAPACITY_RESERVATION = {
    "CapacityReservationId",
    "OwnerId",
    "InstanceType",
    "AvailableInstanceCount",
    "State",
}
OPTIONAL_OF_A_CAPACITY_RESERVATION = sorted(
    CAPACITY_RESERVATION.keys() - REQUIRED_OF_A_CAPACITY_RESERVATION
)
OPTIONAL_OF_AN_INSTANCE = sorted(INSTANCE.keys() - {"InstanceId", "InstanceType", "State"})
OPTIONAL_OF_A_RESERVATION = sorted(
    RESERVATION.keys() - {"ReservedInstancesId", "InstanceType", "InstanceCount"}
)


@pytest.mark.parametrize("name", OPTIONAL_OF_AN_INSTANCE)
@pytest.mark.parametrize("absent", [True, False], ids=["absent", "null"])
def test_any_optional_field_of_an_instance_may_be_missing(name: str, *, absent: bool) -> None:
    record = dict(INSTANCE) | {name: None}
    if absent:
        del record[name]
    rows = instance_rows(launch(record), WEB, "us-east-1")
    assert len(INSTANCES.of(rows)) == 1
    assert rows[0]["tenancy"] == ("default" if name == "Placement" else "dedicated")


@pytest.mark.parametrize("name", OPTIONAL_OF_A_RESERVATION)
@pytest.mark.parametrize("absent", [True, False], ids=["absent", "null"])
def test_any_optional_field_of_a_reservation_may_be_missing(name: str, *, absent: bool) -> None:
    record = dict(RESERVATION) | {name: None}
    if absent:
        del record[name]
    rows = reservation_rows([record], WEB, "us-east-1")
    assert len(RESERVATIONS.of(rows)) == 1
    assert rows[0]["tenancy"] == ("default" if name == "InstanceTenancy" else "dedicated")


@pytest.mark.parametrize("name", OPTIONAL_OF_A_CAPACITY_RESERVATION)
@pytest.mark.parametrize("absent", [True, False], ids=["absent", "null"])
def test_any_optional_field_of_a_capacity_reservation_may_be_missing(
    name: str, *, absent: bool
) -> None:
    record = dict(CAPACITY_RESERVATION) | {name: None}
    if absent:
        del record[name]
    rows = capacity_rows([record], WEB, "us-east-1")
    assert len(CAPACITY_RESERVATIONS.of(rows)) == 1
    assert rows[0]["tenancy"] == ("default" if name == "Tenancy" else "dedicated")
    assert rows[0]["reservation_type"] == "default"


def test_a_total_that_was_not_told_is_unknown_and_not_zero() -> None:
    told = capacity(AvailableInstanceCount=0, TotalInstanceCount=None)
    frame = CAPACITY_RESERVATIONS.of([told])
    assert frame["available_instances"].tolist() == [0]
    assert frame["total_instances"].isna().all()


@pytest.mark.parametrize("changes", [{"State": "pending"}, {"OwnerId": "444444444444"}])
def test_idle_slots_need_no_count_where_they_are_not_kept(changes: dict[str, Any]) -> None:
    record = CAPACITY_RESERVATION | {"AvailableInstanceCount": None} | changes
    assert capacity_rows([record], WEB, "us-east-1") == []


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"ReservationType": "capacity-block"}, "capacity-block"),
        ({"ReservationType": "a later one"}, "a later one"),
        ({"Interruptible": True}, "interruptible"),
    ],
)
def test_what_kind_of_capacity_is_reserved_is_told(said: dict[str, Any], kind: str) -> None:
    assert capacity(**said)["reservation_type"] == kind


@pytest.mark.parametrize("state", sorted(CAPACITY_STATES - {"active"}))
def test_only_active_capacity_reservations_are_kept(state: str) -> None:
    both = [CAPACITY_RESERVATION, CAPACITY_RESERVATION | {"CapacityReservationId": "cr-2"}]
    both[1]["State"] = state
    rows = capacity_rows(both, WEB, "us-east-1")
    assert [row["capacity_reservation_id"] for row in rows] == ["cr-1"]


@pytest.mark.parametrize(
    ("shape", "states"),
    [("InstanceStateName", INSTANCE_STATES), ("CapacityReservationState", CAPACITY_STATES)],
)
def test_every_state_that_the_service_model_names_is_known(
    shape: str, states: frozenset[str]
) -> None:
    named = service_model("ec2").shape_for(shape)
    assert isinstance(named, StringShape)
    assert set(named.enum) <= states


def test_capacity_reservations_that_others_share_are_those_of_owner_and_payer() -> None:
    shared = CAPACITY_RESERVATION | {"CapacityReservationId": "cr-2", "OwnerId": "333333333333"}
    told = {
        account_id: [
            (row["account_id"], row["owner_id"], row["capacity_reservation_id"])
            for row in capacity_rows([CAPACITY_RESERVATION, shared], account_id, "us-east-1")
        ]
        for account_id in (WEB, "333333333333", "444444444444")
    }
    assert told == {
        WEB: [(WEB, "", "cr-1")],
        "333333333333": [("333333333333", WEB, "cr-1"), ("333333333333", "", "cr-2")],
        "444444444444": [],
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CapacityReservationId": None}, "capacity reservation has no CapacityReservationId"),
        ({"OwnerId": ""}, "capacity reservation cr-1 has no OwnerId"),
        ({"InstanceType": None}, "capacity reservation cr-1 has no InstanceType"),
        ({"State": None}, "capacity reservation cr-1 has no State"),
        ({"State": "new"}, "capacity reservation cr-1: 'new' is no known state"),
        ({"AvailableInstanceCount": -1}, "capacity reservation cr-1: AvailableInstanceCount is no"),
        (
            {"AvailableInstanceCount": None},
            "capacity reservation cr-1 has no AvailableInstanceCount",
        ),
        ({"TotalInstanceCount": "20"}, "TotalInstanceCount is no number"),
        (
            {"TotalInstanceCount": 2, "AvailableInstanceCount": 3},
            "capacity reservation cr-1: AvailableInstanceCount 3 of TotalInstanceCount 2",
        ),
        ({"Interruptible": "no"}, "Interruptible is no flag"),
        ({"EndDate": "never"}, "EndDate is no time"),
    ],
)
def test_a_capacity_reservation_without_its_parts_is_malformed(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(MalformedRecordError, match=said):
        capacity(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"InstanceId": None}, "instance has no InstanceId"),
        ({"InstanceType": ""}, "instance i-1 has no InstanceType"),
        ({"State": {}}, "state of instance i-1 has no Name"),
        ({"State": None}, "state of instance i-1 has no Name"),
        ({"State": "running"}, "State is no object"),
        ({"State": {"Name": "new"}}, "instance i-1: 'new' is no known state"),
        ({"Tags": {"Name": "x"}}, "Tags is no list"),
        ({"Tags": ["Name"]}, "Tags is no object"),
        ({"InstanceType": {"a": 1}}, "InstanceType is no text"),
        ({"LaunchTime": "yesterday"}, "instance i-1: LaunchTime is no time"),
    ],
)
def test_an_instance_without_its_parts_is_malformed(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedRecordError, match=said):
        instance(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ReservedInstancesId": None}, "reservation has no ReservedInstancesId"),
        ({"InstanceType": None}, "reservation r-1 has no InstanceType"),
        ({"State": {"Name": "active"}}, "State is no text"),
        ({"InstanceCount": 10**18}, "InstanceCount is no count"),
        ({"InstanceCount": 10_000_001}, "InstanceCount is no count"),
        ({"InstanceCount": None}, "reservation r-1 has no InstanceCount"),
        ({"InstanceCount": "4"}, "InstanceCount is no number"),
        ({"InstanceCount": 1.5}, "reservation r-1: InstanceCount is no count: 1.5"),
        ({"InstanceCount": -1}, "reservation r-1: InstanceCount is no count: -1"),
        ({"InstanceCount": True}, "InstanceCount is no number"),
        ({"FixedPrice": float("nan")}, "FixedPrice is no number"),
        ({"End": 5}, "End is no time"),
        ({"RecurringCharges": 0.5}, "RecurringCharges is no list"),
    ],
)
def test_a_reservation_without_its_parts_is_malformed(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedRecordError, match=said):
        reservation(**changes)


@pytest.mark.parametrize("changes", [{"State": ""}, {"State": None}])
def test_a_reservation_without_a_state_is_kept_with_none(changes: dict[str, Any]) -> None:
    """It is set aside later and counted; the other reservations of the region are not lost."""
    assert reservation(**changes)["state"] == ""


@pytest.mark.parametrize(
    ("said", "known"),
    [(31_536_000, 31_536_000), (0, None), (-1, None), (10**18, None), (None, None)],
)
def test_a_duration_that_no_term_has_is_unknown(said: int | None, known: int | None) -> None:
    assert reservation(Duration=said)["duration_seconds"] == known


def test_a_duration_that_is_no_number_is_malformed() -> None:
    with pytest.raises(MalformedRecordError, match="Duration is no number"):
        reservation(Duration="1y")


def test_a_record_that_is_no_object_is_malformed() -> None:
    bad: list[Any] = ["text"]
    for make in (instance_rows, reservation_rows, capacity_rows, zone_rows):
        with pytest.raises(MalformedRecordError, match="is no object"):
            make(bad, WEB, "us-east-1")
    with pytest.raises(MalformedRecordError, match="is no object"):
        account_rows(bad, None)


def test_a_malformed_record_is_a_value_error() -> None:
    assert issubclass(MalformedRecordError, ValueError)


@pytest.mark.parametrize("state", sorted(INSTANCE_STATES - {"running"}))
def test_instances_of_every_state_are_kept(state: str) -> None:
    """None is asked for but the running; what comes all the same is shown, and never counted."""
    both = launch(INSTANCE, INSTANCE | {"InstanceId": "i-2", "State": {"Name": state}})
    rows = instance_rows(both, WEB, "us-east-1")
    assert [(row["instance_id"], row["state"]) for row in rows] == [
        ("i-1", "running"),
        ("i-2", state),
    ]


@pytest.mark.parametrize(
    "state", ["payment-pending", "active", "payment-failed", "retired", "queued", "queued-deleted"]
)
def test_reservations_of_every_state_are_kept(state: str) -> None:
    assert reservation(State=state)["state"] == state


def test_what_comes_twice_is_kept_once() -> None:
    assert len(instance_rows(launch(INSTANCE) + launch(INSTANCE), WEB, "us-east-1")) == 1
    assert len(reservation_rows([RESERVATION, RESERVATION], WEB, "us-east-1")) == 1
    assert len(capacity_rows([CAPACITY_RESERVATION] * 2, WEB, "us-east-1")) == 1


def test_what_comes_twice_and_says_something_else_is_malformed() -> None:
    """Which of the two counts cannot be known."""
    with pytest.raises(MalformedRecordError, match=r"reservation r-1 .* another instance_count"):
        reservation_rows([RESERVATION, RESERVATION | {"InstanceCount": 7}], WEB, "us-east-1")
    with pytest.raises(MalformedRecordError, match=r"instance i-1 .* another instance_type"):
        instance_rows(launch(INSTANCE, INSTANCE | {"InstanceType": "m5.4xlarge"}), WEB, "us-east-1")
    other = CAPACITY_RESERVATION | {"InstanceType": "m5.4xlarge"}
    with pytest.raises(MalformedRecordError, match=r"cr-1 stands twice .* instance_type"):
        capacity_rows([CAPACITY_RESERVATION, other], WEB, "us-east-1")


def test_what_changed_between_two_pages_is_kept_once_as_it_was_first() -> None:
    renamed = INSTANCE | {"Tags": [{"Key": "Name", "Value": "renamed"}]}
    assert instance_rows(launch(INSTANCE, renamed), WEB, "us-east-1") == instance_rows(
        launch(INSTANCE), WEB, "us-east-1"
    )
    filled = CAPACITY_RESERVATION | {"AvailableInstanceCount": 0}
    assert capacity_rows([CAPACITY_RESERVATION, filled], WEB, "us-east-1") == capacity_rows(
        [CAPACITY_RESERVATION], WEB, "us-east-1"
    )


def test_an_owner_other_than_the_account_asked_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError, match="999999999999"):
        instance_rows(launch(INSTANCE, owner="999999999999"), WEB, "us-east-1")
    assert instance_rows(launch(INSTANCE, owner=""), WEB, "us-east-1")


@pytest.mark.parametrize(
    ("said", "zone", "scope"),
    [
        ("Availability Zone", "us-east-1b", "zonal"),
        ("Region", "", "regional"),
        ("", "us-east-1b", "zonal"),
        ("", "", ""),
        ("Planet", "", "planet"),
    ],
)
def test_the_scope_is_named_or_follows_from_the_zone(said: str, zone: str, scope: str) -> None:
    row = reservation(Scope=said or None, AvailabilityZone=zone or None, AvailabilityZoneId=None)
    assert (row["scope"], row["availability_zone"]) == (scope, zone)


def test_a_regional_reservation_has_no_zone_whatever_was_sent() -> None:
    row = reservation(Scope="Region")
    assert (row["availability_zone"], row["availability_zone_id"]) == ("", "")


@pytest.mark.parametrize(
    ("charges", "cost"),
    [
        ([], 0.0),
        (None, None),
        ([{"Amount": 0.25, "Frequency": "Hourly"}], 0.25),
        ([{"Amount": 0.25, "Frequency": "Hourly"}, {"Frequency": "Hourly"}], None),
        ([{"Amount": 9.0, "Frequency": "Monthly"}], None),
    ],
)
def test_hourly_charges_are_summed_and_others_are_unknown(charges: Any, cost: float | None) -> None:  # noqa: ANN401 - JSON
    assert reservation(RecurringCharges=charges)["recurring_hourly_cost"] == cost


@pytest.mark.parametrize(
    "written",
    [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 4, 4, 5, tzinfo=timezone(timedelta(hours=1))),
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T03:04:05Z",
        "2026-01-02T04:04:05+01:00",
        "2026-01-02T03:04:05",
    ],
)
def test_times_come_as_objects_or_text_and_end_as_utc(written: object) -> None:
    assert instance(LaunchTime=written)["launch_time"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_zones_are_taken_over_and_complete_the_rows_of_their_own_account() -> None:
    zones = zone_rows(
        [
            {"ZoneName": "us-east-1a", "ZoneId": "use1-az6", "ZoneType": "availability-zone"},
            {"ZoneName": "us-east-1-bos-1a"},
        ],
        WEB,
        "us-east-1",
    ) + zone_rows([{"ZoneName": "us-east-1a", "ZoneId": "use1-az2"}], "333333333333", "us-east-1")
    frame = ZONES.of(zones)
    assert frame["availability_zone_id"].tolist() == ["use1-az6", "", "use1-az2"]
    bare = INSTANCE | {"Placement": {"AvailabilityZone": "us-east-1a"}}
    rows = instance_rows(launch(bare), WEB, "us-east-1") + instance_rows(
        launch(bare | {"InstanceId": "i-2"}, owner="333333333333"), "333333333333", "us-east-1"
    )
    filled = fill_zone_ids(rows, zones)
    assert [row["availability_zone_id"] for row in filled] == ["use1-az6", "use1-az2"]
    assert [row["availability_zone_id"] for row in rows] == ["", ""]
    assert fill_zone_ids([instance()], zones)[0]["availability_zone_id"] == "use1-az6"
    assert fill_zone_ids(rows, [])[0]["availability_zone_id"] == ""


def test_text_of_strangers_is_kept_but_for_halves_of_characters() -> None:
    name = "a\ud800b \U0001f600 \u202e <script> =cmd\x00"
    row = instance(Tags=[{"Key": "Name", "Value": name}])
    assert row["name"] == "a\ufffdb \U0001f600 \u202e <script> =cmd\x00"
    assert INSTANCES.of([row])["name"].tolist() == [row["name"]]


def test_a_zone_without_a_name_is_malformed() -> None:
    with pytest.raises(MalformedRecordError, match="zone has no ZoneName"):
        zone_rows([{"ZoneId": "use1-az6"}], WEB, "us-east-1")


def test_accounts_are_named_by_state_or_status_and_the_management_account_is_marked() -> None:
    rows = account_rows(
        [
            {"Id": "111111111111", "Name": "payer", "State": "ACTIVE", "Status": "SUSPENDED"},
            {"Id": WEB, "Status": "SUSPENDED"},
            {"Id": WEB, "Status": "SUSPENDED"},
        ],
        "111111111111",
    )
    frame = ACCOUNTS.of(rows)
    assert frame.to_dict("list") == {
        "account_id": ["111111111111", WEB],
        "account_name": ["payer", ""],
        "state": ["ACTIVE", "SUSPENDED"],
        "is_management": [True, False],
    }
    unknown = ACCOUNTS.of(account_rows([{"Id": WEB, "State": "ACTIVE"}], None))
    assert unknown["is_management"].isna().all()


def test_an_account_without_state_and_status_is_malformed() -> None:
    with pytest.raises(MalformedRecordError, match="neither State nor Status"):
        account_rows([{"Id": WEB}], None)


RECORDED = Path(__file__).parents[3] / "shared" / "data" / "api-responses"


def as_time(value: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The recorded answers write a time as an object."""
    if value.get("__class__") != "datetime":
        return value
    parts = {name: part for name, part in value.items() if name != "__class__"}
    return datetime(**parts, tzinfo=UTC)


def test_recorded_answers_are_read_whole() -> None:
    files = sorted(RECORDED.glob("*.json"))
    if not files:
        pytest.skip("the recorded answers are not beside this checkout")
    running = reserved = 0
    for file in files:
        data = json.loads(file.read_text(), object_hook=as_time)["data"]
        for record in data.get("Reservations", []):
            rows = instance_rows([record], record["OwnerId"], "us-east-1")
            assert len(INSTANCES.of(rows)) == len(rows)
            running += sum(row["state"] == "running" for row in rows)
        rows = reservation_rows(data.get("ReservedInstances", []), WEB, "us-east-1")
        reserved += len(RESERVATIONS.of(rows))
    text = "".join(file.read_text() for file in files)
    assert running == text.count('"Name": "running"')
    assert reserved == text.count('"ReservedInstancesId"')


def test_a_launch_without_its_list_of_instances_is_malformed_and_not_empty() -> None:
    with pytest.raises(MalformedRecordError, match="without its list of instances"):
        instance_rows([{"OwnerId": "111122223333"}], "111122223333", "us-east-1")
    empty = [{"OwnerId": "111122223333", "Instances": []}]
    assert instance_rows(empty, "111122223333", "us-east-1") == []
