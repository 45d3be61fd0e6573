"""Row 29: runs that are told to stop, and runs whose processes are killed one by one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ri_report.aws.accounts import PAGE_SIZE
from ri_report.aws.dispatch import FEW
from ri_report.aws.schedule import GRACE_SECONDS
from ri_report.ending import SAME_STOP_SECONDS
from ri_report.inventory.attempts import parts_folder
from ri_report.inventory.snapshot import read_snapshot
from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.faults import Script
from ri_report.sandbox.server import serve
from tests.inventory.readings import cells_read, gaps_in
from tests.matrix.runs import ROOT, tree
from tests.matrix.stage import COMPANY, DATA, PAYER, WEB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ri_report.inventory.schema import Inventory
    from ri_report.sandbox.server import Endpoint
    from tests.matrix.runs import Runs

    Large = tuple[Endpoint, dict[str, bytes]]

STOP_SECONDS = 10.0
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
NAME = "2026-11-22T063000Z"
OUTPUT = ("--no-progress", "--format", "html,xlsx,json,csv,parquet")
REGIONS = ("--region", "us-east-1", "--region", "eu-west-1")
RUN = ("run", *REGIONS, "--as-of", "2026-11-22T06:30Z", *OUTPUT)
RESUME = ("run", *REGIONS, "--resume", NAME, *OUTPUT)
SIGNALS = pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)


@pytest.fixture(scope="module")
def company() -> Iterator[Endpoint]:
    """Serve the company of three accounts."""
    with serve(organization_from(COMPANY, AS_OF)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def undisturbed(
    runs: Runs, company: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Return what a run leaves that nothing stops."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert runs.start(folder, company.environment, *RUN).wait().code == 0
    return tree(folder / "reports")


@pytest.fixture
def reported(undisturbed: dict[str, bytes], tmp_path: Path) -> Path:
    """Return a folder with the report of an earlier run."""
    for name, content in undisturbed.items():
        (tmp_path / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "reports" / name).write_bytes(content)
    return tmp_path


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def parts_in(folder: Path) -> set[str]:
    """Return the accounts that a run in a folder has done so far."""
    return {path.stem for path in parts_folder(folder / "reports", NAME).glob("*.part")}


def snapshot_in(folder: Path) -> Inventory:
    """Return what a run in a folder kept."""
    return read_snapshot(folder / "reports" / NAME / "snapshot")[0]


@SIGNALS
def test_a_stop_keeps_what_was_read_and_a_resumed_run_reads_only_the_rest(
    runs: Runs,
    company: Endpoint,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    sent: signal.Signals,
    code: int,
) -> None:
    company.faults = Script(f"ec2:* {DATA} * always: hang")
    child = runs.start(tmp_path, company.environment, *RUN)
    until(lambda: parts_in(tmp_path) == {PAYER, WEB})
    os.kill(child.pid, sent)
    told = time.monotonic()
    assert child.wait().code == code
    assert time.monotonic() - told < STOP_SECONDS
    run = tmp_path / "reports" / NAME
    assert [path.name for path in run.iterdir()] == ["snapshot"]
    inventory = snapshot_in(tmp_path)
    assert gaps_in(inventory) == {(DATA, "SKIPPED", "stopped")}
    read = inventory.outcomes[~inventory.outcomes["is_gap"]]
    assert set(read["account_id"]) == {PAYER, WEB}
    assert child.err.splitlines()[-1].startswith("error: stopped before the end")
    assert "snapshot holds what was read until the stop" in child.err

    company.faults = None
    company.calls.clear()
    resumed = runs.start(tmp_path, company.environment, *RESUME).wait()
    assert resumed.code == 0, resumed.err
    assert tree(tmp_path / "reports") == undisturbed
    asked = {call.account_id for call in company.calls if call.operation.startswith("DescribeI")}
    assert asked == {DATA}
    assert [call.operation for call in company.calls].count("AssumeRole") == 1


@SIGNALS
@pytest.mark.parametrize(
    "action", ["sts:GetCallerIdentity", "organizations:ListAccounts", "sts:AssumeRole"]
)
def test_a_stop_before_anything_was_read_leaves_the_old_report(
    runs: Runs,
    company: Endpoint,
    reported: Path,
    sent: signal.Signals,
    code: int,
    action: str,
) -> None:
    before = tree(reported / "reports")
    script = f"{action} * * always: hang\nec2:* {PAYER} * always: hang"
    company.faults = Script(script)
    company.calls.clear()
    child = runs.start(reported, company.environment, *RUN)
    operation = action.partition(":")[2]
    until(lambda: operation in {call.operation for call in company.calls})
    os.kill(child.pid, sent)
    told = time.monotonic()
    assert child.wait().code == code
    assert time.monotonic() - told < STOP_SECONDS
    company.faults = None
    left = tree(reported / "reports")
    assert {name: left[name] for name in before} == before


MANY = FEW + 20
"""More than one process reads, on three pages of the list of accounts."""
QUICK = ("--format", "json")
HANGING = f"{MANY // 2:012d}"


def large_company() -> str:
    """Return more accounts than one process reads."""
    lines = ["management 000000000001 payer"]
    for number in range(2, MANY + 1):
        lines += [f"account {number:012d} a{number}", "run 1 t3.nano us-east-1a"]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    """Serve a large company, and tell what an undisturbed run makes of it."""
    folder = tmp_path_factory.mktemp("large")
    with serve(organization_from(large_company(), AS_OF)) as endpoint:
        with started(endpoint, folder, *RUN, *QUICK) as process:
            assert process.wait(120) == 0
        yield endpoint, tree(folder / "reports")


@contextmanager
def started(endpoint: Endpoint, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command as a user does, with processes of its own."""
    kept = {name: os.environ[name] for name in os.environ if not name.startswith("AWS_")}
    with (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "ri_report", *arguments],
            cwd=folder,
            env={**kept, **endpoint.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=err,
            # A group of its own, as a terminal makes one of a command and its processes.
            process_group=0,
        )
        try:
            with process:
                yield process
        finally:
            process.kill()


