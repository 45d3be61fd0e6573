"""EC2's and Organizations' records, as boto3 or the AWS CLI give them, as rows of the frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from ri_report.errors import IntegrityError

Record = Mapping[str, Any]
Row = dict[str, Any]

SCOPES = {"Availability Zone": "zonal", "Region": "regional"}


class MalformedRecordError(ValueError):
    """Raised when a record lacks what makes it one, or holds a value of another type."""


def account_rows(accounts: Iterable[Record], management_account_id: str | None) -> list[Row]:
    """Rows of `ACCOUNTS` from the records of `organizations:ListAccounts`, each account once.

    `State` is read, else `Status`, which AWS retires in its favor
    (https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html). Without a
    management account it is unknown which one is.

    Raises:
        MalformedRecordError: a record has no id, or neither a state nor a status.
    """
    rows: dict[str, Row] = {}
    for record in _objects(accounts, "account"):
        account_id = _required(record, "Id", "account")
        state = _text(record, "State") or _text(record, "Status")
        if not state:
            raise MalformedRecordError(f"account {account_id} has neither State nor Status")
        row = {
            "account_id": account_id,
            "account_name": _text(record, "Name"),
            "state": state,
            "is_management": account_id == management_account_id if management_account_id else None,
        }
        rows.setdefault(account_id, row)
    return list(rows.values())


def instance_rows(launches: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `INSTANCES` from `Reservations` of `ec2:DescribeInstances`, over all pages.

    Only running instances are kept, whatever filter was sent, and each of them once.

    Raises:
        MalformedRecordError: an instance has no id, type or state.
        IntegrityError: an instance belongs to another account than the one that was asked.
    """
    rows: dict[str, Row] = {}
    for launch in _objects(launches, "Reservations"):
        owner = _text(launch, "OwnerId")
        if owner and owner != account_id:
            raise IntegrityError(f"asked account {account_id} in {region}, got one of {owner}")
        for record in _records(launch, "Instances"):
            row = _instance_row(record, account_id, region)
            if row["state"] == "running":
                rows.setdefault(row["instance_id"], row)
    return list(rows.values())


def _instance_row(record: Record, account_id: str, region: str) -> Row:
    instance_id = _required(record, "InstanceId", "instance")
    placement = _part(record, "Placement")
    return {
        "account_id": account_id,
        "region": region,
        "instance_id": instance_id,
        "name": _tag(record, "Name"),
        "instance_type": _required(record, "InstanceType", f"instance {instance_id}"),
        "availability_zone": _text(placement, "AvailabilityZone"),
        "availability_zone_id": _text(placement, "AvailabilityZoneId"),
        "state": _required(_part(record, "State"), "Name", f"state of instance {instance_id}"),
        "lifecycle": _text(record, "InstanceLifecycle"),
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Placement.html: the default
        "tenancy": _text(placement, "Tenancy") or "default",
        "platform": _text(record, "Platform").lower(),
        "platform_details": _text(record, "PlatformDetails"),
        "usage_operation": _text(record, "UsageOperation"),
        "outpost_arn": _text(record, "OutpostArn"),
        "capacity_reservation_id": _text(record, "CapacityReservationId"),
        "launch_time": _time(record, "LaunchTime"),
    }


