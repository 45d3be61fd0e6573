"""Who the job is, and the credentials with which each account is read."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from botocore.credentials import Credentials, RefreshableCredentials

from ri_report.aws.answers import Call, ask_as, malformed, part
from ri_report.aws.clock import skew
from ri_report.aws.faults import FIXES, Asked, Fault, FaultError, no_credentials
from ri_report.aws.patience import patiently
from ri_report.aws.permissions import ASSUME_ROLE, GET_CALLER_IDENTITY, session_policy
from ri_report.errors import NoReportError
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from ri_report.aws.answers import Answer
    from ri_report.aws.clients import Clients
    from ri_report.aws.scope import Scope

log = logging.getLogger("ri_report")

# The most that a role assumed by a role may last; asking for more fails
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html, role chaining).
SESSION_SECONDS = 3600
MOST_RENEWALS = 2
"""How often a role is assumed again because AWS refuses the keys it gave; more would not help."""
ARN = re.compile(r"arn:(?P<partition>[\w-]+):(?:iam|sts)::(?P<account_id>[0-9]{12}):(?P<name>.+)")


@dataclass(frozen=True)
class Caller:
    """The account, partition and ARN that the job runs as."""

    account_id: str
    partition: str
    arn: str

    @property
    def principal(self) -> str:
        """What a trust policy can name: the role of an assumed session, else the ARN itself.

        STS leaves out the path of a role, so a role with a path has to be completed by hand.
        """
        session = re.fullmatch(r"assumed-role/([^/]+)/.+", self.arn.split(":", 5)[5])
        if not session:
            return self.arn
        return f"arn:{self.partition}:iam::{self.account_id}:role/{session[1]}"


def identify(clients: Clients) -> Caller:
    """Ask AWS who the job is; the first call of every run, which needs no permission.

    Raises:
        NoReportError: AWS does not accept the job's own credentials, or cannot be reached.
        ConfigError: the AWS configuration of this machine is wrong.
    """
    asked = Asked(GET_CALLER_IDENTITY)
    try:
        call = Call(asked, clients.home_region, "Arn")
        reply = patiently(lambda: ask_as(clients.base, clients, call), clients.clock)
        if off := skew(reply["ResponseMetadata"].get("HTTPHeaders", {})):
            log.warning("%s: set it right, or AWS will refuse requests", off)
        arn = ARN.fullmatch(part(reply, "Arn", asked))
        if arn is None:
            raise malformed(asked, "no_Arn", "the caller's ARN has another form")
    except FaultError as error:
        raise _no_identity(error.fault) from error
    return Caller(arn["account_id"], arn["partition"], arn.string)


def _no_identity(fault: Fault) -> NoReportError:
    if fault.status in {Status.EXPIRED, Status.DENIED}:
        return no_credentials(f"{fault.detail} (check this machine's clock, too)")
    return NoReportError(f"AWS does not say who this job is: {fault.detail}. {fault.fix}")


class RoleCredentials:
    """The credentials of each account: assumed once, refreshed by themselves, kept to the end."""

    def __init__(self, clients: Clients, caller: Caller, scope: Scope) -> None:
        """Remember how roles are assumed; assumes none yet."""
        self._clients = clients
        self._caller = caller
        self._scope = scope
        self._kept: dict[str, Credentials] = {caller.account_id: clients.base}
        self._locks: dict[str, Lock] = {}
        self._renewals: Counter[str] = Counter()

    def of(self, account_id: str) -> Credentials:
        """The credentials of one account; the job's own account is read without a role.

        Raises:
            FaultError: the role could not be assumed, or AWS assumed one of another account.
        """
        with self._locks.setdefault(account_id, Lock()):
            if account_id not in self._kept:
                self._kept[account_id] = self._refreshing(account_id, self._session(account_id))
            return self._kept[account_id]

    def renewed(self, account_id: str, refused: Credentials) -> Credentials:
        """New credentials in place of those that AWS refused; assumed once for all who ask.

        Raises:
            FaultError: as `of`, but a refusal in the middle of the run is EXPIRED. The job's own
                credentials are returned as they are, and so are those that were renewed often.
        """
        with self._locks.setdefault(account_id, Lock()):
            is_ours = self._kept.get(account_id) is refused and self.needs_role(account_id)
            if is_ours and self._renewals[account_id] < MOST_RENEWALS:
                self._kept[account_id] = self._refreshing(account_id, self._renewed(account_id))
            return self._kept.get(account_id, refused)

    def _renewed(self, account_id: str) -> dict[str, str]:
        """Assume a role again; only what AWS has decided counts, not an answer that was damaged."""
        try:
            keys = self._refreshed(account_id)
        except FaultError as error:
            self._renewals[account_id] += error.fault.status is Status.EXPIRED
            raise
        self._renewals[account_id] += 1
        return keys

    def needs_role(self, account_id: str) -> bool:
        """Whether an account is read through a role; the job's own is not."""
        return account_id != self._caller.account_id

    def forget(self, account_id: str) -> None:
        """Let go of what is kept for an account that is done."""
        if self.needs_role(account_id):
            self._kept.pop(account_id, None)
            self._locks.pop(account_id, None)
            self._renewals.pop(account_id, None)

    def principal(self, account_id: str) -> str:
        """Whose permissions decide in an account: the caller's in its own, else the role's."""
        if account_id == self._caller.account_id:
            return self._caller.principal
        name = self._scope.role_name_of(account_id)
        return f"arn:{self._caller.partition}:iam::{account_id}:role/{name}"

    def _refreshing(self, account_id: str, keys: dict[str, str]) -> Credentials:
        return RefreshableCredentials.create_from_metadata(
            metadata=keys,
            refresh_using=lambda: self._refreshed(account_id),
            method="sts-assume-role",
        )

    def _refreshed(self, account_id: str) -> dict[str, str]:
        try:
            return self._session(account_id)
        except FaultError as error:
            refused = error.fault
        fix = f"The role could not be assumed again in the middle of the run. {refused.fix}"
        status = Status.EXPIRED if refused.status is Status.DENIED else refused.status
        raise FaultError(replace(refused, status=status, fix=fix))

    def _session(self, account_id: str) -> dict[str, str]:
        asked = self.asked(account_id)
        parameters = {
            "RoleArn": asked.role_arn,
            "RoleSessionName": self._scope.session_name,
            "DurationSeconds": SESSION_SECONDS,
            "Policy": session_policy(),
        }
        if self._scope.external_id:
            parameters["ExternalId"] = self._scope.external_id
        call = Call(asked, self._clients.home_region, "Credentials", parameters)
        reply = ask_as(self._clients.base, self._clients, call)
        _verify(reply, asked, account_id)
        return _metadata(part(reply, "Credentials", asked), asked)

    def asked(self, account_id: str) -> Asked:
        """Return what is asked of STS for an account."""
        sent = "the external id of this run" if self._scope.external_id else "no external id"
        return Asked(
            ASSUME_ROLE,
            self._caller.principal,
            self.principal(account_id),
            f" (the job sends {sent})",
        )


