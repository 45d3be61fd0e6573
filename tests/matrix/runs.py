"""Whole runs of the command, each in a process of its own, that may be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@dataclass
class Child:
    """A command that has been started.

    Attributes:
        pid: Its process.
        folder: Where it runs.
        code: Its exit code, or the negative number of the signal that ended it.
        memory_bytes: The most memory that it held.
    """

    pid: int
    folder: Path
    _answers: IO[str]
    code: int = field(init=False)
    memory_bytes: int = field(init=False)

    def wait(self) -> Child:
        """Wait for its end."""
        status, kilobytes = json.loads(self._answers.readline())
        self.code = os.waitstatus_to_exitcode(status)
        self.memory_bytes = kilobytes * 1024
        return self

    @property
    def err(self) -> str:
        """What it wrote to stderr."""
        return (self.folder / "stderr").read_text()

    @property
    def changes(self) -> int:
        """How many changes of files and folders it has begun."""
        return (self.folder / "changes").stat().st_size


@dataclass
class Runs:
    """Starts commands one after the other; the next when the last has been waited for."""

    _warm: subprocess.Popen[str]

    def start(
        self,
        folder: Path,
        environment: dict[str, str],
        *arguments: str,
        dies_at: int = 0,
        **limits: int,
    ) -> Child:
        """Start the command in a folder.

        Args:
            folder: Where it runs; gets the files `stdout`, `stderr` and `changes`.
            environment: Its variables of AWS.
            arguments: What follows `ri-report`.
            dies_at: Before which change of a file it dies as of `kill -9`; 0 is never.
            limits: Resource limits by name, such as RLIMIT_AS.
        """
        told: dict[str, Any] = {
            "folder": str(folder),
            "environment": environment,
            "arguments": arguments,
            "dies_at": dies_at,
            "limits": limits,
        }
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        self._warm.stdin.write(f"{json.dumps(told)}\n")
        self._warm.stdin.flush()
        return Child(int(self._warm.stdout.readline()), folder, self._warm.stdout)


@contextmanager
def warmed() -> Iterator[Runs]:
    """Start the process that forks the commands."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.matrix.warm"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as warm:
        assert warm.stdin is not None
        try:
            yield Runs(warm)
        finally:
            warm.stdin.close()
            try:
                warm.wait(20)
            finally:
                warm.kill()


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
