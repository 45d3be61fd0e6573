"""Sharing preferences that the configuration tells, held against the accounts that there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ri_report.errors import ConfigError
from ri_report.inventory.outcomes import is_all_listed
from ri_report.rules.sharing import Sharing, check_members

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ri_report.config import Config
    from ri_report.inventory.schema import Inventory


def sharing_of(config: Config) -> Sharing:
    """Return the sharing preferences that the configuration tells."""
    return Sharing(
        mode=config.sharing.mode,
        groups=config.sharing.groups,
        deactivated_accounts=frozenset(config.sharing.deactivated_accounts),
        zonal_match=config.sharing.zonal_match,
        zonal_in_capacity_reservations=config.sharing.zonal_in_capacity_reservations,
    )


def check_groups(config: Config, accounts: pd.DataFrame) -> None:
    """Refuse groups of the configuration's file that AWS could not have.

    Args:
        config: The whole configuration.
        accounts: Frame `schema.ACCOUNTS`, of all accounts.

    Raises:
        ConfigError: one names the management account or one that is not listed.
    """
    _check(sharing_of(config), accounts, config.path, "")


def check_stored_groups(
    config: Config, inventory: Inventory, folder: Path, *, how: str = ""
) -> None:
    """Refuse groups that AWS could not have, of a file or kept in the folder of a snapshot.

    Args:
        config: The whole configuration.
        inventory: What was seen.
        folder: Where it is stored.
        how: How to go on once they are corrected; "" to do the same again.

    Raises:
        ConfigError: as `check_groups`.
    """
    if not config.path:
        how = " in a file, and name that with --config"
    _check(_of_listed(config, inventory), inventory.accounts, config.path or str(folder), how)


def _check(sharing: Sharing, accounts: pd.DataFrame, place: str, how: str) -> None:
    try:
        check_members(sharing, accounts)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}; correct it{how}") from error


def _of_listed(config: Config, inventory: Inventory) -> Sharing:
    """Return the sharing of the accounts that were listed: of others it cannot be checked."""
    sharing = sharing_of(config)
    if is_all_listed(inventory.outcomes):
        return sharing
    listed = frozenset(inventory.accounts["account_id"])
    return replace(sharing, groups={name: listed & {*of} for name, of in sharing.groups.items()})
