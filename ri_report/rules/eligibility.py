"""Eligibility: which running instances can use a reservation, and which reservations give one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.schema import RESERVATIONS
from ri_report.rules.allocation import REGIONAL, ZONAL
from ri_report.rules.platforms import PRODUCTS, instance_platforms, reservation_platforms
from ri_report.rules.sizes import QUARTERS, describe_types, pool_names, quarter_units

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
    "dedicated_host": "Dedicated Hosts are billed by the host",
    "outpost": "Runs on an Outpost; AWS does not say that reservations apply there",
    "local_zone": "Runs in a Local Zone; AWS does not say that reservations apply there",
    "wavelength_zone": "Runs in a Wavelength Zone; AWS does not say that reservations apply there",
    "outside_region_zones": "Runs in a zone that is not one of the region's own",
    "platform_not_sold": "AWS sells no reservation for this licence",
    "platform_unknown": "A licence that this version does not know",
}


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
        Frames `USAGE` and `NOT_ELIGIBLE`; each instance is in exactly one.
    """
    known = instances.assign(**instance_platforms(instances))
    reason = _why_not(known, _zone_types(known, zones))
    usage = known[reason == ""].rename(columns={"instance_id": "usage_id"}).assign(hours=1.0)
    refused = known.assign(reason=reason)[reason != ""]
    return USAGE.check(_measured(usage)), NOT_ELIGIBLE.check(refused)


def active_reservations(
    reservations: pd.DataFrame, as_of: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split reservations into those that give a discount at `as_of` and the others.

    Only state `active` counts, from Start (inclusive) to End (exclusive); queued purchases have a
    future Start (EC2 API Reference, ReservedInstances). A record whose scope, count or zone makes
    no sense is set aside as `malformed` instead of guessed.

    Args:
        reservations: Frame `schema.RESERVATIONS`.
        as_of: Aware UTC moment of observation.

    Returns:
        Frames `ACTIVE` and `OTHER_STATES`; each reservation is in exactly one.
    """
    why = _why_no_discount(reservations, pd.Timestamp(as_of))
    active = reservations[why == ""].assign(hours=1.0)
    active["platform"] = reservation_platforms(active["product_description"])
    return ACTIVE.check(_measured(active)), OTHER_STATES.check(
        reservations.assign(reason=why)[why != ""]
    )


def _measured(frame: pd.DataFrame) -> pd.DataFrame:
    types = describe_types(frame["instance_type"]).set_index("instance_type")
    return frame.assign(
        units=quarter_units(frame["instance_type"]) / QUARTERS,
        pool=pool_names(frame),
        factor_basis=frame["instance_type"].map(types["factor_basis"]),
    )


def _zone_types(instances: pd.DataFrame, zones: pd.DataFrame) -> pd.Series[str]:
    key = ["account_id", "region", "availability_zone"]
    merged = instances[key].merge(
        zones[[*key, "zone_type"]], on=key, how="left", validate="many_to_one"
    )
    return merged["zone_type"].set_axis(instances.index).fillna("").astype("str")


def _why_not(instances: pd.DataFrame, zone_type: pd.Series[str]) -> pd.Series[str]:
    """Return the first reason that applies, "" where the instance is eligible."""
    lifecycle = instances["lifecycle"]
    zone = instances["availability_zone"]
    suffix = pd.Series(
        [z.removeprefix(r) for z, r in zip(zone, instances["region"], strict=True)],
        index=instances.index,
        dtype="str",
    )
    known_platform = instances["platform_basis"] != "unrecognized"
    rules = {
        "not_running": instances["state"] != "running",
        **{why: lifecycle == name for name, why in LIFECYCLE_REASONS.items()},
        "lifecycle_unknown": lifecycle != "",
        "dedicated_host": instances["tenancy"] == "host",
        "outpost": instances["outpost_arn"] != "",
        **{why: zone_type == name for name, why in ZONE_REASONS.items()},
        "outside_region_zones": ~suffix.str.fullmatch(REGION_OWN_ZONE),
        "platform_not_sold": known_platform & ~instances["platform"].isin(PRODUCTS),
        "platform_unknown": ~known_platform,
    }
    chosen = np.select(list(rules.values()), list(rules), default="")
    return pd.Series(chosen, index=instances.index, dtype="str")


def _why_no_discount(reservations: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series[str]:
    """Return the first reason that applies, "" where the reservation gives a discount."""
    zonal = reservations["scope"] == ZONAL
    makes_sense = (
        (zonal & (reservations["availability_zone"] != "")) | (reservations["scope"] == REGIONAL)
    ) & (reservations["instance_count"] > 0)
    state = reservations["state"]
    rules = {
        "not_started": (state == "active") & (reservations["start"] > as_of),
        "ended": (state == "active") & (reservations["end"] <= as_of),
        "malformed": (state == "active") & ~makes_sense,
    }
    chosen = np.select(list(rules.values()), list(rules), default="")
    found = pd.Series(chosen, index=reservations.index, dtype="str")
    return found.mask(state != "active", state.where(state != "", "state_unknown"))
