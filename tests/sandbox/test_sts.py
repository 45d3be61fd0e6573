"""Roles, external ids and session policies decide who may read what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
account 111122223333 web
run 2 m5.large us-east-1a
account 222233334444 data role=Auditor external-id=ri-2026
run 3 r5.large us-east-1a
account 333344445555 unprepared role=
account 444455556666 closed state=SUSPENDED
account 555566667777 restricted
deny ec2:DescribeReservedInstances region=eu-west-1
deny ec2:DescribeInstances by=scp
"""
INSTANCES_ONLY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["ec2:DescribeI*"], "Resource": "*"},
            {"Effect": "Deny", "Action": "ec2:DescribeImages", "Resource": "*"},
        ],
    }
)


def _refusal(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS clients
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    return dict(caught.value.response["Error"])


def _instance_ids(client: Any) -> set[str]:  # noqa: ANN401 - AWS clients
    answer = client.describe_instances()
    return {i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]}


def test_caller_is_the_management_account_until_a_role_is_assumed(
    world: Callable[..., Any],
) -> None:
    running = world(WORLD)
    assert running.client("sts").get_caller_identity()["Account"] == "999988887777"
    assumed = running.client("sts", **running.assume("111122223333")).get_caller_identity()
    assert assumed["Account"] == "111122223333"
    assert assumed["Arn"] == (
        "arn:aws:sts::111122223333:assumed-role/CrossAccountInstanceCounter/ri-report"
    )


