"""A worker: reads the accounts that it is given, in a thread or in a process of its own.

Worker and collection talk through one pipe, so that either notices when the other is gone.
"""

from __future__ import annotations

import gc
import os
import signal
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from ri_report.aws.cells import Asker
from ri_report.aws.clients import Clients
from ri_report.aws.credentials import RoleCredentials
from ri_report.aws.messages import STOPPED, Ended, Visited, Want
from ri_report.aws.quotas import ASSUME_ROLE_AT_ONCE, ASSUME_ROLE_PER_SECOND, Bucket
from ri_report.aws.schedule import Schedule
from ri_report.errors import RiReportError
from ri_report.inventory.outcomes import LISTS, accounts_read
from ri_report.inventory.parts import write_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path
    from queue import SimpleQueue
    from typing import Any

    from ri_report.aws.clock import Clock
    from ri_report.aws.credentials import Caller
    from ri_report.aws.scope import Scope
    from ri_report.aws.visits import Visit

COLLECTIONS_APART = 200_000
"""Objects between two searches for garbage in a worker's process: rows are many, cycles few."""


@dataclass(frozen=True)
class Order:
    """What a worker is to do.

    Attributes:
        scope: What to read.
        caller: Who the job is.
        folder: Where the part of each account goes.
        ends_at: When the run ends, as the clock counts.
        workers: How many share the rates that hold for the whole job.
    """

    scope: Scope
    caller: Caller
    folder: Path
    ends_at: float
    workers: int


def work(pipe: Connection, order: Order, clients: Clients) -> None:
    """Read accounts until there are no more, or a stop; then say so."""
    with _told(pipe):
        _read(pipe, order, clients, lambda events: events.put(STOPPED))


def work_in_process(pipe: Connection, order: Order, clock: Clock) -> None:
    """As `work`, in a process that leaves signals to the one that started it, and ends with it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(COLLECTIONS_APART)
    scope = order.scope
    with (
        _told(pipe),
        Clients(
            profile=scope.profile, region=scope.region, concurrency=scope.concurrency, clock=clock
        ) as clients,
    ):
        # At once: what it would still write, nobody has asked for any more.
        _read(pipe, order, clients, lambda _: os._exit(1))


@contextmanager
def _told(pipe: Connection) -> Iterator[None]:
    """Say how the block ended."""
    error: Exception | None = None
    is_lost = False
    try:
        yield
    except MemoryError:
        # Told, because closing the pipe would end nothing: the thread that listens is reading it.
        is_lost = True
    except RiReportError as refused:
        error = refused
    except Exception as unforeseen:  # noqa: BLE001 - told to whoever waits; its text may hold secrets
        error = RuntimeError(type(unforeseen).__name__)
        if os.environ.get("RI_REPORT_DEBUG"):
            # Shown by whoever ends the process, so that even this acts on no terminal.
            error.add_note(traceback.format_exc())
    with suppress(OSError):
        pipe.send(Ended(error, is_lost=is_lost))


def _read(
    pipe: Connection, order: Order, clients: Clients, left_alone: Callable[[SimpleQueue[Any]], None]
) -> None:
    asker = Asker(clients, RoleCredentials(clients, order.caller, order.scope))
    rate, at_once = ASSUME_ROLE_PER_SECOND, ASSUME_ROLE_AT_ONCE
    roles = Bucket(max(1.0, at_once / order.workers), rate / order.workers)
    schedule = Schedule(asker, order.scope, roles, lambda: pipe.send(Want()))
    listening = (pipe, schedule.events, left_alone)
    Thread(target=_listen, args=listening, daemon=True).start()

    def visited(visit: Visit) -> None:
        lost = write_part(order.folder, visit.account_id, visit.rows, visit.outcomes, visit.kept)
        visit.outcomes.extend(lost)
        pipe.send(_summary(visit))

    schedule.run(visited, order.ends_at)


def _summary(visit: Visit) -> Visited:
    gaps = sorted((o for o in visit.outcomes if o.is_gap), key=lambda o: (o.region, o.kind))
    is_read = bool(accounts_read(visit.outcomes)) or any(kind in LISTS for _, kind in visit.kept)
    return Visited(visit.account_id, is_read, tuple(gaps))


def _listen(
    pipe: Connection, events: SimpleQueue[Any], left_alone: Callable[[SimpleQueue[Any]], None]
) -> None:
    """Pass on what comes through the pipe, until nobody is there any more.

    Whoever reads the pipe closes it: its number may belong to another file a moment later.
    """
    with pipe, suppress(EOFError, OSError):
        while True:
            events.put(pipe.recv())
    left_alone(events)
