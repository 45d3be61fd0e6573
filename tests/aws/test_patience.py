"""Which failures are worth another call, and how long is waited before it."""

from __future__ import annotations

import pytest

from ri_report.aws.faults import Fault, FaultError
from ri_report.aws.patience import (
    CALL_SECONDS,
    LONGEST_WAIT_SECONDS,
    THROTTLED_SECONDS,
    Patience,
    back_off,
    patiently,
    too_slow,
    wait_before_retry,
)
from ri_report.aws.quotas import Bucket, Place
from ri_report.inventory.outcomes import Status
from tests.aws.conftest import Hasty


def fault(status: Status, reason: str = "") -> Fault:
    return Fault(status, reason, "what AWS said", "what to do")


THROTTLED = fault(Status.THROTTLED, "RequestLimitExceeded")


@pytest.mark.parametrize(
    ("failed", "tries"),
    [
        (fault(Status.NETWORK, "InternalError"), 4),
        (fault(Status.NETWORK, "EndpointConnectionError"), 4),
        (fault(Status.TIMEOUT, "504"), 4),
        (fault(Status.TIMEOUT, "ReadTimeoutError"), 2),
        (fault(Status.TIMEOUT, "deadline"), 2),
        (fault(Status.MALFORMED, "ResponseParserError"), 4),
        (fault(Status.MALFORMED, "InvalidNextToken"), 4),
        (fault(Status.MALFORMED, "token_cycle"), 1),
        (fault(Status.MALFORMED, "record"), 1),
        (fault(Status.DENIED, "role"), 3),
        (fault(Status.DENIED, "iam"), 1),
        (fault(Status.DENIED, "scp"), 1),
        (fault(Status.EXPIRED, "ExpiredToken"), 1),
        (fault(Status.INTEGRITY, "other_account"), 1),
    ],
    ids=lambda value: f"{value.status}-{value.reason}" if isinstance(value, Fault) else str(value),
)
def test_each_failure_is_tried_as_often_as_that_may_help(failed: Fault, tries: int) -> None:
    waits = [wait_before_retry(failed, tried, 0.0) for tried in range(1, 7)]
    assert [wait is not None for wait in waits] == [tried < tries for tried in range(1, 7)]
    assert sum(wait or 0.0 for wait in waits) < 30


def test_the_waits_for_a_rate_double_within_bounds_and_end_after_two_minutes() -> None:
    for tries in range(1, 12):
        full = min(LONGEST_WAIT_SECONDS, 2.0**tries)
        wait = wait_before_retry(THROTTLED, tries, 0.0)
        assert wait is not None
        assert full / 2 <= wait <= full
    assert THROTTLED_SECONDS == 120
    assert wait_before_retry(THROTTLED, 1, 119.9) is not None
    assert wait_before_retry(THROTTLED, 1, 120.0) is None


def test_a_rate_holds_back_the_place_and_the_refused_call_a_little_longer() -> None:
    place = Place()
    wait = back_off(place, 4.0, 100.0)
    assert place.not_before == 104.0
    assert 4.0 < wait < 4.1
    back_off(place, 1.0, 100.0)
    assert place.not_before == 104.0


@pytest.mark.parametrize(
    "failed", [fault(Status.NETWORK, "503"), fault(Status.MALFORMED, "ResponseParserError")]
)
def test_each_call_is_made_again_three_times_and_an_answer_counts_from_new(failed: Fault) -> None:
    patience = Patience()
    for _ in range(2):
        assert [patience.wait(failed, 0.0) is not None for _ in range(4)] == [True] * 3 + [False]
        patience.answered()


def test_patience_with_a_rate_is_two_minutes_for_each_call_from_its_first_refusal() -> None:
    patience = Patience()
    for began in (1000.0, 5000.0):
        assert patience.wait(THROTTLED, began) is not None
        assert patience.wait(fault(Status.NETWORK, "503"), began + 60) is not None
        assert patience.wait(THROTTLED, began + 119.9) is not None
        assert patience.wait(THROTTLED, began + 120) is None
        patience.answered()


def test_beginnings_are_counted_although_the_first_calls_are_answered() -> None:
    patience, stale = Patience(), fault(Status.MALFORMED, "InvalidNextToken")
    for _ in range(3):
        assert patience.wait(stale, 0.0, restarts=True) is not None
        patience.answered()
    assert patience.wait(stale, 0.0, restarts=True) is None


CUT = fault(Status.MALFORMED, "no_Reservations")
STALE = fault(Status.MALFORMED, "InvalidNextToken")
GATEWAY = fault(Status.TIMEOUT, "504")
SILENCE = fault(Status.TIMEOUT, "ReadTimeoutError")
OVERDUE = too_slow("a call", 75)


@pytest.mark.parametrize(
    ("earlier", "restarts"), [(GATEWAY, False), (CUT, True), (STALE, True), (THROTTLED, False)]
)
@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize(("silence", "is_overdue"), [(SILENCE, False), (OVERDUE, True)])
def test_a_silence_is_tried_again_once_whatever_else_befell_the_reading(
    earlier: Fault, silence: Fault, *, restarts: bool, is_answered: bool, is_overdue: bool
) -> None:
    patience = Patience()
    assert patience.wait(earlier, 0.0, restarts=restarts) is not None
    if is_answered:
        patience.answered()
    assert patience.wait(silence, 0.0, restarts=is_overdue) is not None
    assert patience.wait(silence, 0.0, restarts=is_overdue) is None


def test_a_damaged_answer_is_tried_again_three_times_although_the_reading_began_again() -> None:
    patience = Patience()
    assert patience.wait(OVERDUE, 0.0, restarts=True) is not None
    patience.answered()
    begun = [patience.wait(CUT, 0.0, restarts=True) is not None for _ in range(4)]
    assert begun == [True] * 3 + [False]


def test_a_silence_is_a_silence_whether_a_socket_or_a_whole_call_took_too_long() -> None:
    patience = Patience()
    assert patience.wait(SILENCE, 0.0) is not None
    assert patience.wait(OVERDUE, 0.0, restarts=True) is None


def test_a_reading_has_a_budget_of_repetitions() -> None:
    patience, repeated = Patience(), 0
    while patience.wait(fault(Status.NETWORK, "InternalError"), 0.0) is not None:
        patience.answered()
        repeated += 1
    assert repeated == 60


def test_what_nothing_goes_on_without_is_asked_until_it_answers() -> None:
    clock, answers = Hasty(), [FaultError(THROTTLED), FaultError(THROTTLED), "accounts"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, FaultError):
            raise answer
        return str(answer)

    assert patiently(ask, clock, Bucket(10, 1)) == "accounts"
    assert 1 + 2 <= clock.now() <= 2 + 4


def test_each_try_takes_a_token_and_waits_for_it_outside_its_own_time() -> None:
    clock, made = Hasty(), list[float]()
    cut = fault(Status.MALFORMED, "ResponseParserError")

    def ask() -> str:
        made.append(clock.now())
        if len(made) % 3:
            raise FaultError(cut)
        return "page"

    bucket = Bucket(1, 0.005)
    for _ in range(2):
        assert patiently(ask, clock, bucket) == "page"
    assert made == pytest.approx([200.0 * index for index in range(6)])
    assert made[1] > CALL_SECONDS


def test_patience_with_a_rate_ends() -> None:
    clock = Hasty()

    def ask() -> str:
        raise FaultError(THROTTLED)

    with pytest.raises(FaultError):
        patiently(ask, clock, Bucket(10, 1))
    assert 120 <= clock.now() <= 120 + LONGEST_WAIT_SECONDS
