"""What a caller may do: session policies, and the denials of an account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError

if TYPE_CHECKING:
    from ri_report.sandbox.call import Call

STATEMENT_KEYS = frozenset({"Sid", "Effect", "Action", "Resource"})
WHO_MAY_NOT = {
    "session": "because no session policy allows the {action} action",
    "iam": "because no identity-based policy allows the {action} action",
    "scp": "with an explicit deny in a service control policy",
}


@dataclass(frozen=True)
class SessionPolicy:
    """The action patterns that a session policy allows and denies, in lower case."""

    allowed: frozenset[str]
    denied: frozenset[str]

    def allows(self, action: str) -> bool:
        """Whether an action passes the policy; what is not mentioned does not."""
        matches = action.lower()
        return not any(fnmatchcase(matches, pattern) for pattern in self.denied) and any(
            fnmatchcase(matches, pattern) for pattern in self.allowed
        )


def session_policy(text: str) -> SessionPolicy:
    """Read the policy document of an AssumeRole call.

    Statements about single resources allow nothing here: the actions that the sandbox serves know
    no resources, so only `"Resource": "*"` reaches them.

    Raises:
        ApiError: the text is not a policy document, or it has elements (a Condition, NotAction)
            that the sandbox does not evaluate and therefore must not pass over.
    """
    try:
        found = json.loads(text)["Statement"]
        statements = found if isinstance(found, list) else [found]
        return SessionPolicy(_patterns(statements, "Allow"), _patterns(statements, "Deny"))
    except (ValueError, TypeError, KeyError) as error:
        raise ApiError("MalformedPolicyDocument", f"The policy is not valid: {error}") from error


def authorize(call: Call) -> None:
    """Let an allowed call pass.

    Raises:
        ApiError: the session's policy or the account's denials do not allow it, in the words and
            with the code of the service.
    """
    # GetCallerIdentity needs no permission and cannot be denied:
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    reason = _reason(call) if call.operation != "GetCallerIdentity" else None
    if reason is None:
        return
    said = WHO_MAY_NOT[reason].format(action=call.action)
    text = f"User: {call.identity.arn} is not authorized to perform: {call.action} {said}"
    if call.service == "ec2":
        message = f"You are not authorized to perform this operation. {text}"
        raise ApiError("UnauthorizedOperation", message, 403)
    if call.service == "sts":
        raise ApiError("AccessDenied", text, 403)
    raise ApiError("AccessDeniedException", text)


def _reason(call: Call) -> str | None:
    for denial in call.account.denials:
        if denial.action == call.action and denial.region in {"*", call.region}:
            return denial.by
    policy = call.identity.policy
    return "session" if policy is not None and not policy.allows(call.action) else None


def _patterns(statements: list[dict[str, str | list[str]]], effect: str) -> frozenset[str]:
    unknown = {key for statement in statements for key in statement} - STATEMENT_KEYS
    if unknown:
        raise ValueError(f"the sandbox does not evaluate {', '.join(sorted(unknown))}")
    return frozenset(
        action.lower()
        for statement in statements
        if statement["Effect"] == effect and "*" in _listed(statement["Resource"])
        for action in _listed(statement["Action"])
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