def test_assumed_keys_see_only_their_account(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    web = running.client("ec2", **running.assume("111122223333"))
    data = running.client("ec2", **running.assume("222233334444", "Auditor", ExternalId="ri-2026"))
    assert len(_instance_ids(web)) == 2
    assert len(_instance_ids(data)) == 3
    assert {r["OwnerId"] for r in data.describe_instances()["Reservations"]} == {"222233334444"}
    assert _instance_ids(running.client("ec2")) == set()


def test_keys_end_after_the_seconds_asked_for(world: Callable[..., Any]) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    client = world(WORLD, clock=lambda: now).client("sts")
    arn = "arn:aws:iam::111122223333:role/CrossAccountInstanceCounter"
    for seconds in (900, 3600):
        answer = client.assume_role(
            RoleArn=arn, RoleSessionName="ri-report", DurationSeconds=seconds
        )
        assert (answer["Credentials"]["Expiration"] - now).total_seconds() == seconds


@pytest.mark.parametrize(
    ("account_id", "role", "external_id"),
    [
        ("111122223333", "OtherRole", None),
        ("222233334444", "Auditor", None),
        ("222233334444", "Auditor", "wrong"),
        ("333344445555", "CrossAccountInstanceCounter", None),
        ("444455556666", "CrossAccountInstanceCounter", None),
        ("888888888888", "CrossAccountInstanceCounter", None),
        ("999988887777", "CrossAccountInstanceCounter", None),
    ],
    ids=["role", "no external id", "external id", "no role", "suspended", "account", "management"],
)
def test_role_that_does_not_trust_the_caller_is_refused(
    world: Callable[..., Any], account_id: str, role: str, external_id: str | None
) -> None:
    arn = f"arn:aws:iam::{account_id}:role/{role}"
    given = {"ExternalId": external_id} if external_id else {}
    error = _refusal(
        world(WORLD).client("sts"), "assume_role", RoleArn=arn, RoleSessionName="job", **given
    )
    assert error["Code"] == "AccessDenied"
    assert error["Message"] == (
        "User: arn:aws:iam::999988887777:user/ri-report is not authorized to perform:"
        f" sts:AssumeRole on resource: {arn}"
    )


def test_external_id_is_in_no_refusal(world: Callable[..., Any]) -> None:
    arn = "arn:aws:iam::222233334444:role/Auditor"
    error = _refusal(
        world(WORLD).client("sts"),
        "assume_role",
        RoleArn=arn,
        RoleSessionName="job",
        ExternalId="canary",
    )
    assert "canary" not in json.dumps(error)
    assert "ri-2026" not in json.dumps(error)


def test_member_may_not_go_on_to_another_role(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("sts", **running.assume("111122223333"))
    arn = "arn:aws:iam::555566667777:role/CrossAccountInstanceCounter"
    error = _refusal(client, "assume_role", RoleArn=arn, RoleSessionName="job")
    assert error["Code"] == "AccessDenied"


def test_role_of_the_management_account_may_go_on_to_a_member(world: Callable[..., Any]) -> None:
    running = world(WORLD, job_role="ri-report-job")
    keys = {"aws_session_token": running.endpoint.environment["AWS_SESSION_TOKEN"]}
    client = running.client("sts", **keys)
    identity = client.get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::999988887777:assumed-role/ri-report-job/job"
    arn = "arn:aws:iam::111122223333:role/CrossAccountInstanceCounter"
    answer = client.assume_role(RoleArn=arn, RoleSessionName="job")
    assert answer["AssumedRoleUser"]["Arn"].startswith("arn:aws:sts::111122223333:assumed-role/")
    assert _refusal(running.client("sts"), "get_caller_identity")["Code"] == "InvalidClientTokenId"


@pytest.mark.parametrize(
    "parameters",
    [
        {"DurationSeconds": 3601},
        {"RoleSessionName": "has spaces"},
        {"RoleArn": "arn:aws:iam::1:role/TooShort"},
        {"Policy": " " * 2049},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_parameter_out_of_bounds_is_a_validation_error(
    world: Callable[..., Any], parameters: dict[str, Any]
) -> None:
    arn = "arn:aws:iam::111122223333:role/CrossAccountInstanceCounter"
    wanted = {"RoleArn": arn, "RoleSessionName": "job"} | parameters
    error = _refusal(world(WORLD).client("sts"), "assume_role", **wanted)
    assert error["Code"] == "ValidationError"


def test_session_policy_limits_what_the_role_allows(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("ec2", **running.assume("111122223333", Policy=INSTANCES_ONLY))
    assert len(_instance_ids(client)) == 2
    error = _refusal(client, "describe_reserved_instances")
    assert error["Code"] == "UnauthorizedOperation"
    assert error["Message"].endswith(
        "because no session policy allows the ec2:DescribeReservedInstances action"
    )


def test_caller_identity_needs_no_permission(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("sts", **running.assume("111122223333", Policy=INSTANCES_ONLY))
    assert client.get_caller_identity()["Account"] == "111122223333"


def test_policy_about_single_resources_does_not_reach_describe_calls(
    world: Callable[..., Any],
) -> None:
    running = world(WORLD)
    statement = {"Effect": "Allow", "Action": "ec2:*", "Resource": "arn:aws:ec2:*:*:instance/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    client = running.client("ec2", **running.assume("111122223333", Policy=policy))
    assert _refusal(client, "describe_instances")["Code"] == "UnauthorizedOperation"


@pytest.mark.parametrize(
    "policy", ["{", "[]", "{}", '{"Statement": [{"Effect": "Allow", "NotAction": "a:b"}]}']
)
def test_policy_that_cannot_be_evaluated_is_malformed(
    world: Callable[..., Any], policy: str
) -> None:
    arn = "arn:aws:iam::111122223333:role/CrossAccountInstanceCounter"
    client = world(WORLD).client("sts")
    error = _refusal(client, "assume_role", RoleArn=arn, RoleSessionName="job", Policy=policy)
    assert error["Code"] == "MalformedPolicyDocument"


def test_denied_action_is_refused_in_its_region_alone(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    keys = running.assume("555566667777")
    error = _refusal(running.client("ec2", "eu-west-1", **keys), "describe_reserved_instances")
    assert error["Code"] == "UnauthorizedOperation"
    assert "no identity-based policy allows" in error["Message"]
    answer = running.client("ec2", "us-east-1", **keys).describe_reserved_instances()
    assert answer["ReservedInstances"] == []


def test_service_control_policy_denies_in_its_own_words(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("ec2", **running.assume("555566667777"))
    error = _refusal(client, "describe_instances")
    assert error["Message"].endswith("with an explicit deny in a service control policy")
