"""Session policies: what a session was limited to when its role was assumed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ri_report.sandbox.errors import ApiError

POLICIES_KEPT = 64
STATEMENT_KEYS = frozenset({"Sid", "Effect", "Action", "Resource"})


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


# A job limits all its sessions in the same words.
@functools.lru_cache(maxsize=POLICIES_KEPT)
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
