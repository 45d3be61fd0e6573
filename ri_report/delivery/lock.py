"""One writer at a time: a lock of the kernel's on the folder that outputs go to."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ri_report.delivery.files import FILE_MODE, FOLDER_MODE, check_place, check_writable
from ri_report.delivery.leftovers import sweep_runs
from ri_report.errors import AnotherRunError, explained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = ".ri-report.lock"
LONGEST_NOTE = 300


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the only one that writes into a folder until the block ends.

    The kernel holds the lock and lets go of it however the process ends, so what a crash leaves is
    an unlocked file that stops nobody. That file, and the folder if nothing was put into it, are
    gone when the block ends. What runs that were killed left half-done is swept before it begins.

    Args:
        folder: Where the folders of runs lie; made, for its owner only, when missing.

    Raises:
        AnotherRunError: another process is in such a block; raised at once, nobody waits.
        ConfigError: the folder is a symbolic link or no folder, lies in one that does not exist,
            or cannot be written to or locked.
    """
    check_place(folder)
    is_new = not folder.exists()
    with explained(folder):
        descriptor = _locked(folder / LOCK)
    try:
        check_writable(folder)
        with explained(folder):
            sweep_runs(folder)
        yield
    finally:
        # While it is still locked: whoever opens the file later finds that it is gone.
        (folder / LOCK).unlink(missing_ok=True)
        os.close(descriptor)
        if is_new:
            with suppress(OSError):
                folder.rmdir()


def _locked(path: Path) -> int:
    """Return the descriptor of the file that the path leads to, locked; it says who locks it.

    Between opening and locking, the run that held it may have ended and taken the file away, so
    that the lock would be one on nothing: then all over again.
    """
    while True:
        descriptor = _opened(path)
        if not _is_free(descriptor):
            busy = _busy(path, descriptor)
            os.close(descriptor)
            raise AnotherRunError(busy)
        if _leads_to(path, descriptor):
            # The note is a courtesy; a full disk is refused where the folder is tried.
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} on {os.uname().nodename}".encode(), 0)
            return descriptor
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    while True:
        path.parent.mkdir(FOLDER_MODE, exist_ok=True)
        # The folder too may go between these two lines: the run that made it ended without output.
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)


def _leads_to(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _busy(path: Path, descriptor: int) -> str:
    noted = os.pread(descriptor, LONGEST_NOTE, 0).decode(errors="replace")
    who = f" (process {noted})" if re.fullmatch(r"\d+ on \S+", noted) else ""
    return (
        f"folder {path.parent}: another run{who} is writing there; wait until it has ended, or"
        " choose another folder with --output-dir"
    )
