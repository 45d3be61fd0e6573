"""The dispatch: which worker reads which account, and what the workers say of it.

Accounts are given out while the list of them is still coming in, one whenever a worker wants one.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import TYPE_CHECKING, Protocol, Self

from ri_report.aws.accounts import AccountList
from ri_report.aws.cells import Cell
from ri_report.aws.faults import Fault
from ri_report.aws.messages import (
    STOPPED,
    TOO_LATE,
    UNLISTED,
    Assigned,
    Ended,
    NoMore,
    Visited,
    Want,
)
from ri_report.aws.signals import held_back, unheard
from ri_report.aws.worker import work, work_in_process
from ri_report.errors import NoReportError, RiReportError
from ri_report.inventory.outcomes import CellKind, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from multiprocessing.context import SpawnProcess
    from types import TracebackType

    from ri_report.aws.clients import Clients
    from ri_report.aws.clock import Clock
    from ri_report.aws.worker import Order
    from ri_report.inventory.outcomes import Outcome

FEW = 24
"""Accounts that are read sooner in one process than others have started."""
STOP_SECONDS = 7.0
"""How long a run that is stopped waits for its workers to write what they have read."""
WORKER_ENDED = Fault(
    Status.SKIPPED,
    "worker_ended",
    "not read: the process that reads it ended",
    "Free memory on this machine, then run again with --resume",
)


class ListCutError(NoReportError):
    """Raised when the list of accounts breaks off; what was read by then is worth keeping."""


class Progress(Protocol):
    """Who is told how far the collection is; always called from the thread that collects."""

    def listed(self, accounts: int) -> None:
        """So many more accounts will be read."""

    def done(self, account_id: str, *, failed: bool) -> None:
        """An account is finished; `failed` if something in it could not be read."""


@dataclass(frozen=True)
class Kept:
    """What an earlier attempt at the same run read of an account.

    Attributes:
        cells: The (region, kind) cells that need no reading again.
        is_whole: Whether nothing of the account is missing.
    """

    cells: frozenset[tuple[str, CellKind]]
    is_whole: bool


@dataclass
class Dispatch:
    """Stands between the list of accounts and the workers; all of it in one thread.

    Attributes:
        accounts: Those listed so far.
        read: The accounts of which a list of instances or reservations was read.
        gaps: How often each (status, reason) kept something from being read.
        first: The first gap of each (status, reason).
        denied: The first denial of each account that had one.
        unread: Outcomes of accounts that no worker finished, or that were not listed.
    """

    kept: Mapping[str, Kept]
    progress: Progress
    accounts: AccountList = field(default_factory=AccountList)
    read: set[str] = field(default_factory=set)
    gaps: Counter[tuple[Status, str]] = field(default_factory=Counter)
    first: dict[tuple[Status, str], Outcome] = field(default_factory=dict)
    denied: dict[str, Outcome] = field(default_factory=dict)
    unread: list[Outcome] = field(default_factory=list)
    _todo: deque[str] = field(default_factory=deque)
    _ended: set[str] = field(default_factory=set)
    _listing: Connection | None = None
    _workers: dict[Connection, set[str]] = field(default_factory=dict)
    _wanting: deque[Connection] = field(default_factory=deque)
    _until: float = 0.0
    _is_any_lost: bool = False
    _pipes: list[Connection] = field(default_factory=list)
    _processes: list[SpawnProcess] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers that are still there: told first, killed when a second is over."""
        for pipe in self._pipes:
            pipe.close()
        until = time.monotonic() + 1.0
        for process in self._processes:
            process.join(max(0.0, until - time.monotonic()))
        for process in self._processes:
            process.kill()
            process.join()

    def begin_listing(self, pages: Iterator[AccountList], seconds: float) -> None:
        """Begin to list the accounts in a thread of its own; the run may take so many seconds."""
        self._until = time.monotonic() + seconds + STOP_SECONDS
        self._listing, far_end = multiprocessing.Pipe()
        self._pipes.append(self._listing)
        Thread(target=_list, args=(far_end, pages), name="accounts", daemon=True).start()

    def workers_needed(self, most: int) -> int:
        """Wait until it is known whether there are only a few accounts; one worker reads those."""
        while self._listing and len(self._todo) <= FEW and most > 1:
            self._hear_in_time(self._listing)
        return most if len(self._todo) > FEW else 1

    def employ(self, order: Order, clients: Clients) -> None:
        """Start the workers: one in this process, or several in processes of their own."""
        for _ in range(order.workers):
            pipe, far_end = multiprocessing.Pipe()
            if order.workers == 1:
                Thread(
                    target=work, args=(far_end, order, clients), name="work", daemon=True
                ).start()
            else:
                self._start_process(far_end, order, clients.clock)
            self._pipes.append(pipe)
            self._workers[pipe] = set()

    def _start_process(self, far_end: Connection, order: Order, clock: Clock) -> None:
        # A fork would take over locks that threads of this process hold.
        process = multiprocessing.get_context("spawn").Process(
            target=work_in_process, args=(far_end, order, clock), daemon=True
        )
        with unheard():
            process.start()
            self._processes.append(process)
        # Only the worker's own end is left, so that the pipe ends with it.
        far_end.close()

    def run(self) -> BaseException | None:
        """Share out the accounts until all are done; return what stopped it, if anything did.

        Raises:
            ListCutError: the accounts of the first pages are read as far as a stop would read them.
            RiReportError: any other that a worker or the listing met first.
        """
        try:
            self._share_out()
        except (KeyboardInterrupt, SystemExit) as interrupt:
            self._stop()
            return interrupt
        except ListCutError:
            self._stop()
            raise
        return None

    def _share_out(self) -> None:
        while self._workers:
            self._hand_out()
            listing = [self._listing] if self._listing else []
            speaking = self._speaking([*self._workers, *listing], self._seconds_left())
            for pipe in speaking:
                self._hear(pipe)
            if not speaking:
                self._give_up_workers()
        while self._listing:
            # What is not listed would be in no number.
            self._hear_in_time(self._listing)
        for account_id in self._todo:
            self._miss(account_id, WORKER_ENDED if self._is_any_lost else TOO_LATE.fault)

    def _seconds_left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _give_up_workers(self) -> None:
        """Wait no longer for workers that say nothing although the run should have ended."""
        for pipe in [*self._workers]:
            self._lost(pipe)

    def _hear_in_time(self, listing: Connection) -> None:
        """Hear the next of the listing, within the time that a run may take.

        Raises:
            ListCutError: it is not whole long after the run should have ended.
        """
        if not self._speaking([listing], self._seconds_left()):
            raise ListCutError(
                "the accounts could not be listed within the time of a run; check what stands"
                " between this machine and AWS Organizations, then run again"
            )
        self._hear_listing(listing)

    @staticmethod
    def _speaking(pipes: Iterable[Connection], seconds: float | None = None) -> list[Connection]:
        """Wait until something has come through one of the pipes, or it has ended."""
        return [pipe for pipe in wait([*pipes], seconds) if isinstance(pipe, Connection)]

    @held_back()
    def _hand_out(self) -> None:
        while self._wanting and self._todo:
            pipe, account_id = self._wanting.popleft(), self._todo.popleft()
            if pipe in self._workers:
                self._workers[pipe].add(account_id)
                kept = self.kept.get(account_id)
                self._send(pipe, Assigned(account_id, kept.cells if kept else frozenset()))
            else:
                self._todo.appendleft(account_id)
        if not self._todo and not self._listing:
            for pipe in self._wanting:
                self._send(pipe, NoMore())
            self._wanting.clear()

    def _hear(self, pipe: Connection) -> None:
        if pipe is self._listing:
            self._hear_listing(pipe)
        elif pipe in self._workers:
            self._hear_worker(pipe)

    @held_back()
    def _hear_listing(self, pipe: Connection) -> None:
        message: AccountList | Ended = pipe.recv()
        if isinstance(message, AccountList):
            self._listed(message)
            return
        self._listing = None
        if isinstance(message.error, NoReportError):
            raise ListCutError(str(message.error)) from message.error
        if message.error:
            raise message.error

    def _listed(self, page: AccountList) -> None:
        self.accounts.add(page)
        self.progress.listed(len(page.to_read))
        for account_id in page.to_read:
            kept = self.kept.get(account_id)
            if kept and kept.is_whole:
                self._visited(Visited(account_id, is_read=True, gaps=()))
            else:
                self._todo.append(account_id)

    @held_back()
    def _hear_worker(self, pipe: Connection) -> None:
        try:
            message: Want | Visited | Ended = pipe.recv()
        except (EOFError, OSError):
            self._lost(pipe)
            return
        match message:
            case Want():
                self._wanting.append(pipe)
            case Visited():
                self._workers[pipe].discard(message.account_id)
                self._visited(message)
            case Ended(is_lost=True):
                self._lost(pipe)
            case Ended():
                left = self._workers.pop(pipe)
                if message.error:
                    raise message.error
                for account_id in sorted(left):
                    self._miss(account_id, TOO_LATE.fault)

    def _visited(self, visited: Visited) -> None:
        account_id = visited.account_id
        self._ended.add(account_id)
        if visited.is_read:
            self.read.add(account_id)
        for gap in visited.gaps:
            self._count(gap)
        self.progress.done(account_id, failed=bool(visited.gaps))

    def _count(self, gap: Outcome) -> None:
        self.gaps[gap.status, gap.reason] += 1
        self.first.setdefault((gap.status, gap.reason), gap)
        if gap.status is Status.DENIED:
            self.denied.setdefault(gap.account_id, gap)

    def _lost(self, pipe: Connection) -> None:
        """Give up the accounts of a worker that ended without a word, as for want of memory."""
        self._is_any_lost = True
        for account_id in sorted(self._workers.pop(pipe)):
            self._miss(account_id, WORKER_ENDED)

    def _miss(self, account_id: str, fault: Fault) -> None:
        self._leave_unread(account_id, fault)
        self.progress.done(account_id, failed=True)

    def _leave_unread(self, account_id: str, fault: Fault) -> None:
        gap = Cell(account_id, "", CellKind.ACCOUNT).outcome(fault)
        self._ended.add(account_id)
        self.unread.append(gap)
        self._count(gap)

    def _stop(self) -> None:
        """Let the workers write what they have read; what they have not is unread."""
        for pipe in self._workers:
            self._send(pipe, STOPPED)
        until = time.monotonic() + STOP_SECONDS
        while self._workers and (left := until - time.monotonic()) > 0:
            for pipe in self._speaking(self._workers, left):
                with suppress(RiReportError, RuntimeError):
                    self._hear_worker(pipe)
        for account_id in sorted({*self.accounts.to_read} - self._ended):
            self._miss(account_id, STOPPED.fault)
        if self._listing:
            self._leave_unread("", UNLISTED)

    @staticmethod
    def _send(pipe: Connection, message: object) -> None:
        # A worker that is gone is heard of when the pipe is read.
        with suppress(OSError):
            pipe.send(message)


def _list(pipe: Connection, pages: Iterator[AccountList]) -> None:
    error: Exception | None = None
    try:
        for page in pages:
            pipe.send(page)
    except RiReportError as refused:
        error = refused
    except OSError:
        return
    except Exception as unforeseen:  # noqa: BLE001 - raised again by the thread that collects
        error = unforeseen
    with suppress(OSError):
        pipe.send(Ended(error))
