"""Capacity: where capacity reservations were not read, idle slots are unknown and never zero."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Frame
from ri_report.rules.basis import MARKED
from ri_report.rules.capacity import CAPACITY
from ri_report.rules.completeness import COMPLETENESS, UNKNOWN
from ri_report.rules.unread import Cells, unread_capacity

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


def capacity_rows(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return the marked frame of `CAPACITY` with a row of unknowns wherever it was not read."""
    unread = MARKED[CAPACITY.name].of(
        {"account_id": account, "region": region, COMPLETENESS.name: UNKNOWN}
        for account, region in sorted(unread_capacity(inventory.outcomes))
    )
    return pd.concat([analysis.capacity_reservations, unread]).sort_values(list(CAPACITY.key))


def pool_rows(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return frame `POOLS_SHOWN`: idle slots of an account are unknown where they were not read."""
    pools = analysis.pools
    unsure = Cells(unread_capacity(inventory.outcomes)).hold(pools)
    return pools.assign(**{name: pools[name].mask(unsure) for name in IDLE})
