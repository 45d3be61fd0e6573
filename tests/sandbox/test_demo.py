"""The demo organization shows every phenomenon and has the figures of a real company."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.sandbox.demo import demo_organization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
DEMO = demo_organization(AS_OF)
UNREAD = {"098765432109", "345678901234"}
QUARTER_UNITS = {"nano": 1, "micro": 2, "small": 4, "medium": 8, "large": 16, "xlarge": 32}
NOT_FLEXIBLE = {"g4dn", "g5"}
NOT_ELIGIBLE = {"macOS", "Ubuntu Pro", "Windows BYOL"}
SOLD_AS = {
    "Red Hat BYOL Linux": "Linux/UNIX",
    "SQL Server Standard": "Linux with SQL Server Standard",
}


def _instances() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for account in DEMO.accounts:
        for region, instances in account.instances.items():
            for instance in instances:
                yield account.account_id, region, instance


def _purchases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for account in DEMO.accounts:
        for region, purchases in account.reserved_instances.items():
            for purchase in purchases:
                yield account.account_id, region, purchase


def _held() -> list[tuple[str, dict[str, Any]]]:
    """Capacity reservations in the answers to their owners, each with its Region."""
    return [
        (region, held)
        for account in DEMO.accounts
        for region, all_held in account.capacity_reservations.items()
        for held in all_held
        if held["OwnerId"] == account.account_id
    ]


def _units(instance_type: str) -> int:
    """Quarter normalized units, after the table of apply_ri in the EC2 User Guide."""
    size = instance_type.partition(".")[2]
    if instance_type == "i3.metal":
        return 4 * 128
    if size.endswith("xlarge") and size != "xlarge":
        return 32 * int(size.removesuffix("xlarge"))
    return QUARTER_UNITS.get(size, 4)


def _is_eligible(instance: dict[str, Any]) -> bool:
    return (
        instance["State"]["Name"] == "running"
        and "InstanceLifecycle" not in instance
        and "OutpostArn" not in instance
        and instance["Placement"]["Tenancy"] != "host"
        and instance["Placement"]["AvailabilityZone"].count("-") == 2
        and instance["PlatformDetails"] not in NOT_ELIGIBLE
    )


class _Usage:
    def __init__(self, account_id: str, region: str, instance: dict[str, Any]) -> None:
        platform = instance["PlatformDetails"]
        self.account_id = account_id
        self.product = (region, SOLD_AS.get(platform, platform), instance["Placement"]["Tenancy"])
        self.type = instance["InstanceType"]
        self.zone = instance["Placement"]["AvailabilityZone"]
        self.in_capacity_reservation = "CapacityReservationId" in instance
        self.units = self.left = _units(self.type)


class _Offer:
    def __init__(self, account_id: str, region: str, purchase: dict[str, Any]) -> None:
        platform = purchase["ProductDescription"].removesuffix(" (Amazon VPC)")
        self.account_id = account_id
        self.product = (region, platform, purchase["InstanceTenancy"])
        self.type = purchase["InstanceType"]
        self.zone = purchase.get("AvailabilityZone", "")
        self.units = self.left = _units(self.type) * purchase["InstanceCount"]
        family = self.type.partition(".")[0]
        flexible = self.product[1:] == ("Linux/UNIX", "default") and family not in NOT_FLEXIBLE
        self.is_flexible = flexible and not self.zone

    def takes(self, usage: _Usage) -> bool:
        if self.product != usage.product:
            return False
        if self.zone and (self.zone != usage.zone or usage.in_capacity_reservation):
            return False
        if self.is_flexible:
            return bool(self.type.partition(".")[0] == usage.type.partition(".")[0])
        return bool(self.type == usage.type)


def _allocate() -> tuple[list[_Usage], list[_Offer]]:
    """AWS's order, instance by instance: zonal before regional, the owner before the others."""
    usage = [_Usage(*row) for row in _instances() if row[0] not in UNREAD and _is_eligible(row[2])]
    offers = [
        _Offer(*row)
        for row in _purchases()
        if row[0] not in UNREAD
        and row[2]["State"] == "active"
        and row[2]["Start"] <= AS_OF < row[2]["End"]
    ]
    usage.sort(key=lambda one: one.units)
    for zonal, own in ((True, True), (True, False), (False, True), (False, False)):
        for one in usage:
            for offer in offers:
                same = offer.account_id == one.account_id
                if bool(offer.zone) == zonal and same == own and offer.takes(one):
                    given = min(offer.left, one.left)
                    offer.left -= given
                    one.left -= given
    return usage, offers


