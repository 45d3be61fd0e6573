"""Which accounts there are, and which of them are to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ri_report.aws.answers import Answer, answer, malformed, pages, part
from ri_report.aws.clients import using
from ri_report.aws.faults import Asked, Fault, FaultError
from ri_report.aws.permissions import DESCRIBE_ORGANIZATION, LIST_ACCOUNTS
from ri_report.errors import NoReportError
from ri_report.inventory.fields import MalformedRecordError
from ri_report.inventory.names import check_listed
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.records import account_rows

if TYPE_CHECKING:
    from ri_report.aws.clients import Clients
    from ri_report.aws.credentials import Caller
    from ri_report.aws.scope import Scope

ACTIVE = "ACTIVE"
# The most that ListAccounts gives at once
# (https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html).
PAGE_SIZE = 20


@dataclass(frozen=True)
class AccountList:
    """The accounts of the organization or the configuration, and what becomes of each.

    Attributes:
        rows: Rows of the frame `ACCOUNTS`, read or not.
        to_read: Ids of the active accounts in scope, in order.
        skipped: One outcome for each account that is listed but not read.
    """

    rows: list[dict[str, Any]]
    to_read: list[str]
    skipped: list[Outcome]


def list_accounts(clients: Clients, caller: Caller, scope: Scope) -> AccountList:
    """List the accounts and decide which are read.

    Raises:
        NoReportError: there is no account list, or nothing in it is to be read.
        ConfigError: the configuration names an account that is not in the list.
    """
    if scope.discover == "list":
        rows = _configured_rows(scope, caller)
    else:
        rows = _organization_rows(clients, caller)
    check_listed(scope.named, [row["account_id"] for row in rows])
    names = {account.account_id: account.name for account in scope.configured if account.name}
    rows = [
        row | {"account_name": names.get(row["account_id"], row["account_name"])} for row in rows
    ]
    skipped = [outcome for row in rows if (outcome := _skip(row, scope))]
    passed_over = {outcome.account_id for outcome in skipped}
    to_read = sorted(row["account_id"] for row in rows if row["account_id"] not in passed_over)
    if not to_read:
        raise NoReportError(
            f"none of the {len(rows)} listed accounts is to be read: each is excluded or not "
            "ACTIVE. Check --account, --exclude-account and the state of the accounts"
        )
    return AccountList(rows, to_read, skipped)


def _configured_rows(scope: Scope, caller: Caller) -> list[dict[str, Any]]:
    if not scope.configured:
        raise NoReportError(
            'no account list: discover = "list" needs at least one [[account]] with an id'
        )
    named = [{"Id": a.account_id, "Name": a.name, "State": ACTIVE} for a in scope.configured]
    # The job's own account needs no role, so it need not be configured either.
    return account_rows([*named, {"Id": caller.account_id, "State": ACTIVE}], None)


def _organization_rows(clients: Clients, caller: Caller) -> list[dict[str, Any]]:
    asked = Asked(LIST_ACCOUNTS, caller.principal)
    with using(clients.base):
        try:
            found = pages(clients, asked, clients.home_region, MaxResults=PAGE_SIZE)
            listed = [record for page in found for record in part(page, "Accounts", asked)]
            return account_rows(listed, _management_account_id(clients, caller))
        except MalformedRecordError as error:
            raise _no_list(malformed(asked, "record", str(error)).fault) from error
        except FaultError as error:
            raise _no_list(error.fault) from error


def _management_account_id(clients: Clients, caller: Caller) -> str | None:
    asked = Asked(DESCRIBE_ORGANIZATION, caller.principal)
    try:
        reply: Answer = answer(clients, asked, clients.home_region)
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


def _skip(row: dict[str, Any], scope: Scope) -> Outcome | None:
    account_id = row["account_id"]
    included = not scope.accounts or account_id in scope.accounts
    if account_id in scope.exclude_accounts or not included:
        return _skipped(account_id, "excluded", "left out by the configuration")
    if row["state"] != ACTIVE:
        return _skipped(account_id, "account_state", f"the account is {row['state']}")
    return None


def _skipped(account_id: str, reason: str, detail: str) -> Outcome:
    return Outcome(account_id, "", CellKind.ACCOUNT, Status.SKIPPED, reason, detail)
