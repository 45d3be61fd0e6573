"""EC2's and Organizations' records, as boto3 or the AWS CLI give them, as rows of the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report.errors import IntegrityError
from ri_report.inventory.fields import (
    MalformedFieldError,
    MalformedRecordError,
    as_objects,
    count,
    naming,
    number,
    part,
    parts,
    required,
    tag,
    text,
    time,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ri_report.inventory.fields import Record

Row = dict[str, Any]

# Terms are of one or three years
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-reserved-instances.html).
LONGEST_TERM_SECONDS = 4 * 366 * 86_400
PASSING = frozenset({"name", "total_instances", "available_instances", "capacity_reservation_id"})
"""What may change of an instance or a capacity reservation while AWS answers page by page."""
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
INSTANCE_STATES = frozenset(
    {"pending", "running", "shutting-down", "terminated", "stopping", "stopped"}
)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
CAPACITY_STATES = frozenset(
    {
        "active",
        "expired",
        "cancelled",
        "pending",
        "failed",
        "scheduled",
        "payment-pending",
        "payment-failed",
        "assessing",
        "delayed",
        "unsupported",
        "cancelling",
        "unavailable",
    }
)
SCOPES = {"Availability Zone": "zonal", "Region": "regional"}


def _keep(rows: dict[str, Row], row: Row, key: str, what: str) -> None:
    """Keep a row once; what may change from page to page makes no other record of it.

    Raises:
        MalformedRecordError: a record of the same id says something else: one must be wrong.
    """
    first = rows.setdefault(row[key], row)
    differs = [name for name, value in row.items() if first[name] != value]
    if any(name not in PASSING for name in differs):
        names = ", ".join(name for name in differs if name not in PASSING)
        raise MalformedRecordError(f"{what} {row[key]} stands twice with another {names}")


def _state(record: Record, name: str, known: frozenset[str], what: str) -> str:
    """Return the state of a record, which decides whether it is kept.

    Raises:
        MalformedRecordError: there is none, or one of which nobody knows whether it counts.
    """
    state = required(record, name, what)
    if state not in known:
        raise MalformedFieldError(f"{state!r} is no known state")
    return state


def account_rows(accounts: Iterable[Record], management_account_id: str | None) -> list[Row]:
    """Rows of `ACCOUNTS` from the records of `organizations:ListAccounts`, each account once.

    `State` is read, else `Status`, which AWS retires in its favor
    (https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html). Without a
    management account it is unknown which one is.

    Raises:
        MalformedRecordError: a record has no id, or neither a state nor a status.
    """
    rows: dict[str, Row] = {}
    for record in as_objects(accounts, "account"):
        account_id = required(record, "Id", "account")
        state = text(record, "State") or text(record, "Status")
        if not state:
            raise MalformedRecordError(f"account {account_id} has neither State nor Status")
        row = {
            "account_id": account_id,
            "account_name": text(record, "Name"),
            "state": state,
            "is_management": account_id == management_account_id if management_account_id else None,
        }
        rows.setdefault(account_id, row)
    return list(rows.values())


def instance_rows(launches: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `INSTANCES` from `Reservations` of `ec2:DescribeInstances`, over all pages.

    Each is kept once, in whatever state it comes: saved answers may hold any. Only running ones
    count (see `rules.eligibility`).

    Raises:
        MalformedRecordError: an instance has no id, type or known state, or stands twice and
            otherwise.
        IntegrityError: an instance belongs to another account than the one that was asked.
    """
    rows: dict[str, Row] = {}
    for launch in as_objects(launches, "Reservations"):
        owner = text(launch, "OwnerId")
        if owner and owner != account_id:
            raise IntegrityError(f"asked account {account_id} in {region}, got one of {owner}")
        if launch.get("Instances") is None:
            raise MalformedRecordError("a launch comes without its list of instances")
        for record in parts(launch, "Instances"):
            row = _instance_row(record, account_id, region)
            _keep(rows, row, "instance_id", "instance")
    return list(rows.values())


