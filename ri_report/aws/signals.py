"""Signals that end a run: heard by the process that collects, never by one that it starts."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Let what would stop the run wait until the block ends, so that it is done whole or not begun.

    Only for the main thread, which is where handlers are called.
    """
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in STOPS}
    for number in STOPS:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in held:
            signal.raise_signal(each)


@contextmanager
def unheard() -> Iterator[None]:
    """Hold back what would stop the run, also from processes that are begun in the block.

    Ctrl-C reaches every process of a terminal. One that is still importing would answer with a
    traceback, and so would one whose start is cut short.
    """
    # Its start would let signals through again; later calls find it running.
    resource_tracker.ensure_running()
    # A started process inherits the mask of this thread. Other threads have masks of their own and
    # let the signal in, so it must be noted too.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        with held_back():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
