"""What a run has read outlasts its stop, and goes into the one that resumes it and no other."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from botocore.loaders import Loader

from ri_report.inventory.attempts import parts_folder
from ri_report.inventory.snapshot import read_snapshot
from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.faults import Script
from ri_report.sandbox.wire import Response
from tests.inventory.readings import cells_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.inventory.schema import Inventory
    from ri_report.sandbox.server import Endpoint
    from ri_report.sandbox.wire import Request

    Command = Callable[..., Any]
    Serve = Callable[[str], Any]

MODELS = Loader()
NAME = "2026-11-22T063000Z"
SNAPSHOT = Path("reports") / NAME / "snapshot"
PAYER, WEB, DATA = "111111111111", "222222222222", "333333333333"
COMPANY = f"""
management {PAYER} payer
run 2 m5.large us-east-1a
account {WEB} web
run 3 c5.xlarge us-east-1a
account {DATA} data
run 4 r5.large us-east-1a
"""
INCOMPLETE = COMPANY + "deny ec2:DescribeReservedInstances\n"
COLLECT = ("collect", "--no-progress", "--region", "us-east-1")
RESUME = (*COLLECT, "--resume", NAME)
STOPPED = 130


@pytest.fixture(autouse=True)
def _models_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: MODELS)


@pytest.fixture
def _listed_in_two_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list of accounts come in two pages, to a process that reads those of the first."""
    monkeypatch.setattr("ri_report.aws.accounts.PAGE_SIZE", 2)
    monkeypatch.setattr("ri_report.aws.collect.cores", lambda: 1)


def read() -> set[str]:
    """Return the accounts of which something is kept for a run that is resumed."""
    return {account_id for account_id, cells in cells_read(parts()).items() if cells}


def parts() -> Path:
    """Return where it is kept."""
    return parts_folder(Path("reports"), NAME)


def instances_of(inventory: Inventory) -> dict[str, int]:
    """Return how many instances each account runs."""
    return dict(Counter(inventory.instances["account_id"]))


def assert_resumed(command: Command, organization: Endpoint, asked: set[str]) -> None:
    """The resumed run asks about these accounts alone, and the snapshot is whole."""
    organization.calls.clear()
    ended = command(*RESUME)
    assert ended.code == 0, ended.err
    calls = organization.calls
    assert {call.account_id for call in calls if call.operation == "DescribeInstances"} == asked
    inventory = read_snapshot(SNAPSHOT)[0]
    assert not inventory.outcomes["is_gap"].any()
    assert instances_of(inventory) == {PAYER: 2, WEB: 3, DATA: 4}
    assert not parts().exists()


def interrupt_when_read(accounts: set[str], times: int = 1, pause: float = 1.2) -> None:
    """Let the run be interrupted as soon as these accounts are read, by a thread of its own."""

    interrupt_when(lambda: read() >= accounts, times, pause)


def interrupt_when(holds: Callable[[], bool], times: int = 1, pause: float = 1.2) -> None:
    """Let the run be interrupted as soon as something holds, by a thread of its own."""

    def watch() -> None:
        ends = time.monotonic() + 10
        while not holds() and time.monotonic() < ends:
            time.sleep(0.01)
        for _ in range(times):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(pause)

    threading.Thread(target=watch, daemon=True).start()


HANGING = {
    "while the accounts are listed": ("organizations:ListAccounts * * call 2-: hang", 1),
    "twice, while an account is read": (f"sts:AssumeRole {DATA} * always: hang", 2),
}


@pytest.mark.usefixtures("_listed_in_two_pages")
@pytest.mark.parametrize(("script", "times"), HANGING.values(), ids=HANGING)
def test_what_was_read_outlasts_an_interrupt(
    command: Command,
    organization_served: Serve,
    script: str,
    times: int,
) -> None:
    organization = organization_served(COMPANY)
    organization.faults = Script(script)
    interrupt_when_read({PAYER, WEB}, times)
    assert command(*COLLECT).code == STOPPED
    assert read() == {PAYER, WEB}
    organization.faults = None
    assert_resumed(command, organization, {DATA})


