"""What the dispatch and its workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ri_report.aws.faults import Fault
from ri_report.inventory.outcomes import NOT_LISTED, Status

if TYPE_CHECKING:
    from ri_report.inventory.outcomes import CellKind, Outcome

RESUME = "Run again with --resume"


@dataclass(frozen=True)
class Assigned:
    """An account to read, without the (region, kind) cells that were read before."""

    account_id: str
    kept: frozenset[tuple[str, CellKind]] = frozenset()


@dataclass(frozen=True)
class NoMore:
    """There are no further accounts."""


@dataclass(frozen=True)
class Stop:
    """Nothing more is to be begun; `fault` is why."""

    fault: Fault


STOPPED = Stop(Fault(Status.SKIPPED, "stopped", "not read: the run was stopped", RESUME))
UNLISTED = Fault(
    Status.SKIPPED,
    NOT_LISTED,
    "the run was stopped while the list of accounts was coming in; the rest is in no number",
    RESUME,
)
TOO_LATE = Stop(
    Fault(Status.TIMEOUT, "run_deadline", "not read: the run took longer than it may", RESUME)
)


@dataclass(frozen=True)
class Want:
    """The worker can take another account."""


@dataclass(frozen=True)
class Visited:
    """An account is done and its part is written.

    Attributes:
        account_id: Which one.
        is_read: Whether a list of its instances or reservations was read, even an empty one.
        gaps: What could not be read of it, in order.
    """

    account_id: str
    is_read: bool
    gaps: tuple[Outcome, ...]


@dataclass(frozen=True)
class Ended:
    """The worker has ended; an error ends the run.

    Attributes:
        error: None, or what ended it.
        is_lost: Whether it ended as if its process had been killed; the others go on.
    """

    error: Exception | None = None
    is_lost: bool = False
