"""The schedule: when each call of each account is made, and what becomes of it.

One thread owns all that is written here; the crew only makes calls. Calls wait for a token of
their account and region, for the end of a back-off, or for a free thread; waiting holds no thread,
so an account that is throttled slows nothing but itself.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict, deque
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ri_report.aws.cells import Cell
from ri_report.aws.crew import Attempt, Crew
from ri_report.aws.faults import Fault, FaultError
from ri_report.aws.messages import TOO_LATE, Assigned, NoMore, Stop
from ri_report.aws.patience import CALL_SECONDS, STALE_TOKENS, back_off, too_slow
from ri_report.aws.permissions import ASSUME_ROLE
from ri_report.aws.reach import Reach, endpoint_of, is_unanswered
from ri_report.aws.visits import Task, Visit
from ri_report.inventory.outcomes import CellKind, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.aws.answers import Call, Reading
    from ri_report.aws.cells import Asker, Entry
    from ri_report.aws.clock import Clock
    from ri_report.aws.quotas import Bucket
    from ri_report.aws.scope import Scope

Row = dict[str, Any]

GRACE_SECONDS = 3.0
"""How long a run that is stopped waits for the calls under way."""
MOST_OPEN = 64
"""Accounts that are open at once; most of them wait for a back-off to end."""
AHEAD = 4
"""Accounts that may be on the way in while others are read."""


class Schedule:
    """Reads the accounts that it is assigned, each with one outcome for every cell."""

    def __init__(self, asker: Asker, scope: Scope, roles: Bucket, want: Callable[[], None]) -> None:
        """Lay out an empty schedule.

        Args:
            asker: Makes the calls.
            scope: What to read, and with how many calls under way at once.
            roles: How fast roles may be assumed.
            want: Asks for another account.
        """
        self.events: SimpleQueue[Assigned | NoMore | Stop | Attempt] = SimpleQueue()
        self._asker = asker
        self._scope = scope
        self._roles = roles
        self._want = want
        self._clock: Clock = asker.clients.clock
        self._crew = Crew(scope.concurrency, self.events)
        self._ready: deque[Task] = deque()
        self._waiting: list[tuple[float, int, Task]] = []
        self._turn = itertools.count()
        self._reaches: defaultdict[tuple[str, str], Reach] = defaultdict(Reach)
        self._open: dict[str, Visit] = {}
        self._entering = self._wanted = 0
        self._is_last = False
        self._done: list[Visit] = []

    def run(self, visited: Callable[[Visit], None], ends_at: float) -> None:
        """Read until there are no more accounts, or a stop.

        Args:
            visited: Is given each account that is done.
            ends_at: The moment, as the clock counts, at which the run is stopped.

        Raises:
            Exception: whatever a reading raised that is no fault of AWS's answers.
        """
        stop: Stop | None = None
        while stop is None and not (self._is_last and not self._open):
            self._begin_what_is_due()
            self._ask_for_more()
            until = min(self._next_moment(), ends_at)
            is_awaited = bool(self._crew.under_way or self._wanted)
            event = self._clock.take(self.events, until, busy=is_awaited)
            stop = self._take(event)
            if stop is None and self._clock.now() >= ends_at:
                stop = TOO_LATE
            self._give_up_overdue(CALL_SECONDS)
            self._hand_over(visited)
        if stop:
            self._wind_up(stop)
            self._hand_over(visited)
        self._crew.dismiss()

    def _next_moment(self) -> float:
        moments = [self._clock.now() + 1.0]
        if self._waiting:
            moments.append(self._waiting[0][0])
        return min(moments)

    def _begin_what_is_due(self) -> None:
        now = self._clock.now()
        while self._waiting and self._waiting[0][0] <= now:
            task = heapq.heappop(self._waiting)[2]
            self._entering += task.is_entry
            self._ready.append(task)
        while self._ready and not self._crew.is_full:
            task = self._ready.popleft()
            call = self._next_call(task)
            if call.asked.action == ASSUME_ROLE and not task.visit.turn.take_or_wait(task):
                continue
            wait = self._wait(task.visit, call, now)
            if isinstance(wait, Fault):
                self._end(task, self._cell_of(task).outcome(wait))
            elif wait:
                self._postpone(task, now + wait)
            else:
                task.made = call
                self._crew.begin(Attempt(partial(self._step, task), task, now))

    def _next_call(self, task: Task) -> Call:
        """Return what is asked next: the account's role, while it has no credentials that hold."""
        credentials, account_id = self._asker.credentials, task.visit.account_id
        if task.call.asked.action == ASSUME_ROLE or credentials.are_at_hand(account_id):
            return task.call
        return credentials.call(account_id)

    def _wait(self, visit: Visit, call: Call, now: float) -> float | Fault:
        """Return 0.0 when a call may be made, when to try again, or why it never is."""
        action, place = call.asked.action, visit.place(call.region)
        if action == ASSUME_ROLE and visit.turn.lost:
            return visit.turn.lost
        if action == ASSUME_ROLE and not place.not_before > now:
            wait = self._roles.wait(now)
        else:
            wait = place.wait(action, now)
        # Last, because whoever may try a dark endpoint has to do so.
        return wait or self._reach(call).wait(now)

    def _reach(self, call: Call) -> Reach:
        return self._reaches[endpoint_of(call)]

    def _postpone(self, task: Task, due: float) -> None:
        self._entering -= task.is_entry
        heapq.heappush(self._waiting, (due, next(self._turn), task))

    def _ask_for_more(self) -> None:
        """Keep as many calls ready as threads, without opening every account at once."""
        while (
            not self._is_last
            and len(self._ready) < self._scope.concurrency
            and self._entering + self._wanted < AHEAD
            and len(self._open) + self._wanted < MOST_OPEN
        ):
            self._wanted += 1
            self._want()

    def _take(self, event: object) -> Stop | None:
        match event:
            case Assigned():
                self._wanted -= 1
                self._enter(event)
            case NoMore():
                self._wanted, self._is_last = 0, True
            case Stop():
                return event
            case Attempt():
                if self._crew.returned(event):
                    self._came_back(event)
        return None

    def _enter(self, assigned: Assigned) -> None:
        visit = Visit(assigned.account_id, assigned.kept)
        self._open[visit.account_id] = visit
        self._entering += 1
        begin = partial(self._asker.enter, visit.account_id, self._scope)
        self._add(visit, Cell(visit.account_id, "", CellKind.ACCOUNT), begin)

    def _add(self, visit: Visit, cell: Cell, begin: Callable[[], Reading[Any]]) -> None:
        visit.open += 1
        self._ready.append(Task(visit, cell, begin))

    def _step(self, task: Task) -> Entry | list[Row] | None:
        """Make the next call and let the reading go on; return what it read when it has ended."""
        answer = self._asker.ask(task.visit.account_id, task.made)
        if answer is None or task.made is not task.call:
            return None
        try:
            task.call = task.reading.send(answer)
        except StopIteration as end:
            read: Entry | list[Row] = end.value
            return read
        return None

    def _came_back(self, attempt: Attempt) -> None:
        task: Task = attempt.subject
        match attempt.error:
            case None:
                task.patience_at_hand.answered()
                self._reach(task.made).heard()
                self._ready.extend(task.visit.turn.passed_on_by(task))
                self._went_on(task, attempt.result)
            case FaultError() as error:
                is_over = task.is_broken or error.fault.reason in STALE_TOKENS
                self._failed(task, error.fault, restarts=is_over)
            case error:
                raise error

    def _went_on(self, task: Task, read: Entry | list[Row] | None) -> None:
        if read is None:
            self._ready.append(task)
        elif isinstance(read, list):
            cell = task.cell
            status = Status.OK if read else Status.EMPTY
            task.visit.rows.setdefault(cell.kind, []).extend(read)
            self._end(
                task,
                Outcome(cell.account_id, cell.region, cell.kind, status, row_count=len(read)),
            )
        else:
            self._entered(task, read)

    def _entered(self, task: Task, entry: Entry) -> None:
        visit = task.visit
        visit.outcomes += entry.outcomes
        for cell in entry.cells:
            if (cell.region, cell.kind) not in visit.kept:
                self._add(visit, cell, partial(self._asker.read, cell))
        self._end(task, None)

    def _failed(self, task: Task, fault: Fault, *, restarts: bool) -> None:
        """Make the call again when that may help; else the fault is the cell's outcome."""
        self._note(task.made, fault)
        now = self._clock.now()
        wait = task.patience_at_hand.wait(fault, now, restarts=restarts)
        if wait is None:
            if task.is_assuming:
                task.visit.turn.lost = fault
            self._end(task, self._cell_of(task).outcome(fault))
            return
        if fault.status is Status.THROTTLED:
            wait = back_off(task.visit.place(task.made.region), wait, now)
        self._postpone(task.begun_again() if restarts else task, now + wait)

    def _cell_of(self, task: Task) -> Cell:
        """The cell that a fault is about: an account, once entered, is asked for its regions."""
        if task.cell.kind is CellKind.ACCOUNT and task.call.asked.action != ASSUME_ROLE:
            return Cell(task.cell.account_id, "", CellKind.REGIONS)
        return task.cell

    def _end(self, task: Task, outcome: Outcome | None) -> None:
        visit = task.visit
        if outcome:
            visit.outcomes.append(outcome)
        self._entering -= task.is_entry
        self._ready.extend(visit.turn.passed_on_by(task))
        visit.open -= 1
        if not visit.open:
            del self._open[visit.account_id]
            self._asker.credentials.forget(visit.account_id)
            visit.sum_up()
            self._done.append(visit)

    def _hand_over(self, visited: Callable[[Visit], None]) -> None:
        while self._done:
            visited(self._done.pop())

    def _give_up_overdue(self, seconds: float) -> None:
        for attempt in self._crew.overdue(self._clock.now() - seconds):
            task: Task = attempt.subject
            # The thread that hangs may still send to the reading, so that is left to it.
            self._failed(task, too_slow(task.made.asked.action, seconds), restarts=True)

    def _note(self, call: Call, fault: Fault) -> None:
        """Note whether anything came back from the endpoint."""
        if is_unanswered(fault):
            self._reach(call).unheard(fault, self._clock.now())
        else:
            self._reach(call).heard()

    def _wind_up(self, stop: Stop) -> None:
        """Wait a little for what is under way; everything else ends unread."""
        until = self._clock.now() + GRACE_SECONDS
        while self._crew.under_way and self._clock.now() < until:
            event = self._clock.take(self.events, until, busy=True)
            self._take(event)
        left = [task for _, _, task in self._waiting]
        left += [*self._ready, *(attempt.subject for attempt in self._crew.under_way)]
        left += [task for visit in self._open.values() for task in visit.turn.behind]
        fault = stop.fault
        for task in left:
            self._end(task, self._cell_of(task).outcome(fault))
