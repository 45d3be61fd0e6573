"""Patience: whether and when a call that failed is made again.

AWS asks callers to back off exponentially, with jitter
(https://docs.aws.amazon.com/general/latest/gr/api-retries.html).
"""

from __future__ import annotations

import random
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar

from ri_report.aws.codes import CODES
from ri_report.aws.crew import Attempt, Crew
from ri_report.aws.faults import FIXES, Fault, FaultError
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.aws.clock import Clock
    from ri_report.aws.quotas import Place

T = TypeVar("T")

THROTTLED_SECONDS = 120.0
"""How long a place that refuses every call for its rate is asked again."""
LONGEST_WAIT_SECONDS = 15.0
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


def too_slow(what: str, seconds: float) -> Fault:
    """Return the fault of a call that took too long."""
    detail = f"{what}: no whole answer within {seconds:.0f} seconds"
    return Fault(Status.TIMEOUT, "deadline", detail, FIXES[Status.TIMEOUT])


def wait_before_retry(fault: Fault, tries: int, refused_seconds: float) -> float | None:
    """Return the seconds until a call is made again, None when it is given up.

    Args:
        fault: What became of it.
        tries: How often it was made.
        refused_seconds: For how long its place has answered nothing but refusals.
    """
    if fault.status is Status.THROTTLED:
        if refused_seconds >= THROTTLED_SECONDS:
            return None
        return random.uniform(0.5, 1.0) * min(LONGEST_WAIT_SECONDS, 2.0**tries)  # noqa: S311 - jitter
    waits = _waits(fault)
    return random.uniform(0.8, 1.2) * waits[tries - 1] if tries <= len(waits) else None  # noqa: S311 - jitter


def _waits(fault: Fault) -> tuple[float, ...]:
    match fault.status:
        case Status.TIMEOUT if fault.reason not in CODES:
            return WAITS[:1]
        case Status.NETWORK | Status.TIMEOUT:
            return WAITS
        case Status.MALFORMED if fault.reason not in CERTAIN:
            return WAITS
        case Status.DENIED if fault.reason == "role":
            return TRUST_WAITS
        case _:
            return ()


def wait_at(place: Place, fault: Fault, tries: int, now: float) -> float | None:
    """Return the seconds until a call at this place is made again, None when it is given up.

    What is refused for its rate holds back the other calls at the place as well, and no others.
    """
    is_throttled = fault.status is Status.THROTTLED
    wait = wait_before_retry(fault, tries, place.refused(now) if is_throttled else 0.0)
    if wait is None or place.has_given_up or not place.retries_left:
        place.has_given_up |= wait_before_retry(fault, 1, 0.0) is not None
        return None
    place.retries_left -= 1
    if is_throttled:
        place.not_before = max(place.not_before, now + wait)
    return wait


def patiently(ask: Callable[[], T], clock: Clock) -> T:
    """Ask, and wait and ask again, for what nothing else can go on without.

    Args:
        ask: Makes the call; in a thread of its own, so that no answer is waited for for ever.
        clock: What waits are measured by.

    Raises:
        FaultError: the last one, when patience has ended.
    """
    begun, tries = clock.now(), 0
    while True:
        tries += 1
        try:
            return _in_time(ask, clock)
        except FaultError as error:
            wait = wait_before_retry(error.fault, tries, clock.now() - begun)
            if wait is None:
                raise
        clock.sleep(wait)


def _in_time(ask: Callable[[], T], clock: Clock) -> T:
    events: SimpleQueue[Attempt] = SimpleQueue()
    crew = Crew(1, events)
    attempt = Attempt(ask, None, clock.now())
    crew.begin(attempt)
    crew.dismiss()
    if clock.take(events, attempt.begun + CALL_SECONDS, busy=True) is None:
        raise FaultError(too_slow("the call", CALL_SECONDS))
    if attempt.error:
        raise attempt.error
    answer: T = attempt.result
    return answer
