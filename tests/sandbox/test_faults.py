"""A script says which calls go wrong, counted for each action, account and Region."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from ri_report.sandbox.faults import Script
from ri_report.sandbox.mishaps import FORMS, SPOILERS
from ri_report.sandbox.paging import TWISTS

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
account 111122223333 web
run 12 m5.large us-east-1a
account 222233334444 data
run 1 r5.large us-east-1a
"""
THROTTLE = "error RequestLimitExceeded 503"


def _codes(client: Any, operation: str, times: int, **parameters: Any) -> list[str]:  # noqa: ANN401 - AWS clients
    """The error code of each of several calls, "" where it is answered."""
    codes = []
    for _ in range(times):
        try:
            getattr(client, operation)(**parameters)
            codes.append("")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ("always", [1, 2, 3, 4, 5]),
        ("call 1", [1]),
        ("call 3", [3]),
        ("call 2-4", [2, 3, 4]),
        ("call 4-", [4, 5]),
    ],
)
def test_calls_are_counted_from_one(
    world: Callable[..., Any], when: str, struck: list[int]
) -> None:
    running = world(WORLD, faults=Script(f"ec2:DescribeRegions * * {when}: {THROTTLE}"))
    codes = _codes(running.client("ec2"), "describe_regions", 5)
    assert [number for number, code in enumerate(codes, 1) if code] == struck


def test_each_action_account_and_region_is_counted_by_itself(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script(f"ec2:* * * call 1: {THROTTLE}"))
    for account in ("111122223333", "222233334444"):
        keys = running.assume(account)
        for region in ("us-east-1", "eu-west-1"):
            client = running.client("ec2", region, **keys)
            for operation in ("describe_instances", "describe_regions"):
                assert _codes(client, operation, 2) == ["RequestLimitExceeded", ""]


def test_a_line_strikes_only_what_it_names(world: Callable[..., Any]) -> None:
    script = Script(f"ec2:DescribeInstances 111122223333 us-* always: {THROTTLE}")
    running = world(WORLD, faults=script)
    web, data = running.assume("111122223333"), running.assume("222233334444")
    assert _codes(running.client("ec2", **web), "describe_instances", 1) != [""]
    assert _codes(running.client("ec2", **web), "describe_regions", 1) == [""]
    assert _codes(running.client("ec2", "eu-west-1", **web), "describe_instances", 1) == [""]
    assert _codes(running.client("ec2", **data), "describe_instances", 1) == [""]
    assert script.hits.total() == 1


def test_the_account_of_assume_role_is_the_roles(world: Callable[..., Any]) -> None:
    running = world(
        WORLD, faults=Script("sts:AssumeRole 222233334444 * call 1-2: error AccessDenied 403")
    )
    running.assume("111122223333")
    for _ in range(2):
        with pytest.raises(ClientError, match="AccessDenied"):
            running.assume("222233334444")
    assert running.assume("222233334444")


