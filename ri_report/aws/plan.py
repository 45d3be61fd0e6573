"""The plan: which accounts a run would read and how, found out without assuming any role."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ri_report.aws.accounts import list_accounts
from ri_report.aws.answers import ask_as
from ri_report.aws.clients import Clients
from ri_report.aws.credentials import RoleCredentials, identify
from ri_report.aws.faults import FaultError
from ri_report.aws.patience import patiently
from ri_report.aws.quotas import Place
from ri_report.aws.regions import account_regions

if TYPE_CHECKING:
    from ri_report.aws.credentials import Caller
    from ri_report.aws.scope import Scope

log = logging.getLogger("ri_report")


def plan(scope: Scope) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of the frame `ACCOUNTS`, and a line for each: read as whom, or left out why.

    Raises:
        ConfigError: the scope or the AWS configuration of this machine is wrong.
        NoReportError: no credentials, or no account list.
    """
    with Clients(profile=scope.profile, region=scope.region) as clients:
        caller = identify(clients)
        accounts = list_accounts(clients, caller, scope)
        if scope.regions:
            _check_regions(clients, caller, scope)
        credentials = RoleCredentials(clients, caller, scope)
        how = {outcome.account_id: outcome.detail for outcome in accounts.skipped}
        how |= {
            account: f"read as {credentials.principal(account)}" for account in accounts.to_read
        }
        names = {row["account_id"]: row["account_name"] for row in accounts.rows}
        lines = [f"{account}  {how[account]}  {names[account]}".rstrip() for account in sorted(how)]
        return accounts.rows, lines


def _check_regions(clients: Clients, caller: Caller, scope: Scope) -> None:
    """Refuse a wanted region that does not exist, where the job's own account tells."""
    reading = account_regions(clients, caller.principal, scope)
    call = next(reading)
    try:
        reply = patiently(lambda: ask_as(clients.base, clients, call), clients.clock, Place().plain)
        reading.send(reply)
    except StopIteration:
        return
    except FaultError as error:
        log.warning("%s not checked: %s", scope.regions_from, error.fault.detail)
