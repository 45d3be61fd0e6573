"""Launches and purchases, and the form in which EC2 tells about them afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ri_report.sandbox.identifiers import digest, identifier, uuid_of
from ri_report.sandbox.prices import prices

if TYPE_CHECKING:
    from ri_report.sandbox.organization import Json, Zone

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/billing-info-fields.html
USAGE_OPERATIONS = {
    "Linux/UNIX": "RunInstances",
    "Red Hat BYOL Linux": "RunInstances:00g0",
    "Red Hat Enterprise Linux": "RunInstances:0010",
    "Red Hat Enterprise Linux with HA": "RunInstances:1010",
    "SQL Server Standard": "RunInstances:0004",
    "SUSE Linux": "RunInstances:000g",
    "Ubuntu Pro": "RunInstances:0g00",
    "Windows": "RunInstances:0002",
    "Windows BYOL": "RunInstances:0800",
    "Windows with SQL Server Standard": "RunInstances:0006",
    "macOS": "RunInstances",
}
STATE_CODES = {
    "pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64,
    "stopped": 80,
}  # fmt: skip
PAYMENTS = {"none": "No Upfront", "partial": "Partial Upfront", "all": "All Upfront"}
YEAR_SECONDS = 31_536_000
LONGEST_RUN_DAYS = 700


@dataclass(frozen=True)
class Launch:
    """Instances that were launched together.

    Attributes:
        account_id: The account that runs them.
        number: The launch's number within the account; ids are derived from it.
        zone: The zone that they run in.
        count: How many.
        instance_type: Their type.
        name: The tag Name; where there are several, a number is appended. "" sets no tag.
        platform: PlatformDetails, a key of `USAGE_OPERATIONS`.
        tenancy: default, dedicated or host.
        lifecycle: "" for On-Demand; spot, scheduled or capacity-block.
        state: The state's name.
        outpost: Whether they run on an Outpost.
        capacity_reservation: Id of the capacity reservation that they run in; "" for none.
    """

    account_id: str
    number: int
    zone: Zone
    count: int
    instance_type: str
    name: str = ""
    platform: str = "Linux/UNIX"
    tenancy: str = "default"
    lifecycle: str = ""
    state: str = "running"
    outpost: bool = False
    capacity_reservation: str = ""


@dataclass(frozen=True)
class Purchase:
    """One purchase of reserved instances.

    Attributes:
        account_id: The buyer.
        number: The purchase's number within the account; its id is derived from it.
        place: A Region for a regional reservation, a zone for a zonal one.
        count: How many.
        instance_type: Their type.
        platform: ProductDescription.
        tenancy: default or dedicated.
        years: The term, 1 or 3.
        payment: none, partial or all upfront: a key of `PAYMENTS`.
        offering: standard or convertible.
        state: active, payment-pending, payment-failed, retired, queued or queued-deleted.
        starts: Days from the moment of observation to the start; 0 leaves it to the term.
        ends: Days from the moment of observation to the end; 0 leaves it to the term.
        modified: Whether a modification created the record: its FixedPrice is then 0.
    """

    account_id: str
    number: int
    place: Zone | str
    count: int
    instance_type: str
    platform: str = "Linux/UNIX"
    tenancy: str = "default"
    years: int = 1
    payment: str = "none"
    offering: str = "standard"
    state: str = "active"
    starts: int = 0
    ends: int = 0
    modified: bool = False


def described_instances(launch: Launch, as_of: datetime) -> list[Json]:
    """The instances of a launch as DescribeInstances tells about them.

    Each has the extra key `ReservationId`, EC2's name for the launch that it came from.
    """
    reservation = identifier("r-0", launch.account_id, launch.number)
    age = digest("launched", launch.account_id, launch.number)
    launched = moment(as_of, -(1 + age[0] * LONGEST_RUN_DAYS // 256))
    return [
        {
            "ReservationId": reservation,
            **_machine(launch, index, launched),
            **_billing(launch, launched),
        }
        for index in range(launch.count)
    ]


def _machine(launch: Launch, index: int, launched: datetime) -> Json:
    """What the instance is and where it stands."""
    bits = digest("address", launch.account_id, launch.number, index)
    address = f"10.{bits[0]}.{bits[1]}.{4 + bits[2] % 250}"
    running = launch.state == "running"
    return {
        "InstanceId": identifier("i-0", launch.account_id, launch.number, index),
        "ImageId": identifier("ami-0", launch.platform, launch.zone.region),
        "InstanceType": launch.instance_type,
        "State": {"Code": STATE_CODES[launch.state], "Name": launch.state},
        "StateTransitionReason": "" if running else "User initiated",
        "PrivateDnsName": f"ip-{address.replace('.', '-')}.ec2.internal",
        "PublicDnsName": "",
        "PrivateIpAddress": address,
        "SubnetId": identifier("subnet-0", launch.account_id, launch.zone.zone_id),
        "VpcId": identifier("vpc-0", launch.account_id, launch.zone.region),
        "AmiLaunchIndex": index,
        "ProductCodes": [],
        "LaunchTime": launched,
        "Placement": {
            "AvailabilityZone": launch.zone.name,
            "AvailabilityZoneId": launch.zone.zone_id,
            "GroupName": "",
            "Tenancy": launch.tenancy,
        },
        "Monitoring": {"State": "disabled"},
        "Architecture": _architecture(launch.instance_type),
        "BlockDeviceMappings": [],
        "EbsOptimized": True,
        "EnaSupport": True,
        "Hypervisor": "xen",
        "NetworkInterfaces": [],
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "SecurityGroups": [],
        "SourceDestCheck": True,
        "VirtualizationType": "hvm",
        "Tags": [{"Key": "Name", "Value": _name(launch, index)}] if launch.name else [],
    }


def _billing(launch: Launch, launched: datetime) -> Json:
    """What decides how the instance is billed; EC2 leaves out what does not apply."""
    fields: Json = {
        "PlatformDetails": launch.platform,
        "UsageOperation": USAGE_OPERATIONS[launch.platform],
        "UsageOperationUpdateTime": launched,
    }
    if launch.platform.startswith("Windows"):
        fields["Platform"] = "windows"
    if launch.lifecycle:
        fields["InstanceLifecycle"] = launch.lifecycle
    if launch.lifecycle == "spot":
        fields["SpotInstanceRequestId"] = (
            f"sir-{digest(launch.account_id, launch.number).hex()[:8]}"
        )
    if launch.outpost:
        outpost = identifier("op-0", launch.account_id)
        region = launch.zone.region
        fields["OutpostArn"] = f"arn:aws:outposts:{region}:{launch.account_id}:outpost/{outpost}"
    if launch.capacity_reservation:
        fields["CapacityReservationId"] = launch.capacity_reservation
    return fields


def described_reserved_instances(purchase: Purchase, as_of: datetime) -> Json:
    """A purchase as DescribeReservedInstances tells about it: without account and Region."""
    start, end = _term(purchase, as_of)
    payment = PAYMENTS[purchase.payment]
    upfront, hourly = prices(purchase.instance_type, purchase.years, payment)
    return {
        "ReservedInstancesId": uuid_of("reserved", purchase.account_id, purchase.number),
        "InstanceType": purchase.instance_type,
        "InstanceCount": purchase.count,
        "ProductDescription": purchase.platform,
        "InstanceTenancy": purchase.tenancy,
        "State": purchase.state,
        "Start": start,
        "End": end,
        "Duration": purchase.years * YEAR_SECONDS,
        "OfferingClass": purchase.offering,
        "OfferingType": payment,
        "FixedPrice": 0.0 if purchase.modified else upfront,
        "UsagePrice": 0.0,
        "RecurringCharges": [{"Amount": hourly, "Frequency": "Hourly"}] if hourly else [],
        "CurrencyCode": "USD",
        **_scope(purchase.place),
    }


def _scope(place: Zone | str) -> Json:
    if isinstance(place, str):
        return {"Scope": "Region"}
    return {
        "Scope": "Availability Zone",
        "AvailabilityZone": place.name,
        "AvailabilityZoneId": place.zone_id,
    }


def _term(purchase: Purchase, as_of: datetime) -> tuple[datetime, datetime]:
    """Start and end; a record that nothing is said about has half a year left."""
    length = timedelta(seconds=purchase.years * YEAR_SECONDS)
    if purchase.starts and purchase.ends:
        return moment(as_of, purchase.starts), moment(as_of, purchase.ends)
    if purchase.starts:
        start = moment(as_of, purchase.starts)
        return start, start + length - timedelta(seconds=1)
    end = moment(as_of, purchase.ends or 182)
    return end - length + timedelta(seconds=1), end


def moment(as_of: datetime, days: int) -> datetime:
    """A time of day that depends on the day alone: what happened together has the same second."""
    seconds = int.from_bytes(digest("moment", days)[:2]) % (6 * 3600)
    return (as_of + timedelta(days=days, seconds=-seconds)).replace(microsecond=0)


def _architecture(instance_type: str) -> str:
    family = instance_type.partition(".")[0]
    if family.startswith("mac"):
        return "arm64_mac"
    return "arm64" if family.rstrip("dn").endswith("g") else "x86_64"


def _name(launch: Launch, index: int) -> str:
    return launch.name if launch.count == 1 else f"{launch.name}-{index + 1:02d}"
