"""Eligibility: which running instances can use a reservation, and which reservations give one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.schema import RESERVATIONS
from ri_report.rules.matching import REGIONAL, ZONAL
from ri_report.rules.platforms import PRODUCTS, instance_platforms, reservation_platforms
from ri_report.rules.sizes import (
    QUARTERS,
    TYPE_NAME,
    factor_bases,
    pool_names,
    quarter_units,
    size_flexibility,
)

if TYPE_CHECKING:
    from datetime import datetime

INSTANCE_COLUMNS = (
    Column("account_id", "text", "Account that runs the instance", "Account"),
    Column("region", "text", "Region"),
    Column("availability_zone", "text", "Zone name, as this account sees it", "Zone"),
    Column("availability_zone_id", "text", "Zone id, the same place everywhere", "Zone id"),
    Column("instance_type", "text", "Instance type"),
    Column("platform", "text", "Platform, as reservations are sold"),
    Column("tenancy", "text", "default, dedicated or host"),
)
USAGE = Frame(
    "usage",
    ("usage_id",),
    (
        Column("usage_id", "text", "Instance id", "Instance"),
        *INSTANCE_COLUMNS,
        Column("name", "text", "Value of the tag Name"),
        Column("capacity_reservation_id", "text", "Capacity reservation that it runs in"),
        Column("hours", "number", "Instance-hours; 1.0 in a snapshot"),
        Column("units", "units", "Normalized units of one instance"),
        Column("pool", "text", "Family where sizes flex, else the exact type"),
        Column("platform_basis", "text", "What the platform was told by"),
        Column("factor_basis", "text", "What the normalization factor rests on"),
    ),
)
NOT_ELIGIBLE = Frame(
    "not_eligible",
    ("instance_id",),
    (
        Column("instance_id", "text", "Running instance that no reservation can cover", "Instance"),
        *INSTANCE_COLUMNS,
        Column("lifecycle", "text", "Empty for On-Demand"),
        Column("reason", "text", "Why no reservation can cover it"),
        Column("name", "text", "Value of the tag Name"),
    ),
)
ACTIVE = Frame(
    "active_reservations",
    ("reservation_id",),
    (
        *RESERVATIONS.columns,
        Column("platform", "text", "Platform, without (Amazon VPC)"),
        Column("hours", "number", "Hours that one unit offers; 1.0 in a snapshot"),
        Column("units", "units", "Normalized units of one instance"),
        Column("pool", "text", "Family where sizes flex, else the exact type"),
        Column("factor_basis", "text", "What the normalization factor rests on"),
        Column("flexibility", "text", "flexible, exact or assumed (see `sizes.InstanceType`)"),
    ),
)
OTHER_STATES = Frame(
    "reservations_other_states",
    ("reservation_id",),
    (
        *RESERVATIONS.columns,
        Column("reason", "text", "Why it gives no discount now", "Why no discount"),
    ),
)

REGION_OWN_ZONE = r"[a-z]"
TENANCIES = ("default", "dedicated")
"""Tenancies that reservations are sold for; Dedicated Hosts have reservations of their own."""
LIFECYCLE_REASONS = {
    "spot": "spot",
    "scheduled": "scheduled",
    "capacity-block": "capacity_block",
    "interruptible-capacity-reservation": "interruptible_capacity",
}
ZONE_REASONS = {"local-zone": "local_zone", "wavelength-zone": "wavelength_zone"}
NOT_ELIGIBLE_REASONS = {
    "not_running": "Only running instances are billed",
    "spot": "Spot Instances have their own price",
    "scheduled": "Runs under a Scheduled Reserved Instance",
    "capacity_block": "Runs in a Capacity Block, to which reservations do not apply",
    "interruptible_capacity": "Runs in interruptible capacity; taken as not eligible",
    "lifecycle_unknown": "A lifecycle that this version does not know",
    "type_unknown": "Its type is no family and size that this version can read",
    "tenancy_unknown": "A tenancy that this version does not know",
    "zone_unknown": "AWS did not say in which zone it runs",
    "dedicated_host": "Dedicated Hosts are billed by the host",
    "outpost": "Runs on an Outpost; AWS does not say that reservations apply there",
    "local_zone": "Runs in a Local Zone; AWS does not say that reservations apply there",
    "wavelength_zone": "Runs in a Wavelength Zone; AWS does not say that reservations apply there",
    "outside_region_zones": "Runs in a zone that is not one of the region's own",
    "platform_not_sold": "AWS sells no reservation for this license",
    "platform_unknown": "A license that this version does not know",
}
NO_DISCOUNT_REASONS = {
    "payment-pending": "Its payment is not settled",
    "payment-failed": "Its payment failed",
    "retired": "Its term has ended, or it was modified, exchanged or sold",
    "queued": "It starts on a later date",
    "queued-deleted": "Its purchase was queued and then deleted",
    "state_unknown": "AWS gave no state",
    "not_started": "Active, but its term starts later",
    "ended": "Active, but its term has ended",
    "malformed": "Its scope, zone, type or count makes no sense: what it covers is unknown",
    "outside_region_zones": "In a zone that is not one of the region's own, where AWS does not say"
    " what reservations cover",
    "platform_unknown": "A platform that this version does not know: what it covers is unknown",
    "tenancy_unknown": "A tenancy that this version does not know: what it covers is unknown",
}
"""A state that AWS adds later stands for itself, without a text here."""


def eligible_usage(
    instances: pd.DataFrame, zones: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split running instances into those that reservations can cover and those they cannot.

    Reservations apply to running On-Demand Instances (EC2 User Guide, "Reserved Instances"; Spot,
    Capacity Blocks and Dedicated Hosts each have their own billing page). Outposts, Local Zones
    and Wavelength Zones are set apart because AWS does not say.

    Args:
        instances: Frame `schema.INSTANCES`.
        zones: Frame `schema.ZONES`.

    Returns:
        Frames `USAGE` and `NOT_ELIGIBLE`, sorted by id; each instance is in exactly one.
    """
    instances = instances.sort_values("instance_id")
    known = instances.assign(**instance_platforms(instances))
    reason = why_not_eligible(known, zone_types(known, zones))
    usage = known[reason == ""].rename(columns={"instance_id": "usage_id"}).assign(hours=1.0)
    refused = known.assign(reason=reason)[reason != ""]
    return USAGE.check(_measured(usage)), NOT_ELIGIBLE.check(refused)


