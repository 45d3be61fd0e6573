"""A made-up organization, the same in every run, for tests that look at whole reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
    Inventory,
)
from ri_report.report.assembly import build_report
from ri_report.report.model import Targets
from ri_report.rules.analysis import analyze
from ri_report.rules.sharing import Sharing
from ri_report.rules.unknown import blind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ri_report.report.model import Report

AS_OF = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NAMES = (
    "management", "web-prod", "web-staging", "data-prod", "data-dev", "payments",
    "search", "ml-research", "shared-services", "security", "sandbox", "archive",
)  # fmt: skip
ZONE_IDS = {
    "us-east-1": "use1-az{}",
    "eu-west-1": "euw1-az{}",
    "ap-southeast-2": "apse2-az{}",
}
TYPES = (
    "m5.large", "m5.xlarge", "m5.2xlarge", "c5.xlarge", "c5.4xlarge", "r5.2xlarge",
    "t3.medium", "t3.nano", "m6i.large", "g5.2xlarge", "r6g.large", "m5.metal",
)  # fmt: skip
WINDOWS = {"platform_details": "Windows", "usage_operation": "RunInstances:0002"}
LINUX = {"platform_details": "Linux/UNIX", "usage_operation": "RunInstances"}


@dataclass
class Dice:
    """A tiny linear congruential generator: the same faces in every version of Python."""

    state: int = 20261122

    def roll(self, faces: int) -> int:
        """Return 0 .. faces - 1."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % faces


def account_id(number: int) -> str:
    """Return the 12-digit id of the account with this number."""
    return f"{100000000000 + 1111 * (number + 1):012d}"


