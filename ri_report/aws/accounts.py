"""Which accounts there are, and which of them are to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ri_report.aws.answers import Call, ask_as, malformed, pages, part
from ri_report.aws.faults import Asked, Fault, FaultError
from ri_report.aws.patience import patiently
from ri_report.aws.permissions import DESCRIBE_ORGANIZATION, LIST_ACCOUNTS
from ri_report.aws.quotas import ORGANIZATIONS_AT_ONCE, ORGANIZATIONS_PER_SECOND, Bucket
from ri_report.errors import NoReportError
from ri_report.inventory.fields import MalformedRecordError
from ri_report.inventory.names import check_listed
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.records import account_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ri_report.aws.answers import Answer, Reading
    from ri_report.aws.clients import Clients
    from ri_report.aws.credentials import Caller
    from ri_report.aws.scope import Scope

Row = dict[str, Any]

ACTIVE = "ACTIVE"
# https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html, State. A state
# that is new is tried: a refusal shows, an unread account would not.
CLOSED = frozenset({"PENDING_ACTIVATION", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"})
# The most that ListAccounts gives at once
# (https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html).
PAGE_SIZE = 20


@dataclass
class AccountList:
    """Accounts of the organization or the configuration, and what becomes of each.

    Attributes:
        rows: Rows of the frame `ACCOUNTS`, read or not.
        to_read: Ids of the active accounts in scope; in order within a page and of a whole list.
        skipped: One outcome for each account that is listed but not read.
    """

    rows: list[Row] = field(default_factory=list)
    to_read: list[str] = field(default_factory=list)
    skipped: list[Outcome] = field(default_factory=list)

    def add(self, other: AccountList) -> None:
        """Append what another page of the list holds."""
        # Rows last: what a stop keeps from being added is then not listed, never without outcome.
        self.to_read += other.to_read
        self.skipped += other.skipped
        self.rows += other.rows


def list_accounts(clients: Clients, caller: Caller, scope: Scope) -> AccountList:
    """List all accounts and decide which are read.

    Raises:
        NoReportError: there is no account list, or nothing in it is to be read.
        ConfigError: the configuration names an account that is not in the list.
    """
    whole = AccountList()
    for page in account_pages(clients, caller, scope):
        whole.add(page)
    whole.to_read.sort()
    return whole


def account_pages(clients: Clients, caller: Caller, scope: Scope) -> Iterator[AccountList]:
    """Yield the accounts page by page, one call to AWS at a time, each account once.

    Raises:
        NoReportError: there is no account list, or nothing in it is to be read.
        ConfigError: the configuration names an account that is not in the list; known when the
            whole list is.
    """
    names = {account.account_id: account.name for account in scope.configured if account.name}
    listed: set[str] = set()
    is_any_read = False
    for records in _pages(clients, caller, scope):
        rows = [row for row in records if row["account_id"] not in listed]
        listed.update(row["account_id"] for row in rows)
        page = _decided([_named(row, names) for row in rows], scope)
        is_any_read |= bool(page.to_read)
        yield page
    check_listed(scope.named, sorted(listed))
    if not is_any_read:
        raise NoReportError(
            f"none of the {len(listed)} listed accounts is to be read: each is excluded or not "
            "ACTIVE. Check --account, --exclude-account and the state of the accounts"
        )


def _named(row: Row, names: Mapping[str, str]) -> Row:
    return row | {"account_name": names.get(row["account_id"], row["account_name"])}


def _decided(rows: list[Row], scope: Scope) -> AccountList:
    skipped = [outcome for row in rows if (outcome := _skip(row, scope))]
    passed_over = {outcome.account_id for outcome in skipped}
    to_read = sorted(row["account_id"] for row in rows if row["account_id"] not in passed_over)
    return AccountList(rows, to_read, skipped)


def _pages(clients: Clients, caller: Caller, scope: Scope) -> Iterator[list[Row]]:
    if scope.discover == "list":
        yield _configured_rows(scope, caller)
        return
    try:
        yield from _organization_pages(clients, caller)
    except MalformedRecordError as error:
        asked = Asked(LIST_ACCOUNTS, caller.principal)
        raise _no_list(malformed(asked, "record", str(error)).fault) from error
    except FaultError as error:
        raise _no_list(error.fault) from error


def _configured_rows(scope: Scope, caller: Caller) -> list[Row]:
    if not scope.configured:
        raise NoReportError(
            'no account list: discover = "list" needs at least one [[account]] with an id'
        )
    named = [{"Id": a.account_id, "Name": a.name, "State": ACTIVE} for a in scope.configured]
    # The job's own account needs no role, so it need not be configured either.
    return account_rows([*named, {"Id": caller.account_id, "State": ACTIVE}], None)


def _organization_pages(clients: Clients, caller: Caller) -> Iterator[list[Row]]:
    asked = Asked(LIST_ACCOUNTS, caller.principal)
    bucket = Bucket(ORGANIZATIONS_AT_ONCE, ORGANIZATIONS_PER_SECOND)
    management_account_id = _management_account_id(clients, caller, bucket)
    page: Answer = {}
    reading = pages(
        Call(asked, clients.home_region, "Accounts", {"MaxResults": PAGE_SIZE}), page.update
    )
    call: Call | None = next(reading)
    while call:
        page.clear()
        call = _following(reading, _asked_patiently(clients, call, bucket))
        yield account_rows(part(page, "Accounts", asked), management_account_id)


def _following(reading: Reading[None], reply: Answer) -> Call | None:
    try:
        return reading.send(reply)
    except StopIteration:
        return None


def _asked_patiently(clients: Clients, call: Call, bucket: Bucket) -> Answer:
    return patiently(lambda: ask_as(clients.base, clients, call), clients.clock, bucket)


def _management_account_id(clients: Clients, caller: Caller, bucket: Bucket) -> str | None:
    asked = Asked(DESCRIBE_ORGANIZATION, caller.principal)
    try:
        call = Call(asked, clients.home_region, "Organization")
        reply = _asked_patiently(clients, call, bucket)
        return str(part(part(reply, "Organization", asked), "MasterAccountId", asked))
    except FaultError:
        # Which account pays is good to know; the report stands without it.
        return None


def _no_list(fault: Fault) -> NoReportError:
    if fault.status is not Status.DENIED and fault.reason != "AWSOrganizationsNotInUseException":
        return NoReportError(f"no account list: {fault.detail}. {fault.fix}")
    return NoReportError(
        f"no account list: {fault.detail}. Run the job in the management account or a delegated "
        f'administrator account and grant {LIST_ACCOUNTS}, or set discover = "list" and name '
        "each [[account]]"
    )


def _skip(row: Row, scope: Scope) -> Outcome | None:
    account_id = row["account_id"]
    included = not scope.accounts or account_id in scope.accounts
    if account_id in scope.exclude_accounts or not included:
        return _skipped(account_id, "excluded", "left out by the configuration")
    if row["state"] in CLOSED:
        return _skipped(account_id, "account_state", f"the account is {row['state']}")
    return None


def _skipped(account_id: str, reason: str, detail: str) -> Outcome:
    return Outcome(account_id, "", CellKind.ACCOUNT, Status.SKIPPED, reason, detail)