USAGE, OFFERS = _allocate()


def test_equal_moments_give_equal_organizations() -> None:
    assert demo_organization(AS_OF) == DEMO
    assert demo_organization(AS_OF + timedelta(days=1)) != DEMO


def test_dates_move_with_the_moment_of_observation() -> None:
    later = demo_organization(AS_OF + timedelta(days=400))
    assert [len(account.instances) for account in later.accounts] == [
        len(account.instances) for account in DEMO.accounts
    ]
    (first, *_) = later.accounts[0].reserved_instances["us-east-1"]
    (before, *_) = DEMO.accounts[0].reserved_instances["us-east-1"]
    assert first["End"] - before["End"] == timedelta(days=400)


def test_organization_has_the_size_of_a_company() -> None:
    assert len(DEMO.accounts) == 14
    assert len(list(_instances())) == 395
    assert len(_held()) == 4
    assert len(list(_purchases())) == 41
    assert any(account.account_id.startswith("0") for account in DEMO.accounts)
    ids = [instance["InstanceId"] for _, _, instance in _instances()]
    assert len(set(ids)) == len(ids)
    assert {region for _, region, _ in _instances()} >= {"us-east-1", "eu-west-1", "eu-central-1"}


def test_figures_are_those_of_a_company() -> None:
    covered = sum(one.units - one.left for one in USAGE)
    used = sum(offer.units - offer.left for offer in OFFERS)
    assert covered == used
    assert 0.60 <= covered / sum(one.units for one in USAGE) <= 0.75
    assert 0.85 <= used / sum(offer.units for offer in OFFERS) <= 0.92


def test_purchases_are_in_every_state() -> None:
    states = Counter(purchase["State"] for _, _, purchase in _purchases())
    assert states == {
        "active": 33,
        "retired": 3,
        "queued": 2,
        "payment-pending": 1,
        "payment-failed": 1,
        "queued-deleted": 1,
    }


@pytest.mark.parametrize("days", [30, 60, 90])
def test_some_reservations_expire_in_each_month_ahead(days: int) -> None:
    until, since = AS_OF + timedelta(days=days), AS_OF + timedelta(days=days - 30)
    ends = [p["End"] for _, _, p in _purchases() if p["State"] == "active"]
    assert [end for end in ends if since < end <= until]


def test_modified_reservation_starts_in_the_second_in_which_the_old_one_retired() -> None:
    found = [row[2] for row in _purchases() if row[0] == "555566667777"]
    old = next(p for p in found if p["State"] == "retired")
    new = next(p for p in found if p["Start"] == old["End"])
    assert new["FixedPrice"] == 0
    assert _units(new["InstanceType"]) * new["InstanceCount"] == (
        _units(old["InstanceType"]) * old["InstanceCount"]
    )


def test_instances_that_no_reservation_covers_are_of_every_kind() -> None:
    values = [instance for _, _, instance in _instances()]
    assert {i.get("InstanceLifecycle") for i in values} >= {"spot", "scheduled", "capacity-block"}
    assert {i["Placement"]["Tenancy"] for i in values} == {"default", "dedicated", "host"}
    assert {i["PlatformDetails"] for i in values} >= NOT_ELIGIBLE
    assert {i["State"]["Name"] for i in values} == {"running", "stopped"}
    assert [i for i in values if "OutpostArn" in i]
    assert [i for i in values if "CapacityReservationId" in i]
    assert [i for i in values if i["Placement"]["AvailabilityZone"] == "us-east-1-bos-1a"]
    assert [i for i in values if i["InstanceType"].endswith(".metal")]
    assert [i for i in values if i["InstanceType"] == "t5g.pico"]


def test_idle_reservations_have_each_their_reason() -> None:
    idle = {(offer.type, offer.product[1]) for offer in OFFERS if offer.left == offer.units}
    assert idle == {
        ("m4.2xlarge", "Linux/UNIX"),
        ("c5.xlarge", "Linux/UNIX"),
        ("g5.2xlarge", "Linux/UNIX"),
        ("m5.large", "Windows"),
        ("t3.large", "Windows"),
    }
    assert any(0 < offer.left < offer.units for offer in OFFERS)
    running = {(one.type, one.zone) for one in USAGE}
    assert ("c5.xlarge", "us-east-1b") in running
    assert ("c5.xlarge", "us-east-1a") not in running
    assert not [one for one in USAGE if one.type.startswith("m4.")]


