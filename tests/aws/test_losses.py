"""No mishap of one account, one answer or one worker costs anything but its own cells."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ri_report.aws import cells, schedule
from ri_report.aws.clients import Clients
from ri_report.aws.clock import Clock
from ri_report.aws.collect import collect
from ri_report.aws.credentials import MOST_RENEWALS
from ri_report.aws.dispatch import STOP_SECONDS, Dispatch, Kept
from ri_report.aws.quotas import ASSUME_ROLE_AT_ONCE, ASSUME_ROLE_PER_SECOND
from ri_report.aws.scope import Scope
from ri_report.aws.worker import work
from ri_report.errors import ConfigError, NoReportError
from ri_report.inventory.attempts import check_source
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.parts import read_outcomes, write_part
from ri_report.progress import Quiet
from ri_report.sandbox.faults import Script
from ri_report.sandbox.wire import Response
from tests.aws.conftest import ROLE, Hasty
from tests.inventory.readings import cells_read, gaps_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BytesIO
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from ri_report.aws.cells import Asker
    from ri_report.aws.collect import Collected
    from ri_report.aws.quotas import Bucket
    from ri_report.aws.visits import Visit
    from ri_report.aws.worker import Order
    from ri_report.inventory.schema import Inventory

    Worlds = Callable[..., Any]
    Gather = Callable[..., Inventory]
    Read = Callable[..., Collected]

HOME = ("us-east-1",)
PAYER, WEB, DATA = "111111111111", "222222222222", "333333333333"
COMPANY = f"""
management {PAYER} payer
run 2 m5.large us-east-1a
account {WEB} web
run 3 c5.xlarge us-east-1a
buy 2 c5.xlarge us-east-1
account {DATA} data
run 4 r5.large us-east-1a
"""
JSON = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "r-1"}
EXCEEDED = "error RequestLimitExceeded 503"
KEPT = {PAYER: Kept(frozenset({("us-east-1", CellKind.INSTANCES)}), is_whole=True)}


def number(index: int) -> str:
    """Return the id of one account of many."""
    return f"{200_000_000_000 + index}"


def many(accounts: int) -> str:
    """Return a management account and so many others."""
    return f"management {PAYER} payer\n" + "".join(
        f"account {number(index)} a{index}\nrun 1 m5.large us-east-1a\n"
        for index in range(accounts)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for parts."""
    parts = tmp_path / "kept"
    parts.mkdir()
    return parts


@pytest.fixture
def read(folder: Path) -> Read:
    """Return a function that collects into one folder of parts, also several times."""

    def collected(**options: Any) -> Collected:  # noqa: ANN401 - of collect and of Scope
        clock, kept = options.pop("clock", None) or Hasty(), options.pop("kept", None)
        scope = Scope(role_name=ROLE, regions=HOME, **options)
        return collect(scope, folder, progress=Quiet(), kept=kept, clock=clock)

    return collected


def part_of(folder: Path, account_id: str) -> dict[str, tuple[str, str]]:
    """Return status and reason of each kind in the part of an account."""
    outcomes = dict(read_outcomes(folder))[account_id]
    return {outcome.kind: (outcome.status, outcome.reason) for outcome in outcomes}


def test_kept_cells_that_are_damaged_while_a_run_is_resumed_are_gaps(
    world: Worlds, folder: Path, read: Read
) -> None:
    world(COMPANY + "deny ec2:DescribeReservedInstances\n")
    read()
    kept = {each: Kept(found, is_whole=False) for each, found in cells_read(folder).items()}
    part = folder / f"{DATA}.part"
    part.write_bytes(part.read_bytes()[:-1])
    assert not read(kept=kept).is_whole
    assert part_of(folder, DATA) == {
        "instances": ("MALFORMED", "part"),
        "reservations": ("DENIED", "iam"),
        "capacity_reservations": ("MALFORMED", "part"),
        "zones": ("MALFORMED", "part"),
    }
    assert part_of(folder, WEB)["instances"] == ("OK", "")


def test_a_part_says_which_kept_cells_it_no_longer_has(folder: Path) -> None:
    here = [("us-east-1", kind) for kind in (CellKind.INSTANCES, CellKind.ZONES)]
    write_part(folder, WEB, {}, [Outcome(WEB, *here[0], Status.EMPTY)])
    (lost,) = write_part(folder, WEB, {}, [], here)
    assert (lost.region, lost.kind, lost.status, lost.reason) == (*here[1], "MALFORMED", "part")
    assert lost.is_gap
    assert part_of(folder, WEB) == {"instances": ("EMPTY", ""), "zones": ("MALFORMED", "part")}


