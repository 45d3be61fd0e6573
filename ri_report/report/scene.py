"""Scene: what surrounds one instance or reservation in an analysis, as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ri_report.report.formats import UNKNOWN, number
from ri_report.report.text import visible
from ri_report.rules.capacity import with_slots
from ri_report.rules.matching import IDLE_SLOT, INSTANCE, RULES, comparable, match_keys
from ri_report.rules.misses import near_misses
from ri_report.rules.sharing import GROUP, ORGANIZATION, OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.bounds import Flags
    from ri_report.rules.sharing import Sharing

SHOWN = 12
"""How many counterparts are listed before it is said how many more there are."""
NAME_LIMIT = 60
NOTHING = "  nothing"
USAGE, RESERVATION = "usage_id", "reservation_id"
TIERS = {
    OWNER: "in the same account",
    GROUP: "in its sharing group",
    ORGANIZATION: "in other accounts of the organization",
}


class Scene:
    """One analysis, to be asked about one instance or one reservation at a time.

    Questions take `key`, which is `USAGE` or `RESERVATION` and says of which side the one is, and
    its id; the answers are lines about the other side.
    """

    def __init__(self, inventory: Inventory, analysis: Analysis, sharing: Sharing) -> None:
        """Put the usage, idle slots included, opposite the active reservations."""
        accounts = inventory.accounts
        self.names = dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
        self.analysis = analysis
        self.sharing = sharing
        self.usage = with_slots(analysis.covered, analysis.idle_slots)
        self.sides = {USAGE: self.usage, RESERVATION: analysis.active}

    def account(self, account_id: str) -> str:
        """Return `111122223333 (web)`."""
        name = visible(self.names.get(account_id, ""), NAME_LIMIT)
        return f"{account_id} ({name})" if name else account_id

    def matches(self, key: str, identifier: str) -> Iterator[str]:
        """Say by scope and tier how many of the other side match; each counts where it is first."""
        both = comparable(self.usage, self.analysis.active, self.sharing)
        ids = np.concatenate([side[name].to_numpy(object) for name, side in self.sides.items()])
        own = int(np.flatnonzero(ids == identifier)[0])
        unseen = (np.arange(len(both)) < len(self.usage)) == (key == RESERVATION)
        active = self.analysis.active
        units = np.append(self.usage["units"], active["units"] * active["instance_count"])
        found = []
        for scope, tier in ((scope, tier) for scope in RULES for tier in self.sharing.tiers):
            keys = match_keys(both, scope, self.sharing, tier)
            alike = unseen & (keys == keys[own]) & (keys[own] >= 0)
            unseen &= ~alike
            if alike.any():
                what = self._kinds(key, scope, alike)
                found.append(f"  {what} {TIERS[tier]}: {quantity(units[alike].sum())}")
        yield from found or [NOTHING]

    def _kinds(self, key: str, scope: str, alike: Flags) -> str:
        if key == USAGE:
            return counted(int(alike.sum()), f"{scope} reservation")
        slots = (self.usage["kind"] == IDLE_SLOT).to_numpy()[alike[: len(self.usage)]]
        nouns = {"instance": ~slots, "idle capacity reservation": slots}
        return " and ".join(counted(int(n.sum()), noun) for noun, n in nouns.items() if n.any())

    def allocations(self, key: str, identifier: str) -> Iterator[str]:
        """List what passes between the one and the other side, largest first."""
        rows = self.analysis.allocations
        other = opposite(key)
        rows = rows[rows[key] == identifier].sort_values(["units", other], ascending=[False, True])
        for row in rows.head(SHOWN).to_dict("records"):
            what = self._one(other, row[other])
            basis = row["basis"] and f", {row['basis']}"
            yield f"  {quantity(row['units'])}, {row['tier']} tier{basis}: {what}"
        yield from _rest(len(rows))

    def near_misses(self, key: str, identifier: str, kind: str = INSTANCE) -> Iterator[str]:
        """List what has something left on the other side and matches but for one rule.

        `kind` is that of the usage on the other side.
        """
        waiting, mine = self._waiting(kind), self.sides[key]
        waiting[key] = mine[mine[key] == identifier]
        misses = near_misses(waiting[USAGE], waiting[RESERVATION], self.sharing)
        other = opposite(key)
        for reason, missed in misses.head(SHOWN)[["reason", other]].to_numpy():
            yield f"  {reason}: {self._one(other, missed)}"
        yield from _rest(len(misses))

    def _waiting(self, kind: str) -> dict[str, pd.DataFrame]:
        used, active = self.analysis.utilization, self.analysis.active
        held = self.analysis.capacity_reservations
        unused = used.loc[used["unused_units"] > 0, RESERVATION]
        idle = held.loc[held["covered_idle_units"] < held["idle_units"], "capacity_reservation_id"]
        is_left = (self.usage["uncovered_units"] > 0) | self.usage[USAGE].isin(idle)
        return {
            USAGE: self.usage[is_left & (self.usage["kind"] == kind)],
            RESERVATION: active[active[RESERVATION].isin(unused)],
        }

    def _one(self, key: str, identifier: str) -> str:
        """Say of one of the other side what it is, where, and whose."""
        its = row_of(self.sides[key], key, identifier)
        name, count = identifier, ""
        if key == RESERVATION:
            count = f"{its['instance_count']:,} x "
        elif its["kind"] == IDLE_SLOT:
            name, count = f"idle slots of {identifier}", f"{its['hours']:,.0f} x "
        what = f"{name}, {count}{its['instance_type']}, {its['platform']} in {where(its)}"
        return f"{what}, account {self.account(its['account_id'])}"


def opposite(key: str) -> str:
    """Return the key of the other side."""
    return USAGE if key == RESERVATION else RESERVATION


def row_of(frame: pd.DataFrame, key: str, identifier: str) -> dict[str, Any]:
    """Return the row of this id by column name."""
    row = frame[frame[key] == identifier].iloc[0]
    return {str(name): value for name, value in row.items()}


def where(row: dict[str, Any]) -> str:
    """Return `us-east-1a (use1-az4)`, or the region of what is in no zone."""
    zone, place = row["availability_zone"], row["availability_zone_id"]
    return (f"{zone} ({place})" if place else str(zone)) if zone else str(row["region"])


def quantity(units: float) -> str:
    """Return `1 unit`, `2.5 units` or, where a number is missing, `unknown units`."""
    if pd.isna(units):
        return f"{UNKNOWN} units"
    return f"{number(units)} unit" if units == 1 else f"{number(units)} units"


def counted(count: int, noun: str) -> str:
    """Return `1 instance` or `2 instances`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _rest(count: int) -> Iterator[str]:
    if not count:
        yield NOTHING
    if count > SHOWN:
        yield f"  and {count - SHOWN:,} more"
