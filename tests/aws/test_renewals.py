"""A role that is assumed again in the middle of the run costs nobody but its own account."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws.clock import Clock
from ri_report.aws.credentials import RoleCredentials
from ri_report.aws.faults import Fault, FaultError
from ri_report.aws.quotas import Bucket
from ri_report.aws.visits import Turn
from ri_report.inventory.outcomes import CellKind, Status
from ri_report.progress import Quiet
from ri_report.sandbox.faults import Script
from tests.inventory.readings import gaps_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import Credentials

    from ri_report.aws.cells import Cell
    from ri_report.aws.visits import Task
    from ri_report.inventory.schema import Inventory

    Worlds = Callable[..., Any]
    Gather = Callable[..., Inventory]

PAYER, WEB = "111111111111", "222222222222"
OTHERS = [f"{300_000_000_000 + index}" for index in range(6)]
COMPANY = f"management {PAYER} payer\naccount {WEB} web\nrun 1 m5.large us-east-1a\n" + "\n".join(
    f"account {account_id} other\nrun 1 m5.large us-east-1a" for account_id in OTHERS
)
OPERATIONS = {
    CellKind.INSTANCES: "DescribeInstances",
    CellKind.RESERVATIONS: "DescribeReservedInstances",
    CellKind.CAPACITY: "DescribeCapacityReservations",
    CellKind.ZONES: "DescribeAvailabilityZones",
}
REGIONS = ("us-east-1", "eu-west-1", "us-west-2")
ENDED = f"ec2:DescribeInstances {WEB} us-east-1 call 1: expire"
SILENCE = Fault(Status.TIMEOUT, "ReadTimeoutError", "sts:AssumeRole: no answer", "Look")
DAMAGE = Fault(Status.MALFORMED, "no_Credentials", "sts:AssumeRole: no Credentials", "Look")


@dataclass
class Renewals:
    """What becomes of assuming the role of one account again.

    Attributes:
        mishap: Is called before each, and may hang or raise.
        assumed: How often the role of each account was asked for.
    """

    mishap: Callable[[int], None]
    assumed: Counter[str] = field(default_factory=Counter)

    def spoil(self, monkeypatch: pytest.MonkeyPatch) -> Renewals:
        """Let each renewal of the account meet its mishap."""
        truth = RoleCredentials._session

        def session(roles: RoleCredentials, account_id: str) -> Credentials:
            self.assumed[account_id] += 1
            if account_id == WEB and self.assumed[WEB] > 1:
                self.mishap(self.assumed[WEB] - 1)
            return truth(roles, account_id)

        monkeypatch.setattr(RoleCredentials, "_session", session)
        return self


def failing(fault: Fault, *which: int) -> Callable[[int], None]:
    """Fail these renewals, counted from 1, or all."""

    def mishap(number: int) -> None:
        if number in which or not which:
            raise FaultError(fault)

    return mishap


class OthersDone(Quiet):
    """Notes when all accounts but one are done."""

    def __init__(self) -> None:
        super().__init__()
        self.left = {PAYER, *OTHERS}
        self.are_done = Event()

    def done(self, account_id: str, *, failed: bool) -> None:
        super().done(account_id, failed=failed)
        self.left.discard(account_id)
        if not self.left:
            self.are_done.set()


def test_a_renewal_that_hangs_holds_one_thread_and_no_other_account(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, hung = OthersDone(), list[bool]()
    # The other accounts cannot all be done while every thread waits for the one that hangs.
    renewals = Renewals(lambda _: hung.append(progress.are_done.wait(5))).spoil(monkeypatch)
    world(COMPANY, faults=Script(ENDED))
    seen = gather(regions=REGIONS, concurrency=3, progress=progress)
    assert hung == [True]
    assert renewals.assumed[WEB] == 2
    assert not gaps_in(seen)
    assert len(seen.instances) == 7


def test_whoever_waits_for_a_renewal_spends_no_token(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = 0

    class Counted(Bucket):
        def wait(self, now: float) -> float:
            nonlocal spent
            wait = super().wait(now)
            spent += not wait
            return wait

    renewals = Renewals(failing(DAMAGE, 1, 2)).spoil(monkeypatch)
    monkeypatch.setattr("ri_report.aws.worker.Bucket", Counted)
    world(COMPANY, faults=Script(ENDED))
    assert not gaps_in(gather(regions=REGIONS))
    assert renewals.assumed[WEB] == 1 + 3
    assert spent == renewals.assumed.total()


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize(("fault", "tries"), [(SILENCE, 2), (DAMAGE, 4)])
def test_a_role_that_cannot_be_assumed_again_is_tried_for_the_account_and_not_for_each_cell(
    world: Worlds,
    gather: Gather,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    tries: int,
    concurrency: int,
) -> None:
    renewals = Renewals(failing(fault)).spoil(monkeypatch)
    world(COMPANY, faults=Script(ENDED))
    seen = gather(regions=REGIONS, concurrency=concurrency)
    assert renewals.assumed[WEB] == 1 + tries
    assert gaps_in(seen) == {(WEB, fault.status, fault.reason)}


@pytest.mark.usefixtures("_short_calls")
def test_a_cell_that_was_silent_takes_no_patience_from_the_renewal_that_it_makes(
    world: Worlds, gather: Gather
) -> None:
    asked = f"ec2:DescribeInstances {WEB} us-east-1"
    script = (
        f"{asked} call 1: drip 20\n{asked} call 2: expire\nsts:AssumeRole {WEB} * call 2: drip 20"
    )
    world(COMPANY, faults=Script(script))
    assert not gaps_in(gather(regions=REGIONS, clock=Clock(), accounts=(WEB,)))


def test_all_readings_go_on_after_a_renewal_although_the_one_that_made_it_does_not(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(COMPANY, faults=Script(ENDED))
    truth = Turn.take_or_wait
    cells: list[Cell] = []

    def noted(turn: Turn, task: Task) -> bool:
        if is_its := truth(turn, task):
            cells.append(task.cell)
        return is_its

    def refuse_the_renewing_one(_: int) -> None:
        operation = OPERATIONS[cells[-1].kind]
        there.refuse(operation, "RequestLimitExceeded", status=503, region=cells[-1].region)

    monkeypatch.setattr(Turn, "take_or_wait", noted)
    Renewals(refuse_the_renewing_one).spoil(monkeypatch)
    seen = gather(regions=REGIONS, accounts=(WEB,), run_seconds=20.0)
    gaps = seen.outcomes[seen.outcomes["is_gap"]]
    assert cells[-1].kind in set(gaps["kind"])
    assert set(gaps["region"]) == {cells[-1].region}


def test_a_run_that_ends_during_a_renewal_leaves_no_cell_without_an_outcome(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttled = Fault(Status.THROTTLED, "Throttling", "sts:AssumeRole: Throttling", "Wait")
    Renewals(failing(throttled)).spoil(monkeypatch)
    world(COMPANY, faults=Script(ENDED))
    seen = gather(regions=REGIONS, run_seconds=20.0)
    outcomes = seen.outcomes[seen.outcomes["account_id"] == WEB]
    assert len(outcomes) == len(REGIONS) * 4
    assert {reason for account_id, _, reason in gaps_in(seen) if account_id == WEB} == {
        "run_deadline"
    }
