"""Row 25: keys that end in the middle of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ri_report.aws.crew import Attempt, Crew
from ri_report.aws.quotas import ASSUME_ROLE_AT_ONCE, ASSUME_ROLE_PER_SECOND
from ri_report.aws.visits import Task
from tests.matrix.stage import DATA, HOME, KINDS, PAYER, WEB, staged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matrix.stage import Seen, Stage


@pytest.mark.parametrize("action", [*KINDS, "ec2:DescribeRegions"])
def test_keys_that_end_in_the_middle_are_renewed_once_and_the_call_is_made_again(
    stage: Stage, clean: Seen, action: str
) -> None:
    seen = stage.read(f"{action} {WEB} {HOME} call 1: expire")
    assert seen.files == clean.files
    assert seen.called("AssumeRole") == clean.called("AssumeRole") + 1
    operation = action.partition(":")[2]
    assert seen.called(operation, account_id=WEB, region=HOME) == 1 + clean.called(
        operation, account_id=WEB, region=HOME
    )


def test_keys_that_end_between_two_pages_leave_no_page_out(stage: Stage, clean: Seen) -> None:
    for call in (2, 3):
        seen = stage.read(f"ec2:DescribeInstances {WEB} {HOME} call {call}: expire")
        assert seen.files == clean.files


def test_keys_that_end_in_every_account_are_renewed_in_each(stage: Stage, clean: Seen) -> None:
    asked, accounts = "ec2:DescribeInstances", (WEB, DATA)
    seen = stage.read("\n".join(f"{asked} {each} {HOME} call 1: expire" for each in accounts))
    assert seen.files == clean.files
    assert seen.called("AssumeRole") == 2 * clean.called("AssumeRole")


def test_a_refused_renewal_leaves_the_remaining_cells_expired_and_keeps_the_others(
    stage: Stage, clean: Seen
) -> None:
    script = f"""
        ec2:DescribeInstances {WEB} {HOME} call 2: expire
        sts:AssumeRole {WEB} * call 2-: error AccessDenied 403
    """
    seen = stage.read(script, concurrency=1)
    assert (WEB, HOME, "instances") in seen.gaps
    assert {account_id for account_id, _, _ in seen.gaps} == {WEB}
    where = {"account_id": WEB}
    assert {status for status, _ in seen.outcomes(**where)} == {"EXPIRED", "OK", "EMPTY"}
    assert seen.rows("instances", region=HOME, **where) == 0
    for other in (PAYER, DATA):
        assert seen.outcomes(account_id=other) == clean.outcomes(account_id=other)
    expired = seen.inventory.outcomes.query("status == 'EXPIRED'")
    assert expired["fix"].str.contains("could not be assumed again").all()


@pytest.mark.parametrize("mishap", ["error InternalError 500", "error Throttling 400", "body html"])
def test_a_renewal_that_fails_for_a_moment_is_tried_again(
    stage: Stage, clean: Seen, mishap: str
) -> None:
    script = f"""
        ec2:DescribeInstances {WEB} {HOME} call 2: expire
        sts:AssumeRole {WEB} * call 2: {mishap}
    """
    assert stage.read(script).files == clean.files


def test_roles_are_assumed_again_no_faster_than_for_the_first_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, begin, moments = 60, Crew.begin, list[float]()
    members = "".join(f"account {number:012d} a{number}\n" for number in range(2, 2 + count))
    with staged(f"management {PAYER} payer\n{members}", tmp_path) as there:

        def noted(crew: Crew, attempt: Attempt) -> None:
            # Not in the thread that makes the call: whoever lists the accounts moves the clock too.
            if isinstance(attempt.subject, Task) and attempt.subject.is_assuming:
                moments.append(attempt.begun)
            begin(crew, attempt)

        monkeypatch.setattr(Crew, "begin", noted)
        seen = there.read("ec2:DescribeRegions 0* * call 1-2: expire", processes=1)
    assert not seen.gaps
    assert len(moments) == 3 * count
    moments.sort()
    for first, began in enumerate(moments):
        for last in range(first, len(moments)):
            most = ASSUME_ROLE_AT_ONCE + ASSUME_ROLE_PER_SECOND * (moments[last] - began)
            assert last - first + 1 <= most + 1e-3
