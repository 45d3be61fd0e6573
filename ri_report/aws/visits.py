"""Visits: the accounts that are being read, the readings of each, and who assumes its role."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import GEN_CLOSED, getgeneratorstate
from typing import TYPE_CHECKING, Any

from ri_report.aws.patience import Patience
from ri_report.aws.permissions import ASSUME_ROLE
from ri_report.aws.quotas import Place
from ri_report.inventory.outcomes import CellKind, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.aws.answers import Call, Reading
    from ri_report.aws.cells import Cell
    from ri_report.aws.faults import Fault

Row = dict[str, Any]


@dataclass
class Turn:
    """Whose turn it is to assume the role of an account: one reading's, the others stand behind it.

    Attributes:
        patience: What is left of it for the role; that of the readings is for their own calls.
        taken_by: The cell of the reading that assumes the role, until it has or gives up.
        behind: The readings that need the role too, and hold neither a thread nor a token.
        lost: Why the role could not be assumed; nobody tries again then.
    """

    patience: Patience = field(default_factory=Patience)
    taken_by: Cell | None = None
    behind: list[Task] = field(default_factory=list)
    lost: Fault | None = None

    def take_or_wait(self, task: Task) -> bool:
        """Whether a reading may assume the role; if not, it stands behind the one that does."""
        self.taken_by = self.taken_by or task.cell
        if self.taken_by == task.cell:
            return True
        self.behind.append(task)
        return False

    def passed_on_by(self, task: Task) -> list[Task]:
        """Return the readings that stood behind one that got on or ended."""
        if self.taken_by != task.cell:
            return []
        behind, self.behind, self.taken_by = self.behind, [], None
        return behind


@dataclass(eq=False)
class Visit:
    """An account that is being read: what has come of it, and how much of it is still open."""

    account_id: str
    kept: frozenset[tuple[str, CellKind]]
    places: dict[str, Place] = field(default_factory=dict)
    rows: dict[CellKind, list[Row]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    turn: Turn = field(default_factory=Turn)
    open: int = 0

    def place(self, region: str) -> Place:
        """The account in one region."""
        return self.places.setdefault(region, Place())

    def sum_up(self) -> None:
        """Make a gap of an account of which nothing is told: it is not one that has nothing."""
        if not self.outcomes and not self.kept:
            detail = "the reading ended without any outcome"
            fix = "Run again; if it stays, this is a mistake of the program: report it"
            status, kind = Status.INTEGRITY, CellKind.ACCOUNT
            self.outcomes.append(
                Outcome(self.account_id, "", kind, status, "no_outcome", detail, fix)
            )


@dataclass(eq=False)
class Task:
    """One reading on its way through its calls.

    Attributes:
        visit: The account that it belongs to.
        cell: What it reads; its kind is `account` while the role is not yet assumed.
        begin: Begins it from its first call.
        reading: The reading as far as it has come.
        call: Its next call.
        made: The call that is under way, or was made last.
        patience: What is left of it for the calls of this reading.
    """

    visit: Visit
    cell: Cell
    begin: Callable[[], Reading[Any]]
    patience: Patience = field(default_factory=Patience)
    reading: Reading[Any] = field(init=False)
    call: Call = field(init=False)
    made: Call = field(init=False)

    def __post_init__(self) -> None:
        """Stand before the first call."""
        self.reading = self.begin()
        self.call = self.made = next(self.reading)

    @property
    def is_entry(self) -> bool:
        """Whether it enters an account: assumes its role, and asks for its regions."""
        return self.cell.kind is CellKind.ACCOUNT

    @property
    def is_assuming(self) -> bool:
        """Whether the call that is under way, or was made last, assumes the account's role."""
        return self.made.asked.action == ASSUME_ROLE

    @property
    def patience_at_hand(self) -> Patience:
        """The patience with the call that was made last."""
        return self.visit.turn.patience if self.is_assuming else self.patience

    @property
    def is_broken(self) -> bool:
        """Whether the reading ended with an error, so that no answer can be sent to it."""
        return getgeneratorstate(self.reading) == GEN_CLOSED

    def begun_again(self) -> Task:
        """Return it before its first call; what was read so far is dropped."""
        return Task(self.visit, self.cell, self.begin, self.patience)
