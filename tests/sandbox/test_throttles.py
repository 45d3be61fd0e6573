"""Rates are token buckets of an account and Region, as AWS publishes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from ri_report.sandbox.throttles import Throttles

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
account 111122223333 web
account 222233334444 data
"""


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _refused(client: Any, operation: str, times: int, **parameters: Any) -> list[str]:  # noqa: ANN401 - AWS clients
    """The codes of the calls that were refused, of several."""
    codes = []
    for _ in range(times):
        try:
            getattr(client, operation)(**parameters)
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes


@pytest.mark.parametrize(
    ("operation", "parameters", "size", "refill"),
    [
        ("describe_instances", {"MaxResults": 1000}, 100, 20),
        ("describe_instances", {}, 50, 10),
        ("describe_reserved_instances", {}, 50, 10),
        ("describe_regions", {"RegionNames": ["us-east-1"]}, 100, 20),
        ("describe_availability_zones", {}, 50, 10),
    ],
)
def test_ec2_allows_a_burst_and_then_its_refill(
    world: Callable[..., Any], operation: str, parameters: dict[str, Any], size: int, refill: int
) -> None:
    clock = Clock()
    running = world(WORLD, throttles=Throttles(monotonic=clock))
    client = running.client("ec2")
    assert _refused(client, operation, size + 3, **parameters) == ["RequestLimitExceeded"] * 3
    clock.seconds += 0.5
    assert len(_refused(client, operation, refill, **parameters)) == refill / 2
    clock.seconds += 3600
    assert len(_refused(client, operation, size + 1, **parameters)) == 1
    assert running.endpoint.refused.total() == 3 + refill / 2 + 1


def test_each_account_and_region_has_its_own_bucket(world: Callable[..., Any]) -> None:
    running = world(WORLD, throttles=Throttles(monotonic=Clock()))
    web = running.client("ec2", **running.assume("111122223333"))
    assert len(_refused(web, "describe_reserved_instances", 51)) == 1
    data = running.client("ec2", **running.assume("222233334444"))
    assert _refused(data, "describe_reserved_instances", 1) == []
    elsewhere = running.client("ec2", "eu-west-1", **running.assume("111122223333"))
    assert _refused(elsewhere, "describe_reserved_instances", 1) == []
    assert _refused(web, "describe_instances", 1, MaxResults=5) == []


def test_somebody_else_uses_up_a_share_of_bucket_and_refill(world: Callable[..., Any]) -> None:
    clock = Clock()
    running = world(WORLD, throttles=Throttles(others=0.3, monotonic=clock))
    client = running.client("ec2")
    assert len(_refused(client, "describe_instances", 80, MaxResults=5)) == 10
    clock.seconds += 1
    assert len(_refused(client, "describe_instances", 20, MaxResults=5)) == 6


def test_organizations_and_sts_refuse_in_their_own_words(world: Callable[..., Any]) -> None:
    running = world(WORLD, throttles=Throttles(monotonic=Clock()))
    refused = _refused(running.client("organizations"), "list_accounts", 11)
    assert refused == ["TooManyRequestsException"]
    assert _refused(running.client("sts"), "get_caller_identity", 601) == ["Throttling"]
    assert running.endpoint.refused == {
        "organizations:ListAccounts": 1,
        "sts:GetCallerIdentity": 1,
    }


def test_without_throttles_nothing_is_refused(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    assert _refused(running.client("ec2"), "describe_regions", 60) == []
    assert running.endpoint.refused.total() == 0


def test_summary_counts_calls_and_refusals(world: Callable[..., Any]) -> None:
    running = world(WORLD, throttles=Throttles(monotonic=Clock()))
    assert running.endpoint.summary() == ["0 calls, 0 refused for their rate"]
    running.client("sts").get_caller_identity()
    _refused(running.client("ec2"), "describe_regions", 52)
    assert running.endpoint.summary() == [
        "53 calls, 2 refused for their rate (RequestLimitExceeded)",
        "  52 ec2:DescribeRegions, 2 refused",
        "  1 sts:GetCallerIdentity, 0 refused",
    ]
