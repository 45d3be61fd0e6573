"""EC2: the Regions, zones, instances and reservations of the caller's account.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html,
API_DescribeReservedInstances.html, API_DescribeCapacityReservations.html,
API_DescribeRegions.html, API_DescribeAvailabilityZones.html
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.filters import (
    CAPACITY_RESERVATION_PATHS,
    INSTANCE_PATHS,
    REGION_PATHS,
    RESERVED_INSTANCE_PATHS,
    ZONE_PATHS,
    matching,
)
from ri_report.sandbox.paging import page

if TYPE_CHECKING:
    from ri_report.sandbox.call import Call, Operation
    from ri_report.sandbox.organization import Account, Json, Zone
    from ri_report.sandbox.regions import Region

# The bounds of MaxResults; without MaxResults a page holds as many as it may.
SMALLEST_PAGE = 5
SMALLEST_PAGE_OF_CAPACITY_RESERVATIONS = 1
LARGEST_PAGE = 1000
INVALID = "InvalidParameterValue"


def describe_regions(call: Call) -> Json:
    """Describe the enabled Regions, or with AllRegions every one with its opt-in status."""
    regions = [_region(call.account, region) for region in call.account.regions.values()]
    if not call.parameters.get("AllRegions"):
        regions = [region for region in regions if region["OptInStatus"] != "not-opted-in"]
    regions = _named(regions, "RegionName", call.parameters.get("RegionNames"), INVALID)
    return {"Regions": matching(regions, _filters(call), REGION_PATHS)}


def _region(account: Account, region: Region) -> Json:
    status = "opted-in" if account.has_enabled(region.name) else "not-opted-in"
    return {
        "OptInStatus": status if region.needs_opt_in else "opt-in-not-required",
        "RegionName": region.name,
        "Endpoint": f"ec2.{region.name}.amazonaws.com",
    }


def describe_availability_zones(call: Call) -> Json:
    """Describe the zones of the call's Region, under the account's names for them."""
    zones = [_zone(zone) for zone in call.account.zones(call.region)]
    zones = _named(zones, "ZoneName", call.parameters.get("ZoneNames"), INVALID)
    zones = _named(zones, "ZoneId", call.parameters.get("ZoneIds"), INVALID)
    return {"AvailabilityZones": matching(zones, _filters(call), ZONE_PATHS)}


def _zone(zone: Zone) -> Json:
    is_local = zone.zone_type == "local-zone"
    return {
        "OptInStatus": "opted-in" if is_local else "opt-in-not-required",
        "Messages": [],
        "RegionName": zone.region,
        "ZoneName": zone.name,
        "ZoneId": zone.zone_id,
        "GroupName": zone.name.rstrip("abcdef") if is_local else zone.region,
        "NetworkBorderGroup": zone.name.rstrip("abcdef") if is_local else zone.region,
        "ZoneType": zone.zone_type,
        "State": "available",
    }


def describe_instances(call: Call) -> Json:
    """Describe the account's instances in every state, in pages."""
    wanted = call.parameters
    if "MaxResults" in wanted and "InstanceIds" in wanted:
        message = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise ApiError("InvalidParameterCombination", message)
    held = list(call.account.instances.get(call.region, ()))
    held = _named(held, "InstanceId", wanted.get("InstanceIds"), "InvalidInstanceID.NotFound")
    held = matching(held, _filters(call), INSTANCE_PATHS)
    instances, following = _page(call, held, SMALLEST_PAGE)
    return {"Reservations": _launches(call, instances), **following}


def _page(call: Call, items: list[Json], smallest: int) -> tuple[list[Json], Json]:
    size = _page_size(call, smallest)
    try:
        token = call.parameters.get("NextToken", "")
        return page(items, size, token, question(call), twist=call.twist)
    except ValueError as error:
        raise ApiError("InvalidNextToken", "The specified NextToken is not valid") from error


def question(call: Call) -> object:
    """What a page's token is valid for."""
    return (call.action, call.account.account_id, call.region, _filters(call))


def _page_size(call: Call, smallest: int) -> int:
    size: int = call.parameters.get("MaxResults", LARGEST_PAGE)
    bound = ""
    if size < smallest:
        bound = f"Expecting a value greater than or equal to {smallest}."
    if size > LARGEST_PAGE:
        bound = f"Expecting a value less than or equal to {LARGEST_PAGE}."
    if bound:
        message = f"Value ( {size} ) for parameter maxResults is invalid. {bound}"
        raise ApiError(INVALID, message)
    return size


def _launches(call: Call, instances: list[Json]) -> list[Json]:
    return [
        {
            "ReservationId": launch,
            "OwnerId": call.account.account_id,
            "Groups": [],
            "Instances": [
                {key: value for key, value in instance.items() if key != "ReservationId"}
                for instance in launched
            ],
        }
        for launch, launched in groupby(instances, itemgetter("ReservationId"))
    ]


def describe_reserved_instances(call: Call) -> Json:
    """Describe the account's reserved instances in every state; AWS does not page them."""
    wanted = call.parameters
    held = list(call.account.reserved_instances.get(call.region, ()))
    ids = wanted.get("ReservedInstancesIds")
    held = _named(held, "ReservedInstancesId", ids, "InvalidReservedInstancesId")
    for key in ("OfferingClass", "OfferingType"):
        held = [item for item in held if wanted.get(key, item[key]) == item[key]]
    return {"ReservedInstances": matching(held, _filters(call), RESERVED_INSTANCE_PATHS)}


def describe_capacity_reservations(call: Call) -> Json:
    """Describe what the account owns and what is shared with it, in every state, in pages."""
    held = list(call.account.capacity_reservations.get(call.region, ()))
    ids = call.parameters.get("CapacityReservationIds")
    held = _named(held, "CapacityReservationId", ids, "InvalidCapacityReservationId.NotFound")
    held = matching(held, _filters(call), CAPACITY_RESERVATION_PATHS)
    reservations, following = _page(call, held, SMALLEST_PAGE_OF_CAPACITY_RESERVATIONS)
    return {"CapacityReservations": reservations, **following}


def _named(items: list[Json], key: str, names: list[str] | None, code: str) -> list[Json]:
    """The items with the given names; all where none is given; unknown names are refused."""
    if not names:
        return items
    missing = set(names) - {item[key] for item in items}
    if missing:
        raise ApiError(code, f"{key} does not exist: {', '.join(sorted(missing))}")
    return [item for item in items if item[key] in names]


def _filters(call: Call) -> list[Json]:
    filters: list[Json] = call.parameters.get("Filters", [])
    return filters


OPERATIONS: dict[str, Operation] = {
    "DescribeRegions": describe_regions,
    "DescribeAvailabilityZones": describe_availability_zones,
    "DescribeInstances": describe_instances,
    "DescribeReservedInstances": describe_reserved_instances,
    "DescribeCapacityReservations": describe_capacity_reservations,
}
