"""What a run is asked to read: which accounts, which regions, and through which roles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from ri_report.errors import ConfigError

ACCOUNT_ID = re.compile(r"[0-9]{12}")
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (request parameters)
ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


@dataclass(frozen=True)
class ConfiguredAccount:
    """An account named in the configuration; an empty role name means the run's role name."""

    account_id: str
    name: str = ""
    role_name: str = ""


@dataclass(frozen=True)
class Scope:
    """What to read and how to get there, checked before the first call.

    Attributes:
        role_name: The role to assume in each account; a name, no path and no ARN.
        session_name: RoleSessionName, 2-64 of `[A-Za-z0-9_+=,.@-]`; shows in CloudTrail.
        external_id: ExternalId of the trust policies, "" for none; never shown.
        regions: The regions to read; empty means every region enabled in each account.
        accounts: The account ids to read; empty means all.
        exclude_accounts: Account ids that are listed but not read.
        configured: Accounts of the configuration. The whole list when `discover` is `list`,
            otherwise overrides of names and roles.
        discover: Where the list of accounts comes from.
        profile: Profile of the shared AWS configuration; "" as the environment says.
        region: Region of the calls that are about no region; "" as the environment says.
        concurrency: How many calls are under way at once.

    Raises:
        ConfigError: a value that AWS would refuse.
    """

    role_name: str
    session_name: str = "ri-report"
    external_id: str = field(default="", repr=False)
    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    exclude_accounts: tuple[str, ...] = ()
    configured: tuple[ConfiguredAccount, ...] = ()
    discover: Literal["organizations", "list"] = "organizations"
    profile: str = ""
    region: str = ""
    concurrency: int = 16

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse, before anything is asked."""
        for name in (self.role_name, *filter(None, (a.role_name for a in self.configured))):
            check_role_name(name)
        if not SESSION_NAME.fullmatch(self.session_name):
            raise ConfigError(
                f"session_name {self.session_name!r}: use 2 to 64 letters, digits or _+=,.@-"
            )
        check_external_id(self.external_id)
        for account_id in self._account_ids():
            check_account_id(account_id)
        if self.concurrency < 1:
            raise ConfigError(f"concurrency {self.concurrency}: use at least 1")

    def _account_ids(self) -> tuple[str, ...]:
        configured = tuple(account.account_id for account in self.configured)
        return (*configured, *self.accounts, *self.exclude_accounts)

    def role_name_of(self, account_id: str) -> str:
        """The role to assume in one account: its own override, else the run's."""
        overrides = {a.account_id: a.role_name for a in self.configured if a.role_name}
        return overrides.get(account_id, self.role_name)


def check_account_id(account_id: str) -> None:
    """Refuse what is not text of 12 digits."""
    if not ACCOUNT_ID.fullmatch(account_id):
        raise ConfigError(f"account {account_id!r}: write the account id as text of 12 digits")


def check_role_name(name: str) -> None:
    """Refuse what cannot be the name of an IAM role."""
    if not ROLE_NAME.fullmatch(name):
        raise ConfigError(
            f"role_name {name!r}: use 1 to 64 letters, digits or _+=,.@- (no path, no ARN)"
        )


def check_external_id(external_id: str) -> None:
    """Refuse what cannot be an external id, without repeating it; "" means none."""
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        raise ConfigError("external_id: use 2 to 1224 letters, digits or _+=,.@:/-")
