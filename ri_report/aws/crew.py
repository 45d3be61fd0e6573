"""The crew: threads that make calls, one of which may hang without holding up the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(eq=False)
class Attempt:
    """A piece of work for one thread.

    Attributes:
        work: What to do.
        subject: What it is done for.
        begun: When it was begun.
        result: What the work returned.
        error: What it raised instead.
        is_given_up: Whether nobody waits for it any more.
    """

    work: Callable[[], Any]
    subject: Any
    begun: float
    result: Any = None
    error: Exception | None = None
    is_given_up: bool = False

    def run(self) -> None:
        """Do the work; what it raises is kept for whoever asked for it."""
        try:
            self.result = self.work()
        except Exception as error:  # noqa: BLE001 - raised again by whoever takes the attempt
            self.error = error


@dataclass
class Crew:
    """Threads that do what they are given; each attempt comes back as an event.

    They end with the process, whatever they wait for.

    Attributes:
        size: How many attempts may be under way.
        events: Where attempts come back.
        under_way: The attempts that have begun and are not given up, in the order of beginning.
    """

    size: int
    events: SimpleQueue[Any]
    under_way: dict[Attempt, None] = field(default_factory=dict)
    _waiting: SimpleQueue[Attempt | None] = field(default_factory=SimpleQueue)
    _threads: int = 0

    @property
    def is_full(self) -> bool:
        """Whether as many attempts are under way as there may be."""
        return len(self.under_way) >= self.size

    def begin(self, attempt: Attempt) -> None:
        """Begin an attempt."""
        self.under_way[attempt] = None
        if self._threads < len(self.under_way):
            self._hire()
        self._waiting.put(attempt)

    def returned(self, attempt: Attempt) -> bool:
        """Note that an attempt came back; whether somebody still waits for it."""
        self.under_way.pop(attempt, None)
        return not attempt.is_given_up

    def overdue(self, begun_before: float) -> list[Attempt]:
        """Give up the attempts that began before a moment, and return them."""
        late = [attempt for attempt in self.under_way if attempt.begun < begun_before]
        for attempt in late:
            attempt.is_given_up = True
            del self.under_way[attempt]
            self._threads -= 1
        return late

    def dismiss(self) -> None:
        """Let the threads end when they have done what is under way."""
        for _ in range(self._threads):
            self._waiting.put(None)

    def _hire(self) -> None:
        self._threads += 1
        Thread(target=self._serve, name="collect", daemon=True).start()

    def _serve(self) -> None:
        while attempt := self._waiting.get():
            attempt.run()
            self.events.put(attempt)
            if attempt.is_given_up:
                # Another thread has taken this one's place.
                return
