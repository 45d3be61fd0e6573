"""What of EC2's answers is kept: the fields that the rows of the inventory are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Fields: TypeAlias = Mapping[str, "Fields"]
"""Names of members in botocore's service model, and what is kept inside each; a value keeps {}."""


def values(names: str) -> dict[str, Fields]:
    """Return the fields of these members, none of which has parts."""
    return {name: {} for name in names.split()}


_INSTANCE: Final[Fields] = {
    **values("InstanceId InstanceType InstanceLifecycle LaunchTime OutpostArn"),
    **values("Platform PlatformDetails UsageOperation CapacityReservationId"),
    "Placement": values("AvailabilityZone AvailabilityZoneId Tenancy"),
    "State": values("Name"),
    "Tags": values("Key Value"),
}

_RESERVED_INSTANCES: Final[Fields] = {
    **values("ReservedInstancesId InstanceType InstanceCount InstanceTenancy ProductDescription"),
    **values("Scope AvailabilityZone AvailabilityZoneId State Start End Duration"),
    **values("OfferingClass OfferingType FixedPrice UsagePrice CurrencyCode"),
    "RecurringCharges": values("Amount Frequency"),
}

_CAPACITY_RESERVATION: Final[Fields] = {
    **values("CapacityReservationId OwnerId InstanceType InstancePlatform Tenancy OutpostArn"),
    **values("AvailabilityZone AvailabilityZoneId State StartDate EndDate Interruptible"),
    **values("TotalInstanceCount AvailableInstanceCount ReservationType"),
    **values("UnusedReservationBillingOwnerId"),
}

KEPT: Final[Mapping[str, Fields]] = {
    "DescribeInstancesResult": {
        **values("NextToken"),
        "Reservations": {**values("OwnerId"), "Instances": _INSTANCE},
    },
    "DescribeReservedInstancesResult": {"ReservedInstances": _RESERVED_INSTANCES},
    "DescribeCapacityReservationsResult": {
        **values("NextToken"),
        "CapacityReservations": _CAPACITY_RESERVATION,
    },
    "DescribeAvailabilityZonesResult": {"AvailabilityZones": values("ZoneName ZoneId ZoneType")},
    "DescribeRegionsResult": {"Regions": values("RegionName OptInStatus")},
}
"""By the name of the shape that an operation returns. A list keeps this of each member."""
