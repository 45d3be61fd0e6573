"""One authenticated call: who asks for what, where and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ri_report.sandbox.identity import Identity, Keyring
    from ri_report.sandbox.organization import Account, Json, Organization

    Operation = Callable[["Call"], Json]


class CallRecord(NamedTuple):
    """What the sandbox remembers of an authenticated call, granted or refused."""

    service: str
    operation: str
    account_id: str
    region: str


@dataclass(frozen=True)
class Call:
    """An authenticated call.

    Attributes:
        service: sts, organizations or ec2.
        operation: The operation's name.
        region: The Region of the signature.
        parameters: The operation's input after the service model.
        identity: Who signed.
        account: The signer's account.
        organization: What the sandbox serves.
        keyring: Where assumed roles get their keys.
        now: The sandbox's clock, aware UTC.
        twist: What shall be wrong with a page, one of `paging.TWISTS`; "" is nothing.
    """

    service: str
    operation: str
    region: str
    parameters: Json
    identity: Identity
    account: Account
    organization: Organization
    keyring: Keyring
    now: datetime
    twist: str = ""

    @property
    def action(self) -> str:
        """The IAM action that permits the call."""
        return f"{self.service}:{self.operation}"
