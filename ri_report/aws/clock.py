"""The clock that waits are measured by: monotonic, so that a change of the time of day is none."""

from __future__ import annotations

import time
from queue import Empty
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from queue import SimpleQueue

T = TypeVar("T")


class Clock:
    """Seconds since some moment; tests put one in its place that does not wait."""

    def now(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def take(self, events: SimpleQueue[T], until: float, *, busy: bool) -> T | None:  # noqa: ARG002 - for clocks that only move while nothing is under way
        """Return the next event, or None when there is none before a moment.

        Args:
            events: Where events come in.
            until: The moment, as `now` counts.
            busy: Whether anything is under way that will bring an event.
        """
        try:
            return events.get(timeout=max(0.0, until - self.now()))
        except Empty:
            return None