@naming("instance", "InstanceId")
def _instance_row(record: Record, account_id: str, region: str) -> Row:
    instance_id = required(record, "InstanceId", "instance")
    what = f"instance {instance_id}"
    placement = part(record, "Placement")
    return {
        "account_id": account_id,
        "region": region,
        "instance_id": instance_id,
        "name": tag(record, "Name"),
        "instance_type": required(record, "InstanceType", what),
        "availability_zone": text(placement, "AvailabilityZone"),
        "availability_zone_id": text(placement, "AvailabilityZoneId"),
        "state": _state(part(record, "State"), "Name", INSTANCE_STATES, f"state of {what}"),
        "lifecycle": text(record, "InstanceLifecycle"),
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Placement.html: the default
        "tenancy": text(placement, "Tenancy") or "default",
        "platform": text(record, "Platform").lower(),
        "platform_details": text(record, "PlatformDetails"),
        "usage_operation": text(record, "UsageOperation"),
        "outpost_arn": text(record, "OutpostArn"),
        "capacity_reservation_id": text(record, "CapacityReservationId"),
        "launch_time": time(record, "LaunchTime"),
    }


def reservation_rows(reservations: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `RESERVATIONS` from `ReservedInstances`, in every state, each reservation once.

    EC2 names neither the owner nor the region of a reservation: they are those that were asked.

    Raises:
        MalformedRecordError: a reservation has no id, type or count, or stands twice and otherwise.
    """
    rows: dict[str, Row] = {}
    for record in as_objects(reservations, "ReservedInstances"):
        row = _reservation_row(record, account_id, region)
        _keep(rows, row, "reservation_id", "reservation")
    return list(rows.values())


@naming("reservation", "ReservedInstancesId")
def _reservation_row(record: Record, account_id: str, region: str) -> Row:
    reservation_id = required(record, "ReservedInstancesId", "reservation")
    what = f"reservation {reservation_id}"
    instance_count = count(record, "InstanceCount")
    if instance_count is None:
        raise MalformedRecordError(f"{what} has no InstanceCount")
    scope = _scope(record)
    zone = scope != "regional"
    return {
        "account_id": account_id,
        "region": region,
        "reservation_id": reservation_id,
        "scope": scope,
        "availability_zone": text(record, "AvailabilityZone") if zone else "",
        "availability_zone_id": text(record, "AvailabilityZoneId") if zone else "",
        "instance_type": required(record, "InstanceType", what),
        "product_description": text(record, "ProductDescription"),
        # The default of InstanceTenancy:
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeReservedInstancesOfferings.html
        "tenancy": text(record, "InstanceTenancy") or "default",
        "instance_count": instance_count,
        # One without a state is set aside and counted; its region is not lost for it.
        "state": text(record, "State"),
        "start": time(record, "Start"),
        "end": time(record, "End"),
        "duration_seconds": _duration(record),
        "offering_class": text(record, "OfferingClass"),
        "payment_option": text(record, "OfferingType"),
        "fixed_price": number(record, "FixedPrice"),
        "usage_price": number(record, "UsagePrice"),
        "recurring_hourly_cost": _recurring_hourly_cost(record),
        "currency": text(record, "CurrencyCode"),
    }


def _scope(record: Record) -> str:
    said = text(record, "Scope")
    if said in SCOPES:
        return SCOPES[said]
    return "zonal" if text(record, "AvailabilityZone") else said.lower()


def _duration(record: Record) -> float | None:
    """Duration; unknown where it is that of no term."""
    said = number(record, "Duration")
    return said if said is not None and 0 < said <= LONGEST_TERM_SECONDS else None


def _recurring_hourly_cost(record: Record) -> float | None:
    """The sum of the hourly charges; unknown when one is missing or charged otherwise."""
    if record.get("RecurringCharges") is None:
        return None
    charges = parts(record, "RecurringCharges")
    if any(text(charge, "Frequency") != "Hourly" for charge in charges):
        return None
    amounts = [number(charge, "Amount") for charge in charges]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, 0.0) if len(known) == len(amounts) else None


def capacity_rows(reservations: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `CAPACITY_RESERVATIONS` from `CapacityReservations`, over all pages, each once.

    Only active ones are kept, whatever filter was sent, and only those that the account owns or
    whose idle slots it pays for: EC2 also tells an account about the capacity reservations that
    others share with it, and the answer to their owner has these
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservation-sharing.html). Those
    that it pays for are there twice where the owner was asked too, and `owner_id` tells.

    Raises:
        MalformedRecordError: a capacity reservation has no id, owner, type or known state, has more
            slots idle than it has, or stands twice and otherwise.
    """
    rows: dict[str, Row] = {}
    for record in as_objects(reservations, "CapacityReservations"):
        row = _capacity_row(record, account_id, region)
        is_its = not row["owner_id"] or row["unused_billing_owner_id"] == account_id
        if row["state"] == "active" and is_its:
            _check_idle(row)
            _keep(rows, row, "capacity_reservation_id", "capacity reservation")
    return list(rows.values())


def _check_idle(row: Row) -> None:
    """Refuse a capacity reservation whose idle slots were not counted.

    Raises:
        MalformedRecordError: how many there are is unknown, and so is what they use.
    """
    if row["available_instances"] is None:
        what = f"capacity reservation {row['capacity_reservation_id']}"
        raise MalformedRecordError(f"{what} has no AvailableInstanceCount")


@naming("capacity reservation", "CapacityReservationId")
def _capacity_row(record: Record, account_id: str, region: str) -> Row:
    capacity_reservation_id = required(record, "CapacityReservationId", "capacity reservation")
    what = f"capacity reservation {capacity_reservation_id}"
    owner_id = required(record, "OwnerId", what)
    total, idle = (count(record, f"{name}InstanceCount") for name in ("Total", "Available"))
    if total is not None and idle is not None and idle > total:
        raise MalformedFieldError(f"AvailableInstanceCount {idle} of TotalInstanceCount {total}")
    return {
        "account_id": account_id,
        "owner_id": "" if owner_id == account_id else owner_id,
        "region": region,
        "capacity_reservation_id": capacity_reservation_id,
        "instance_type": required(record, "InstanceType", what),
        "platform": text(record, "InstancePlatform"),
        "availability_zone": text(record, "AvailabilityZone"),
        "availability_zone_id": text(record, "AvailabilityZoneId"),
        # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCapacityReservation.html
        "tenancy": text(record, "Tenancy") or "default",
        "total_instances": total,
        "available_instances": idle,
        "state": _state(record, "State", CAPACITY_STATES, what),
        "reservation_type": _capacity_type(record),
        "unused_billing_owner_id": text(record, "UnusedReservationBillingOwnerId"),
        "outpost_arn": text(record, "OutpostArn"),
        "start": time(record, "StartDate"),
        "end": time(record, "EndDate"),
    }


def _capacity_type(record: Record) -> str:
    """ReservationType, but AWS marks interruptible capacity in a field of its own."""
    interruptible = record.get("Interruptible") or False
    if not isinstance(interruptible, bool):
        raise MalformedFieldError(f"Interruptible is no flag: {interruptible!r}")
    return "interruptible" if interruptible else text(record, "ReservationType") or "default"


def zone_rows(zones: Iterable[Record], account_id: str, region: str) -> list[Row]:
    """Rows of `ZONES` from `AvailabilityZones` of `ec2:DescribeAvailabilityZones`.

    Raises:
        MalformedRecordError: a zone has no name.
    """
    rows: dict[str, Row] = {}
    for record in as_objects(zones, "AvailabilityZones"):
        row = {
            "account_id": account_id,
            "region": region,
            "availability_zone": required(record, "ZoneName", "zone"),
            "availability_zone_id": text(record, "ZoneId"),
            "zone_type": text(record, "ZoneType"),
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
