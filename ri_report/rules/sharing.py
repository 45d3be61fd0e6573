"""Sharing: which accounts a reservation may serve, tier by tier.

Source: Billing and Cost Management User Guide, "Reserved Instances and Savings Plans discount
sharing" (ri-turn-off). AWS offers no API that tells these preferences, so they are configured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

OWNER = "owner"
GROUP = "group"
ORGANIZATION = "organization"

Mode = Literal["open", "prioritized", "restricted"]
ZonalMatch = Literal["az_name", "az_id"]

UNCATEGORIZED = "Uncategorized"
"""Groups are values of a Cost Category; so AWS calls, by default, accounts that none of its rules
names."""

TIERS: dict[Mode, tuple[str, ...]] = {
    "open": (OWNER, ORGANIZATION),
    "prioritized": (OWNER, GROUP, ORGANIZATION),
    "restricted": (OWNER, GROUP),
}
"""The tiers of each mode in the order in which AWS serves them."""


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """The organization's preferences.

    Attributes:
        mode: `open`, the account that bought and then all others; `prioritized`, those of its
            group before all others; `restricted`, those of its group and nobody else.
        groups: The accounts of each group by its name. An account is in at most one group; one in
            none, as AWS has it for the management account, shares with nobody in restricted mode.
            Open sharing has no use for groups.
        deactivated_accounts: Accounts with sharing turned off: their reservations serve only
            themselves, and no other account's reservations serve them, whatever the mode.
        zonal_match: What "the same zone" means between accounts for a zonal reservation:
            `az_name`, as AWS words it (Billing User Guide, "Billing examples for specific
            services": an account gets a discount if it runs in a zone of the same name, although
            that may be another place), or `az_id`, the physical place.
        zonal_in_capacity_reservations: Whether zonal reservations cover instances that run inside a
            capacity reservation. AWS says that zonal reservations do not apply to Capacity
            Reservations (EC2 User Guide, "Capacity Reservation pricing and billing") and gives no
            example of an instance inside one. Idle slots they never cover.

    Raises:
        ValueError: the groups are none that AWS could have (see `check_groups`), or a mode or match
            is none of the above.
    """

    mode: Mode = "open"
    groups: Mapping[str, Collection[str]] = field(default_factory=dict, hash=False)
    deactivated_accounts: frozenset[str] = frozenset()
    zonal_match: ZonalMatch = "az_name"
    zonal_in_capacity_reservations: bool = False

    def __post_init__(self) -> None:
        """Check the preferences, and keep the groups so that nobody can change them."""
        for name, choices in (("mode", TIERS), ("zonal_match", get_args(ZonalMatch))):
            if getattr(self, name) not in choices:
                told = " or ".join(choices)
                raise ValueError(f"sharing: no {name} {getattr(self, name)!r}; it is {told}")
        check_groups(self.groups)
        fixed = {name: frozenset(members) for name, members in self.groups.items()}
        object.__setattr__(self, "groups", MappingProxyType(fixed))

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers in the order in which AWS serves them."""
        return TIERS[self.mode]

    @property
    def widest_tier(self) -> str:
        """The tier in which a reservation reaches every account that it may serve at all."""
        return self.tiers[-1]

    @property
    def grouped_accounts(self) -> frozenset[str]:
        """Every account that is in a group."""
        return frozenset[str]().union(*self.groups.values())

    def circles(self, accounts: pd.Series[str], tier: str) -> pd.Series[str]:
        """Return for each account the circle in which it shares in this tier, aligned.

        Two accounts serve each other in a tier exactly when their circles are equal. An account
        that shares with nobody has a circle of its own.

        Args:
            accounts: Account ids.
            tier: One of `tiers`.
        """
        alone = accounts.isin(self.deactivated_accounts)
        if tier == ORGANIZATION:
            return accounts.where(alone, ORGANIZATION)
        if tier == GROUP:
            # The word before the name keeps a group named like an account from being its circle.
            group = {one: f"group {name}" for name, all_ in self.groups.items() for one in all_}
            return accounts.where(alone, accounts.map(lambda account: group.get(account, account)))
        return accounts


def check_groups(groups: Mapping[str, Collection[str]]) -> None:
    """Refuse groups that AWS could not have.

    Raises:
        ValueError: an account is in two groups, which AWS does not allow; the members are one
            text, which would be taken letter by letter; or a group has the name that AWS gives to
            accounts in none.
    """
    first: dict[str, str] = {}
    for name, members in groups.items():
        if name == UNCATEGORIZED:
            raise ValueError(
                f"group {name}: AWS so calls accounts that are in no group; leave it out"
            )
        if isinstance(members, str):
            raise ValueError(f"group {name}: {members!r} is no list of accounts; give a list")  # noqa: TRY004 - a value of the preferences, as the others
        for account in members:
            other = first.setdefault(account, name)
            if other != name:
                raise ValueError(
                    f"account {account} is in the groups {other} and {name}; AWS allows one"
                )


def check_members(sharing: Sharing, accounts: pd.DataFrame) -> None:
    """Refuse groups that name an account that is not there, or the management account.

    AWS leaves the management account out of every group, so a setting that names it describes
    another organization than the one that AWS bills. In open mode no number depends on groups.

    Args:
        sharing: The preferences.
        accounts: Frame `schema.ACCOUNTS`.

    Raises:
        ConfigError: names the account and its group.
    """
    if GROUP not in sharing.tiers:
        return
    known = set(accounts["account_id"])
    management = set(accounts.loc[accounts["is_management"].fillna(value=False), "account_id"])
    for name, members in sharing.groups.items():
        for account in sorted(members):
            where = f"sharing.groups: {account} in group {name}"
            if account not in known:
                raise ConfigError(f"{where} is not among the {len(known):,} listed accounts")
            if account in management:
                raise ConfigError(
                    f"{where} is the management account, which AWS leaves out of every group"
                )
