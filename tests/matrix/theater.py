"""A theater for whole runs: two organizations, and what undisturbed runs make of them."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.server import serve
from tests.matrix.runs import tree, warmed
from tests.matrix.stage import COMPANY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ri_report.sandbox.server import Endpoint
    from tests.matrix.runs import Child, Runs

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


@contextmanager
def opened(folder: Path) -> Iterator[Theater]:
    """Serve both organizations, and warm up what starts the runs."""
    with ExitStack() as stack:
        before, now = (
            stack.enter_context(serve(organization_from(text, AS_OF))) for text in (BEFORE, COMPANY)
        )
        made = Theater(stack.enter_context(warmed()), folder, before, now)
        made.prepare()
        yield made


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