def _verify(reply: Answer, asked: Asked, account_id: str) -> None:
    arn = ARN.fullmatch(str(part(reply, "AssumedRoleUser", asked).get("Arn", "")))
    if arn is None:
        raise malformed(asked, "no_Arn", "the answer does not say which role was assumed")
    if arn["account_id"] != account_id:
        detail = f"{asked.action} on {asked.role_arn} answered for account {arn['account_id']}"
        fix = "Check the endpoint and proxy settings: the answer belongs to another account"
        raise FaultError(Fault(Status.INTEGRITY, "other_account", detail, fix))


def _metadata(keys: Answer, asked: Asked) -> dict[str, str]:
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    absent = [name for name in names if not keys.get(name)]
    if absent:
        raise malformed(asked, f"no_{absent[0]}", f"the answer has no {', '.join(absent)}")
    expiration = keys["Expiration"]
    if not isinstance(expiration, datetime) or expiration.tzinfo is None:
        raise malformed(asked, "no_Expiration", "the end of the session is no moment")
    if expiration <= datetime.now(UTC):
        fault = Fault(
            Status.EXPIRED,
            "clock",
            f"{asked.action}: the new session ended at {expiration:%Y-%m-%d %H:%M} UTC",
            FIXES[Status.EXPIRED],
        )
        raise FaultError(fault)
    return {
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
        "token": keys["SessionToken"],
        "expiry_time": expiration.isoformat(),
    }
