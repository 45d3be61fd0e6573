"""What a generated account runs and has bought in one Region, as rich in detail as EC2 tells it.

All that differs between two accounts of one variant are the account's id and a mark of eight
characters in every other id.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, Any

from ri_report.sandbox.fleet import (
    Launch,
    Purchase,
    described_instances,
    described_reserved_instances,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ri_report.sandbox.organization import Json, Zone

KINDS: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (4, "m5.large", {}),
    (2, "m5.xlarge", {}),
    (3, "c5.xlarge", {}),
    (4, "t3.medium", {}),
    (1, "m5.2xlarge", {}),
    (2, "r5.large", {}),
    (1, "m5.xlarge", {"platform": "Windows"}),
    (3, "c6g.large", {}),
    (1, "m5.large", {"platform": "Red Hat Enterprise Linux"}),
    (2, "c5.xlarge", {"lifecycle": "spot"}),
    (1, "t3.medium", {"state": "stopped"}),
    (5, "m6i.large", {}),
    (1, "r5.2xlarge", {"platform": "SUSE Linux"}),
)
"""Launches that follow each other: how many instances, of which type, and what is special."""

PURCHASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("m5.xlarge", {"ends": 71}),
    ("m5.xlarge", {"platform": "Windows", "years": 3, "ends": 402}),
    ("c5.xlarge", {"payment": "partial", "ends": 203}),
    ("t3.medium", {"state": "retired", "ends": -41}),
)
"""Purchases in every Region; the third is zonal."""
ZONAL = 2
INSTANCES_PER_PURCHASED = 15
SPREAD = 2_654_435_761
"""An odd number, so that multiples of it differ as long as they are fewer than 2^32."""


@dataclass(frozen=True)
class Owner:
    """A generated account in one Region.

    Attributes:
        account_id: The account's id.
        mark: Eight characters that no other account and Region has.
        variant: Which of the fleets it runs.
        zones: The zones under the account's names.
    """

    account_id: str
    mark: str
    variant: int
    zones: tuple[Zone, ...]

    def identifier(self, prefix: str, number: int) -> str:
        """An id as EC2 writes it: the prefix and 16 characters."""
        return f"{prefix}{self.mark}{spread(number)}"


def spread(number: int) -> str:
    """Eight hexadecimal digits, another eight for every other number below 2^32."""
    return f"{number * SPREAD % 2**32:08x}"


def instances(owner: Owner, total: int, as_of: datetime) -> tuple[Json, ...]:
    """So many instances in the form of DescribeInstances, with `ReservationId` as the extra key."""
    numbers = count(1)
    return tuple(
        _furnished(owner, instance, launch.number, next(numbers))
        for launch in _launches(owner, total)
        for instance in described_instances(launch, as_of)
    )


def _launches(owner: Owner, total: int) -> Iterator[Launch]:
    kinds = islice(cycle(KINDS), owner.variant, None)
    left = total
    for number, (size, instance_type, special) in enumerate(kinds, 1):
        if left <= 0:
            return
        yield Launch(
            # What is drawn from the account is drawn from the variant: it is in every account.
            account_id=f"{owner.variant:012d}",
            number=number,
            zone=owner.zones[number % len(owner.zones)],
            count=min(size, left),
            instance_type=instance_type,
            name=f"service-{number:02d}",
            **special,
        )
        left -= size


def _furnished(owner: Owner, instance: Json, launch: int, number: int) -> Json:
    """The instance with the owner's ids, its disks, its network interface and its tags."""
    subnet = owner.identifier("subnet-0", len(instance["Placement"]["AvailabilityZone"]))
    place = {"SubnetId": subnet, "VpcId": owner.identifier("vpc-0", 0)}
    groups = [
        {"GroupId": owner.identifier("sg-0", one), "GroupName": f"app-{one}"} for one in (1, 2)
    ]
    tags = {
        "aws:autoscaling:groupName": f"service-{launch:02d}-asg",
        "CostCenter": f"{1000 + owner.variant}",
        "Environment": "production",
        "Owner": f"team-{owner.variant}@example.com",
    }
    return {
        **instance,
        **place,
        **OPTIONS,
        "ReservationId": owner.identifier("r-0", launch),
        "InstanceId": owner.identifier("i-0", number),
        "ImageId": owner.identifier("ami-0", 0),
        "KeyName": "operations",
        "ClientToken": owner.identifier("fleet-", number),
        "IamInstanceProfile": {
            "Arn": f"arn:aws:iam::{owner.account_id}:instance-profile/service-{launch:02d}",
            "Id": f"AIPA{spread(launch).upper()}EXAMPLE",
        },
        "BlockDeviceMappings": [
            _disk(owner, instance, name, 2 * number + one)
            for one, name in enumerate(("/dev/xvda", "/dev/sdb"))
        ],
        "NetworkInterfaces": [_interface(owner, {**instance, **place}, groups, number)],
        "SecurityGroups": groups,
        "Tags": [*instance["Tags"], *({"Key": key, "Value": tags[key]} for key in tags)],
    }