def test_a_resumed_run_that_is_stopped_again_at_once_still_keeps_what_was_read(
    command: Command, organization_served: Serve
) -> None:
    organization = organization_served(INCOMPLETE)
    assert command(*COLLECT).code == 3
    organization.faults = Script("sts:GetCallerIdentity * * always: hang")
    organization.calls.clear()
    interrupt_when(lambda: bool(organization.calls))
    stopped = command(*RESUME)
    assert stopped.code == STOPPED
    assert "nothing was read" not in stopped.err
    assert f"--resume {NAME}" in stopped.err
    assert read() == {PAYER, WEB, DATA}


def test_accounts_that_a_stop_left_out_did_not_fail(
    command: Command, organization_served: Serve
) -> None:
    organization_served(COMPANY).faults = Script(f"sts:AssumeRole {DATA} * always: hang")
    interrupt_when_read({PAYER, WEB})
    stopped = command("collect", *COLLECT[2:])
    assert "info: 3/3 accounts, 1 not read in full" in stopped.err.splitlines()
    assert "failed" not in stopped.err


def test_a_signal_that_a_wrapper_passes_on_again_at_once_is_the_same_stop(
    command: Command, organization_served: Serve
) -> None:
    organization = organization_served(COMPANY)
    organization.faults = Script(f"ec2:* {DATA} * always: hang")
    interrupt_when_read({PAYER, WEB}, times=3, pause=0.2)
    assert command(*COLLECT).code == STOPPED
    inventory = read_snapshot(SNAPSHOT)[0]
    assert instances_of(inventory) == {PAYER: 2, WEB: 3}


def stop_while_listing(command: Command, organization_served: Serve) -> str:
    """Stop a run when the accounts of the first page are read; return what it says."""
    organization = organization_served(COMPANY)
    organization.faults = Script("organizations:ListAccounts * * call 2-: hang")
    interrupt_when_read({PAYER, WEB})
    stopped = command(*COLLECT)
    assert stopped.code == STOPPED
    said: str = stopped.err
    return said


@pytest.mark.usefixtures("_listed_in_two_pages")
def test_a_stop_while_the_accounts_are_listed_keeps_what_was_read_and_says_what_is_not_listed(
    command: Command, organization_served: Serve
) -> None:
    said = stop_while_listing(command, organization_served)
    assert f"{SNAPSHOT} holds what was read until the stop" in said
    inventory = read_snapshot(SNAPSHOT)[0]
    assert set(inventory.accounts["account_id"]) == {PAYER, WEB}
    assert instances_of(inventory) == {PAYER: 2, WEB: 3}
    gaps = inventory.outcomes[inventory.outcomes["is_gap"]]
    told = gaps[["account_id", "region", "kind", "status", "reason"]].to_numpy().tolist()
    assert told == [["", "", "account", "SKIPPED", "not_listed"]]


@pytest.mark.usefixtures("_listed_in_two_pages")
def test_where_accounts_were_not_listed_no_total_is_known(
    command: Command, organization_served: Serve
) -> None:
    stop_while_listing(command, organization_served)
    # A group may hold accounts of which nothing is known yet.
    Path("groups.toml").write_text(
        f'[sharing]\nmode = "restricted"\n[sharing.groups]\nshop = ["{WEB}", "{DATA}"]\n'
    )
    rest = ("--snapshot", SNAPSHOT, "--format", "json", "--config", "groups.toml")
    reported = command("report", *rest)
    assert reported.code == 3
    assert "Not read: accounts that were not listed: SKIPPED (not_listed)" in reported.err
    report = json.loads((SNAPSHOT.parent / "report.json").read_bytes())
    assert report["completeness"]["complete"] is False
    assert all(total is None for total in totals(report))
    assert report["kpis"]["accounts_read"]["standing"] == "bad"
    assert {kpi["standing"] for kpi in report["kpis"].values()} == {"unknown", "bad"}
    instance_id = read_snapshot(SNAPSHOT)[0].instances["instance_id"][0]
    told = command("explain", instance_id, "--snapshot", SNAPSHOT)
    assert "What was not read of accounts that were not listed is unknown here too." in told.out


