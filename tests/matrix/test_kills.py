"""Row 29: a whole run that is killed at any moment, and what the next one makes of it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from ri_report.inventory.parts import ABOUT, cells_read, parts_folder
from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.server import serve
from tests.matrix.runs import tree, warmed
from tests.matrix.stage import COMPANY, IS_PROOF, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ri_report.sandbox.call import CallRecord
    from ri_report.sandbox.server import Endpoint
    from ri_report.sandbox.wire import Request, Response
    from tests.matrix.runs import Child, Runs

KILLS = 200 if IS_PROOF else 20
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
NAME = "2026-11-22T063000Z"
OUTPUT = ("--no-progress", "--format", "html,json,csv")
REGIONS = ("--region", "us-east-1", "--region", "eu-west-1")
RUN = ("run", *REGIONS, "--as-of", "2026-11-22T06:30Z", *OUTPUT)
RESUME = ("run", *REGIONS, "--resume", NAME, *OUTPUT)
BEFORE = "management 111111111111 payer\nrun 1 t3.nano us-east-1a\nbuy 1 t3.nano us-east-1"
Files = dict[str, bytes]


@dataclass
class Theater:
    """Two organizations, and what undisturbed runs make of them.

    Attributes:
        runs: Starts runs.
        folder: Where each run gets a folder of its own.
        before: The organization of the run before.
        now: The organization of the runs that are killed.
        old: The files that the run before left.
        new: The files that an undisturbed run leaves.
        seconds: How long one takes.
        changes: How many files and folders it changes.
        calls: How many calls it makes.
    """

    runs: Runs
    folder: Path
    before: Endpoint
    now: Endpoint
    old: Files = field(init=False)
    new: Files = field(init=False)
    seconds: float = field(init=False)
    changes: int = field(init=False)
    calls: int = field(init=False)
    _count: int = 0

    def prepare(self) -> None:
        """Let both organizations be reported without any trouble, one after the other."""
        first = self._empty()
        assert self.runs.start(first, self.before.environment, *RUN).wait().code == 0
        self.old = tree(first / "reports")
        began = time.monotonic()
        child = self.run(first, *RUN)
        self.seconds = time.monotonic() - began
        assert child.code == 0
        self.changes, self.calls = child.changes, len(self.now.calls)
        self.new = tree(first / "reports")
        assert self.old.keys() == self.new.keys()
        assert self.old != self.new

    def _empty(self) -> Path:
        self._count += 1
        folder = self.folder / f"{self._count}"
        folder.mkdir()
        return folder

    def place(self) -> Path:
        """Return a folder in which the run before has left its files."""
        folder = self._empty()
        for name, content in self.old.items():
            path = folder / "reports" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    def run(self, folder: Path, *arguments: str) -> Child:
        """Run to the end, and remember only the calls of this run."""
        self.now.calls.clear()
        return self.runs.start(folder, self.now.environment, *arguments).wait()


@pytest.fixture(scope="module")
def theater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theater]:
    """Serve both organizations, and warm up what starts the runs."""
    with ExitStack() as stack:
        before, now = (
            stack.enter_context(serve(organization_from(text, AS_OF))) for text in (BEFORE, COMPANY)
        )
        runs = stack.enter_context(warmed())
        made = Theater(runs, tmp_path_factory.mktemp("runs"), before, now)
        made.prepare()
        yield made


def spread(last: int, share: int) -> list[int]:
    """Return numbers from 1 to a last one, evenly spread: a share of all kills."""
    count = min(last, KILLS // share)
    return sorted({1 + (last - 1) * each // max(1, count - 1) for each in range(count)})


def test_a_kill_before_any_change_of_a_file_leaves_old_or_new_and_nothing_to_mend(
    theater: Theater,
) -> None:
    for number in spread(theater.changes, 2):
        folder = theater.place()
        child = theater.runs.start(folder, theater.now.environment, *RUN, dies_at=number)
        assert child.wait().code == -signal.SIGKILL
        assert_whole_and_mended(theater, folder)


def test_a_kill_at_any_moment_leaves_old_or_new_and_nothing_to_mend(theater: Theater) -> None:
    moments = random.Random(29)  # noqa: S311 - to be the same each time
    for _ in range(KILLS // 4):
        folder = theater.place()
        child = theater.runs.start(folder, theater.now.environment, *RUN)
        timer = Timer(moments.uniform(0, theater.seconds), os.kill, (child.pid, signal.SIGKILL))
        timer.start()
        child.wait()
        timer.cancel()
        timer.join()
        assert child.code in {0, -signal.SIGKILL}
        assert_whole_and_mended(theater, folder)


def test_a_kill_at_any_call_leaves_old_or_new_and_nothing_to_mend(
    theater: Theater, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = Sandbox.answer
    for number in spread(theater.calls, 4):
        folder = theater.place()
        left, child = number, theater.runs.start(folder, theater.now.environment, *RUN)

        def deadly(sandbox: Sandbox, request: Request) -> Response:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(child.pid, signal.SIGKILL)  # noqa: B023 - of this turn
            return truth(sandbox, request)

        with monkeypatch.context() as patch:
            patch.setattr(Sandbox, "answer", deadly)
            child.wait()
        assert child.code == -signal.SIGKILL
        assert_whole_and_mended(theater, folder)


def assert_whole_and_mended(theater: Theater, folder: Path) -> None:
    """What lies there is whole; the next run reads only what is missing, and leaves no trace."""
    assert_old_or_new(theater, folder / "reports")
    parts = parts_folder(folder / "reports", NAME)
    is_begun = (parts / ABOUT).exists()
    kept = cells_read(parts) if is_begun else {}
    ended = theater.run(folder, *(RESUME if is_begun else RUN))
    assert ended.code == 0, ended.err
    assert tree(folder / "reports") == theater.new
    assert [path.name for path in (folder / "reports").iterdir()] == [NAME]
    again = {(call.account_id, cell_of(call)) for call in theater.now.calls}
    assert not again & {(account_id, cell) for account_id in kept for cell in kept[account_id]}
    whole = {account_id for account_id in kept if len(kept[account_id]) == 2 * len(KINDS)}
    assert not whole & {call.account_id for call in theater.now.calls if call.operation in KINDS}
    shutil.rmtree(folder)


def cell_of(call: CallRecord) -> tuple[str, str]:
    """The (region, kind) that a call is about."""
    return call.region, KINDS.get(f"ec2:{call.operation}", "")


def assert_old_or_new(theater: Theater, reports: Path) -> None:
    """The snapshot is that of one run, and so are the reports made of it."""
    run = reports / NAME
    if not run.exists():
        run = reports / f".{NAME}.old"
    there = tree(run)
    snapshot = run / "snapshot"
    if not snapshot.exists():
        snapshot = run / ".snapshot.old"
    assert tree(snapshot) in (part(theater.old, "snapshot"), part(theater.new, "snapshot"))
    outputs = {name: there[name] for name in there if "snapshot" not in name}
    assert outputs in (others(theater.old), others(theater.new))


def part(files: Files, folder: str) -> Files:
    """Return the files in a folder of the run, by their path there."""
    start = f"{NAME}/{folder}/"
    return {name.removeprefix(start): files[name] for name in files if name.startswith(start)}


def others(files: Files) -> Files:
    """Return the files of the run outside of its snapshot."""
    start = f"{NAME}/"
    return {
        name.removeprefix(start): content
        for name, content in files.items()
        if "snapshot" not in name
    }