SOURCE = {"account_id": PAYER, "partition": "aws", "endpoint": "https://ec2.amazonaws.com"}


@pytest.mark.parametrize("name", SOURCE)
def test_parts_of_one_source_are_not_mixed_with_those_of_another(name: str, folder: Path) -> None:
    check_source(folder, SOURCE)
    check_source(folder, dict(reversed(SOURCE.items())))
    with pytest.raises(ConfigError, match="read in another account, partition or endpoint"):
        check_source(folder, SOURCE | {name: "another"})
    check_source(folder, SOURCE)


@pytest.mark.parametrize(
    ("state", "is_tried"),
    [
        ("ACTIVE_RESTRICTED", True),
        ("SLEEPING", True),
        ("PENDING_ACTIVATION", False),
        ("CLOSED", False),
    ],
)
def test_an_account_is_tried_unless_its_state_is_known_to_be_no_use(
    world: Worlds, gather: Gather, state: str, *, is_tried: bool
) -> None:
    def stated(body: bytes) -> Response:
        answer = json.loads(body)
        for account in answer["Accounts"]:
            if account["Id"] == DATA:
                account.pop("Status", None)
                account["State"] = state
        return Response(200, JSON, json.dumps(answer).encode())

    there = world(COMPANY)
    there.spoil("ListAccounts", stated)
    seen = gather(regions=HOME)
    assert (DATA in set(seen.instances["account_id"])) is is_tried
    assert bool(there.called("DescribeInstances")[DATA, "us-east-1"]) is is_tried
    assert not gaps_in(seen)


@pytest.mark.parametrize("moment", ["2099-01-01T00:00:00", "1e300", "99999999999999999999", "x"])
def test_a_session_that_ends_at_no_moment_costs_its_account_alone(
    world: Worlds, gather: Gather, moment: str
) -> None:
    script = f'sts:AssumeRole {WEB} * always: field Expiration "{moment}"'
    world(COMPANY, faults=Script(script))
    seen = gather(regions=HOME)
    assert {(account_id, status) for account_id, status, _ in gaps_in(seen)} == {(WEB, "MALFORMED")}
    assert set(seen.instances["account_id"]) == {PAYER, DATA}


@pytest.mark.parametrize("depth", [300, 5000])
def test_a_refusal_that_is_nested_beyond_measure_is_malformed(
    world: Worlds, gather: Gather, depth: int
) -> None:
    nested = b"<a>" * depth + b"</a>" * depth
    there = world(COMPANY)
    there.spoil(
        "DescribeReservedInstances",
        lambda _: Response(400, {}, b"<Response><Errors>" + nested + b"</Errors></Response>"),
    )
    seen = gather(regions=HOME)
    assert {status for _, status, _ in gaps_in(seen)} == {"MALFORMED"}
    assert seen.outcomes["is_gap"].sum() == 3
    assert len(seen.instances) == 9


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let two workers read even a few accounts, each in a thread of this process."""
    with ExitStack() as stack:

        def start(_: Dispatch, pipe: Connection, order: Order, clock: Clock) -> None:
            clients = stack.enter_context(Clients(clock=clock))
            Thread(target=work, args=(pipe, order, clients), daemon=True).start()

        monkeypatch.setattr(Dispatch, "_start_process", start)
        monkeypatch.setattr("ri_report.aws.dispatch.FEW", 0)
        yield


def without_memory_for(account_id: str) -> Callable[..., Any]:
    truth = cells.READERS[CellKind.INSTANCES]

    def reading(cell: cells.Cell, principal: str) -> Any:  # noqa: ANN401 - as of the truth
        read = yield from truth(cell, principal)
        if cell.account_id == account_id:
            raise MemoryError
        return read

    return reading


@pytest.mark.usefixtures("in_threads")
def test_a_worker_without_memory_costs_the_accounts_that_it_was_reading_alone(
    world: Worlds, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = without_memory_for(PAYER)
    monkeypatch.setitem(cells.READERS, CellKind.INSTANCES, reader)
    world(many(40))
    seen = gather(regions=HOME, processes=2, clock=Clock())
    lost = {account_id for account_id, _, _ in gaps_in(seen)}
    assert PAYER in lost
    assert gaps_in(seen) == {(account_id, "SKIPPED", "worker_ended") for account_id in lost}
    assert set(seen.instances["account_id"]) == set(map(number, range(40))) - lost != set()


def test_the_only_worker_without_memory_leaves_what_it_had_written(
    world: Worlds, folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def when_others_are_read(cell: cells.Cell, principal: str) -> Any:  # noqa: ANN401 - as of the truth
        while cell.account_id == DATA and len([*folder.glob("*.part")]) < 2:
            yield from truth(cell, principal)
        return (yield from scarce(cell, principal))

    truth = cells.READERS[CellKind.INSTANCES]
    scarce = without_memory_for(DATA)
    monkeypatch.setitem(cells.READERS, CellKind.INSTANCES, when_others_are_read)
    world(COMPANY)
    found = read()
    assert [(each.account_id, each.reason) for each in found.outcomes] == [(DATA, "worker_ended")]
    assert {path.stem for path in folder.glob("*.part")} == {PAYER, WEB}


class Finished(Quiet):
    """When each account was finished, by the clock of the run."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.at: dict[str, float] = {}

    def done(self, account_id: str, *, failed: bool) -> None:
        super().done(account_id, failed=failed)
        self.at[account_id] = self.clock.now()


