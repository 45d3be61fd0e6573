"""Capacity reservations use the words of EC2's own model."""

from __future__ import annotations

from datetime import UTC, datetime

from ri_report.sandbox.capacity import INSTANCE_PLATFORMS, Hold, described_capacity_reservation
from ri_report.sandbox.demo import demo_organization
from ri_report.sandbox.fleet import USAGE_OPERATIONS
from ri_report.sandbox.organization import Zone
from ri_report.sandbox.wire import service_model

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def _words(shape: str) -> set[str]:
    words: list[str] = service_model("ec2").shape_for(shape).enum  # type: ignore[attr-defined] # a StringShape has it
    return set(words)


def test_every_platform_but_macos_has_a_word_of_ec2() -> None:
    platforms = {INSTANCE_PLATFORMS.get(name, name) for name in USAGE_OPERATIONS} - {"macOS"}
    assert platforms <= _words("CapacityReservationInstancePlatform")


def test_demo_uses_the_words_of_ec2() -> None:
    organization = demo_organization(AS_OF)
    held = [
        one
        for account in organization.accounts
        for all_held in account.capacity_reservations.values()
        for one in all_held
    ]
    assert {h["State"] for h in held} <= _words("CapacityReservationState")
    assert {h["ReservationType"] for h in held} <= _words("CapacityReservationType")
    assert {h["EndDateType"] for h in held} <= _words("EndDateType")
    assert {h["InstanceMatchCriteria"] for h in held} <= _words("InstanceMatchCriteria")
    assert {h["Tenancy"] for h in held} <= _words("CapacityReservationTenancy")


def test_what_is_no_longer_held_has_no_slots() -> None:
    zone = Zone("us-east-1a", "use1-az1", "us-east-1")
    hold = Hold("111122223333", 1, zone, 5, "m5.large", "past", state="cancelled")
    assert described_capacity_reservation(hold, 0, zone.name, AS_OF)["AvailableInstanceCount"] == 0
