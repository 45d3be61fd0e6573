"""Who the job is, and the credentials with which each account is read."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from threading import Lock
from typing import TYPE_CHECKING

from botocore.credentials import Credentials

from ri_report.aws.answers import Call, ask_as, malformed, part
from ri_report.aws.clock import skew
from ri_report.aws.faults import FIXES, Asked, Fault, FaultError, no_credentials
from ri_report.aws.patience import patiently
from ri_report.aws.permissions import ASSUME_ROLE, GET_CALLER_IDENTITY, session_policy
from ri_report.aws.quotas import ASSUME_ROLE_AT_ONCE, ASSUME_ROLE_PER_SECOND, Bucket
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
SPARE_SECONDS = 120
"""How long before its end a session is no longer used: a call takes less."""
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
        # STS counts it with the roles that are assumed.
        bucket = Bucket(ASSUME_ROLE_AT_ONCE, ASSUME_ROLE_PER_SECOND)
        reply = patiently(lambda: ask_as(clients.base, clients, call), clients.clock, bucket)
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
    """The credentials of each account: assumed once, and again when they end or are refused."""

    def __init__(self, clients: Clients, caller: Caller, scope: Scope) -> None:
        """Remember how roles are assumed; assumes none yet."""
        self._clients = clients
        self._caller = caller
        self._scope = scope
        self._kept: dict[str, Credentials] = {caller.account_id: clients.base}
        self._good_until: dict[str, float] = {caller.account_id: inf}
        self._lock = Lock()
        self._renewals: Counter[str] = Counter()
        self._refusals: dict[str, Fault] = {}

    def are_at_hand(self, account_id: str) -> bool:
        """Whether an account can be asked without assuming its role first."""
        return self._clients.clock.now() < self._good_until.get(account_id, 0.0)

    def of(self, account_id: str) -> Credentials | None:
        """The credentials of one account, None when its role has to be assumed first.

        The job's own account is read without a role.
        """
        return self._kept.get(account_id) if self.are_at_hand(account_id) else None

    def assume(self, account_id: str) -> Credentials:
        """Assume the role of an account, unless its credentials hold, and return them.

        Raises:
            FaultError: the role could not be assumed, or AWS assumed one of another account. When
                it is refused in the middle of the run, what is kept stays at hand instead: AWS
                decides what it is still good for.
        """
        if not self.are_at_hand(account_id):
            began = self._clients.clock.now()
            # Without the lock: a call may hang, and those whose keys were refused meanwhile ask.
            assumed = self._assumed(account_id)
            holds = inf if account_id in self._refusals else SESSION_SECONDS - SPARE_SECONDS
            with self._lock:
                self._kept[account_id] = assumed
                self._good_until[account_id] = began + holds
        return self._kept[account_id]

    def put_aside(self, account_id: str, refused: Credentials, fault: Fault) -> None:
        """Have the role of an account assumed again, because AWS refused what is kept for it.

        Args:
            account_id: The 12-digit account.
            refused: The credentials that AWS refused; nothing happens if others are kept by now.
            fault: What AWS said.

        Raises:
            FaultError: there will be no others, as these are the job's own, were renewed often, or
                could not be renewed: EXPIRED.
        """
        with self._lock:
            if self._kept.get(account_id) is not refused:
                return
            if account_id in self._refusals:
                raise FaultError(self._refusals[account_id])
            if not self.needs_role(account_id) or self._renewals[account_id] >= MOST_RENEWALS:
                raise FaultError(fault)
            self._good_until[account_id] = 0.0

    def _assumed(self, account_id: str) -> Credentials:
        """Only what AWS has decided ends the renewals, not an answer that was damaged."""
        is_renewal = account_id in self._kept
        try:
            keys = self._session(account_id)
        except FaultError as error:
            refused = error.fault
            if not is_renewal or refused.status not in {Status.DENIED, Status.EXPIRED}:
                raise
            fix = f"The role could not be assumed again in the middle of the run. {refused.fix}"
            self._refusals[account_id] = replace(refused, status=Status.EXPIRED, fix=fix)
            return self._kept[account_id]
        self._renewals[account_id] += is_renewal
        return keys

    def needs_role(self, account_id: str) -> bool:
        """Whether an account is read through a role; the job's own is not."""
        return account_id != self._caller.account_id

    def forget(self, account_id: str) -> None:
        """Let go of what is kept for an account that is done."""
        if self.needs_role(account_id):
            for known in (self._kept, self._good_until, self._renewals, self._refusals):
                known.pop(account_id, None)

    def principal(self, account_id: str) -> str:
        """Whose permissions decide in an account: the caller's in its own, else the role's."""
        if account_id == self._caller.account_id:
            return self._caller.principal
        name = self._scope.role_name_of(account_id)
        return f"arn:{self._caller.partition}:iam::{account_id}:role/{name}"

    def call(self, account_id: str) -> Call:
        """Return the call that assumes the role of an account."""
        asked = self.asked(account_id)
        parameters = {
            "RoleArn": asked.role_arn,
            "RoleSessionName": self._scope.session_name,
            "DurationSeconds": SESSION_SECONDS,
            "Policy": session_policy(),
        }
        if self._scope.external_id:
            parameters["ExternalId"] = self._scope.external_id
        return Call(asked, self._clients.home_region, "Credentials", parameters)

    def _session(self, account_id: str) -> Credentials:
        call = self.call(account_id)
        reply = ask_as(self._clients.base, self._clients, call)
        _verify(reply, call.asked, account_id)
        return _credentials(part(reply, "Credentials", call.asked), call.asked)

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


def _credentials(keys: Answer, asked: Asked) -> Credentials:
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
    return Credentials(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], method="sts-assume-role"
    )