def _instances(dice: Dice, accounts: int, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        region = list(ZONE_IDS)[min(dice.roll(5) // 2, 2)]
        letter = dice.roll(3)
        owner = dice.roll(accounts)
        yield {
            "account_id": account_id(owner),
            "region": region,
            "instance_id": f"i-{number:017x}",
            "name": f"{NAMES[owner % len(NAMES)]}-{number}",
            "instance_type": TYPES[min(dice.roll(14), dice.roll(14), 11)],
            "availability_zone": region + "abc"[letter],
            "availability_zone_id": ZONE_IDS[region].format(1 + (letter + owner % 2) % 3),
            "state": "running",
            "lifecycle": "spot" if dice.roll(12) == 0 else "",
            "tenancy": "default",
            **(WINDOWS if dice.roll(6) == 0 else LINUX),
            "launch_time": AS_OF - timedelta(days=dice.roll(400)),
        }


def _reservations(dice: Dice, accounts: int, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        region = list(ZONE_IDS)[min(dice.roll(5) // 2, 2)]
        zonal = dice.roll(4) == 0
        left = timedelta(days=1 + dice.roll(3) * dice.roll(360))
        state = ("retired", "queued", "payment-pending")[dice.roll(3)] if not dice.roll(9) else ""
        start = AS_OF + left if state == "queued" else AS_OF + left - timedelta(days=1096)
        owner = dice.roll(accounts)
        yield {
            "account_id": account_id(owner),
            "region": region,
            "reservation_id": f"{number:08x}-7c1e-4b5f-9a53-0242ac120002",
            "scope": "zonal" if zonal else "regional",
            "availability_zone": region + "a" if zonal else "",
            "availability_zone_id": ZONE_IDS[region].format(1 + owner % 2) if zonal else "",
            "instance_type": TYPES[min(dice.roll(14), dice.roll(14), 11)],
            "product_description": "Windows" if dice.roll(7) == 0 else "Linux/UNIX (Amazon VPC)",
            "tenancy": "default",
            "instance_count": 1 + dice.roll(2 + count // 10),
            "state": state or "active",
            "start": start,
            "end": start + timedelta(days=1096),
            "duration_seconds": 94608000,
            "offering_class": "standard" if dice.roll(3) else "convertible",
            "payment_option": ("No Upfront", "Partial Upfront", "All Upfront")[dice.roll(3)],
            "fixed_price": 120.0 * dice.roll(4),
            "usage_price": 0.0,
            "recurring_hourly_cost": 0.031,
            "currency": "USD",
        }


def _held(accounts: int) -> Iterator[dict[str, Any]]:
    """Idle slots of every family that is reserved, so that some are covered and some are not."""
    for number, instance_type in enumerate(TYPES):
        yield {
            "account_id": account_id(number % accounts),
            "region": "us-east-1",
            "capacity_reservation_id": f"cr-{number:017x}",
            "availability_zone": "us-east-1a",
            "availability_zone_id": ZONE_IDS["us-east-1"].format(1 + number % accounts % 2),
            "instance_type": instance_type,
            "platform": "Linux/UNIX",
            "tenancy": "default",
            "total_instances": 3,
            "available_instances": number % 4,
            "state": "active",
            "reservation_type": "capacity-block" if number == 9 else "default",
        }


def make_inventory(accounts: int, instances: int, reservations: int, refused: int) -> Inventory:
    """Return an organization in which the last accounts refused the role."""
    dice = Dice()
    readable = accounts - refused
    outcomes: list[dict[str, Any]] = [
        {
            "account_id": account_id(number),
            "region": region,
            "kind": kind,
            "status": "OK",
            "row_count": 1,
            "is_gap": False,
        }
        for number in range(readable)
        for region in ZONE_IDS
        for kind in ("instances", "reservations", "zones", "capacity_reservations")
    ]
    outcomes += [
        {
            "account_id": account_id(number),
            "kind": "account",
            "status": "DENIED",
            "reason": "role",
            "detail": "User: arn:aws:sts::100000001111:assumed-role/reporter/ri-report is not"
            " authorized to perform: sts:AssumeRole",
            "fix": "Create the role CrossAccountInstanceCounter in this account and let its trust"
            " policy name arn:aws:iam::100000001111:root (ri-report iam prints both)",
            "row_count": 0,
            "is_gap": True,
        }
        for number in range(readable, accounts)
    ]
    zones = [
        {
            "account_id": account_id(number),
            "region": region,
            "availability_zone": region + "abc"[letter],
            "availability_zone_id": pattern.format(1 + (letter + number % 2) % 3),
            "zone_type": "availability-zone",
        }
        for number in range(readable)
        for region, pattern in ZONE_IDS.items()
        for letter in range(3)
    ]
    return Inventory(
        as_of=AS_OF,
        run="2026-11-22T060000Z",
        source="aws",
        endpoint="",
        caller_account_id=account_id(0),
        accounts=ACCOUNTS.of(
            {
                "account_id": account_id(number),
                "account_name": NAMES[number % len(NAMES)],
                "state": "ACTIVE",
                "is_management": number == 0,
            }
            for number in range(accounts)
        ),
        instances=INSTANCES.of(_instances(dice, readable, instances)),
        reservations=RESERVATIONS.of(_reservations(dice, readable, reservations)),
        capacity_reservations=CAPACITY_RESERVATIONS.of(_held(readable)),
        zones=ZONES.of(zones),
        outcomes=OUTCOMES.of(outcomes),
    )


def make_report(
    accounts: int = 12,
    instances: int = 320,
    reservations: int = 40,
    refused: int = 0,
    *,
    name: str = "",
) -> Report:
    """Return the report of a made-up organization; a name is that of its first account."""
    inventory = make_inventory(accounts, instances, reservations, refused)
    if name:
        inventory.accounts.loc[0, "account_name"] = name
    analysis = blind(analyze(inventory, Sharing()), inventory, Sharing())
    return build_report(inventory, analysis, Sharing(), Targets())


@pytest.fixture(scope="session")
def complete() -> Report:
    """Return the report of an organization of which everything was read."""
    return make_report()


@pytest.fixture(scope="session")
def incomplete() -> Report:
    """Return the report of an organization in which one account refused the role."""
    return make_report(refused=1)


@pytest.fixture(scope="session")
def small() -> Report:
    """Return a short report that still has rows in every table."""
    return make_report(accounts=4, instances=40, reservations=20, refused=1)


@pytest.fixture(scope="session")
def organization() -> Callable[..., Report]:
    """Return the function that makes a report of any size."""
    return make_report
