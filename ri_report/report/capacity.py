"""Capacity: where capacity reservations were not read, idle slots are unknown and never zero."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Frame
from ri_report.inventory.outcomes import READ, CellKind
from ri_report.rules.basis import MARKED
from ri_report.rules.capacity import CAPACITY

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis

IDLE = ("idle_units", "covered_idle_units")
_POOLS = MARKED["pools"]
POOLS_SHOWN = Frame(
    _POOLS.name,
    _POOLS.key,
    tuple(replace(c, nullable=True) if c.name in IDLE else c for c in _POOLS.columns),
)


def unread_capacity(outcomes: pd.DataFrame) -> set[tuple[str, str]]:
    """Return each account and region of which the capacity reservations are not known.

    Whether AWS refused them, saved answers are without them or an older version did not ask: what
    was read of an account without its capacity reservations leaves its idle slots unknown. The
    region is "" where nothing of the account was read.

    Args:
        outcomes: Frame `outcomes.OUTCOMES`.
    """
    kind, is_read = outcomes["kind"], outcomes["status"].isin(READ)
    others = is_read & kind.isin([CellKind.INSTANCES, CellKind.RESERVATIONS])
    refused = outcomes["is_gap"] & kind.isin(
        [CellKind.ACCOUNT, CellKind.REGIONS, CellKind.CAPACITY]
    )
    known = is_read & (kind == CellKind.CAPACITY)
    return _places(outcomes[others | refused]) - _places(outcomes[known])


def _places(rows: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(rows["account_id"], rows["region"], strict=True))


def capacity_rows(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return the marked frame of `CAPACITY` with a row of unknowns wherever it was not read."""
    unread = MARKED[CAPACITY.name].of(
        {"account_id": account, "region": region}
        for account, region in sorted(unread_capacity(inventory.outcomes))
    )
    return pd.concat([analysis.capacity_reservations, unread]).sort_values(list(CAPACITY.key))


def pool_rows(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return frame `POOLS_SHOWN`: idle slots of an account are unknown where they were not read."""
    pools, unread = analysis.pools, unread_capacity(inventory.outcomes)
    keys = zip(pools["account_id"], pools["region"], strict=True)
    unsure = pd.Series([key in unread or (key[0], "") in unread for key in keys], pools.index, bool)
    return pools.assign(**{name: pools[name].mask(unsure) for name in IDLE})
