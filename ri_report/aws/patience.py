"""Patience: whether and when a call that failed is made again.

AWS asks callers to back off exponentially, with jitter
(https://docs.aws.amazon.com/general/latest/gr/api-retries.html).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar

from ri_report.aws.codes import CODES
from ri_report.aws.crew import Attempt, Crew
from ri_report.aws.faults import FIXES, Fault, FaultError
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.aws.clock import Clock
    from ri_report.aws.quotas import Bucket, Place

T = TypeVar("T")

THROTTLED_SECONDS = 120.0
"""How long a call that is refused for its rate is made again."""
LONGEST_WAIT_SECONDS = 15.0
BEHIND_SECONDS = 0.01
"""How much later than those that it holds back a call is made again that was refused for its rate:
each of them has its turn, even where one at a time is made."""
# A role or trust policy takes seconds to be known everywhere (IAM User Guide, "Changes that I make
# are not always immediately visible").
TRUST_WAITS: Final = (1.0, 2.0)
WAITS: Final = (0.4, 1.0, 2.5)
"""Seconds before a call that got no usable answer is made again; one that nobody answered in its
time is made again once, because it holds a thread as long as that."""
CALL_SECONDS = 75.0
"""The longest that one try at a call may take, from the first byte to the last row."""
CERTAIN = frozenset({"record", "token_cycle", "BodyTooLargeError"})
"""Reasons for MALFORMED that the same answer will give again."""
STALE_TOKENS = frozenset({"InvalidNextToken", "InvalidPaginationToken"})
"""A paging token that AWS no longer knows: all pages are read again from the first."""


@dataclass
class Patience:
    """The patience with one reading; what another reading of the same place takes is its own.

    Attributes:
        tries: How often the call at hand has failed in a row, by kind: patience with a rate leaves
            patience with a damaged answer.
        refused_since: Since when the call at hand has been refused for its rate, if at all.
        restarts: How often the reading was begun again, by kind.
        retries_left: How many more calls may be repeated, whatever the reason.
    """

    tries: Counter[str] = field(default_factory=Counter)
    refused_since: float | None = None
    restarts: Counter[str] = field(default_factory=Counter)
    retries_left: int = 60

    def answered(self) -> None:
        """Forget what became of the call at hand before it was answered."""
        self.tries.clear()
        self.refused_since = None

    def wait(self, fault: Fault, now: float, *, restarts: bool = False) -> float | None:
        """Return the seconds until the call at hand is made again, None when it is given up.

        Args:
            fault: What became of it.
            now: The present moment.
            restarts: Whether the whole reading has to begin again.
        """
        kind = _kind(fault)
        self.tries[kind] += 1
        self.restarts[kind] += restarts
        if fault.status is Status.THROTTLED and self.refused_since is None:
            self.refused_since = now
        refused_seconds = 0.0 if self.refused_since is None else now - self.refused_since
        tries = max(self.tries[kind], self.restarts[kind]) if restarts else self.tries[kind]
        wait = wait_before_retry(fault, tries, refused_seconds)
        self.retries_left -= 1
        return wait if self.retries_left >= 0 else None


def too_slow(what: str, seconds: float) -> Fault:
    """Return the fault of a call that took too long."""
    detail = f"{what}: no whole answer within {seconds:.0f} seconds"
    return Fault(Status.TIMEOUT, "deadline", detail, FIXES[Status.TIMEOUT])


def wait_before_retry(fault: Fault, tries: int, refused_seconds: float) -> float | None:
    """Return the seconds until a call is made again, None when it is given up.

    Args:
        fault: What became of it.
        tries: How often it was made.
        refused_seconds: For how long it has been refused for its rate.
    """
    if fault.status is Status.THROTTLED:
        if refused_seconds >= THROTTLED_SECONDS:
            return None
        return random.uniform(0.5, 1.0) * min(LONGEST_WAIT_SECONDS, 2.0**tries)  # noqa: S311 - jitter
    waits = _waits(fault)
    return random.uniform(0.8, 1.2) * waits[tries - 1] if tries <= len(waits) else None  # noqa: S311 - jitter


def _kind(fault: Fault) -> str:
    """What a fault is counted with: its status, but a silence is no answer that says 504."""
    return "silence" if _is_silence(fault) else fault.status


def _is_silence(fault: Fault) -> bool:
    return fault.status is Status.TIMEOUT and fault.reason not in CODES


def _waits(fault: Fault) -> tuple[float, ...]:
    if _is_silence(fault):
        return WAITS[:1]
    match fault.status:
        case Status.NETWORK | Status.TIMEOUT:
            return WAITS
        case Status.MALFORMED if fault.reason not in CERTAIN:
            return WAITS
        case Status.DENIED if fault.reason == "role":
            return TRUST_WAITS
        case _:
            return ()


def back_off(place: Place, wait: float, now: float) -> float:
    """Hold back every call at a place that refused one for its rate, and no others.

    Args:
        place: Where it was refused.
        wait: The seconds until it is made again.
        now: The present moment.

    Returns:
        The seconds until it is made again, behind those that it holds back.
    """
    place.not_before = max(place.not_before, now + wait)
    return wait + BEHIND_SECONDS


def patiently(ask: Callable[[], T], clock: Clock, bucket: Bucket) -> T:
    """Ask, and wait and ask again, for what nothing else can go on without.

    Args:
        ask: Makes the call; in a thread of its own, so that no answer is waited for for ever.
        clock: What waits are measured by.
        bucket: Gives a token for each try, and refills more slowly after each refusal for rate.

    Raises:
        FaultError: the last one, when patience has ended.
    """
    patience = Patience()
    while True:
        while pause := bucket.wait(clock.now()):
            clock.sleep(pause)
        try:
            return in_time(ask, clock, "the call")
        except FaultError as error:
            if error.fault.status is Status.THROTTLED:
                bucket.refused()
            wait = patience.wait(error.fault, clock.now())
            if wait is None:
                raise
        clock.sleep(wait)


def in_time(ask: Callable[[], T], clock: Clock, what: str) -> T:
    """Ask once, in a thread of its own, and wait no longer than a call may take.

    Args:
        ask: What is asked.
        clock: What the wait is measured by.
        what: Who is asked, for the fault.

    Raises:
        FaultError: there was no answer in time.
        Exception: whatever the asking raised.
    """
    events: SimpleQueue[Attempt] = SimpleQueue()
    crew = Crew(1, events)
    attempt = Attempt(ask, None, clock.now())
    crew.begin(attempt)
    crew.dismiss()
    if clock.take(events, attempt.begun + CALL_SECONDS, busy=True) is None:
        raise FaultError(too_slow(what, CALL_SECONDS))
    if attempt.error:
        raise attempt.error
    answer: T = attempt.result
    return answer