def totals(report: dict[str, Any]) -> list[float | None]:
    """Return every total of a report."""
    return [total for table in report["tables"].values() for total in table["total"].values()]


def test_a_stopped_rerun_leaves_the_snapshot_that_a_report_rests_on(
    command: Command, organization_served: Serve
) -> None:
    organization = organization_served(COMPANY)
    run = ("run", *COLLECT[1:])
    assert command(*run).code == 0
    before = files()
    organization.faults = Script(f"sts:AssumeRole {DATA} * always: hang")
    interrupt_when_read({PAYER, WEB})
    stopped = command(*run)
    assert stopped.code == STOPPED
    assert f"{SNAPSHOT} stays as it was" in stopped.err
    assert files() == before
    assert read() == {PAYER, WEB}
    organization.faults = None
    assert_resumed(command, organization, {DATA})
    assert files() == before


def files() -> dict[str, bytes]:
    """Return the files of the run."""
    folder = SNAPSHOT.parent
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def interrupt_before_the_last_answer(organization: Endpoint) -> None:
    """Let the run be interrupted when nothing but one answer is missing, which still comes."""
    script = f"ec2:DescribeReservedInstances {DATA} us-east-1 call 1: delay 2"
    organization.faults = Script(script)
    organization.calls.clear()
    kinds = {"Instances", "ReservedInstances", "CapacityReservations", "AvailabilityZones"}

    def is_all_asked() -> bool:
        asked = {call.operation for call in organization.calls if call.account_id == DATA}
        return read() >= {PAYER, WEB} and asked >= {f"Describe{kind}" for kind in kinds}

    interrupt_when(is_all_asked)


def test_a_stop_that_finds_everything_read_leaves_a_whole_snapshot_and_says_so(
    command: Command, organization_served: Serve
) -> None:
    interrupt_before_the_last_answer(organization_served(COMPANY))
    stopped = command(*COLLECT)
    assert stopped.code == STOPPED
    report = ("report", "--snapshot", str(SNAPSHOT), "--output-dir", "reports")
    assert f"{SNAPSHOT} is whole; make its report with `ri-report {' '.join(report)}`" in (
        stopped.err
    )
    assert "--resume" not in stopped.err
    assert not parts().exists()
    assert command(*report, "--format", "json").code == 0


def test_a_stopped_rerun_that_has_read_everything_is_resumed_without_a_question(
    command: Command, organization_served: Serve
) -> None:
    organization = organization_served(COMPANY)
    assert command("run", *COLLECT[1:]).code == 0
    before = files()
    interrupt_before_the_last_answer(organization)
    stopped = command("run", *COLLECT[1:])
    assert stopped.code == STOPPED
    assert f"{SNAPSHOT} stays as it was" in stopped.err
    assert f"--resume {NAME}" in stopped.err
    assert files() == before
    organization.faults = None
    assert_resumed(command, organization, set())


