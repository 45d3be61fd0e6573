"""What a run is asked to read: which accounts, which regions, and through which roles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ri_report.errors import ConfigError
from ri_report.inventory.names import (
    checked_account_id,
    checked_external_id,
    checked_role_name,
    checked_session_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
        discover: Where the list of accounts comes from; the job's own account is always in it.
        named: Account ids that must be listed, by where the configuration names them.
        regions_from: Where the configuration names the regions.
        profile: Profile of the shared AWS configuration; "" as the environment says.
        region: Region of the calls that are about no region; "" as the environment says.
        concurrency: How many calls are under way at once in each process.
        processes: How many processes read more than a few accounts; 0: one per processor.
        run_seconds: How long the collection may take.

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
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    regions_from: str = "regions"
    profile: str = ""
    region: str = ""
    concurrency: int = 16
    processes: int = 0
    run_seconds: float = 3300.0

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse, before anything is asked."""
        roles = (self.role_name, *(a.role_name for a in self.configured if a.role_name))
        configured = (account.account_id for account in self.configured)
        account_ids = (*configured, *self.accounts, *self.exclude_accounts)
        check("role_name", checked_role_name, *roles)
        check("session_name", checked_session_name, self.session_name)
        check("external_id", checked_external_id, self.external_id)
        check("account", checked_account_id, *account_ids)
        if self.concurrency < 1:
            raise ConfigError(f"concurrency {self.concurrency}: use at least 1")

    def role_name_of(self, account_id: str) -> str:
        """The role to assume in one account: its own override, else the run's."""
        overrides = {a.account_id: a.role_name for a in self.configured if a.role_name}
        return overrides.get(account_id, self.role_name)

    @property
    def fingerprint(self) -> str:
        """What decides which cells there are and who reads them, without secrets."""
        parts = (
            self.role_name,
            sorted(self.regions),
            sorted(self.accounts),
            sorted(self.exclude_accounts),
            sorted((a.account_id, a.role_name) for a in self.configured),
            self.discover,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def check(name: str, checked: Callable[[str], str], *values: str) -> None:
    """Refuse values that a function of `inventory.names` refuses.

    Raises:
        ConfigError: one is wrong; `name` says what it is.
    """
    for value in values:
        try:
            checked(value)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from None
