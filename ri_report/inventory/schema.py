"""The frames of an inventory: accounts, instances, what was reserved, zones, how each was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ri_report.inventory.frames import Column, Frame

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

SCHEMA_VERSION = 1

ACCOUNTS = Frame(
    "accounts",
    ("account_id",),
    (
        Column("account_id", "text", "12 digits", "Account"),
        Column("account_name", "text", "Name in Organizations or the configuration", "Name"),
        Column("state", "text", "State in Organizations, ACTIVE where a list was configured"),
        Column("is_management", "flag", "Whether it is the management account", nullable=True),
    ),
)

INSTANCES = Frame(
    "instances",
    ("instance_id",),
    (
        Column("account_id", "text", "Account that runs the instance", "Account"),
        Column("region", "text", "Region"),
        Column("instance_id", "text", "Instance id", "Instance"),
        Column("name", "text", "Value of the tag Name"),
        Column("instance_type", "text", "Instance type"),
        Column("availability_zone", "text", "Zone name, as this account sees it"),
        Column("availability_zone_id", "text", "Zone id, the same place for every account"),
        Column("state", "text", "State at the moment of reading; only running ones count"),
        Column("lifecycle", "text", "Empty for On-Demand; spot, scheduled, capacity-block, ..."),
        Column("tenancy", "text", "default, dedicated or host"),
        Column("platform", "text", "The field Platform: windows or nothing"),
        Column("platform_details", "text", "The field PlatformDetails"),
        Column("usage_operation", "text", "The field UsageOperation"),
        Column("outpost_arn", "text", "Outpost that the instance runs on"),
        Column("capacity_reservation_id", "text", "Capacity reservation that it runs in"),
        Column("launch_time", "time", "Launch time", nullable=True),
    ),
)

RESERVATIONS = Frame(
    "reservations",
    ("reservation_id",),
    (
        Column("account_id", "text", "Account that bought the reservation", "Owner"),
        Column("region", "text", "Region"),
        Column("reservation_id", "text", "ReservedInstancesId", "Reservation"),
        Column("scope", "text", "zonal or regional"),
        Column("availability_zone", "text", "Zone name in the owner's account; empty if regional"),
        Column("availability_zone_id", "text", "Zone id; empty if regional"),
        Column("instance_type", "text", "Instance type"),
        Column("product_description", "text", "Platform as AWS sells it"),
        Column("tenancy", "text", "default or dedicated"),
        Column("instance_count", "count", "Instances bought", "Bought"),
        Column("state", "text", "active, payment-pending, payment-failed, retired, queued, ..."),
        Column("start", "time", "Start of the term (inclusive)", nullable=True),
        Column("end", "time", "End of the term (exclusive)", nullable=True),
        Column("duration_seconds", "number", "Length of the term in seconds", nullable=True),
        Column("offering_class", "text", "standard or convertible"),
        Column("payment_option", "text", "No, Partial or All Upfront (OfferingType)"),
        Column("fixed_price", "cost", "Upfront price of one instance", nullable=True),
        Column("usage_price", "cost", "Legacy hourly price of one instance", nullable=True),
        Column("recurring_hourly_cost", "cost", "Hourly charge of one instance", nullable=True),
        Column("currency", "text", "Currency of the prices"),
    ),
)

CAPACITY_RESERVATIONS = Frame(
    "capacity_reservations",
    ("account_id", "region", "capacity_reservation_id"),
    (
        Column("account_id", "text", "Account that was asked: owns it, or pays for idle slots"),
        Column("region", "text", "Region"),
        Column("owner_id", "text", "Account that owns it, where that is another", "Owner"),
        Column("capacity_reservation_id", "text", "Id", "Capacity reservation"),
        Column("instance_type", "text", "Instance type"),
        Column("platform", "text", "InstancePlatform, as AWS words it"),
        Column("availability_zone", "text", "Zone name, as the account that was asked sees it"),
        Column("availability_zone_id", "text", "Zone id, the same place for every account"),
        Column("tenancy", "text", "default or dedicated"),
        Column("total_instances", "count", "Instances that it holds room for", nullable=True),
        Column("available_instances", "count", "Slots that nothing runs in"),
        Column("state", "text", "State at the moment of reading; only active ones are kept"),
        Column("reservation_type", "text", "default, capacity-block or interruptible"),
        Column(
            "unused_billing_owner_id",
            "text",
            "Account that AWS bills for idle slots; empty: the owner",
            "Idle slots billed to",
        ),
        Column("outpost_arn", "text", "Outpost that it is on"),
        Column("start", "time", "When it began", nullable=True),
        Column("end", "time", "When it expires; missing: not before it is canceled", nullable=True),
    ),
)

ZONES = Frame(
    "zones",
    ("account_id", "region", "availability_zone"),
    (
        Column("account_id", "text", "Account that sees the zone under this name", "Account"),
        Column("region", "text", "Region"),
        Column("availability_zone", "text", "Zone name in this account"),
        Column("availability_zone_id", "text", "Zone id, the same place for every account"),
        Column("zone_type", "text", "availability-zone, local-zone or wavelength-zone"),
    ),
)


@dataclass(frozen=True)
class Inventory:
    """Everything that one run saw, and how the reading of each cell ended.

    Attributes:
        as_of: The moment of observation, aware UTC; every rule about time uses it.
        run: The name of the run, and of its folder.
        source: `aws` or `dumps`.
        endpoint: Host of a custom AWS endpoint (AWS_ENDPOINT_URL), "" for AWS itself.
        caller_account_id: The account that the job ran in; "" when read from dumps.
        accounts: Frame `ACCOUNTS`.
        instances: Frame `INSTANCES`; running ones only.
        reservations: Frame `RESERVATIONS`, in every state.
        zones: Frame `ZONES`.
        outcomes: Frame `outcomes.OUTCOMES`.
        capacity_reservations: Frame `CAPACITY_RESERVATIONS`; active ones only.
    """

    as_of: datetime
    run: str
    source: str
    endpoint: str
    caller_account_id: str
    accounts: pd.DataFrame
    instances: pd.DataFrame
    reservations: pd.DataFrame
    zones: pd.DataFrame
    outcomes: pd.DataFrame
    capacity_reservations: pd.DataFrame = field(
        default_factory=lambda: CAPACITY_RESERVATIONS.of([])
    )