@pytest.mark.parametrize("action", ["ec2:DescribeRegions", "sts:AssumeRole"])
def test_accounts_that_are_throttled_on_the_way_in_hold_up_no_others(
    world: Worlds, gather: Gather, action: str
) -> None:
    throttled = {number(index) for index in range(schedule.AHEAD)}
    lines = [f"{action} {account_id} * always: {EXCEEDED}" for account_id in throttled]
    world(many(12), faults=Script("\n".join(lines)))
    clock = Hasty()
    finished = Finished(clock)
    seen = gather(regions=HOME, clock=clock, progress=finished)
    assert {account_id for account_id, _, _ in gaps_in(seen)} == throttled
    others = finished.at.keys() - throttled
    assert len(others) == 9
    assert max(finished.at[account_id] for account_id in others) < 2
    assert min(finished.at[account_id] for account_id in throttled) > 60


@pytest.mark.parametrize("concurrency", [1, 16])
def test_keys_that_are_never_accepted_are_assumed_anew_only_a_few_times(
    world: Worlds, gather: Gather, concurrency: int
) -> None:
    kinds = ("Instances", "ReservedInstances", "CapacityReservations", "AvailabilityZones")
    lines = [f"ec2:Describe{kind} 2* * always: error AuthFailure 401" for kind in kinds]
    there = world(many(5), faults=Script("\n".join(lines)))
    with pytest.raises(NoReportError, match="EXPIRED"):
        gather(concurrency=concurrency, exclude_accounts=(PAYER,))
    assumed = [body for body in there.bodies if "Action=AssumeRole" in body]
    for account_id in map(number, range(5)):
        tries = sum(f"{account_id}%3Arole" in body for body in assumed)
        assert 1 <= tries <= 1 + MOST_RENEWALS


@pytest.mark.parametrize("concurrency", [1, 16])
def test_keys_that_end_are_renewed_although_the_first_answers_to_that_are_damaged(
    world: Worlds, gather: Gather, concurrency: int
) -> None:
    script = (
        f"ec2:DescribeInstances {WEB} us-east-1 call 1: expire\n"
        f"sts:AssumeRole {WEB} * call 2-3: invalid token"
    )
    world(COMPANY, faults=Script(script))
    seen = gather(regions=HOME, concurrency=concurrency)
    assert not gaps_in(seen)
    assert len(seen.instances) == 9


@pytest.mark.usefixtures("_short_calls")
def test_a_role_whose_assumption_hangs_once_is_assumed_in_the_end(
    world: Worlds, gather: Gather
) -> None:
    world(COMPANY, faults=Script(f"sts:AssumeRole {WEB} * call 1: drip 20"))
    seen = gather(regions=HOME, clock=Clock())
    assert not gaps_in(seen)
    assert len(seen.instances) == 9


