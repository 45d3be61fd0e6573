"""Eligibility: what reservations can cover, and which reservations give a discount."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from ri_report.inventory.schema import INSTANCES, RESERVATIONS, ZONES
from ri_report.rules.eligibility import (
    ACTIVE,
    LIFECYCLE_REASONS,
    NO_DISCOUNT_REASONS,
    NOT_ELIGIBLE,
    NOT_ELIGIBLE_REASONS,
    OTHER_STATES,
    USAGE,
    ZONE_REASONS,
    active_reservations,
    eligible_usage,
    zone_types,
)
from tests.rules.fleet import AS_OF, END, START, fleet, lines, table

INSTANCE = {
    "instance_id": "i-1",
    "account_id": "A",
    "region": "us-east-1",
    "instance_type": "m5.large",
    "availability_zone": "us-east-1a",
    "state": "running",
    "tenancy": "default",
    "usage_operation": "RunInstances",
}
RESERVATION = {
    "reservation_id": "r-1",
    "account_id": "A",
    "region": "us-east-1",
    "scope": "zonal",
    "availability_zone": "us-east-1a",
    "instance_type": "m5.large",
    "product_description": "Linux/UNIX",
    "tenancy": "default",
    "instance_count": 1,
    "state": "active",
    "start": START,
    "end": END,
}


def why_not(**fields: object) -> str:
    instances = INSTANCES.of([{**INSTANCE, **fields}])
    usage, not_eligible = eligible_usage(instances, ZONES.of([]))
    assert len(usage) + len(not_eligible) == 1
    return "" if len(usage) else str(not_eligible["reason"][0])


def why_no_discount(**fields: object) -> str:
    active, others = active_reservations(RESERVATIONS.of([{**RESERVATION, **fields}]), AS_OF)
    assert len(active) + len(others) == 1
    return "" if len(active) else str(others["reason"][0])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"tenancy": "dedicated"}, ""),
        ({"capacity_reservation_id": "cr-1"}, ""),
        ({"state": "stopped"}, "not_running"),
        ({"state": "shutting-down", "lifecycle": "spot"}, "not_running"),
        ({"state": ""}, "not_running"),
        ({"lifecycle": "spot"}, "spot"),
        ({"lifecycle": "scheduled"}, "scheduled"),
        ({"lifecycle": "capacity-block"}, "capacity_block"),
        ({"lifecycle": "interruptible-capacity-reservation"}, "interruptible_capacity"),
        ({"lifecycle": "leased-from-mars"}, "lifecycle_unknown"),
        ({"tenancy": "host"}, "dedicated_host"),
        ({"tenancy": "shared-ish"}, "tenancy_unknown"),
        ({"tenancy": ""}, "tenancy_unknown"),
        ({"outpost_arn": "arn:aws:outposts:us-east-1:1:outpost/op-1"}, "outpost"),
        ({"availability_zone": "us-east-1-nyc-1a"}, "outside_region_zones"),
        ({"availability_zone": "us-east-1-wl1-bos-wlz-1"}, "outside_region_zones"),
        ({"availability_zone": "eu-west-1a"}, "outside_region_zones"),
        ({"availability_zone": ""}, "zone_unknown"),
        ({"instance_type": "m5"}, "type_unknown"),
        ({"instance_type": ""}, "type_unknown"),
        ({"instance_type": "m99.enormous"}, ""),
        ({"usage_operation": "RunInstances:0g00"}, "platform_not_sold"),
        ({"usage_operation": "RunInstances:0800"}, "platform_not_sold"),
        ({"usage_operation": "RunInstances:0014"}, "platform_not_sold"),
        ({"instance_type": "mac2.metal"}, "platform_not_sold"),
        ({"usage_operation": "RunInstances:zzzz"}, "platform_unknown"),
        ({"usage_operation": "", "platform_details": "Plan 9"}, "platform_unknown"),
        ({"usage_operation": "", "platform": "windows"}, ""),
    ],
)
def test_only_running_on_demand_instances_of_a_sold_platform_in_a_zone_of_the_region_count(
    fields: dict[str, object], reason: str
) -> None:
    assert why_not(**fields) == reason


@pytest.mark.parametrize(("zone_type", "reason"), ZONE_REASONS.items())
def test_the_type_of_a_zone_sets_apart_whatever_its_name(zone_type: str, reason: str) -> None:
    here = {"account_id": "A", "region": "us-east-1", "availability_zone": "us-east-1a"}
    zones = ZONES.of([{**here, "zone_type": zone_type}, {**here, "account_id": "B"}])
    instances = INSTANCES.of([INSTANCE, {**INSTANCE, "instance_id": "i-2", "account_id": "B"}])
    usage, not_eligible = eligible_usage(instances, zones)
    assert usage["usage_id"].tolist() == ["i-2"]
    assert not_eligible["reason"].tolist() == [reason]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"scope": "regional", "availability_zone": ""}, ""),
        ({"start": AS_OF}, ""),
        ({"start": AS_OF + timedelta(seconds=1)}, "not_started"),
        ({"end": AS_OF}, "ended"),
        ({"end": AS_OF + timedelta(seconds=1)}, ""),
        ({"start": None, "end": None}, ""),
        ({"state": "payment-pending"}, "payment-pending"),
        ({"state": "payment-failed"}, "payment-failed"),
        ({"state": "retired"}, "retired"),
        ({"state": "queued", "start": END}, "queued"),
        ({"state": "queued-deleted"}, "queued-deleted"),
        ({"state": "on-holiday"}, "on-holiday"),
        ({"state": ""}, "state_unknown"),
        ({"scope": "Region"}, "malformed"),
        ({"scope": ""}, "malformed"),
        ({"availability_zone": ""}, "malformed"),
        ({"instance_count": 0}, "malformed"),
        ({"instance_type": "m5"}, "malformed"),
        ({"availability_zone": "us-east-1-nyc-1a"}, "outside_region_zones"),
        ({"instance_type": "m99.enormous"}, ""),
        ({"product_description": "Windows (Amazon VPC)"}, ""),
        ({"product_description": "Ubuntu Pro"}, "platform_unknown"),
        ({"product_description": ""}, "platform_unknown"),
        ({"tenancy": "dedicated"}, ""),
        ({"tenancy": "host"}, "tenancy_unknown"),
    ],
)
def test_only_active_reservations_within_their_term_that_can_be_read_give_a_discount(
    fields: dict[str, object], reason: str
) -> None:
    assert why_no_discount(**fields) == reason


def test_every_reason_that_the_rules_give_has_a_text() -> None:
    assert set(NOT_ELIGIBLE_REASONS) >= {*LIFECYCLE_REASONS.values(), *ZONE_REASONS.values()}
    for text in (*NOT_ELIGIBLE_REASONS.values(), *NO_DISCOUNT_REASONS.values()):
        assert text[0].isupper()


def test_usage_tells_units_and_pool_and_what_they_rest_on() -> None:
    world = fleet("""
        i-1: A runs 1 m5.xlarge in us-east-1a
        i-2: A runs 1 m5.xlarge in us-east-1a, dedicated
        i-3: A runs 1 m5.xlarge in us-east-1a, operation RunInstances:0002
        i-4: A runs 1 c6a.metal in us-east-1a
        i-5: A runs 1 t3.nano in us-east-1a
        i-6: A runs 1 m99.enormous in us-east-1a
        """)
    columns = ["usage_id", "platform", "tenancy", "units", "pool", "factor_basis", "hours"]
    assert table(world.usage, columns) == lines("""
        usage_id | platform   | tenancy   | units | pool         | factor_basis | hours
        i-1      | Linux/UNIX | default   | 8     | m5           | documented   | 1
        i-2      | Linux/UNIX | dedicated | 8     | m5.xlarge    | documented   | 1
        i-3      | Windows    | default   | 8     | m5.xlarge    | documented   | 1
        i-4      | Linux/UNIX | default   | 384   | c6a          | largest_size | 1
        i-5      | Linux/UNIX | default   | 0.25  | t3           | documented   | 1
        i-6      | Linux/UNIX | default   | 1     | m99.enormous | none         | 1
        """)


def test_a_reservation_tells_whether_its_size_flexes() -> None:
    world = fleet("""
        r-1: A bought 1 m5.xlarge in us-east-1
        r-2: A bought 1 m5.xlarge in us-east-1a
        r-3: A bought 1 m5.xlarge in us-east-1, Windows (Amazon VPC)
        r-4: A bought 1 m5.xlarge in us-east-1, dedicated
        r-5: A bought 1 g5.xlarge in us-east-1
        r-6: A bought 1 trn1.2xlarge in us-east-1
        """)
    assert table(world.active, ["reservation_id", "platform", "pool", "flexibility"]) == lines("""
        reservation_id | platform   | pool      | flexibility
        r-1            | Linux/UNIX | m5        | flexible
        r-2            | Linux/UNIX | m5        | exact
        r-3            | Windows    | m5.xlarge | exact
        r-4            | Linux/UNIX | m5.xlarge | exact
        r-5            | Linux/UNIX | g5.xlarge | exact
        r-6            | Linux/UNIX | trn1      | assumed
        """)


def test_a_modified_reservation_counts_once() -> None:
    moment = AS_OF.replace(minute=0)
    world = fleet(f"""
        r-old: A bought 2 m5.large in us-east-1a, retired, ends {moment:%Y-%m-%dT%H:%M}
        r-new: A bought 1 m5.xlarge in us-east-1, starts {moment:%Y-%m-%dT%H:%M}
        """)
    assert world.active["reservation_id"].tolist() == ["r-new"]


def test_what_comes_out_is_in_the_order_of_ids() -> None:
    text = """
        i-2: A runs 1 m5.large in us-east-1a
        i-1: A runs 1 m5.large in us-east-1a
        i-4: A runs 1 m5.large in us-east-1a, spot
        i-3: A runs 1 m5.large in us-east-1a, spot
        r-2: A bought 1 m5.large in us-east-1
        r-1: A bought 1 m5.large in us-east-1
        r-4: A bought 1 m5.large in us-east-1, retired
        r-3: A bought 1 m5.large in us-east-1, retired
        """
    world = fleet(text)
    assert world.usage["usage_id"].tolist() == ["i-1", "i-2"]
    assert world.not_eligible["instance_id"].tolist() == ["i-3", "i-4"]
    assert world.active["reservation_id"].tolist() == ["r-1", "r-2"]
    assert world.other_states["reservation_id"].tolist() == ["r-3", "r-4"]


def test_a_snapshot_is_one_hour_of_all_that_runs_and_is_bought() -> None:
    usage, _ = eligible_usage(INSTANCES.of([INSTANCE]), ZONES.of([]))
    active, _ = active_reservations(RESERVATIONS.of([RESERVATION]), AS_OF)
    assert [*usage["hours"], *active["hours"]] == [1.0, 1.0]


def test_a_zone_that_nobody_described_has_no_type() -> None:
    here = {"account_id": "A", "region": "us-east-1", "availability_zone": "us-east-1a"}
    zones = ZONES.of([{**here, "zone_type": "availability-zone"}])
    instances = INSTANCES.of(
        [
            {**here, "instance_id": "i-1"},
            {**here, "instance_id": "i-2", "availability_zone": "us-east-1b"},
            {**here, "instance_id": "i-3", "account_id": "B"},
        ]
    )
    assert zone_types(instances, zones).tolist() == ["availability-zone", "", ""]


def test_nothing_in_gives_empty_frames_out() -> None:
    for frame, made in zip(
        (USAGE, NOT_ELIGIBLE, ACTIVE, OTHER_STATES),
        (
            *eligible_usage(INSTANCES.of([]), ZONES.of([])),
            *active_reservations(RESERVATIONS.of([]), AS_OF),
        ),
        strict=True,
    ):
        pd.testing.assert_frame_equal(made, frame.of([]))