def test_for_some_seconds_is_by_the_sandboxs_clock(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    running = world(
        WORLD,
        clock=lambda: now,
        faults=Script(f"ec2:DescribeRegions * * for 30 s: {THROTTLE}"),
    )
    client = running.client("ec2")
    assert _codes(client, "describe_regions", 1) == ["RequestLimitExceeded"]
    now += timedelta(seconds=29.9)
    assert _codes(client, "describe_regions", 1) == ["RequestLimitExceeded"]
    now += timedelta(seconds=0.1)
    assert _codes(client, "describe_regions", 1) == [""]


def test_a_script_can_be_replaced_and_removed_while_the_sandbox_runs(
    world: Callable[..., Any],
) -> None:
    running = world(WORLD)
    client = running.client("ec2")
    assert running.endpoint.faults is None
    for code in ("Unavailable", "InternalError"):
        running.endpoint.faults = Script(f"ec2:* * * call 1: error {code} 503")
        assert _codes(client, "describe_regions", 2) == [code, ""]
    running.endpoint.faults = None
    assert _codes(client, "describe_regions", 1) == [""]


def test_every_line_that_meets_a_call_acts_on_it(world: Callable[..., Any]) -> None:
    script = """
    # Both change the answer.
    ec2:DescribeInstances * * always: field instanceType m7.large

    ec2:DescribeInstances * * always: field ownerId 333344445555
    """
    running = world(WORLD, faults=Script(script))
    answer = running.client("ec2", **running.assume("222233334444")).describe_instances()
    (launch,) = answer["Reservations"]
    assert launch["OwnerId"] == "333344445555"
    assert launch["Instances"][0]["InstanceType"] == "m7.large"


def test_the_error_has_the_form_of_its_service_and_the_message_of_the_script(
    world: Callable[..., Any],
) -> None:
    script = "* * * always: error Strange 418 'with an explicit deny'"
    running = world(WORLD, faults=Script(script))
    for service, operation in [
        ("ec2", "describe_regions"),
        ("sts", "get_caller_identity"),
        ("organizations", "list_accounts"),
    ]:
        with pytest.raises(ClientError) as caught:
            getattr(running.client(service), operation)()
        response = caught.value.response
        assert response["Error"]["Code"] == "Strange"
        assert response["Error"]["Message"] == "with an explicit deny"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 418


def test_expired_keys_stay_expired_until_the_role_is_assumed_again(
    world: Callable[..., Any],
) -> None:
    running = world(
        WORLD, faults=Script("ec2:DescribeInstances 111122223333 us-east-1 call 2: expire")
    )
    keys, other = running.assume("111122223333"), running.assume("222233334444")
    client = running.client("ec2", **keys)
    assert _codes(client, "describe_instances", 3) == ["", "RequestExpired", "RequestExpired"]
    elsewhere = running.client("ec2", "eu-west-1", **keys)
    assert _codes(elsewhere, "describe_regions", 1) == ["RequestExpired"]
    assert _codes(running.client("sts", **keys), "get_caller_identity", 1) == ["ExpiredToken"]
    assert _codes(running.client("ec2", **other), "describe_instances", 1) == [""]
    again = running.client("ec2", **running.assume("111122223333"))
    assert _codes(again, "describe_instances", 1) == [""]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ec2:DescribeInstances * * hang", "a fault is ACTION ACCOUNT REGION WHEN: MISHAP"),
        ("* * * never: hang", "a fault is ACTION ACCOUNT REGION WHEN: MISHAP"),
        ("* * * call 0: hang", "WHEN is `always`, `call 2`"),
        ("* * * for 30: hang", "WHEN is `always`, `call 2`"),
        ("* * * call 5-2: hang", "call 5-2 ends before it starts"),
        ("* * * always: hung", "a mishap is one of error, "),
        ("* * * always: error Throttling", "the form is `error CODE STATUS [MESSAGE]`"),
        ("* * * always: truncate -1", "the form is `truncate COUNT [clean]`"),
        ("* * * always: truncate 1 dirty", "the form is `truncate COUNT [clean]`"),
        ("* * * always: hang 3", "the form is `hang`"),
        ("* * * always: foreign owner 12", "the form is `foreign owner ID`"),
        ("* * * always: date 20", "the form is `date SHIFT`"),
        ("* * * always: body pdf", "the form is `body PAGE`"),
        ("* * * always: field a 'b", "No closing quotation"),
        ("* * * always: field a \x1b", "the form is `field NAME VALUE`"),
        ("* * * always: status 100", "the form is `status STATUS`"),
    ],
)
def test_a_line_that_is_no_fault_is_named(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2, ['\"]") as caught:
        Script(f"\n{line}")
    assert said in str(caught.value)
    assert repr(line) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_mishap_does_something() -> None:
    assert FORMS.keys() == {"error", "invalid token", "expire", *TWISTS, *SPOILERS}