def test_families_are_covered_wholly_partly_and_not_at_all() -> None:
    left, units = Counter[str](), Counter[str]()
    for one in USAGE:
        family = one.type.partition(".")[0]
        left[family] += one.left
        units[family] += one.units
    assert {family for family in units if not left[family]} >= {"i3", "x2idn"}
    assert {family for family in units if left[family] == units[family]} >= {"m6i"}
    assert 0 < left["m5"] < units["m5"]
    assert any(0 < one.left < one.units for one in USAGE)


def test_slots_are_idle_where_nothing_runs_in_them() -> None:
    ids = (i.get("CapacityReservationId") for _, _, i in _instances())
    running = Counter(one for one in ids if one)
    assert running.keys() <= {held["CapacityReservationId"] for _, held in _held()}
    for _, held in _held():
        used = running[held["CapacityReservationId"]]
        idle = held["AvailableInstanceCount"]
        assert (idle + used == held["TotalInstanceCount"]) == (held["State"] == "active")


def test_capacity_reservations_are_of_every_kind() -> None:
    values = [held for _, held in _held()]
    assert {held["ReservationType"] for held in values} == {"default", "capacity-block"}
    assert {held["State"] for held in values} == {"active", "expired"}
    (shared,) = (held for held in values if "UnusedReservationBillingOwnerId" in held)
    consumer = DEMO.account(shared["UnusedReservationBillingOwnerId"])
    assert consumer is not None
    assert shared in consumer.capacity_reservations["us-east-1"]
    runs_there = {
        account_id
        for account_id, _, instance in _instances()
        if instance.get("CapacityReservationId") == shared["CapacityReservationId"]
    }
    assert runs_there == {shared["OwnerId"], consumer.account_id}


def test_idle_slots_are_more_than_a_regional_reservation_has_left() -> None:
    """Idle slots use it up: 80 units bought, 68 run, and 16 are idle."""
    (idle,) = (
        _units(held["InstanceType"]) * held["AvailableInstanceCount"]
        for region, held in _held()
        if (region, held["InstanceType"]) == ("eu-central-1", "m5.large")
    )
    (left,) = (
        offer.left
        for offer in OFFERS
        if offer.product[0] == "eu-central-1" and offer.type == "m5.2xlarge"
    )
    assert (idle, left) == (4 * 16, 4 * 12)


def test_reservations_of_the_management_account_are_all_lent() -> None:
    management = DEMO.management_account_id
    lent = [offer for offer in OFFERS if offer.account_id == management]
    assert lent
    assert all(offer.left < offer.units for offer in lent)
    families = {offer.type.partition(".")[0] for offer in lent}
    own = {one.type.partition(".")[0] for one in USAGE if one.account_id == management}
    assert not families & own


def test_names_of_zones_mislead() -> None:
    lender, borrower = DEMO.account("012345678901"), DEMO.account("444455556666")
    assert lender is not None
    assert borrower is not None
    (zonal,) = (
        row[2] for row in _purchases() if row[0] == "012345678901" and "AvailabilityZone" in row[2]
    )
    same = [
        i["Placement"]
        for i in borrower.instances["us-east-1"]
        if i["InstanceType"] == zonal["InstanceType"]
    ]
    assert {place["AvailabilityZone"] for place in same} == {zonal["AvailabilityZone"]}
    assert zonal["AvailabilityZoneId"] not in {place["AvailabilityZoneId"] for place in same}


def test_names_written_by_strangers_are_among_the_tags() -> None:
    names = {t["Value"] for _, _, i in _instances() for t in i["Tags"]}
    assert {"<script>alert(1)</script>", "=cmd|' /C calc'!A0"} <= names
    assert any("\N{RIGHT-TO-LEFT OVERRIDE}" in name for name in names)
    assert max(map(len, names)) == 256


def test_all_but_two_accounts_can_be_read(world: Callable[..., Any]) -> None:
    running = world(DEMO)
    sts = running.client("sts")
    refused = set()
    for account in running.client("organizations").list_accounts()["Accounts"]:
        arn = f"arn:aws:iam::{account['Id']}:role/CrossAccountInstanceCounter"
        try:
            sts.assume_role(RoleArn=arn, RoleSessionName="ri-report")
        except sts.exceptions.ClientError:
            refused.add(account["Id"])
    assert refused == UNREAD | {DEMO.management_account_id}
