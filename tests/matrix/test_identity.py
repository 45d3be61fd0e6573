"""Rows 17 and 18: answers that belong to another account, or tell of one thing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ri_report.errors import IntegrityError
from ri_report.sandbox.faults import Script
from tests.matrix.stage import COMPANY, DATA, HOME, PAYER, WEB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.stage import Seen, Stage

US = ("--region", "us-east-1", "--region", "eu-west-1", "--no-progress", "--format", "json")


@pytest.mark.parametrize("when", ["always", "call 1", "call 3"])
def test_a_page_of_another_owner_loses_the_cell_and_no_other(
    stage: Stage, clean: Seen, when: str
) -> None:
    seen = stage.read(f"ec2:DescribeInstances {WEB} {HOME} {when}: foreign owner {DATA}")
    assert seen.gaps == {(WEB, HOME, "instances")}
    where = {"account_id": WEB, "region": HOME}
    assert seen.outcomes(kind="instances", **where) == [("INTEGRITY", "other_account")]
    assert seen.rows("instances") == clean.rows("instances") - clean.rows("instances", **where)


@pytest.mark.parametrize("account_id", [WEB, DATA])
def test_a_role_of_another_account_is_never_used(stage: Stage, account_id: str) -> None:
    other = WEB if account_id == DATA else DATA
    seen = stage.read(f"sts:AssumeRole {account_id} * always: foreign role {other}")
    assert seen.gaps == {(account_id, "", "account")}
    assert seen.outcomes(account_id=account_id) == [("INTEGRITY", "other_account")]
    assert not [
        call
        for call in seen.calls
        if call.account_id == account_id and call.operation.startswith("Describe")
    ]


@pytest.mark.parametrize(
    "script",
    [
        f"ec2:DescribeInstances {WEB} {HOME} always: foreign owner {DATA}",
        f"sts:AssumeRole {WEB} * always: foreign role {DATA}",
    ],
)
def test_a_run_with_answers_of_another_account_ends_with_7_after_the_report(
    command: Callable[..., Any], organization_served: Callable[..., Any], script: str
) -> None:
    organization_served(COMPANY).faults = Script(script)
    ended = command("run", *US)
    assert ended.code == 7
    assert f"{WEB} (web)" in ended.err
    assert "INTEGRITY" in ended.err
    assert [path.name for path in ended.paths] == ["snapshot", "report.json"]


def test_one_id_in_two_accounts_ends_the_run_with_7_and_without_a_report(
    command: Callable[..., Any], organization_served: Callable[..., Any]
) -> None:
    name = "i-0123456789abcdef0"
    script = Script(f"ec2:DescribeInstances * eu-west-1 always: field instanceId {name}")
    company = "\n".join(
        f"{word} {account_id} {account_id}\nrun 1 m5.large eu-west-1a"
        for word, account_id in (("management", PAYER), ("account", WEB))
    )
    organization_served(company).faults = script
    ended = command("run", *US)
    assert (ended.code, ended.out) == (7, "")
    assert name in ended.err
    assert len(ended.err.splitlines()) == 1


def test_one_id_in_two_accounts_is_an_integrity_error(stage: Stage) -> None:
    name = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(IntegrityError, match=name):
        stage.read(
            f"ec2:DescribeReservedInstances * eu-west-1 always: field reservedInstancesId {name}"
        )