def test_who_stops_a_run_while_its_report_is_made_is_told_how_to_make_it(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(COMPANY)
    with monkeypatch.context() as patch:
        patch.setattr("ri_report.pipeline.render", interrupted)
        stopped = command("run", *COLLECT[1:])
    assert stopped.code == STOPPED
    report = ("report", "--snapshot", str(SNAPSHOT), "--output-dir", "reports")
    assert f"make its report with `ri-report {' '.join(report)}`" in stopped.err
    resumed = command("run", *RESUME[1:])
    assert resumed.code == 2
    assert "nothing to resume; run anew, or make" in resumed.err
    assert f"with `ri-report {' '.join(report)}`" in resumed.err
    assert command(*report, "--format", "json").code == 0


def test_the_command_that_is_named_makes_the_report_beside_what_was_read(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(COMPANY)
    with monkeypatch.context() as patch:
        patch.setattr("ri_report.pipeline.render", interrupted)
        stopped = command("run", *COLLECT[1:], "--output-dir", "my runs")
    (named,) = re.findall(r"`ri-report (report .*)`", stopped.err)
    assert command(*shlex.split(named)).code == 0
    assert Path(f"my runs/{NAME}/report.json").exists()
    assert not Path("reports").exists()


@pytest.mark.usefixtures("_listed_in_two_pages")
def test_what_was_read_outlasts_a_list_of_accounts_that_breaks_off(
    command: Command, organization_served: Serve
) -> None:
    organization = organization_served(COMPANY)
    calls = "organizations:ListAccounts * * call"
    organization.faults = Script(f"{calls} 2: delay 2\n{calls} 2-: status 503")
    broken = command(*COLLECT)
    assert broken.code == 4
    assert f"--resume {NAME}" in broken.err.splitlines()[-1]
    assert read() == {PAYER, WEB}
    assert not SNAPSHOT.exists()
    organization.faults = None
    assert_resumed(command, organization, {DATA})


@pytest.mark.usefixtures("_listed_in_two_pages")
def test_a_list_of_accounts_that_breaks_off_before_anything_was_read_leaves_nothing(
    command: Command, organization_served: Serve
) -> None:
    hang = f"sts:AssumeRole {WEB} * always: hang\nec2:* {PAYER} * always: hang"
    organization_served(COMPANY).faults = Script(
        f"organizations:ListAccounts * * call 2-: status 503\n{hang}"
    )
    broken = command(*COLLECT)
    assert broken.code == 4
    (line,) = broken.err.splitlines()
    assert line.endswith(". Nothing was read, so there is nothing to resume; run anew")
    assert not Path("reports").exists()


def full_disk(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("mishap", "code"), [(interrupted, STOPPED), (full_disk, 2)], ids=["interrupt", "full disk"]
)
def test_what_was_read_outlasts_what_happens_while_it_is_put_together(
    command: Command,
    organization_served: Serve,
    monkeypatch: pytest.MonkeyPatch,
    mishap: Callable[..., None],
    code: int,
) -> None:
    organization = organization_served(COMPANY)
    with monkeypatch.context() as patch:
        patch.setattr("ri_report.collection.merge_parts", mishap)
        assert command(*COLLECT).code == code
    assert read() == {PAYER, WEB, DATA}
    assert not SNAPSHOT.exists()
    assert_resumed(command, organization, set())


def test_a_run_is_not_resumed_at_another_endpoint(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = organization_served(INCOMPLETE)
    assert command(*COLLECT).code == 3
    before = read()
    organization_served(COMPANY)
    refused = command(*RESUME)
    assert refused.code == 2
    assert "read in another account, partition or endpoint" in refused.err
    assert read() == before == {PAYER, WEB, DATA}
    for name, value in first.environment.items():
        monkeypatch.setenv(name, value)
    assert command(*RESUME).code == 3


def test_a_run_is_not_resumed_with_the_credentials_of_another_account(
    command: Command, organization_served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization_served(INCOMPLETE)
    assert command(*COLLECT).code == 3
    truth = Sandbox.answer

    def answer(sandbox: Sandbox, request: Request) -> Response:
        response = truth(sandbox, request)
        if b"Action=GetCallerIdentity" in request.body:
            other = response.body.replace(PAYER.encode(), WEB.encode())
            return Response(response.status, response.headers, other)
        return response

    monkeypatch.setattr(Sandbox, "answer", answer)
    refused = command(*RESUME)
    assert refused.code == 2
    assert "resume with the credentials and the endpoint of then" in refused.err
