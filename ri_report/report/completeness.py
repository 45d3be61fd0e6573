"""Completeness: how much of the organization the headlines rest on, and what that calls for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ri_report.inventory.outcomes import READ, CellKind, is_all_listed
from ri_report.report.accounts import NOT_QUERIED, READINGS_IN_FULL
from ri_report.report.wording import UNLISTED, quantity
from ri_report.rules.unread import left_out, unread

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.sharing import Sharing


@dataclass(frozen=True)
class Basis:
    """What the headlines rest on.

    Attributes:
        accounts_read: Active accounts in scope of which everything was read.
        accounts_total: Active accounts in scope.
        accounts_left_out: Accounts out of scope that share with those in scope.
        instances: Whether any list of instances was read.
        reservations: Whether any list of reservations was read.
        is_all_run_seen: Whether no list of instances is missing.
        is_all_bought_seen: Whether no list of reservations is missing.
        unplaced_pools: Pools that are unknown, as zones match by id and ids were not read.
        is_all_listed: Whether there are no accounts but those listed.
        other_match: What zones would match by in the other reading, `name` or `id`.
    """

    accounts_read: int
    accounts_total: int
    accounts_left_out: int = 0
    instances: bool = True
    reservations: bool = True
    is_all_run_seen: bool = True
    is_all_bought_seen: bool = True
    unplaced_pools: int = 0
    is_all_listed: bool = True
    other_match: str = "id"

    @property
    def caveat(self) -> str:
        """What must stand beside a number that does not rest on everything; "" if it does."""
        parts = []
        if self.accounts_read != self.accounts_total:
            parts.append(f"{self.accounts_read:,} of {self.accounts_total:,} accounts")
        if not self.is_all_listed:
            parts.append(f"without {UNLISTED}")
        if self.accounts_left_out:
            parts.append(f"without {self.accounts_left_out:,} left out that share with the rest")
        if self.unplaced_pools:
            parts.append(f"without {quantity(self.unplaced_pools, 'pool')} of unread zone ids")
        return f"Of what was read: {', '.join(parts)}" if parts else ""

    @property
    def unread(self) -> str:
        """Of what no list at all was read, without which no ratio means anything; "" if none."""
        if not self.reservations:
            return "no list of reservations was read"
        return "" if self.instances else "no list of instances was read"

    @property
    def is_all_seen(self) -> bool:
        """Whether no list of instances or reservations is missing, nor zone ids that matter."""
        return self.is_all_run_seen and self.is_all_bought_seen and not self.unplaced_pools

    def nothing(self, what: str) -> str:
        """Return that there is nothing of a kind, or that nothing is known of it."""
        return f"nothing is known of {what}" if self.caveat else f"no {what}"


def basis_of(
    inventory: Inventory, readings: pd.Series[str], sharing: Sharing, *, unplaced_pools: int = 0
) -> Basis:
    """Return what the headlines rest on.

    Args:
        inventory: What was seen, and how the reading of each cell ended.
        readings: The column `reading` of `accounts.ACCOUNT_SUMMARY`.
        sharing: The preferences, which decide whether accounts that were left out matter.
        unplaced_pools: Pools that are unknown, as zones match by id and ids were not read.
    """
    outcomes = inventory.outcomes
    read = set(outcomes.loc[outcomes["status"].isin(READ), "kind"])
    missing = unread(outcomes)
    return Basis(
        accounts_read=int(readings.isin(READINGS_IN_FULL).sum()),
        accounts_total=int((readings != NOT_QUERIED).sum()),
        accounts_left_out=len(left_out(inventory, sharing)),
        instances=CellKind.INSTANCES in read,
        reservations=CellKind.RESERVATIONS in read,
        is_all_run_seen=not missing.instances.places,
        is_all_bought_seen=not missing.reservations.places,
        unplaced_pools=unplaced_pools,
        is_all_listed=is_all_listed(outcomes),
        other_match="id" if sharing.zonal_match == "az_name" else "name",
    )
