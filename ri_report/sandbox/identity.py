"""Who calls: the keys that the sandbox has given out, and to whom each belongs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ri_report.sandbox.identifiers import letters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ri_report.sandbox.policies import SessionPolicy

# The example keys of AWS's documentation: they open nothing but the sandbox.
LONG_LIVED_ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
LONG_LIVED_SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - see above
USER_NAME = "ri-report"


@dataclass(frozen=True)
class Identity:
    """The holder of one pair of keys.

    Attributes:
        account_id: The account that the keys are bound to.
        arn: The user or the assumed role.
        user_id: The unique id that GetCallerIdentity answers with.
        access_key: The public part.
        secret_key: The secret part.
        session_token: "" for long-lived keys.
        expires: When temporary keys end, aware UTC; None for long-lived ones.
        policy: What the session was limited to when the role was assumed; None is no limit.
    """

    account_id: str
    arn: str
    user_id: str
    access_key: str
    secret_key: str
    session_token: str = ""
    expires: datetime | None = None
    policy: SessionPolicy | None = None

    def __repr__(self) -> str:
        """Name the holder and keep the secrets."""
        return f"Identity({self.arn})"


class Keyring:
    """The keys that are valid at one running sandbox.

    Attributes:
        user: The management account's user, whose keys are long-lived.
    """

    def __init__(self, management_account_id: str) -> None:
        """Start with the management account's long-lived keys alone."""
        self._numbers = itertools.count(1)
        self.user = Identity(
            account_id=management_account_id,
            arn=f"arn:aws:iam::{management_account_id}:user/{USER_NAME}",
            user_id="AIDACKCEVSQ6C2EXAMPLE",
            access_key=LONG_LIVED_ACCESS_KEY,
            secret_key=LONG_LIVED_SECRET_KEY,
        )
        self._identities = {LONG_LIVED_ACCESS_KEY: self.user}

    def find(self, access_key: str) -> Identity | None:
        """The holder of a key, or None."""
        return self._identities.get(access_key)

    def temporary_keys(self, account_id: str) -> set[str]:
        """The access keys of all sessions of an account's roles so far."""
        return {
            key
            for key, identity in self._identities.items()
            if identity.account_id == account_id and identity.expires is not None
        }

    def assume(
        self,
        role: Mapping[str, str],
        expires: datetime,
        policy: SessionPolicy | None,
    ) -> Identity:
        """Give out temporary keys for a role.

        Args:
            role: `account_id`, `name` and `session` (the session's name).
            expires: When the keys end, aware UTC.
            policy: What the session is limited to; None is no limit.
        """
        account_id, name, session = role["account_id"], role["name"], role["session"]
        # Keys are counted, not drawn, so that two runs are the same.
        number = next(self._numbers)
        identity = Identity(
            account_id=account_id,
            arn=f"arn:aws:sts::{account_id}:assumed-role/{name}/{session}",
            user_id=f"AROA{letters('role', account_id, name)[:17]}:{session}",
            access_key=f"ASIA{letters('key', number)[:16]}",
            secret_key=letters("secret", number)[:40],
            session_token="".join(letters("token", number, part) for part in range(4)),
            expires=expires,
            policy=policy,
        )
        self._identities[identity.access_key] = identity
        return identity
