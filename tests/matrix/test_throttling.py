"""Rows 4 and 12: refusals that end with time, and those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.matrix.stage import DATA, HOME, KINDS, PAYER, WEB

if TYPE_CHECKING:
    from tests.matrix.stage import Seen, Stage

EXCEEDED = "error RequestLimitExceeded 503"


def test_a_role_whose_trust_was_just_created_is_assumed_within_thirty_seconds(
    stage: Stage, clean: Seen
) -> None:
    seen = stage.read(f"sts:AssumeRole {WEB} * call 1-2: error AccessDenied 403")
    assert seen.files == clean.files
    assert seen.called("AssumeRole") == 2 + 2
    assert seen.seconds <= 30


def test_calls_that_exceed_the_rate_for_thirty_seconds_are_all_answered_in_the_end(
    stage: Stage, clean: Seen
) -> None:
    seen = stage.read(f"ec2:* * * for 30 s: {EXCEEDED}")
    assert seen.files == clean.files
    assert 30 <= seen.seconds <= 120
    assert seen.outcomes() == [("EMPTY", ""), ("OK", "")]


@pytest.mark.parametrize("account_id", [PAYER, WEB])
def test_one_place_that_is_refused_for_ever_is_throttled_and_nothing_else_is_touched(
    stage: Stage, clean: Seen, account_id: str
) -> None:
    seen = stage.read(f"ec2:* {account_id} eu-west-1 always: {EXCEEDED}")
    struck = {(account_id, "eu-west-1", kind) for kind in KINDS.values()}
    assert seen.gaps == struck
    where = {"account_id": account_id, "region": "eu-west-1"}
    assert seen.outcomes(**where) == [("THROTTLED", "RequestLimitExceeded")]
    for other in {PAYER, WEB, DATA} - {account_id}:
        assert seen.outcomes(account_id=other) == clean.outcomes(account_id=other)
        assert seen.rows("instances", account_id=other) == clean.rows("instances", account_id=other)
    assert seen.called("DescribeInstances", account_id=DATA) == clean.called(
        "DescribeInstances", account_id=DATA
    )


def test_a_place_that_is_refused_for_ever_holds_up_no_other_account(stage: Stage) -> None:
    seen = stage.read(f"ec2:* {WEB} {HOME} call 2-: {EXCEEDED}", concurrency=2)
    assert seen.done[WEB] >= 120
    assert max(seen.done[PAYER], seen.done[DATA]) < 1


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("sts:GetCallerIdentity", "Throttling"),
        ("organizations:ListAccounts", "TooManyRequestsException"),
        ("organizations:DescribeOrganization", "TooManyRequestsException"),
        ("sts:AssumeRole", "Throttling"),
        ("ec2:DescribeRegions", "RequestLimitExceeded"),
    ],
)
def test_every_call_on_the_way_to_the_cells_is_patient_for_thirty_seconds(
    stage: Stage, clean: Seen, action: str, code: str
) -> None:
    seen = stage.read(f"{action} * * for 30 s: error {code} 400")
    assert seen.files == clean.files
    assert seen.seconds >= 30


@pytest.mark.parametrize("action", ["sts:AssumeRole", "ec2:DescribeRegions"])
def test_an_account_whose_door_is_throttled_for_ever_is_one_gap(stage: Stage, action: str) -> None:
    seen = stage.read(f"{action} {WEB} * always: error Throttling 400")
    kind = "account" if action == "sts:AssumeRole" else "regions"
    assert seen.gaps == {(WEB, "", kind)}
    assert seen.outcomes(account_id=WEB) == [("THROTTLED", "Throttling")]


def test_a_run_that_takes_longer_than_it_may_ends_with_what_it_has(stage: Stage) -> None:
    seen = stage.read(f"ec2:* {WEB} {HOME} call 2-: {EXCEEDED}", run_seconds=20.0)
    assert {account_id for account_id, _, _ in seen.gaps} == {WEB}
    assert ("TIMEOUT", "run_deadline") in seen.outcomes(account_id=WEB)
    assert seen.seconds < 20 + 5
    assert seen.rows("instances", account_id=PAYER) == 8
