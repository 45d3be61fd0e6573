"""Capacity: idle slots of On-Demand Capacity Reservations, which use up regional reservations.

Source: EC2 User Guide, "Capacity Reservation pricing and billing": a slot is billed whether an
instance runs in it or not; regional reservations apply to both, to instances first; zonal ones do
not apply to Capacity Reservations, and no reservation applies to Capacity Blocks.
"""

from __future__ import annotations

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import allocated_units
from ri_report.rules.eligibility import INSTANCE_COLUMNS, why_not_eligible, zone_types
from ri_report.rules.matching import IDLE_SLOT, INSTANCE
from ri_report.rules.platforms import capacity_platforms
from ri_report.rules.sizes import QUARTERS, pool_names, quarter_units

CAPACITY = Frame(
    "capacity_reservations",
    ("account_id", "region", "capacity_reservation_id"),
    (
        Column("account_id", "text", "Account that owns it", "Owner"),
        Column("region", "text", "Region"),
        Column(
            "availability_zone",
            "text",
            "Zone name in the owner's account or, if that was not read, in that of who pays",
            "Zone",
        ),
        Column("availability_zone_id", "text", "Zone id, the same place everywhere", "Zone id"),
        Column("capacity_reservation_id", "text", "Id", "Capacity reservation"),
        Column("instance_type", "text", "Instance type"),
        Column("platform", "text", "Platform, as reservations are sold"),
        Column("tenancy", "text", "default or dedicated"),
        Column("state", "text", "State"),
        Column("reservation_type", "text", "default, capacity-block or interruptible", "Type"),
        Column("billed_account_id", "text", "Account that pays for idle slots", "Paid by"),
        Column("total_instances", "count", "Instances that it has room for", nullable=True),
        Column("available_instances", "count", "Idle slots of it", "Idle slots", nullable=True),
        Column("idle_units", "units", "Normalized units of its idle slots", nullable=True),
        Column(
            "covered_idle_units",
            "units",
            "Of these, covered by regional reservations",
            nullable=True,
        ),
        Column("reason", "text", "Why reservations cannot cover its idle slots", "Why not covered"),
    ),
)
SLOTS = Frame(
    "idle_slots",
    ("usage_id",),
    (
        Column("usage_id", "text", "Capacity reservation"),
        *INSTANCE_COLUMNS,
        Column("kind", "text", "idle_slot"),
        Column("hours", "number", "Slot-hours: so many slots, each for 1.0 hours in a snapshot"),
        Column("units", "units", "Normalized units of all its idle slots"),
        Column("pool", "text", "Family where sizes flex, else the exact type"),
    ),
)

LIFECYCLES = {
    "default": "",
    "capacity-block": "capacity-block",
    "interruptible": "interruptible-capacity-reservation",
}
"""What instances in a capacity reservation of this type have as their lifecycle."""
IDLE_SLOT_REASONS = {
    "not_running": "It is not active: AWS bills no idle slots",
    "capacity_block": "A Capacity Block, to which reservations do not apply",
    "interruptible_capacity": "Interruptible capacity; taken as not eligible",
    "lifecycle_unknown": "A type of capacity reservation that this version does not know",
    "tenancy_unknown": "A tenancy that this version does not know",
    "dedicated_host": "Dedicated Hosts are billed by the host",
    "outpost": "On an Outpost; AWS does not say that reservations apply there",
    "local_zone": "In a Local Zone; AWS does not say that reservations apply there",
    "wavelength_zone": "In a Wavelength Zone; AWS does not say that reservations apply there",
    "zone_unknown": "AWS did not say in which zone it is",
    "outside_region_zones": "In a zone that is not one of the region's own",
    "type_unknown": "Its type is no family and size that this version can read",
    "platform_not_sold": "AWS sells no reservation for this license",
    "platform_unknown": "A license that this version does not know",
}


def held_capacity(capacity: pd.DataFrame, zones: pd.DataFrame) -> pd.DataFrame:
    """Return every capacity reservation with the units of its idle slots, sorted by `CAPACITY.key`.

    Where both the owner and the account that pays for idle slots told of it, the owner's word
    counts.

    Args:
        capacity: Frame `schema.CAPACITY_RESERVATIONS`.
        zones: Frame `schema.ZONES`.

    Returns:
        Frame `CAPACITY`, of which nothing is covered yet. `reason` is "" where reservations can
        cover idle slots: the rules are those for instances.
    """
    capacity = _each_once(capacity)
    known = capacity.assign(**capacity_platforms(capacity))
    idle, payer = known["available_instances"], known["unused_billing_owner_id"]
    owner = known["owner_id"].where(known["owner_id"] != "", known["account_id"])
    return CAPACITY.check(
        known.assign(
            account_id=owner,
            billed_account_id=payer.where(payer != "", owner),
            idle_units=idle * quarter_units(known["instance_type"]) / QUARTERS,
            covered_idle_units=0.0,
            reason=why_not_eligible(_as_instances(known), zone_types(known, zones)),
        ).sort_values(list(CAPACITY.key))
    )


def _each_once(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return each capacity reservation once, as its owner told of it, else who pays."""
    told = capacity.sort_values(["owner_id", "account_id"])
    return told.drop_duplicates("capacity_reservation_id")


def _as_instances(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return capacity reservations with the fields of instances that would run in them."""
    return capacity.assign(
        state=capacity["state"].replace("active", "running"),
        lifecycle=capacity["reservation_type"].replace(LIFECYCLES),
    )


def idle_slots(held: pd.DataFrame) -> pd.DataFrame:
    """Return frame `SLOTS`: what `allocate` takes as idle slots, one row a capacity reservation.

    The account is the one that pays for them, which the owner may have assigned (EC2 User Guide,
    "Billing assignment for shared Amazon EC2 Capacity Reservations").

    Args:
        held: What `held_capacity` returns.
    """
    idle = held[(held["reason"] == "") & (held["available_instances"] > 0)]
    return SLOTS.check(
        idle.assign(
            usage_id=idle["capacity_reservation_id"],
            account_id=idle["billed_account_id"],
            kind=IDLE_SLOT,
            hours=idle["available_instances"],
            units=idle["idle_units"],
            pool=pool_names(idle),
        ).sort_values("usage_id")
    )


def with_slots(usage: pd.DataFrame, slots: pd.DataFrame) -> pd.DataFrame:
    """Return instances and idle slots as one frame, as `allocate` takes them.

    Args:
        usage: Frame `eligibility.USAGE`.
        slots: Frame `SLOTS`.
    """
    both = pd.concat([usage.assign(kind=INSTANCE), slots], ignore_index=True)
    return both.fillna({"capacity_reservation_id": ""})


def covered_capacity(held: pd.DataFrame, allocations: pd.DataFrame) -> pd.DataFrame:
    """Return frame `CAPACITY` with what reservations cover of the idle slots.

    Args:
        held: What `held_capacity` returns.
        allocations: Frame `allocation.ALLOCATIONS`, of instances and idle slots.
    """
    units = allocated_units(held["capacity_reservation_id"].rename("usage_id"), allocations)
    return CAPACITY.check(held.assign(covered_idle_units=units))
