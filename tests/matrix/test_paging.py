"""Rows 15 and 16: tokens that lead nowhere, pages that hold nothing, or more than was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws.cells import Cell, read_instances
from ri_report.aws.faults import FaultError
from ri_report.inventory.outcomes import CellKind
from tests.matrix.stage import HOME, PAGE_SIZE, PAYER, WEB, staged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.matrix.stage import Seen, Stage

PAGED = {
    "ec2:DescribeInstances": "instances",
    "ec2:DescribeCapacityReservations": "capacity_reservations",
}
PAGES = 20
MANY = f"management {PAYER} payer\nrun {PAGES * PAGE_SIZE} m5.large us-east-1a"


@pytest.fixture
def long_list(tmp_path: Path) -> Iterator[Stage]:
    """Serve an account whose instances fill twenty pages."""
    with staged(MANY, tmp_path) as there:
        yield there


@pytest.mark.parametrize("twist", ["token cycle", "same token"])
@pytest.mark.parametrize("action", PAGED)
@pytest.mark.parametrize("first", [1, 2])
def test_tokens_that_come_back_are_malformed_and_leave_no_partial_count(
    stage: Stage, action: str, twist: str, first: int
) -> None:
    seen = stage.read(f"{action} {WEB} {HOME} call {first}-: {twist}")
    where = {"account_id": WEB, "region": HOME}
    assert seen.gaps == {(WEB, HOME, PAGED[action])}
    assert seen.outcomes(kind=PAGED[action], **where) == [("MALFORMED", "token_cycle")]
    assert seen.rows(PAGED[action], **where) == 0
    assert len(seen.calls) < 60


@pytest.mark.parametrize("action", PAGED)
@pytest.mark.parametrize("call", [1, 2])
def test_a_token_that_is_no_longer_valid_has_the_cell_read_again_from_its_first_page(
    stage: Stage, clean: Seen, action: str, call: int
) -> None:
    seen = stage.read(f"{action} {WEB} {HOME} call {call}: invalid token")
    assert seen.files == clean.files
    again = call  # the calls up to the refused one are made once more
    operation = action.partition(":")[2]
    where = {"account_id": WEB, "region": HOME}
    assert seen.called(operation, **where) == clean.called(operation, **where) + again


def test_a_token_that_is_never_valid_ends_in_a_gap(stage: Stage) -> None:
    seen = stage.read(f"ec2:DescribeInstances {WEB} {HOME} call 2-: invalid token")
    assert seen.gaps == {(WEB, HOME, "instances")}
    assert seen.rows("instances", account_id=WEB, region=HOME) == 0


@pytest.mark.parametrize(
    "mishap", ["error InternalError 500", "truncate 200", "drop reservationSet", "body html"]
)
def test_page_seven_of_twenty_that_fails_for_good_leaves_the_whole_cell_unknown(
    long_list: Stage, mishap: str
) -> None:
    assert long_list.read().rows("instances") == PAGES * PAGE_SIZE
    seen = long_list.read(f"ec2:DescribeInstances * * call 7-: {mishap}", regions=(HOME,))
    assert seen.gaps == {(PAYER, HOME, "instances")}
    assert seen.rows("instances") == 0
    (outcome,) = seen.inventory.outcomes.query("kind == 'instances'").to_dict("records")
    assert outcome["row_count"] == 0


def test_page_seven_of_twenty_that_fails_three_times_is_read_in_the_end(long_list: Stage) -> None:
    clean = long_list.read()
    seen = long_list.read("ec2:DescribeInstances * us-east-1 call 7-9: status 503")
    assert seen.files == clean.files


@pytest.mark.parametrize("when", ["call 1", "call 1-40", "call 2-3"])
def test_empty_pages_with_a_token_are_not_the_end(stage: Stage, clean: Seen, when: str) -> None:
    seen = stage.read(f"ec2:* * * {when}: empty page")
    assert seen.files == clean.files


def test_a_page_that_comes_twice_is_counted_once(stage: Stage, clean: Seen) -> None:
    assert stage.read("ec2:* * * call 1-2: duplicate page").files == clean.files


def test_pages_of_any_size_are_read(stage: Stage, clean: Seen) -> None:
    seen = stage.read("* * * always: ignore MaxResults")
    assert seen.files == clean.files
    assert seen.called("DescribeInstances") == 6
    assert seen.called("ListAccounts") == 1


def page(number: int) -> dict[str, Any]:
    """A page with one instance, as the parser gives it."""
    instance = {
        "InstanceId": f"i-{number:017x}",
        "InstanceType": "m5.large",
        "State": {"Name": "running"},
        "Placement": {"AvailabilityZone": "us-east-1a", "Tenancy": "default"},
        "UsageOperation": "RunInstances",
        "PlatformDetails": "Linux/UNIX",
    }
    return {"Reservations": [{"OwnerId": PAYER, "Instances": [instance]}]}


def test_ten_thousand_and_one_pages_are_all_read() -> None:
    pages = 10_001
    reading = read_instances(Cell(PAYER, HOME, CellKind.INSTANCES), "the job's role")
    call = next(reading)
    assert "NextToken" not in call.parameters
    for number in range(1, pages):
        call = reading.send(page(number) | {"NextToken": f"token-{number}"})
        assert call.parameters["NextToken"] == f"token-{number}"
    with pytest.raises(StopIteration) as end:
        reading.send(page(pages))
    assert len({row["instance_id"] for row in end.value.value}) == pages


@pytest.mark.parametrize("repeated", [page(1), {"Reservations": []}])
def test_pages_that_bring_nothing_new_for_ever_are_malformed(repeated: dict[str, Any]) -> None:
    reading = read_instances(Cell(PAYER, HOME, CellKind.INSTANCES), "the job's role")
    next(reading)
    reading.send(page(1) | {"NextToken": "token-1"})
    for number in range(1_000):
        reading.send(repeated | {"NextToken": f"token of {number}"})
    with pytest.raises(FaultError, match="1,000 pages in a row brought nothing new"):
        reading.send(repeated | {"NextToken": "one more"})