def workers_of(pid: int) -> list[int]:
    """Return the processes that read accounts for a run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in command_of(int(child))]


def wait_for_the_end_of(workers: list[int], seconds: float) -> None:
    """Wait until none of these processes is there any more."""
    until(lambda: not any(map(command_of, workers)), seconds)


def command_of(pid: int) -> bytes:
    """Return the command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def hanging_run(large: Large, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """Start a run that has read all accounts but one, which hangs."""
    endpoint, _ = large
    endpoint.faults = Script(f"ec2:DescribeInstances {HANGING} * always: hang")
    try:
        with started(endpoint, folder, *RUN, *QUICK) as process:
            most = len(os.sched_getaffinity(0))
            until(lambda: len(workers_of(process.pid)) > 1 or most == 1)
            until(lambda: len(parts_in(folder)) == MANY - 1)
            # Those that have nothing left to read may have ended.
            yield process, workers_of(process.pid)
    finally:
        endpoint.faults = None


def assert_resumed(large: Large, folder: Path) -> None:
    """The resumed run asks about the account that is missing alone, and gives the same bytes."""
    endpoint, undisturbed = large
    missing = cells_read(parts_folder(folder / "reports", NAME)).get(HANGING, frozenset())
    endpoint.calls.clear()
    with started(endpoint, folder, *RESUME, *QUICK) as process:
        assert process.wait(120) == 0, (folder / "stderr").read_text()
    assert tree(folder / "reports") == undisturbed
    asked = [call for call in endpoint.calls if call.operation.startswith("Describe")]
    of_accounts = {call.account_id for call in asked if call.operation != "DescribeOrganization"}
    assert of_accounts == {HANGING}
    assert not missing & {(call.region, call.operation) for call in asked}


@SIGNALS
def test_a_stop_of_many_processes_keeps_what_all_of_them_read(
    large: Large,
    tmp_path: Path,
    sent: signal.Signals,
    code: int,
) -> None:
    with hanging_run(large, tmp_path) as (process, workers):
        process.send_signal(sent)
        assert process.wait(STOP_SECONDS) == code
        wait_for_the_end_of(workers, STOP_SECONDS)
    assert gaps_in(snapshot_in(tmp_path)) == {(HANGING, "SKIPPED", "stopped")}
    assert_resumed(large, tmp_path)


def test_a_stop_while_accounts_are_listed_keeps_what_all_processes_read(
    large: Large,
    tmp_path: Path,
) -> None:
    endpoint, undisturbed = large
    endpoint.faults = Script("organizations:ListAccounts * * call 3-: hang")
    with started(endpoint, tmp_path, *RUN, *QUICK) as process:
        until(lambda: len(parts_in(tmp_path)) == 2 * PAGE_SIZE)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 143
    endpoint.faults = None
    inventory = snapshot_in(tmp_path)
    assert len(inventory.accounts) == inventory.instances["account_id"].nunique() + 1 == 40
    assert gaps_in(inventory) == {("", "SKIPPED", "not_listed")}
    with started(endpoint, tmp_path, *RESUME, *QUICK) as process:
        assert process.wait(120) == 0, (tmp_path / "stderr").read_text()
    assert tree(tmp_path / "reports") == undisturbed


@pytest.mark.parametrize("moment", ["first", "last", "importing"])
def test_ctrl_c_while_processes_start_is_told_in_one_line(
    large: Large,
    tmp_path: Path,
    moment: str,
) -> None:
    needed = 1 if moment == "first" else len(os.sched_getaffinity(0))
    with started(large[0], tmp_path, *RUN, *QUICK) as process:
        until(lambda: len(workers_of(process.pid)) >= needed or parts_in(tmp_path))
        if moment == "importing":
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(STOP_SECONDS) == 130
    told = (tmp_path / "stderr").read_text().splitlines()
    assert "holds what was read" in told[0] or told[0].startswith("warning: nothing was read")
    assert told[1:] == ["error: stopped before the end; every file that is there is whole"]


def test_processes_whose_run_is_killed_end_at_once_and_write_nothing_more(
    large: Large,
    tmp_path: Path,
) -> None:
    with hanging_run(large, tmp_path) as (process, workers):
        process.kill()
        process.wait(STOP_SECONDS)
        wait_for_the_end_of(workers, GRACE_SECONDS - 1)
    assert len(parts_in(tmp_path) - {HANGING}) == MANY - 1 == len(parts_in(tmp_path))
    assert_resumed(large, tmp_path)


def test_a_run_that_is_told_thrice_to_stop_leaves_nobody_who_writes(
    large: Large,
    tmp_path: Path,
) -> None:
    with hanging_run(large, tmp_path) as (process, workers):
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(SAME_STOP_SECONDS + 0.1)
        assert process.wait(STOP_SECONDS) == 130
        wait_for_the_end_of(workers, GRACE_SECONDS - 1)
    assert_resumed(large, tmp_path)


def test_a_killed_worker_is_a_gap_of_the_accounts_that_it_read_and_of_no_others(
    large: Large,
    tmp_path: Path,
) -> None:
    with hanging_run(large, tmp_path) as (process, workers):
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        assert process.wait(60) == 3
    assert gaps_in(snapshot_in(tmp_path)) == {(HANGING, "SKIPPED", "worker_ended")}
    assert HANGING in (tmp_path / "stderr").read_text()
    assert_resumed(large, tmp_path)
