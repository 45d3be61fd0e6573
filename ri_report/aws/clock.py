"""The clock that waits are measured by, and how far the time of day is from that of AWS."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from queue import Empty
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from queue import SimpleQueue

# AWS refuses requests whose time is further off
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
TOLERATED = timedelta(minutes=5)
T = TypeVar("T")


class Clock:
    """Seconds since some moment, which a change of the time of day does not touch.

    Tests put one in its place that does not wait.
    """

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


def skew(headers: Mapping[str, str]) -> str:
    """Say how far this machine's clock is from the date of an answer, "" when AWS tolerates it.

    Args:
        headers: Of the HTTP response, by lower-case name.
    """
    try:
        ahead = datetime.now(UTC) - parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (LookupError, TypeError, ValueError):
        return ""
    if abs(ahead) <= TOLERATED:
        return ""
    minutes = round(abs(ahead) / timedelta(minutes=1))
    direction = "ahead of" if ahead > timedelta(0) else "behind"
    return f"this machine's clock is {minutes} minutes {direction} AWS's"
