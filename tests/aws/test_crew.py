"""Threads that make calls, of which one may hang."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ri_report.aws.crew import Attempt, Crew

if TYPE_CHECKING:
    from collections.abc import Callable


def begun(crew: Crew, work: Callable[[], Any], at: float = 0.0) -> Attempt:
    attempt = Attempt(work, "subject", at)
    crew.begin(attempt)
    return attempt


def test_an_attempt_comes_back_with_its_result_or_its_error() -> None:
    events: SimpleQueue[Any] = SimpleQueue()
    crew = Crew(2, events)
    right, wrong = begun(crew, lambda: 7), begun(crew, lambda: 1 // 0)
    back = {events.get(timeout=10), events.get(timeout=10)}
    assert back == {right, wrong}
    assert (right.result, right.error) == (7, None)
    assert isinstance(wrong.error, ZeroDivisionError)
    assert all(crew.returned(attempt) for attempt in back)
    crew.dismiss()


def test_a_crew_is_full_with_as_many_attempts_as_it_has_threads() -> None:
    events: SimpleQueue[Any] = SimpleQueue()
    crew, gate = Crew(2, events), threading.Event()
    begun(crew, gate.wait)
    assert not crew.is_full
    begun(crew, gate.wait)
    assert crew.is_full
    gate.set()
    crew.returned(events.get(timeout=10))
    assert not crew.is_full
    crew.dismiss()


def test_one_that_hangs_is_given_up_and_another_thread_takes_its_place() -> None:
    events: SimpleQueue[Any] = SimpleQueue()
    crew, gate = Crew(1, events), threading.Event()
    hanging = begun(crew, gate.wait, at=0.0)
    assert crew.overdue(0.0) == []
    assert crew.overdue(0.1) == [hanging]
    assert not crew.is_full
    quick = begun(crew, lambda: "done", at=75.0)
    assert events.get(timeout=10) is quick
    assert crew.returned(quick)
    gate.set()
    late = events.get(timeout=10)
    assert late is hanging
    assert not crew.returned(late)
    crew.dismiss()
