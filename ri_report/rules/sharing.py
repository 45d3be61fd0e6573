"""Sharing: which accounts a reservation may serve, tier by tier.

Source: Billing and Cost Management User Guide, "Reserved Instances and Savings Plans discount
sharing" (ri-turn-off). AWS offers no API that tells these preferences, so they are configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

OWNER = "owner"
ORGANIZATION = "organization"

ZonalMatch = Literal["az_name", "az_id"]


@dataclass(frozen=True)
class Sharing:
    """The organization's preferences.

    Attributes:
        deactivated_accounts: Accounts with sharing turned off: their reservations serve only
            themselves, and no other account's reservations serve them.
        zonal_match: What "the same zone" means between accounts for a zonal reservation:
            `az_name`, as AWS words it (Billing User Guide, "Billing examples for specific
            services": an account gets a discount if it runs in a zone of the same name, although
            that may be another place), or `az_id`, the physical place.
    """

    deactivated_accounts: frozenset[str] = frozenset()
    zonal_match: ZonalMatch = "az_name"

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers in the order in which AWS serves them."""
        return (OWNER, ORGANIZATION)

    def circles(self, accounts: pd.Series[str], tier: str) -> pd.Series[str]:
        """Return for each account the circle in which it shares in this tier, aligned.

        Two accounts serve each other in a tier exactly when their circles are equal.

        Args:
            accounts: Account ids.
            tier: One of `tiers`.
        """
        if tier == OWNER:
            return accounts
        return accounts.where(accounts.isin(self.deactivated_accounts), ORGANIZATION)
