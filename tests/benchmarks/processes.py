"""Commands as processes of their own: how long they take, and what they take of the machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from tests.benchmarks.machine import busy, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS_BETWEEN_LOOKS = 0.2
SMALL_MIB = 40.0
"""Processes that stay below do nothing but look after others, such as multiprocessing's."""


@dataclass(frozen=True)
class Cost:
    """What a command took, with all processes that it started.

    Attributes:
        wall_seconds: From its start to its end.
        cpu_seconds: Of all its processes, as the kernel adds them up.
        machine_seconds: Processor time of the whole machine in the meantime.
        peaks: Of each process the most that it was resident [MiB]; the first is the command itself.
        load: Average of the machine's load before and after.
        output: What it printed.
    """

    wall_seconds: float
    cpu_seconds: float
    machine_seconds: float
    peaks: tuple[float, ...]
    load: float
    output: str

    def __str__(self) -> str:
        """Say all of it in one line."""
        first, *others = self.peaks
        workers = f", its {len(others)} workers' at most {max(others):.0f}" if others else ""
        return (
            f"wall {self.wall_seconds:.1f} s, CPU {self.cpu_seconds:.1f} s,"
            f" peak {first:.0f}{workers} MiB; load {self.load:.1f}"
        )


def cost_of(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        load_before, machine_before, begun = load(), busy(), time.monotonic()
        process = subprocess.Popen(
            command, env=dict(environment), stdout=out, stderr=subprocess.STDOUT
        )
        with _Watched(process.pid) as watched:
            _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        machine = busy() - machine_before
        out.seek(0)
        output = out.read()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{output[-4000:]}")
    peaks = watched.peaks.values()
    mean_load = (load_before + load()) / 2
    cpu = used.ru_utime + used.ru_stime
    return Cost(wall, cpu, machine, tuple(peaks), mean_load, output)


class _Watched:
    """Looks at a tree of processes again and again: the kernel keeps no peak of one that ended."""

    def __init__(self, root: int) -> None:
        self.peaks: dict[int, float] = {root: 0.0}
        self._root = root
        self._has_ended = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._has_ended.wait(SECONDS_BETWEEN_LOOKS):
            for process in [self._root, *_descendants(self._root)]:
                peak = _peak(process)
                if process == self._root or peak >= SMALL_MIB:
                    self.peaks[process] = max(peak, self.peaks.get(process, 0.0))


def _descendants(process: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{process}/task").iterdir()
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []
    return [one for child in children for one in (child, *_descendants(child))]


def _peak(process: int) -> float:
    try:
        said = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in said.splitlines() if line.startswith("VmHWM:")]
    return int(sizes[0]) / 1024 if sizes else 0.0
