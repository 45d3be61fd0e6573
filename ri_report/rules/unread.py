"""Unread: where instances, reservations or capacity reservations were not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.outcomes import EXCLUDED, LISTS, NOT_SAVED, READ, CellKind
from ri_report.rules.matching import REGIONAL

if TYPE_CHECKING:
    from collections.abc import Collection

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.sharing import Sharing

NO_INSTANCES = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.INSTANCES})
NO_RESERVATIONS = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.RESERVATIONS})
NO_CAPACITY = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.CAPACITY})
"""What was not read of an account or region when one of these kinds of cell was not."""

Place = tuple[str, str]
"""An account and a region; region "" is all of them."""
UNLISTED: Place = ("", "")
"""Where not all accounts were listed, so that it is not known whose place it is."""


@dataclass(frozen=True)
class Cells:
    """The (account, region) cells of which something was not read; region "" is all of them."""

    places: frozenset[Place]

    def hold(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """Return for each row whether its account and region are among the cells, aligned."""
        whole = {account for account, region in self.places if not region}
        parts = pd.MultiIndex.from_frame(frame[["account_id", "region"]]).isin(sorted(self.places))
        return frame["account_id"].isin(whole) | parts


@dataclass(frozen=True)
class Unread:
    """Where instances, where reservations and where capacity reservations were not read."""

    instances: Cells
    reservations: Cells
    capacity: Cells

    @property
    def places(self) -> frozenset[Place]:
        """Every cell of which any of them was not."""
        return self.instances.places | self.reservations.places | self.capacity.places

    def hide_use(self, active: pd.DataFrame) -> pd.Series[bool]:
        """Return for each active reservation whether its use is unknown, aligned."""
        return self.instances.hold(active) | self.hide_idle(active)

    def hide_idle(self, active: pd.DataFrame) -> pd.Series[bool]:
        """Return for each active reservation whether its use by idle slots is, aligned."""
        return self.capacity.hold(active) & (active["scope"] == REGIONAL)

    def hide_cover(self, slots: pd.DataFrame) -> pd.Series[bool]:
        """Return for each idle slot, of the account that pays, whether its cover is, aligned."""
        return self.reservations.hold(slots) | self.capacity.hold(slots)


def unread(outcomes: pd.DataFrame) -> Unread:
    """Return where something was not read that numbers rest on.

    Args:
        outcomes: Frame `outcomes.OUTCOMES`.
    """
    gaps = outcomes[outcomes["is_gap"]]

    def cells(kinds: Collection[CellKind]) -> Cells:
        return Cells(_places(gaps[gaps["kind"].isin(kinds)]))

    return Unread(cells(NO_INSTANCES), cells(NO_RESERVATIONS), cells(NO_CAPACITY))


def unread_capacity(outcomes: pd.DataFrame) -> frozenset[Place]:
    """Return each account and region of which the capacity reservations are not known.

    Whether AWS refused them, saved answers are without them or an older version did not ask: what
    was read of an account without its capacity reservations leaves its idle slots unknown. The
    region is "" where nothing of the account was read.

    Args:
        outcomes: Frame `outcomes.OUTCOMES`.
    """
    kind, is_read = outcomes["kind"], outcomes["status"].isin(READ)
    others = is_read & kind.isin(LISTS)
    refused = outcomes["is_gap"] & kind.isin(NO_CAPACITY)
    known = is_read & (kind == CellKind.CAPACITY)
    return _places(outcomes[others | refused]) - _places(outcomes[known])


def _places(rows: pd.DataFrame) -> frozenset[Place]:
    return frozenset(zip(rows["account_id"], rows["region"], strict=True))


def not_saved(outcomes: pd.DataFrame) -> frozenset[Place]:
    """Return each account and region of which saved answers hold nothing, but other accounts' do.

    Args:
        outcomes: Frame `outcomes.OUTCOMES`.
    """
    return _places(outcomes[outcomes["reason"] == NOT_SAVED])


def left_out(inventory: Inventory, sharing: Sharing) -> list[str]:
    """Return the accounts that the configuration left out, but that share with others.

    Their reservations might cover what the others run, and the others' what they run.

    Args:
        inventory: What was seen, and how the reading of each cell ended.
        sharing: Who may serve whom.
    """
    outcomes, ids = inventory.outcomes, inventory.accounts["account_id"]
    is_out = ids.isin(outcomes.loc[outcomes["reason"] == EXCLUDED, "account_id"])
    circles = sharing.circles(ids, sharing.widest_tier)
    return list(ids[is_out & circles.isin(circles[~is_out])])
