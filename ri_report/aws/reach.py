"""Reach: whether an endpoint answers at all, so that a dead one holds up nothing but itself.

A call that nobody answers holds a thread until its time is up. When several in a row have, the
endpoint is dark: one call at a time tries it, the others wait without a thread, and when that has
lasted they end unread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ri_report.aws.codes import CODES
from ri_report.aws.faults import Fault
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from ri_report.aws.answers import Call

DARK_AFTER: Final = 24
"""Calls in a row without an answer."""
DARK_SECONDS: Final = 60.0
"""How long calls wait for a dark endpoint to answer again."""
PROBE_SECONDS: Final = 30.0
"""How often one is tried that has been dark for longer."""


def endpoint_of(call: Call) -> tuple[str, str]:
    """The service and the region that a call goes to."""
    return call.asked.action.partition(":")[0], call.region


def is_unanswered(fault: Fault) -> bool:
    """Whether a fault means that nothing came back, not even a refusal or an error of AWS's."""
    return fault.status in {Status.TIMEOUT, Status.NETWORK} and fault.reason not in CODES


@dataclass
class Reach:
    """One endpoint, and whether it answers.

    Attributes:
        silent: Calls in a row that nobody answered.
        dark_since: When it went dark; meaningless while it is not.
        tried_at: When it was last tried since.
        is_tried: Whether a call that tries it is under way.
        last: What became of the last call that nobody answered.
    """

    silent: int = 0
    dark_since: float = 0.0
    tried_at: float = 0.0
    is_tried: bool = False
    last: Fault | None = None

    def heard(self) -> None:
        """Note an answer, whatever it says."""
        self.silent, self.is_tried = 0, False

    def unheard(self, fault: Fault, now: float) -> None:
        """Note a call that nobody answered."""
        self.silent += 1
        self.is_tried, self.last = False, fault
        if self.silent == DARK_AFTER:
            self.dark_since = self.tried_at = now

    def wait(self, now: float) -> float | Fault:
        """Return 0.0 when a call may be made, the seconds until it should be tried, or its end."""
        if self.silent < DARK_AFTER or self.last is None:
            return 0.0
        is_late = now - self.dark_since >= DARK_SECONDS
        if not self.is_tried and now - self.tried_at >= (PROBE_SECONDS if is_late else 1.0):
            self.is_tried, self.tried_at = True, now
            return 0.0
        if not is_late:
            return 1.0
        detail = f"not asked: the last {self.silent} calls got no answer ({self.last.detail})"
        return Fault(self.last.status, self.last.reason, detail, self.last.fix)
