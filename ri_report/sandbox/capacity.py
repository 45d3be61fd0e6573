"""Capacity reservations, and the form in which EC2 tells their owners and consumers about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ri_report.sandbox.fleet import moment
from ri_report.sandbox.identifiers import identifier

if TYPE_CHECKING:
    from datetime import datetime

    from ri_report.sandbox.fleet import Launch
    from ri_report.sandbox.organization import Json, Zone

# PlatformDetails -> InstancePlatform, where EC2 words them differently:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
INSTANCE_PLATFORMS = {
    "Red Hat BYOL Linux": "Linux/UNIX",
    "Red Hat Enterprise Linux with HA": "RHEL with HA",
    "SQL Server Standard": "Linux with SQL Server Standard",
    "Windows BYOL": "Windows",
}


@dataclass(frozen=True)
class Hold:
    """One capacity reservation.

    Attributes:
        account_id: The owner.
        number: Its number within the account; its id is derived from it.
        zone: The zone, as the owner sees it.
        count: For how many instances it holds room.
        instance_type: Their type.
        name: The tag Name, by which `run` statements name the capacity reservation.
        platform: InstancePlatform.
        tenancy: default or dedicated.
        reservation_type: default or capacity-block.
        state: active, expired, cancelled, ...; only into an active one instances are launched.
        starts: Days from the moment of observation to the start.
        ends: Days from the moment of observation to the end; 0 leaves it open.
        shared_with: Accounts that may launch into it as well, with commas between them.
        billed_to: The account that AWS bills for idle slots; "" is the owner.
    """

    account_id: str
    number: int
    zone: Zone
    count: int
    instance_type: str
    name: str
    platform: str = "Linux/UNIX"
    tenancy: str = "default"
    reservation_type: str = "default"
    state: str = "active"
    starts: int = -120
    ends: int = 0
    shared_with: str = ""
    billed_to: str = ""

    @property
    def capacity_reservation_id(self) -> str:
        """EC2's id of it."""
        return identifier("cr-0", self.account_id, self.number)

    @property
    def consumers(self) -> list[str]:
        """The accounts that it is shared with."""
        return [account_id for account_id in self.shared_with.split(",") if account_id]

    def takes(self, launch: Launch) -> bool:
        """Whether these instances can be launched into it."""
        return self.state == "active" and (
            launch.account_id in {self.account_id, *self.consumers}
            and launch.zone.zone_id == self.zone.zone_id
            and launch.instance_type == self.instance_type
            and launch.tenancy == self.tenancy
            and INSTANCE_PLATFORMS.get(launch.platform, launch.platform) == self.platform
        )


def described_capacity_reservation(hold: Hold, used: int, zone_name: str, as_of: datetime) -> Json:
    """A capacity reservation as DescribeCapacityReservations tells about it.

    Args:
        hold: What is held.
        used: How many instances run in it, of all accounts.
        zone_name: The name that the account that asks has for the zone.
        as_of: The moment of observation, aware UTC.
    """
    reservation, region = hold.capacity_reservation_id, hold.zone.region
    arn = f"arn:aws:ec2:{region}:{hold.account_id}:capacity-reservation/{reservation}"
    start = moment(as_of, hold.starts)
    is_block = hold.reservation_type == "capacity-block"
    fields: Json = {
        "CapacityReservationId": reservation,
        "OwnerId": hold.account_id,
        "CapacityReservationArn": arn,
        "AvailabilityZoneId": hold.zone.zone_id,
        "AvailabilityZone": zone_name,
        "InstanceType": hold.instance_type,
        "InstancePlatform": hold.platform,
        "Tenancy": hold.tenancy,
        "TotalInstanceCount": hold.count,
        "AvailableInstanceCount": hold.count - used if hold.state == "active" else 0,
        "EbsOptimized": True,
        "EphemeralStorage": False,
        "State": hold.state,
        "StartDate": start,
        "EndDateType": "limited" if hold.ends else "unlimited",
        "InstanceMatchCriteria": "targeted" if is_block else "open",
        "CreateDate": start,
        "Tags": [{"Key": "Name", "Value": hold.name}],
        "CapacityAllocations": [{"AllocationType": "used", "Count": used}],
        "ReservationType": hold.reservation_type,
    }
    if hold.ends:
        fields["EndDate"] = moment(as_of, hold.ends)
    if hold.billed_to:
        fields["UnusedReservationBillingOwnerId"] = hold.billed_to
    return fields
