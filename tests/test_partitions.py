"""The whole job in each of AWS's partitions: it calls what its policies grant, and no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from ri_report.aws.permissions import APPLICATION_ACTIONS, GET_CALLER_IDENTITY, MEMBER_ACTIONS
from ri_report.sandbox import sts
from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.regions import REGIONS, Region
from ri_report.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]
    Serve = Callable[..., Any]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html, partitions
PARTITIONS = {
    "aws": ("us-east-1", "eu-west-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}
PAYER, WEB, DATA = "111111111111", "222222222222", "333333333333"
COMPANY = f"""
management {PAYER} payer
run 2 m5.large {{0}}a
buy 4 m5.large {{0}}
account {WEB} web
run 2 m5.large {{0}}b
run 1 m5.large {{1}}a
"""
WITHOUT_ROLE = f"account {DATA} data role=\n"
RUN = Path("reports/2026-11-22T063000Z")
READABLE = {".html", ".json", ".csv"}
ANY_ARN = re.compile(r"arn:(aws[\w-]*):")
ACTION = re.compile(r"\b(?:ec2|sts|organizations):[A-Z][A-Za-z]+\b")


@pytest.fixture
def in_partition(
    organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], tuple[Any, list[Request]]]:
    """Return a function that serves an organization in a partition, and notes each request."""

    def start(partition: str, text: str) -> tuple[Any, list[Request]]:
        requests: list[Request] = []
        truth = Sandbox.answer

        def there(sandbox: Sandbox, request: Request) -> Response:
            requests.append(request)
            answer = truth(sandbox, request)
            body = answer.body.replace(b"arn:aws:", f"arn:{partition}:".encode())
            return Response(answer.status, answer.headers, body)

        for name in tuple(REGIONS):
            monkeypatch.delitem(REGIONS, name)
        for name in PARTITIONS[partition]:
            zones = tuple(f"{name}-az{number}" for number in (1, 2, 3))
            monkeypatch.setitem(REGIONS, name, Region(name, zones))
        pattern = sts.ROLE_ARN.pattern.replace("arn:aws:", f"arn:{partition}:")
        monkeypatch.setattr(sts, "ROLE_ARN", re.compile(pattern))
        monkeypatch.setattr(Sandbox, "answer", there)
        endpoint = organization_served(text.format(*PARTITIONS[partition]))
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, PARTITIONS[partition][0])
        return endpoint, requests

    return start


def called(endpoint: Any, account_id: str) -> set[str]:  # noqa: ANN401 - a running sandbox
    return {
        f"{call.service}:{call.operation}"
        for call in endpoint.calls
        if call.account_id == account_id
    }


def granted(document: dict[str, Any]) -> set[str]:
    actions = [statement["Action"] for statement in document["Statement"]]
    return {name for each in actions for name in ([each] if isinstance(each, str) else each)}


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_run_calls_exactly_what_the_printed_policies_grant(
    command: Command, in_partition: Callable[..., Any], partition: str
) -> None:
    endpoint, requests = in_partition(partition, COMPANY)
    ended = command("run", "--format", "json", "--no-progress", "--as-of", "2026-11-22T06:30Z")
    assert (ended.code, ended.err) == (0, "")
    printed = command("iam", "--application-account", PAYER, "--partition", partition).out
    documents = json.loads(printed)
    role, policy = documents["MemberRole"], documents["ApplicationPolicy"]
    member, own = granted(role["PolicyDocument"]), granted(policy["PolicyDocument"])
    assert called(endpoint, WEB) == member == set(MEMBER_ACTIONS)
    assert called(endpoint, PAYER) - {GET_CALLER_IDENTITY} == own
    assert own == {*MEMBER_ACTIONS, *APPLICATION_ACTIONS}
    assert granted(role["AssumeRolePolicyDocument"]) == {"sts:AssumeRole"}
    assert set(ANY_ARN.findall(printed)) == {partition}
    sent = [parse_qs(request.body.decode()) for request in requests]
    asked = [form for form in sent if form.get("Action") == ["AssumeRole"]]
    roles = {form["RoleArn"][0] for form in asked}
    assert roles == {f"arn:{partition}:iam::{WEB}:role/{role['RoleName']}"}
    assert all(granted(json.loads(form["Policy"][0])) == member for form in asked)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_run_reads_every_region_of_its_partition_and_stays_in_it(
    command: Command, in_partition: Callable[..., Any], partition: str
) -> None:
    endpoint, _ = in_partition(partition, COMPANY)
    home, other = PARTITIONS[partition]
    assert command("run", "--format", "json", "--no-progress", "--as-of", "2026-11-22").code == 0
    assert {call.region for call in endpoint.calls} == {home, other}
    read = {c.region for c in endpoint.calls if c.operation == "DescribeInstances"}
    assert read == {home, other}
    assert {c.region for c in endpoint.calls if c.service == "sts"} == {home}
    asked = {c.region for c in endpoint.calls if c.operation == "DescribeRegions"}
    assert asked == {home}


@pytest.mark.parametrize("partition", PARTITIONS)
def test_what_is_to_be_done_names_the_partition(
    command: Command, in_partition: Callable[..., Any], partition: str
) -> None:
    in_partition(partition, COMPANY + WITHOUT_ROLE)
    when = ("--no-progress", "--as-of", "2026-11-22T06:30Z")
    ended = command("run", "--format", "html,json,csv", *when)
    assert ended.code == 3
    planned = command("run", "--dry-run", *when)
    made = [
        path.read_text(encoding="utf-8") for path in RUN.rglob("*.*") if path.suffix in READABLE
    ]
    assert len(made) > 10
    for text in (ended.err, planned.out, *made):
        assert set(ANY_ARN.findall(text)) <= {partition}
    fix = f"Create arn:{partition}:iam::{DATA}:role/CrossAccountInstanceCounter"
    assert fix in ended.err
    assert f"arn:{partition}:iam::{PAYER}:user/ri-report" in ended.err


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("form", ["json", "cloudformation", "stackset", "terraform"])
def test_every_printed_form_grants_the_same_actions(
    command: Command, form: str, partition: str
) -> None:
    arguments = ("--application-account", PAYER, "--partition", partition, "--format", form)
    printed = command("iam", *arguments, "--application-role", "job").out
    actions = set(ACTION.findall(printed))
    assert actions == {*MEMBER_ACTIONS, *APPLICATION_ACTIONS}
    assert set(ANY_ARN.findall(printed)) == ({partition} if form == "json" else set())