def active_reservations(
    reservations: pd.DataFrame, as_of: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split reservations into those that give a discount at `as_of` and the others.

    Only state `active` counts, from Start (inclusive) to End (exclusive); queued purchases have a
    future Start (EC2 API Reference, ReservedInstances). A missing Start or End bounds nothing: the
    state decides. A record that cannot be read for what it covers, because its scope, zone, type,
    count, platform or tenancy is unknown, is set aside: counted as active it would look unused.

    Args:
        reservations: Frame `schema.RESERVATIONS`.
        as_of: Aware UTC moment of observation.

    Returns:
        Frames `ACTIVE` and `OTHER_STATES`, sorted by id; each reservation is in exactly one.
    """
    reservations = reservations.sort_values("reservation_id")
    platform = reservation_platforms(reservations["product_description"])
    known = reservations.assign(platform=platform, hours=1.0)
    reason = _why_no_discount(known, pd.Timestamp(as_of))
    refused = known.assign(reason=reason)[reason != ""]
    active = _measured(known[reason == ""])
    flexes = (active["scope"] == REGIONAL) & (active["pool"] != active["instance_type"])
    flexibility = size_flexibility(active["instance_type"]).where(flexes, "exact")
    return ACTIVE.check(active.assign(flexibility=flexibility)), OTHER_STATES.check(refused)


def _measured(frame: pd.DataFrame) -> pd.DataFrame:
    types = frame["instance_type"]
    return frame.assign(
        units=quarter_units(types) / QUARTERS,
        pool=pool_names(frame),
        factor_basis=factor_bases(types),
    )


def zone_types(instances: pd.DataFrame, zones: pd.DataFrame) -> pd.Series[str]:
    """Return the type of the zone that each row lies in, as its account sees it; "" if unknown."""
    key = ["account_id", "region", "availability_zone"]
    merged = instances[key].merge(
        zones[[*key, "zone_type"]], on=key, how="left", validate="many_to_one"
    )
    return merged["zone_type"].set_axis(instances.index).fillna("").astype("str")


def why_not_eligible(instances: pd.DataFrame, zone_type: pd.Series[str]) -> pd.Series[str]:
    """Return the first reason of `NOT_ELIGIBLE_REASONS` that applies, "" where there is none.

    Args:
        instances: state, lifecycle, tenancy, outpost_arn, region, availability_zone,
            instance_type, platform and platform_basis.
        zone_type: What `zone_types` returns.
    """
    lifecycle = instances["lifecycle"]
    known_platform = instances["platform_basis"] != "unrecognized"
    return _first_reason(
        {
            "not_running": instances["state"] != "running",
            **{why: lifecycle == name for name, why in LIFECYCLE_REASONS.items()},
            "lifecycle_unknown": lifecycle != "",
            "dedicated_host": instances["tenancy"] == "host",
            "tenancy_unknown": ~instances["tenancy"].isin(TENANCIES),
            "outpost": instances["outpost_arn"] != "",
            **{why: zone_type == name for name, why in ZONE_REASONS.items()},
            "zone_unknown": instances["availability_zone"] == "",
            "outside_region_zones": ~_is_own_zone(instances),
            "type_unknown": ~instances["instance_type"].str.fullmatch(TYPE_NAME),
            "platform_not_sold": known_platform & ~instances["platform"].isin(PRODUCTS),
            "platform_unknown": ~known_platform,
        }
    )


def _is_own_zone(frame: pd.DataFrame) -> pd.Series[bool]:
    """Return whether the zone is named like one of the region's own: us-east-1a, not ...-nyc-1a."""
    zones = zip(frame["availability_zone"], frame["region"], strict=True)
    suffix = pd.Series([zone.removeprefix(region) for zone, region in zones], dtype="str")
    return suffix.set_axis(frame.index).str.fullmatch(REGION_OWN_ZONE)


def _why_no_discount(reservations: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series[str]:
    """Return the first reason that applies, "" where the reservation gives a discount."""
    state = reservations["state"]
    reason = _first_reason(
        {
            "not_started": reservations["start"] > as_of,
            "ended": reservations["end"] <= as_of,
            "malformed": ~_makes_sense(reservations),
            "outside_region_zones": (reservations["scope"] == ZONAL) & ~_is_own_zone(reservations),
            "platform_unknown": ~reservations["platform"].isin(PRODUCTS),
            "tenancy_unknown": ~reservations["tenancy"].isin(TENANCIES),
        }
    )
    return reason.mask(state != "active", state.where(state != "", "state_unknown"))


def _makes_sense(reservations: pd.DataFrame) -> pd.Series[bool]:
    zoned = (reservations["scope"] == ZONAL) & (reservations["availability_zone"] != "")
    return (
        (zoned | (reservations["scope"] == REGIONAL))
        & reservations["instance_type"].str.fullmatch(TYPE_NAME)
        & (reservations["instance_count"] > 0)
    )


def _first_reason(rules: dict[str, pd.Series[bool]]) -> pd.Series[str]:
    index = next(iter(rules.values())).index
    chosen = np.select(
        [applies.to_numpy(dtype=bool) for applies in rules.values()], list(rules), ""
    )
    return pd.Series(chosen, index=index, dtype="str")
