"""STS: who the caller is, and the keys of another account's role.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.policies import session_policy

if TYPE_CHECKING:
    from ri_report.sandbox.call import Call, Operation
    from ri_report.sandbox.organization import Json, Role

ROLE_ARN = re.compile(
    r"arn:aws:iam::(?P<account_id>\d{12}):role/(?:[\w+=,.@-]+/)*(?P<name>[\w+=,.@-]+)"
)
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
LONGEST_POLICY = 2048
# The MaxSessionDuration that a role has unless it is raised, and the cap of role chaining.
LONGEST_SESSION_SECONDS = 3600
SHORTEST_SESSION_SECONDS = 900


def get_caller_identity(call: Call) -> Json:
    """Answer who signed the call."""
    identity = call.identity
    return {"UserId": identity.user_id, "Account": identity.account_id, "Arn": identity.arn}


def assume_role(call: Call) -> Json:
    """Give out temporary keys for a role that trusts the caller.

    Raises:
        ApiError: no such role, another external id, or a parameter out of its bounds. As AWS
            does, the answer does not tell a missing role from one that does not trust.
    """
    wanted = call.parameters
    found = ROLE_ARN.fullmatch(wanted["RoleArn"])
    if found is None:
        raise ApiError("ValidationError", f"{wanted['RoleArn']} is invalid")
    _check_bounds(wanted)
    if not _is_trusted(call, found["account_id"], found["name"]):
        message = (
            f"User: {call.identity.arn} is not authorized to perform: sts:AssumeRole"
            f" on resource: {wanted['RoleArn']}"
        )
        raise ApiError("AccessDenied", message, 403)
    return _session(call, {**found.groupdict(), "session": wanted["RoleSessionName"]})


def _check_bounds(wanted: Json) -> None:
    seconds = wanted.get("DurationSeconds", LONGEST_SESSION_SECONDS)
    policy = wanted.get("Policy", "")
    if not SESSION_NAME.fullmatch(wanted["RoleSessionName"]):
        raise _invalid("roleSessionName", "satisfy regular expression pattern: [\\w+=,.@-]*")
    if seconds < SHORTEST_SESSION_SECONDS:
        raise _invalid("durationSeconds", "have value greater than or equal to 900")
    if seconds > LONGEST_SESSION_SECONDS:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise ApiError("ValidationError", message)
    if len(policy) > LONGEST_POLICY:
        raise _invalid("policy", f"have length less than or equal to {LONGEST_POLICY}")


def _invalid(name: str, constraint: str) -> ApiError:
    said = f"Value at '{name}' failed to satisfy constraint: Member must {constraint}"
    return ApiError("ValidationError", f"1 validation error detected: {said}")


def _is_trusted(call: Call, account_id: str, role_name: str) -> bool:
    account = call.organization.account(account_id)
    # The trust policies name the management account: its users and its roles, but no member.
    by_management = call.account.account_id == call.organization.management_account_id
    if not by_management or account is None or account.state != "ACTIVE":
        return False
    role: Role | None = next((role for role in account.roles if role.name == role_name), None)
    given = call.parameters.get("ExternalId", "")
    return role is not None and role.external_id in {"", given}


def _session(call: Call, role: dict[str, str]) -> Json:
    policy = call.parameters.get("Policy")
    seconds = call.parameters.get("DurationSeconds", LONGEST_SESSION_SECONDS)
    identity = call.keyring.assume(
        role,
        call.now.replace(microsecond=0) + timedelta(seconds=seconds),
        session_policy(policy) if policy else None,
    )
    packed = {"PackedPolicySize": -(-len(policy) * 100 // LONGEST_POLICY)} if policy else {}
    return {
        "Credentials": {
            "AccessKeyId": identity.access_key,
            "SecretAccessKey": identity.secret_key,
            "SessionToken": identity.session_token,
            "Expiration": identity.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": identity.user_id, "Arn": identity.arn},
        **packed,
    }


OPERATIONS: dict[str, Operation] = {
    "GetCallerIdentity": get_caller_identity,
    "AssumeRole": assume_role,
}
