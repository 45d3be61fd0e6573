"""EC2's filters: names that AWS knows, values with wildcards, any value of a name, every name.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ri_report.sandbox.organization import Json

Paths = dict[str, tuple[str, ...]]

# Filter name -> where the value stands in an item. AWS knows more; what is not here is refused,
# never passed over.
INSTANCE_PATHS: Paths = {
    "availability-zone": ("Placement", "AvailabilityZone"),
    "availability-zone-id": ("Placement", "AvailabilityZoneId"),
    "instance-id": ("InstanceId",),
    "instance-lifecycle": ("InstanceLifecycle",),
    "instance-state-code": ("State", "Code"),
    "instance-state-name": ("State", "Name"),
    "instance-type": ("InstanceType",),
    "platform": ("Platform",),
    "platform-details": ("PlatformDetails",),
    "tenancy": ("Placement", "Tenancy"),
    "usage-operation": ("UsageOperation",),
}
CAPACITY_RESERVATION_PATHS: Paths = {
    "availability-zone": ("AvailabilityZone",),
    "availability-zone-id": ("AvailabilityZoneId",),
    "end-date-type": ("EndDateType",),
    "instance-match-criteria": ("InstanceMatchCriteria",),
    "instance-platform": ("InstancePlatform",),
    "instance-type": ("InstanceType",),
    "outpost-arn": ("OutpostArn",),
    "owner-id": ("OwnerId",),
    "state": ("State",),
    "tenancy": ("Tenancy",),
}
RESERVED_INSTANCE_PATHS: Paths = {
    "availability-zone": ("AvailabilityZone",),
    "availability-zone-id": ("AvailabilityZoneId",),
    "instance-type": ("InstanceType",),
    "product-description": ("ProductDescription",),
    "reserved-instances-id": ("ReservedInstancesId",),
    "scope": ("Scope",),
    "state": ("State",),
}
REGION_PATHS: Paths = {
    "endpoint": ("Endpoint",),
    "opt-in-status": ("OptInStatus",),
    "region-name": ("RegionName",),
}
ZONE_PATHS: Paths = {
    "group-name": ("GroupName",),
    "opt-in-status": ("OptInStatus",),
    "region-name": ("RegionName",),
    "state": ("State",),
    "zone-id": ("ZoneId",),
    "zone-name": ("ZoneName",),
    "zone-type": ("ZoneType",),
}


def matching(items: Iterable[Json], filters: list[Json], paths: Paths) -> list[Json]:
    """The items that pass every filter, in order.

    Raises:
        ApiError: a filter has a name that is not known, or no values.
    """
    wanted = [_wanted(one, paths) for one in filters]
    return [
        item
        for item in items
        if all(pattern.fullmatch(_value(item, path)) for path, pattern in wanted)
    ]


def _wanted(one: Json, paths: Paths) -> tuple[tuple[str, ...], re.Pattern[str]]:
    name = one.get("Name", "")
    if name not in paths:
        raise ApiError("InvalidParameterValue", f"The filter '{name}' is invalid")
    if not one.get("Values"):
        raise ApiError("InvalidParameterValue", f"The filter '{name}' has no values")
    wildcards = (re.escape(v).replace(r"\*", ".*").replace(r"\?", ".") for v in one["Values"])
    return paths[name], re.compile("|".join(f"(?:{w})" for w in wildcards), re.DOTALL)


def _value(item: Mapping[str, object], path: tuple[str, ...]) -> str:
    value: object = item
    for key in path:
        value = value.get(key, "") if isinstance(value, dict) else ""
    return str(value)