def _disk(owner: Owner, instance: Json, name: str, number: int) -> Json:
    return {
        "DeviceName": name,
        "Ebs": {
            "AttachTime": instance["LaunchTime"],
            "DeleteOnTermination": True,
            "Status": "attached",
            "VolumeId": owner.identifier("vol-0", number),
        },
    }


def _interface(owner: Owner, instance: Json, groups: list[Json], number: int) -> Json:
    address = {
        "PrivateDnsName": instance["PrivateDnsName"],
        "PrivateIpAddress": instance["PrivateIpAddress"],
    }
    return {
        **address,
        "Attachment": {
            "AttachTime": instance["LaunchTime"],
            "AttachmentId": owner.identifier("eni-attach-0", number),
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "NetworkCardIndex": 0,
            "Status": "attached",
        },
        "Description": "",
        "Groups": groups,
        "InterfaceType": "interface",
        "Ipv6Addresses": [],
        "MacAddress": f"0a:{spread(number)[:2]}:{spread(number)[2:4]}:c4:11:9d",
        "NetworkInterfaceId": owner.identifier("eni-0", number),
        "OwnerId": owner.account_id,
        "PrivateIpAddresses": [{**address, "Primary": True}],
        "SourceDestCheck": True,
        "Status": "in-use",
        "SubnetId": instance["SubnetId"],
        "VpcId": instance["VpcId"],
    }


OPTIONS: Json = {
    "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
    "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
    "CurrentInstanceBootMode": "legacy-bios",
    "EnclaveOptions": {"Enabled": False},
    "HibernationOptions": {"Configured": False},
    "MaintenanceOptions": {"AutoRecovery": "default"},
    "MetadataOptions": {
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "HttpPutResponseHopLimit": 2,
        "HttpTokens": "required",
        "InstanceMetadataTags": "disabled",
        "State": "applied",
    },
    "PrivateDnsNameOptions": {
        "EnableResourceNameDnsAAAARecord": False,
        "EnableResourceNameDnsARecord": False,
        "HostnameType": "ip-name",
    },
}


def reserved_instances(owner: Owner, total: int, as_of: datetime) -> tuple[Json, ...]:
    """A few purchases for a fleet of so many instances, as DescribeReservedInstances tells them."""
    return tuple(
        {
            **described_reserved_instances(purchase, as_of),
            "ReservedInstancesId": f"{owner.mark}-0000-4000-8000-{purchase.number:012d}",
        }
        for purchase in _purchases(owner, total)
    )


def _purchases(owner: Owner, total: int) -> Iterator[Purchase]:
    for number, (instance_type, special) in enumerate(PURCHASES):
        zone = owner.zones[number % len(owner.zones)]
        yield Purchase(
            account_id=f"{owner.variant:012d}",
            number=number,
            place=zone if number == ZONAL else zone.region,
            count=1 + (total + owner.variant) // INSTANCES_PER_PURCHASED,
            instance_type=instance_type,
            **special,
        )
