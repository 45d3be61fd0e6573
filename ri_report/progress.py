"""Progress of the collection on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

log = logging.getLogger("ri_report")

SECONDS_BETWEEN_LINES = 5.0


class Lines:
    """Plain lines of the log: the first account, one every few seconds, and the last account."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._total = self._done = self._failed = 0
        self._last = -SECONDS_BETWEEN_LINES

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; there is nothing to clean up."""

    def listed(self, accounts: int) -> None:
        """Take how many more accounts will be read."""
        self._total += accounts

    def done(self, account_id: str, *, failed: bool) -> None:  # noqa: ARG002 - the protocol's
        """Count an account and say so when it is time."""
        self._done += 1
        self._failed += failed
        now = time.monotonic()
        if self._done == self._total or now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            log.info("%d/%d accounts, %d not read in full", self._done, self._total, self._failed)


class Bar:
    """A bar with accounts done, those not read in full and the time left."""

    def __init__(self) -> None:
        """Lay out the bar; it appears when the number of accounts is known."""
        self._total = self._failed = 0
        self._bar = Progress(
            TextColumn("Reading accounts"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} not read in full"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def listed(self, accounts: int) -> None:
        """Take how many more accounts will be read."""
        self._total += accounts
        if self._task is None:
            self._task = self._bar.add_task("", total=self._total, failed=0)
        self._bar.update(self._task, total=self._total)

    def done(self, account_id: str, *, failed: bool) -> None:  # noqa: ARG002 - the protocol's
        """Move the bar on by one account."""
        self._failed += failed
        if self._task is not None:
            self._bar.update(self._task, advance=1, failed=self._failed)


class Quiet(Lines):
    """Says nothing."""

    def done(self, account_id: str, *, failed: bool) -> None:
        """Say nothing."""


def progress(*, wanted: bool, lines: bool = False) -> Lines | Bar:
    """Return what shows progress on stderr.

    Args:
        wanted: False for silence.
        lines: Whether even a terminal gets lines, because whoever reads them expects a log.
    """
    if not wanted:
        return Quiet()
    return Lines() if lines or not sys.stderr.isatty() else Bar()
