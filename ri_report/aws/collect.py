"""The collection: every account of the organization, each read by one worker, each with its part.

Accounts are read while the list of them is still coming in, page by page. A few are read in this
process; more are shared out to a process per core, because parsing answers keeps a core busy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ri_report.aws.accounts import account_pages
from ri_report.aws.clients import Clients
from ri_report.aws.clock import Clock
from ri_report.aws.credentials import identify
from ri_report.aws.dispatch import Dispatch
from ri_report.aws.worker import Order
from ri_report.errors import IntegrityError, NoReportError
from ri_report.inventory.attempts import check_source
from ri_report.inventory.outcomes import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ri_report.aws.dispatch import Kept, Progress
    from ri_report.aws.scope import Scope


@dataclass(frozen=True)
class Collected:
    """What a collection gave besides the parts that its workers wrote.

    Attributes:
        accounts: Rows of the frame `ACCOUNTS`.
        outcomes: The outcomes of accounts that have no part: skipped, unread and unlisted ones.
        endpoint: Host of a custom AWS endpoint, "" for AWS itself.
        caller_account_id: The account that the job runs in.
        is_whole: Whether nothing is missing.
        interrupt: What stopped the collection before its end, or None.
    """

    accounts: list[dict[str, Any]]
    outcomes: list[Outcome]
    endpoint: str
    caller_account_id: str
    is_whole: bool
    interrupt: BaseException | None = None

    @property
    def is_all_listed(self) -> bool:
        """Whether the accounts are all that there are."""
        return all(outcome.account_id for outcome in self.outcomes)


def collect(
    scope: Scope,
    folder: Path,
    *,
    progress: Progress,
    kept: Mapping[str, Kept] | None = None,
    clock: Clock | None = None,
) -> Collected:
    """Read everything in scope; the part of each account goes into a folder.

    Args:
        scope: What to read and how to get there.
        folder: Where the parts go; exists.
        progress: Who is told how far it is.
        kept: What parts in the folder hold already, by account.
        clock: What waits are measured by.

    Raises:
        ConfigError: the scope or the AWS configuration of this machine is wrong.
        NoReportError: no credentials, no account list, or nothing could be read.
        IntegrityError: whatever was read is of other accounts than those asked.
        KeyboardInterrupt, SystemExit: stopped before anything was read.
    """
    clock = clock or Clock()
    ends_at = clock.now() + scope.run_seconds
    with Clients(profile=scope.profile, region=scope.region, clock=clock) as clients:
        endpoint = clients.custom_endpoint
        caller = identify(clients)
        check_source(
            folder,
            {
                "account_id": caller.account_id,
                "partition": caller.partition,
                "endpoint": clients.endpoint("ec2"),
            },
        )
        with Dispatch(kept or {}, progress) as dispatch:
            dispatch.begin_listing(account_pages(clients, caller, scope), scope.run_seconds)
            workers = dispatch.workers_needed(scope.processes or cores())
            order = Order(scope, caller, folder, ends_at, workers)
            dispatch.employ(order, clients)
            interrupt = dispatch.run()
        if interrupt and not dispatch.read:
            raise interrupt
        if not interrupt:
            refuse_nothing_read(dispatch)
            refuse_all_denied(dispatch, caller.account_id)
        return Collected(
            accounts=dispatch.accounts.rows,
            outcomes=[*dispatch.accounts.skipped, *dispatch.unread],
            endpoint=endpoint,
            caller_account_id=caller.account_id,
            is_whole=not dispatch.gaps,
            interrupt=interrupt,
        )


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def refuse_nothing_read(dispatch: Dispatch) -> None:
    """End the run when not one list of instances or reservations was read.

    Raises:
        NoReportError: with the most common reason and its fix.
        IntegrityError: the reason is that answers belong to other accounts.
    """
    if dispatch.read:
        return
    if not dispatch.gaps:
        raise NoReportError(
            "nothing to read: none of the wanted regions is enabled in any account. "
            "Check --region against the accounts"
        )
    ((status, reason), count) = dispatch.gaps.most_common(1)[0]
    first = dispatch.first[status, reason]
    kind = IntegrityError if status is Status.INTEGRITY else NoReportError
    raise kind(
        f"nothing could be read; {count} of {dispatch.gaps.total()} times because of {status}"
        f"{f' ({reason})' if reason else ''}, first in account {first.account_id}: "
        f"{first.detail}. {first.fix}"
    )


def refuse_all_denied(dispatch: Dispatch, caller_account_id: str) -> None:
    """End the run when there are other accounts and each of them denied whatever it has.

    A report on the job's own account alone would look like one on the organization.

    Raises:
        NoReportError: with the first denial and its fix.
    """
    members = set(dispatch.accounts.to_read) - {caller_account_id}
    if members and members <= dispatch.denied.keys() - dispatch.read:
        first = dispatch.denied[min(members)]
        raise NoReportError(
            f"instances and reservations could be read in none of the {len(members)} linked "
            f"accounts, first in account {first.account_id}: {first.detail}. {first.fix}"
        )