def reservation_rows(reservations: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `RESERVATIONS` from `ReservedInstances`, in every state, each reservation once.

    EC2 names neither the owner nor the region of a reservation: they are those that were asked.

    Raises:
        MalformedRecordError: a reservation has no id, type, state or count.
    """
    rows: dict[str, Row] = {}
    for record in _objects(reservations, "ReservedInstances"):
        row = _reservation_row(record, account_id, region)
        rows.setdefault(row["reservation_id"], row)
    return list(rows.values())


def _reservation_row(record: Record, account_id: str, region: str) -> Row:
    reservation_id = _required(record, "ReservedInstancesId", "reservation")
    what = f"reservation {reservation_id}"
    instance_count = _count(record, "InstanceCount")
    if instance_count is None:
        raise MalformedRecordError(f"{what} has no InstanceCount")
    scope = _scope(record)
    zone = scope != "regional"
    return {
        "account_id": account_id,
        "region": region,
        "reservation_id": reservation_id,
        "scope": scope,
        "availability_zone": _text(record, "AvailabilityZone") if zone else "",
        "availability_zone_id": _text(record, "AvailabilityZoneId") if zone else "",
        "instance_type": _required(record, "InstanceType", what),
        "product_description": _text(record, "ProductDescription"),
        # The default of InstanceTenancy:
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeReservedInstancesOfferings.html
        "tenancy": _text(record, "InstanceTenancy") or "default",
        "instance_count": instance_count,
        "state": _required(record, "State", what),
        "start": _time(record, "Start"),
        "end": _time(record, "End"),
        "duration_seconds": _count(record, "Duration"),
        "offering_class": _text(record, "OfferingClass"),
        "payment_option": _text(record, "OfferingType"),
        "fixed_price": _number(record, "FixedPrice"),
        "usage_price": _number(record, "UsagePrice"),
        "recurring_hourly_cost": _recurring_hourly_cost(record),
        "currency": _text(record, "CurrencyCode"),
    }


def _scope(record: Record) -> str:
    said = _text(record, "Scope")
    if said in SCOPES:
        return SCOPES[said]
    return "zonal" if _text(record, "AvailabilityZone") else said.lower()


def _recurring_hourly_cost(record: Record) -> float | None:
    """The sum of the hourly charges; unknown when one is missing or charged otherwise."""
    if record.get("RecurringCharges") is None:
        return None
    charges = _records(record, "RecurringCharges")
    if any(_text(charge, "Frequency") != "Hourly" for charge in charges):
        return None
    amounts = [_number(charge, "Amount") for charge in charges]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, 0.0) if len(known) == len(amounts) else None


def capacity_rows(reservations: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `CAPACITY_RESERVATIONS` from `CapacityReservations`, over all pages, each once.

    Only active ones are kept, whatever filter was sent, and only those that the account owns: EC2
    also tells an account about the capacity reservations that others share with it, and the answer
    to their owner has these
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservation-sharing.html).

    Raises:
        MalformedRecordError: a capacity reservation has no id, owner, type or state.
    """
    rows: dict[str, Row] = {}
    for record in _objects(reservations, "CapacityReservations"):
        row = _capacity_row(record, region)
        if row["state"] == "active" and row["account_id"] == account_id:
            rows.setdefault(row["capacity_reservation_id"], row)
    return list(rows.values())


def _capacity_row(record: Record, region: str) -> Row:
    capacity_reservation_id = _required(record, "CapacityReservationId", "capacity reservation")
    what = f"capacity reservation {capacity_reservation_id}"
    return {
        "account_id": _required(record, "OwnerId", what),
        "region": region,
        "capacity_reservation_id": capacity_reservation_id,
        "instance_type": _required(record, "InstanceType", what),
        "platform": _text(record, "InstancePlatform"),
        "availability_zone": _text(record, "AvailabilityZone"),
        "availability_zone_id": _text(record, "AvailabilityZoneId"),
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCapacityReservation.html
        "tenancy": _text(record, "Tenancy") or "default",
        "total_instances": _count(record, "TotalInstanceCount"),
        "available_instances": _count(record, "AvailableInstanceCount"),
        "state": _required(record, "State", what),
        "reservation_type": _capacity_type(record),
        "unused_billing_owner_id": _text(record, "UnusedReservationBillingOwnerId"),
        "outpost_arn": _text(record, "OutpostArn"),
        "start": _time(record, "StartDate"),
        "end": _time(record, "EndDate"),
    }


def _capacity_type(record: Record) -> str:
    """ReservationType, but AWS marks interruptible capacity in a field of its own."""
    interruptible = record.get("Interruptible") or False
    if not isinstance(interruptible, bool):
        raise MalformedRecordError(f"Interruptible is no flag: {interruptible!r}")
    return "interruptible" if interruptible else _text(record, "ReservationType") or "default"


def zone_rows(zones: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `ZONES` from `AvailabilityZones` of `ec2:DescribeAvailabilityZones`.

    Raises:
        MalformedRecordError: a zone has no name.
    """
    rows: dict[str, Row] = {}
    for record in _objects(zones, "AvailabilityZones"):
        row = {
            "account_id": account_id,
            "region": region,
            "availability_zone": _required(record, "ZoneName", "zone"),
            "availability_zone_id": _text(record, "ZoneId"),
            "zone_type": _text(record, "ZoneType"),
        }
        rows.setdefault(row["availability_zone"], row)
    return list(rows.values())


def fill_zone_ids(rows: Iterable[Row], zones: Iterable[Row]) -> list[Row]:
    """Complete the zone id of rows that have a zone from the map of their own account.

    One name means different zones in different accounts, so no other account's map will do
    (https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html).
    """
    ids = {
        (zone["account_id"], zone["region"], zone["availability_zone"]): zone[
            "availability_zone_id"
        ]
        for zone in zones
    }
    return [
        row
        | {
            "availability_zone_id": row["availability_zone_id"]
            or ids.get((row["account_id"], row["region"], row["availability_zone"]), "")
        }
        for row in rows
    ]


def _required(record: Record, name: str, what: str) -> str:
    value = _text(record, name)
    if not value:
        raise MalformedRecordError(f"{what} has no {name}")
    return value


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if isinstance(value, (dict, list)):
        raise MalformedRecordError(f"{name} is no text but {type(value).__name__}")
    if value is None:
        return ""
    # Half a surrogate pair is valid in JSON but no text: no frame or file can hold it.
    return str(value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _object(value: object, name: str) -> Record:
    if not isinstance(value, dict):
        raise MalformedRecordError(f"{name} is no object but {type(value).__name__}")
    return value


def _part(record: Record, name: str) -> Record:
    return {} if record.get(name) is None else _object(record[name], name)


def _records(record: Record, name: str) -> list[Record]:
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedRecordError(f"{name} is no list but {type(value).__name__}")
    return _objects(value, name)


def _objects(items: Iterable[object], name: str) -> list[Record]:
    return [_object(item, name) for item in items]


def _tag(record: Record, key: str) -> str:
    tags = _records(record, "Tags")
    return next((_text(tag, "Value") for tag in tags if _text(tag, "Key") == key), "")


def _number(record: Record, name: str) -> float | None:
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise MalformedRecordError(f"{name} is no number: {value!r}")
    return value


def _count(record: Record, name: str) -> int | None:
    value = _number(record, name)
    if value is None:
        return None
    if value < 0 or value != int(value):
        raise MalformedRecordError(f"{name} is no count: {value!r}")
    return int(value)


def _time(record: Record, name: str) -> datetime | None:
    value = record.get(name)
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        # The AWS CLI writes UTC with an offset; a time without one is UTC as well.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedRecordError(f"{name} is no time: {value!r}") from error
