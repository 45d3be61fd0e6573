"""The collection: every account, region and kind in scope, each with exactly one outcome."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from ri_report.aws.accounts import list_accounts
from ri_report.aws.cells import READERS, AccountReading, Reader, Reading
from ri_report.aws.clients import Clients
from ri_report.aws.credentials import RoleCredentials, identify
from ri_report.errors import IntegrityError, NoReportError
from ri_report.inventory.gathering import gather
from ri_report.inventory.outcomes import CellKind, Outcome, Status, accounts_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from ri_report.aws.scope import Scope
    from ri_report.inventory.schema import Inventory

Row = dict[str, Any]


class Progress(Protocol):
    """Who is told how far the collection is; always called from the thread that collects."""

    def begin(self, accounts: int) -> None:
        """The number of accounts that will be read."""

    def done(self, account_id: str, *, failed: bool) -> None:
        """An account is finished; `failed` if something in it could not be read."""


def collect(scope: Scope, *, as_of: datetime, run: str, progress: Progress) -> Inventory:
    """Read everything in scope.

    Args:
        scope: What to read and how to get there.
        as_of: The moment of observation, aware UTC; kept, never compared with a clock.
        run: Name of the run.
        progress: Who is told how far it is.

    Returns:
        The inventory: what was seen, sorted, and one outcome for each cell in scope.

    Raises:
        ConfigError: the scope or the AWS configuration of this machine is wrong.
        NoReportError: no credentials, no account list, or nothing could be read.
        IntegrityError: two cells show the same instance or reservation.
    """
    with Clients(
        profile=scope.profile, region=scope.region, concurrency=scope.concurrency
    ) as clients:
        endpoint = clients.custom_endpoint
        caller = identify(clients)
        accounts = list_accounts(clients, caller, scope)
        reader = Reader(clients, RoleCredentials(clients, caller, scope))
        readings = Schedule(reader, scope, progress).run(accounts.to_read)
        outcomes = [*accounts.skipped, *(reading.outcome for reading in readings)]
        refuse_nothing_read(outcomes)
        refuse_all_denied(outcomes, set(accounts.to_read) - {caller.account_id})
        return gather(
            {CellKind.ACCOUNT: accounts.rows} | {kind: rows_of(readings, kind) for kind in READERS},
            outcomes,
            as_of=as_of,
            run=run,
            source="aws",
            endpoint=endpoint,
            caller_account_id=caller.account_id,
        )


class Schedule:
    """Enters every account and reads every cell with a bounded number of calls under way.

    Accounts and cells wait in one queue. The results come back to the calling thread, which
    alone keeps the readings, adds the cells of an account that was entered, and counts.
    """

    def __init__(self, reader: Reader, scope: Scope, progress: Progress) -> None:
        """Lay out an empty schedule."""
        self._reader = reader
        self._scope = scope
        self._progress = progress
        self._pool = ThreadPoolExecutor(scope.concurrency, thread_name_prefix="collect")
        self._finished: SimpleQueue[Future[AccountReading | Reading]] = SimpleQueue()
        self._under_way = 0
        self._cells_left: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._readings: list[Reading] = []

    def run(self, account_ids: Sequence[str]) -> list[Reading]:
        """Read all accounts; on an interruption what has not begun is dropped at once."""
        self._progress.begin(len(account_ids))
        try:
            for account_id in account_ids:
                self._submit(partial(self._reader.enter, account_id, self._scope))
            while self._under_way:
                self._take(self._finished.get())
        except Exception:
            self._pool.shutdown(cancel_futures=True)
            raise
        except BaseException:
            # KeyboardInterrupt or SystemExit: the person who stops the run does not wait.
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise
        self._pool.shutdown()
        return self._readings

    def _submit(self, work: Callable[[], AccountReading | Reading]) -> None:
        self._under_way += 1
        self._pool.submit(work).add_done_callback(self._finished.put)

    def _take(self, future: Future[AccountReading | Reading]) -> None:
        self._under_way -= 1
        result = future.result()
        if isinstance(result, AccountReading):
            self._entered(result)
            return
        self._keep(result)
        account_id = result.outcome.account_id
        self._cells_left[account_id] -= 1
        if not self._cells_left[account_id]:
            self._done(account_id)

    def _entered(self, account: AccountReading) -> None:
        for outcome in account.outcomes:
            self._keep(Reading(outcome, []))
        self._cells_left[account.account_id] = len(account.cells)
        for cell in account.cells:
            self._submit(partial(self._reader.read, cell))
        if not account.cells:
            self._done(account.account_id)

    def _keep(self, reading: Reading) -> None:
        self._readings.append(reading)
        if reading.outcome.is_gap:
            self._failed.add(reading.outcome.account_id)

    def _done(self, account_id: str) -> None:
        self._progress.done(account_id, failed=account_id in self._failed)


def refuse_nothing_read(outcomes: Sequence[Outcome]) -> None:
    """End the run when not one list of instances or reservations was read.

    Raises:
        NoReportError: with the most common reason and its fix.
        IntegrityError: the reason is that answers belong to other accounts.
    """
    if accounts_read(outcomes):
        return
    gaps = [outcome for outcome in outcomes if outcome.is_gap]
    if not gaps:
        raise NoReportError(
            "nothing to read: none of the wanted regions is enabled in any account. "
            "Check --region against the accounts"
        )
    ((status, reason), count) = Counter((gap.status, gap.reason) for gap in gaps).most_common(1)[0]
    first = next(gap for gap in gaps if (gap.status, gap.reason) == (status, reason))
    kind = IntegrityError if status is Status.INTEGRITY else NoReportError
    raise kind(
        f"nothing could be read; {count} of {len(gaps)} times because of {status}"
        f"{f' ({reason})' if reason else ''}, first in account {first.account_id}: "
        f"{first.detail}. {first.fix}"
    )


def refuse_all_denied(outcomes: Sequence[Outcome], members: set[str]) -> None:
    """End the run when there are other accounts and each of them denied whatever it has.

    A report on the job's own account alone would look like one on the organization.

    Raises:
        NoReportError: with the first denial and its fix.
    """
    denied = {o.account_id: o for o in reversed(outcomes) if o.status is Status.DENIED}
    if members and members <= denied.keys() - accounts_read(outcomes):
        first = denied[min(members)]
        raise NoReportError(
            f"instances and reservations could be read in none of the {len(members)} linked "
            f"accounts, first in account {first.account_id}: {first.detail}. {first.fix}"
        )


def rows_of(readings: Iterable[Reading], kind: CellKind) -> list[Row]:
    """The rows of every cell of one kind."""
    return [row for reading in readings if reading.outcome.kind is kind for row in reading.rows]
