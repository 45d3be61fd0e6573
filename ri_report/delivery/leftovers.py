"""Leftovers: temporary folders that a kill left beside the folder that they were to become."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPORARY = re.compile(r"\.(?P<of>.+)\.(?:new\.[a-z0-9_]{8}|old)")
"""How a folder is called while it is filled (by `tempfile.mkdtemp`), or set aside for a new one."""
RUN = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z|demo")
"""How the folders of runs are called; whatever is called otherwise is of somebody else."""
SNAPSHOT = "snapshot"
"""The folder in that of a run that is replaced by itself."""


def sweep_runs(runs: Path) -> None:
    """Put back or remove what runs that were killed left; only for who is the only writer.

    Args:
        runs: Where the folders of runs lie.

    Raises:
        OSError: the folder cannot be read, or an old folder not put back.
    """
    for name in sorted({each for path in runs.iterdir() if RUN.fullmatch(each := _of(path))}):
        recover(runs / name)
    for run in runs.iterdir():
        if RUN.fullmatch(run.name) and run.is_dir() and not run.is_symlink():
            recover(run / SNAPSHOT)
            # Nothing was put into it before the kill.
            with suppress(OSError):
                run.rmdir()


def recover(folder: Path) -> None:
    """Put the old folder back where no new one stands; sweep what a kill left beside it.

    Raises:
        OSError: the old folder cannot be put back; what cannot be removed is left.
    """
    old = aside(folder)
    if _of(old) and not os.path.lexists(folder):
        old.rename(folder)
    for path in [*folder.parent.iterdir()]:
        if _of(path) == folder.name:
            shutil.rmtree(path, ignore_errors=True)


def aside(folder: Path) -> Path:
    """Return where an old folder waits until the new one stands."""
    return folder.with_name(f".{folder.name}.old")


def fresh_prefix(folder: Path) -> str:
    """Return what the name of a folder begins with that is filled to become this one."""
    return f".{folder.name}.new."


def _of(path: Path) -> str:
    """Return the name of the folder that a temporary one was or was to become; "" of others."""
    match = TEMPORARY.fullmatch(path.name)
    return match["of"] if match and path.is_dir() and not path.is_symlink() else ""