def test_accounts_that_are_assigned_while_the_run_ends_are_gaps(
    world: Worlds, folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = schedule.Schedule.run

    def ends_at_once(each: schedule.Schedule, visited: Callable[[Visit], None], _: float) -> None:
        run(each, visited, -1.0)

    world(COMPANY)
    monkeypatch.setattr(schedule.Schedule, "run", ends_at_once)
    found = read(kept=KEPT)
    in_parts = [outcome for _, outcomes in read_outcomes(folder) for outcome in outcomes]
    missing = {(each.account_id, each.reason) for each in (*in_parts, *found.outcomes)}
    assert missing == {(WEB, "run_deadline"), (DATA, "run_deadline")}
    assert not found.is_whole


@pytest.mark.parametrize("strike", range(1, 11))
def test_a_signal_in_the_middle_of_a_message_costs_nothing_that_was_read(
    world: Worlds, folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch, strike: int
) -> None:
    heads = 0

    def received(pipe: Connection, size: int, *rest: object) -> BytesIO:
        nonlocal heads
        content: BytesIO = truth(pipe, size, *rest)
        if size == 4 and threading.current_thread() is threading.main_thread():
            heads += 1
            if heads == strike:
                signal.raise_signal(signal.SIGINT)
        return content

    # Reads the head of a message and then its body; the class declares only what is public.
    truth = vars(Connection)["_recv"]
    world(COMPANY)
    monkeypatch.setattr(Connection, "_recv", received)
    monkeypatch.setattr("ri_report.aws.collect.cores", lambda: 1)
    try:
        outcomes = read(kept=KEPT).outcomes
    except KeyboardInterrupt:
        # Before anything was listed.
        outcomes = []
        assert not [*folder.glob("*.part")]
    assert {each.reason for each in outcomes} <= {"stopped", "not_listed"}
    in_parts = {each for each, told in read_outcomes(folder) if not told[0].is_gap}
    assert not in_parts & {each.account_id for each in outcomes}


@pytest.mark.usefixtures("in_threads")
def test_every_worker_of_several_ends_by_itself_when_the_run_has_taken_too_long(
    world: Worlds, folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ri_report.aws.schedule.GRACE_SECONDS", 0.1)
    world(COMPANY, faults=Script(f"ec2:* {WEB} * always: hang\nec2:* {DATA} * always: hang"))
    began = time.monotonic()
    found = read(processes=2, run_seconds=1.5, clock=Clock())
    assert time.monotonic() - began < 1.5 + STOP_SECONDS / 2
    assert not found.outcomes
    told = {reason for each in (WEB, DATA) for _, reason in part_of(folder, each).values()}
    assert told == {"run_deadline"}


@pytest.mark.usefixtures("in_threads")
@pytest.mark.parametrize("workers", [1, 4])
def test_all_workers_together_assume_roles_no_faster_than_one(
    world: Worlds, read: Read, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    rates: list[Bucket] = []
    truth = schedule.Schedule.__init__

    def noted(
        each: schedule.Schedule, asker: Asker, scope: Scope, roles: Bucket, want: Callable[[], None]
    ) -> None:
        rates.append(roles)
        truth(each, asker, scope, roles, want)

    monkeypatch.setattr(schedule.Schedule, "__init__", noted)
    world(COMPANY)
    read(processes=workers, clock=Clock())
    assert len(rates) == workers
    assert sum(each.refill for each in rates) == ASSUME_ROLE_PER_SECOND
    assert sum(each.capacity for each in rates) == ASSUME_ROLE_AT_ONCE


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SpawnProcess]]:
    """Let processes read even a few accounts, but stop each of them as soon as it is there."""
    workers: list[SpawnProcess] = []
    start = Dispatch._start_process

    def frozen_at_once(dispatch: Dispatch, pipe: Connection, order: Order, clock: Clock) -> None:
        start(dispatch, pipe, order, clock)
        worker = dispatch._processes[-1]
        os.kill(worker.pid or 0, signal.SIGSTOP)
        workers.append(worker)

    monkeypatch.setattr(Dispatch, "_start_process", frozen_at_once)
    monkeypatch.setattr("ri_report.aws.dispatch.FEW", 0)
    monkeypatch.setattr("ri_report.aws.dispatch.STOP_SECONDS", 0.2)
    yield workers
    assert not any(worker.is_alive() for worker in workers)


def test_processes_that_are_frozen_do_not_hold_the_run_beyond_its_end(
    world: Worlds, read: Read, frozen: list[SpawnProcess]
) -> None:
    world(COMPANY)
    began = time.monotonic()
    found = read(kept=KEPT, processes=2, run_seconds=0.3)
    assert time.monotonic() - began < 5
    assert len(frozen) == 2
    assert {(each.account_id, each.reason) for each in found.outcomes} == {
        (account_id, "worker_ended") for account_id in (WEB, DATA)
    }
    assert not found.is_whole


def test_a_stop_waits_for_all_processes_together_and_not_for_one_after_the_other(
    world: Worlds, read: Read, frozen: list[SpawnProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_at = 0.0

    def interrupted(dispatch: Dispatch) -> NoReturn:
        nonlocal interrupted_at
        while dispatch._listing:
            dispatch._hear_in_time(dispatch._listing)
        interrupted_at = time.monotonic()
        raise KeyboardInterrupt

    monkeypatch.setattr(Dispatch, "_share_out", interrupted)
    world(COMPANY)
    found = read(kept=KEPT, processes=10)
    assert STOP_SECONDS + time.monotonic() - interrupted_at < 10
    assert len(frozen) == 10
    assert isinstance(found.interrupt, KeyboardInterrupt)
    assert {(each.account_id, each.reason) for each in found.outcomes} == {
        (account_id, "stopped") for account_id in (WEB, DATA)
    }
