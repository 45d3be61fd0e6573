"""From a signed request to its answer: authenticate, read, authorize, perform."""

from __future__ import annotations

import itertools
import sys
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from ri_report.sandbox import ec2, organizations, sts, wire
from ri_report.sandbox.authentication import authenticate, refused
from ri_report.sandbox.blueprints import Blueprints
from ri_report.sandbox.call import Call, CallRecord
from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.identity import Keyring
from ri_report.sandbox.mishaps import refuse, spoiled, twisted
from ri_report.sandbox.permissions import authorize
from ri_report.sandbox.population import GeneratedOrganization
from ri_report.sandbox.signature import Claim, claim_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from botocore.model import OperationModel

    from ri_report.sandbox.call import Operation
    from ri_report.sandbox.faults import Script
    from ri_report.sandbox.identity import Identity
    from ri_report.sandbox.mishaps import Mishap
    from ri_report.sandbox.organization import Account, Organization
    from ri_report.sandbox.throttles import Throttles

# The longest that a role's session may be set to last
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html).
JOB_SESSION = timedelta(hours=12)
OPERATIONS: dict[str, dict[str, Operation]] = {
    "sts": sts.OPERATIONS,
    "organizations": organizations.OPERATIONS,
    "ec2": ec2.OPERATIONS,
}


class Sandbox:
    """AWS for one organization, without the network: a request in, an answer out.

    Attributes:
        calls: Every authenticated call in the order of arrival, granted or refused.
        faults: What goes wrong; may be replaced while requests arrive.
        throttles: What bounds the rate of calls; None bounds nothing.
    """

    def __init__(self, organization: Organization, clock: Callable[[], datetime]) -> None:
        """Serve an organization; the clock gives the present moment, aware UTC."""
        self.calls: list[CallRecord] = []
        self.faults: Script | None = None
        self.throttles: Throttles | None = None
        self._organization = organization
        self._blueprints = (
            Blueprints(organization) if isinstance(organization, GeneratedOrganization) else None
        )
        self._clock = clock
        self._keyring = Keyring(organization.management_account_id)
        self._request_numbers = itertools.count(1)
        for service in wire.SERVICES:
            wire.service_model(service)

    def answer(self, request: wire.Request) -> wire.Response:
        """Answer one request."""
        request_id = str(uuid.UUID(int=next(self._request_numbers)))
        claim = claim_of(request)
        if claim is None:
            service = _addressed(request)
            return wire.refusal(service, refused(service, "unsigned"), request_id)
        if claim.service not in wire.SERVICES:
            return wire.refusal("sts", refused("sts", "other service"), request_id)
        try:
            return self._perform(request, claim, request_id)
        except ApiError as error:
            return wire.refusal(claim.service, error, request_id)

    def user(self) -> Identity:
        """Return the keys of the management account's user."""
        return self._keyring.user

    def job(self, role: str) -> Identity:
        """Give out the keys of a session of a role of the management account."""
        account_id = self._organization.management_account_id
        session = {"account_id": account_id, "name": role, "session": "job"}
        return self._keyring.assume(session, self._clock() + JOB_SESSION, None)

    def _perform(self, request: wire.Request, claim: Claim, request_id: str) -> wire.Response:
        now = self._clock()
        faults = self.faults
        identity = authenticate(request, claim, self._keyring, now)
        if faults is not None and identity.access_key in faults.expired:
            raise refused(claim.service, "expired token")
        account = self._account(identity.account_id, claim)
        operation, parameters = wire.read_call(claim.service, request)
        call = Call(
            service=claim.service,
            operation=operation.name,
            region=claim.region,
            parameters=parameters,
            identity=identity,
            account=account,
            organization=self._organization,
            keyring=self._keyring,
            now=now,
        )
        self.calls.append(
            CallRecord(call.service, call.operation, account.account_id, sys.intern(call.region))
        )
        mishaps = faults.strike(call) if faults is not None else []
        return self._answer(operation, call, mishaps, request_id)

    def _answer(
        self, operation: OperationModel, call: Call, mishaps: list[Mishap], request_id: str
    ) -> wire.Response:
        """The answer to a call, after everything that happens to it."""
        try:
            if self.throttles is not None:
                self.throttles.take(call)
            refuse(call, mishaps)
            response = self._true_answer(operation, twisted(call, mishaps), request_id)
        except ApiError as error:
            response = wire.refusal(call.service, error, request_id)
        return spoiled(response, mishaps)

    def _true_answer(self, operation: OperationModel, call: Call, request_id: str) -> wire.Response:
        perform = _permitted(call)
        if self._blueprints is not None and call.service == "ec2":
            response = self._blueprints.answer(operation, call, perform, request_id)
            if response is not None:
                return response
        return wire.answer(operation, perform(call), request_id)

    def _account(self, account_id: str, claim: Claim) -> Account:
        """The caller's account, whose keys are worth nothing where it has no Region enabled."""
        account = self._organization.account(account_id)
        if account is None or not account.has_enabled(claim.region):
            raise refused(claim.service, "unknown key")
        return account


def _permitted(call: Call) -> Operation:
    """What performs the call, after every check that comes before it."""
    perform = OPERATIONS[call.service].get(call.operation)
    if perform is None:
        code = "InvalidAction" if call.service != "organizations" else "UnknownOperationException"
        raise ApiError(code, f"The sandbox does not serve {call.action}")
    authorize(call)
    if call.parameters.get("DryRun"):
        message = "Request would have succeeded, but DryRun flag is set."
        raise ApiError("DryRunOperation", message, 412)
    return perform


def _addressed(request: wire.Request) -> str:
    """The service that an unsigned request is meant for; its protocol decides the answer's form."""
    if "x-amz-target" in request.headers:
        return "organizations"
    version = wire.service_model("ec2").api_version.encode()
    return "ec2" if b"Version=" + version in request.body else "sts"
