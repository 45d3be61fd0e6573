"""The list of actions against what a run really calls, and the documents made from it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws.grants import FORMS, grants
from ri_report.aws.permissions import (
    APPLICATION_ACTIONS,
    GET_CALLER_IDENTITY,
    MEMBER_ACTIONS,
    SESSION_POLICY_LIMIT,
    session_policy,
)
from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES: dict[str, Any] = {
    "role_name": "CrossAccountInstanceCounter",
    "application_account_id": "111122223333",
}
NARROW: dict[str, Any] = {
    **NAMES,
    "application_role_name": "ri-report-job",
    "external_id": "k-9:2026",
    "organization_id": "o-a1b2c3d4e5",
}


def test_the_listed_actions_are_exactly_those_that_a_run_calls(
    world: Callable[..., Any], gather: Callable[..., Any]
) -> None:
    there = world("management 111111111111 payer\naccount 222222222222 web")
    gather(regions=("us-east-1",))
    called: dict[str, set[str]] = {}
    for call in there.calls:
        called.setdefault(call.account_id, set()).add(f"{call.service}:{call.operation}")
    assert called["222222222222"] == set(MEMBER_ACTIONS)
    assert called["111111111111"] == {
        *MEMBER_ACTIONS,
        *APPLICATION_ACTIONS,
        GET_CALLER_IDENTITY,
    }


def test_every_assumed_session_carries_the_policy_of_those_actions(
    world: Callable[..., Any], gather: Callable[..., Any]
) -> None:
    there = world(
        "management 111111111111 payer\naccount 222222222222 web\naccount 333333333333 data"
    )
    gather(regions=("us-east-1",))
    assumed = [body for body in there.bodies if "Action=AssumeRole" in body]
    assert len(assumed) == 2
    assert all("Policy=" in body and "DurationSeconds=3600" in body for body in assumed)


def test_the_session_policy_allows_the_member_actions_and_fits_its_limit() -> None:
    (statement,) = json.loads(session_policy())["Statement"]
    assert statement["Action"] == list(MEMBER_ACTIONS)
    assert statement["Effect"] == "Allow"
    assert len(session_policy()) <= SESSION_POLICY_LIMIT == 2048


def test_json_holds_the_three_documents() -> None:
    printed = json.loads(grants("json", **NAMES))
    role, policy = printed["MemberRole"], printed["ApplicationPolicy"]
    assert role["RoleName"] == "CrossAccountInstanceCounter"
    (read,) = role["PolicyDocument"]["Statement"]
    assert read["Action"] == list(MEMBER_ACTIONS)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert trust["Action"] == "sts:AssumeRole"
    assert "Condition" not in trust
    statements = policy["PolicyDocument"]["Statement"]
    allowed = {s["Sid"]: s["Resource"] for s in statements}
    assert allowed["AssumeMemberRole"] == "arn:aws:iam::*:role/CrossAccountInstanceCounter"
    actions: set[str] = set()
    for statement in statements:
        named = statement["Action"]
        actions |= {named} if isinstance(named, str) else set(named)
    assert actions == {*APPLICATION_ACTIONS, *MEMBER_ACTIONS}


def test_a_named_role_an_external_id_and_an_organization_narrow_the_trust() -> None:
    printed = json.loads(grants("json", **NARROW))
    (trust,) = printed["MemberRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ri-report-job"},
        "StringEquals": {"sts:ExternalId": "k-9:2026", "aws:PrincipalOrgID": "o-a1b2c3d4e5"},
    }


def test_the_partition_is_a_parameter_of_json_and_found_by_the_templates() -> None:
    assert "arn:aws-cn:iam::111122223333:root" in grants("json", **NAMES, partition="aws-cn")
    for form in ("cloudformation", "stackset", "terraform"):
        printed = grants(form, **NARROW)
        assert "arn:aws" not in printed
        arns = re.findall(r"arn:([^:]*(?:::Partition\})?):iam", printed)
        assert set(arns) == {
            "${data.aws_partition.current.partition}"
            if form == "terraform"
            else "${AWS::Partition}"
        }


@pytest.mark.parametrize("form", ["cloudformation", "stackset"])
@pytest.mark.parametrize("names", [NAMES, NARROW])
def test_the_templates_are_valid_cloudformation(form: str, names: dict[str, Any]) -> None:
    api = pytest.importorskip("cfnlint.api", reason="cfn-lint comes with moto's server")
    found = api.lint_all(grants(form, **names))
    # Rules that begin with I are advice, not faults.
    assert [match for match in found if not match.rule.id.startswith("I")] == []


def test_the_template_makes_the_role_elsewhere_and_the_policy_at_home() -> None:
    template = json.loads(grants("cloudformation", **NARROW))
    assert template["Resources"]["MemberRole"]["Condition"] == "IsMemberAccount"
    assert template["Resources"]["ApplicationPolicy"]["Condition"] == "IsApplicationAccount"
    assert list(template["Parameters"]) == [
        "RoleName",
        "ApplicationAccountId",
        "ApplicationRoleName",
        "ExternalId",
        "OrganizationId",
    ]
    assert list(json.loads(grants("cloudformation", **NAMES))["Parameters"]) == [
        "RoleName",
        "ApplicationAccountId",
    ]


def test_the_stackset_template_says_how_it_is_deployed() -> None:
    template = json.loads(grants("stackset", **NAMES))
    steps = "\n".join(template["Metadata"]["HowToDeploy"])
    assert "aws cloudformation create-stack-set " in steps
    assert "aws cloudformation create-stack-instances " in steps
    assert "CAPABILITY_NAMED_IAM" in steps


OTHERS = (("222233334444", "Reader"), ("333344445555", "path-less_2"))


def test_the_application_may_assume_every_role_that_is_configured() -> None:
    printed = json.loads(grants("json", **NAMES, other_roles=OTHERS))
    statements = {s["Sid"]: s for s in printed["ApplicationPolicy"]["PolicyDocument"]["Statement"]}
    assert statements["AssumeMemberRole"]["Resource"] == [
        "arn:aws:iam::*:role/CrossAccountInstanceCounter",
        "arn:aws:iam::222233334444:role/Reader",
        "arn:aws:iam::333344445555:role/path-less_2",
    ]


@pytest.mark.parametrize("form", ["cloudformation", "stackset", "terraform"])
def test_templates_hold_the_other_roles_in_their_own_partition(form: str) -> None:
    printed = grants(form, **NAMES, other_roles=OTHERS)
    partition = "data.aws_partition.current.partition" if form == "terraform" else "AWS::Partition"
    for account, name in OTHERS:
        assert f"arn:${{{partition}}}:iam::{account}:role/{name}" in printed
    if form != "terraform":
        api = pytest.importorskip("cfnlint.api", reason="cfn-lint comes with moto's server")
        assert [m for m in api.lint_all(printed) if not m.rule.id.startswith("I")] == []


def test_terraform_encodes_the_same_documents() -> None:
    printed = grants("terraform", **NARROW)
    documents = [
        json.loads(text) for text in re.findall(r"jsonencode\((\{.*?\n  \})\)", printed, re.DOTALL)
    ]
    expected = json.loads(
        grants("json", **NARROW)
        .replace("arn:aws:", "arn:${data.aws_partition.current.partition}:")
        .replace("::111122223333:", "::${var.application_account_id}:")
        .replace("role/ri-report-job", "role/${var.application_role_name}")
        .replace("k-9:2026", "${var.external_id}")
        .replace("o-a1b2c3d4e5", "${var.organization_id}")
        .replace("role/CrossAccountInstanceCounter", "role/${var.role_name}")
    )
    assert documents == [
        expected["MemberRole"]["AssumeRolePolicyDocument"],
        expected["MemberRole"]["PolicyDocument"],
        expected["ApplicationPolicy"]["PolicyDocument"],
    ]
    declared = set(re.findall(r'variable "(\w+)"', printed))
    assert set(re.findall(r"var\.(\w+)", printed)) == declared


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_ends_in_one_line_feed_and_is_the_same_twice(form: str) -> None:
    assert grants(form, **NARROW) == grants(form, **NARROW)
    assert re.search(r"[^\n]\n\Z", grants(form, **NARROW))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role_name": "a/b c"}, "--role-name"),
        ({"application_account_id": "11112222333"}, "12 digits"),
        ({"external_id": '"x"'}, "--external-id"),
        ({"organization_id": "r-1"}, "organization"),
        ({"partition": "aws:x"}, "partition"),
    ],
)
def test_a_value_that_aws_would_refuse_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        grants("json", **{**NAMES, **wrong})
    assert '"x"' not in str(caught.value)


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="json, cloudformation, stackset, terraform"):
        grants("yaml", **NAMES)
