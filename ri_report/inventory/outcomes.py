"""How the reading of each (account, region, kind) cell ended: one typed outcome, never a zero."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ri_report.inventory.frames import Column, Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


class CellKind(StrEnum):
    """What was asked of an account, or of one of its regions."""

    ACCOUNT = "account"
    REGIONS = "regions"
    INSTANCES = "instances"
    RESERVATIONS = "reservations"
    ZONES = "zones"
    CAPACITY = "capacity_reservations"


class Status(StrEnum):
    """The closed list of ways in which the reading of a cell ends."""

    OK = "OK"
    EMPTY = "EMPTY"
    SKIPPED = "SKIPPED"
    DENIED = "DENIED"
    THROTTLED = "THROTTLED"
    TIMEOUT = "TIMEOUT"
    NETWORK = "NETWORK"
    MALFORMED = "MALFORMED"
    EXPIRED = "EXPIRED"
    INTEGRITY = "INTEGRITY"


READ = frozenset({Status.OK, Status.EMPTY})
LISTS = frozenset({CellKind.INSTANCES, CellKind.RESERVATIONS})
ACCOUNT_STATE = "account_state"
EXCLUDED = "excluded"
NOT_OPTED_IN = "not_opted_in"
NOT_LISTED = "not_listed"
NOT_SAVED = "not_saved"
HARMLESS_SKIPS = frozenset({ACCOUNT_STATE, EXCLUDED, NOT_OPTED_IN, NOT_SAVED})


@dataclass(frozen=True)
class Outcome:
    """How one cell ended.

    Attributes:
        account_id: The 12-digit account; "" stands for all that were not listed.
        region: The region; "" when the outcome is about the whole account.
        kind: What was asked for. `account` and `regions` stand for every cell of the account
            that was not reached because of them.
        status: One of `Status`; EMPTY means that AWS answered, and that nothing in
            its answer is kept: no instance, no capacity reservation that is active.
        reason: Why, from a closed list: `role`, `iam`, `scp` (DENIED); `account_state`,
            `excluded`, `not_opted_in`, `not_saved`, `no_file`, `stopped`, `worker_ended`,
            `not_listed` (SKIPPED); `part` (MALFORMED); `no_outcome` (INTEGRITY); otherwise AWS's
            error code or "".
        detail: What AWS said, in one line, without secrets.
        fix: What the reader can do about it, in one line.
        row_count: How many records were kept.
    """

    account_id: str
    region: str
    kind: CellKind
    status: Status
    reason: str = ""
    detail: str = ""
    fix: str = ""
    row_count: int = 0

    @property
    def is_gap(self) -> bool:
        """Whether something that should have been read was not."""
        return not (
            self.status in READ or (self.status is Status.SKIPPED and self.reason in HARMLESS_SKIPS)
        )

    def row(self) -> dict[str, object]:
        """Return it as a row of `OUTCOMES`."""
        return {**vars(self), "is_gap": self.is_gap}


def is_all_listed(outcomes: pd.DataFrame) -> bool:
    """Return whether the accounts of an inventory are all that there are.

    Args:
        outcomes: Frame `OUTCOMES`, or those of it that are gaps.
    """
    return bool((outcomes["account_id"] != "").all())


def accounts_read(outcomes: Iterable[Outcome]) -> set[str]:
    """Return the accounts of which a list of instances or reservations was read, even empty."""
    return {o.account_id for o in outcomes if o.kind in LISTS and o.status in READ}


OUTCOMES = Frame(
    "outcomes",
    ("account_id", "region", "kind"),
    (
        Column("account_id", "text", "Linked account", "Account"),
        Column("region", "text", "Region; empty: the whole account"),
        Column("kind", "text", "What was asked for", "What"),
        Column("status", "text", "How the reading ended", "Outcome"),
        Column("reason", "text", "Why, from a closed list or AWS's error code"),
        Column("detail", "text", "What AWS said", "What AWS said"),
        Column("fix", "text", "What to do about it", "What to do"),
        Column("row_count", "count", "Records kept", "Records"),
        Column("is_gap", "flag", "Whether something that should have been read was not", "Gap"),
    ),
)
