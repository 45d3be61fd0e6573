"""Stories: what one reservation or one instance could match, what it did, what blocked the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.errors import ConfigError
from ri_report.inventory.outcomes import is_all_listed
from ri_report.report.formats import UNKNOWN, number, percent, text_of
from ri_report.report.ids import meant
from ri_report.report.scene import (
    NAME_LIMIT,
    NOTHING,
    RESERVATION,
    USAGE,
    Scene,
    counted,
    quantity,
    row_of,
    where,
)
from ri_report.report.text import visible
from ri_report.report.wording import UNLISTED
from ri_report.rules.basis import BASIS
from ri_report.rules.capacity import IDLE_SLOT_REASONS
from ri_report.rules.completeness import COMPLETENESS, PARTIAL
from ri_report.rules.eligibility import NO_DISCOUNT_REASONS, NOT_ELIGIBLE_REASONS
from ri_report.rules.matching import IDLE_SLOT
from ri_report.rules.reasons import UNCOVERED_REASONS_TEXT, UNUSED_REASONS_TEXT
from ri_report.rules.unplaced import in_pools
from ri_report.rules.zones import ZONE_MATCH_OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing

    Teller = Callable[[dict[str, Any], Scene], Iterator[str]]

LABEL_WIDTH = 9
HELD = "capacity_reservation_id"


def story(inventory: Inventory, analysis: Analysis, sharing: Sharing, identifier: str) -> list[str]:
    """Return the story of a reservation, an instance or a capacity reservation, line by line.

    Args:
        inventory: What was seen; it names the accounts.
        analysis: What the rules made of it.
        sharing: The preferences that the analysis followed.
        identifier: ReservedInstancesId, instance id or id of a capacity reservation.

    Raises:
        ConfigError: the snapshot holds nothing of that id; names the one that may be meant.
    """
    tellers: tuple[tuple[pd.DataFrame, str, Teller], ...] = (
        (analysis.active, RESERVATION, _of_reservation),
        (analysis.other_states, RESERVATION, _of_idle_record),
        (analysis.covered, USAGE, _of_instance),
        (analysis.not_eligible, "instance_id", _of_not_eligible),
        (analysis.capacity_reservations, HELD, _of_capacity),
    )
    for frame, key, tell in tellers:
        if (frame[key] == identifier).any():
            scene = Scene(inventory, analysis, sharing)
            return [*tell(row_of(frame, key, identifier), scene), *_unread(inventory)]
    known = [value for frame, key, _ in tellers for value in frame[key]]
    raise ConfigError(
        f"{visible(identifier, NAME_LIMIT)}: the snapshot holds no such reservation, instance or"
        f" capacity reservation; {meant(identifier, known)}"
    )


def _of_reservation(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    name = row[RESERVATION]
    used = row_of(scene.analysis.utilization, RESERVATION, name)
    yield from _bought(row, row["platform"], scene)
    yield _fact("used", _share(used["used_units"], used["purchased_units"], used))
    for column, text in (
        ("idle_slot_units", "idle slots of capacity reservations"),
        ("lent_units", "other accounts"),
    ):
        if used[column] > 0:
            yield _fact("", f"of these {quantity(used[column])} by {text}")
    yield from _by_other_zones(used, row, scene)
    yield "What it could cover, in the order in which AWS serves it"
    yield from scene.matches(RESERVATION, name)
    yield "What it covers"
    yield from scene.allocations(RESERVATION, name)
    rows = scene.analysis.unused_reasons
    yield from _why("unused", rows[rows[RESERVATION] == name], UNUSED_REASONS_TEXT)
    if used["unused_units"] > 0:
        yield "What runs uncovered and matches but for one rule"
        yield from scene.near_misses(RESERVATION, name)
        yield from _idle_near_misses(name, scene)


def _idle_near_misses(name: str, scene: Scene) -> Iterator[str]:
    """Yield idle slots as well, where there are any; they tell of the reservation in turn."""
    found = list(scene.near_misses(RESERVATION, name, IDLE_SLOT))
    if found != [NOTHING]:
        yield "What stands idle uncovered and matches but for one rule"
        yield from found


def _of_idle_record(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    yield from _bought(row, row["product_description"], scene)
    why = NO_DISCOUNT_REASONS.get(row["reason"], "A state that this version does not know")
    yield f"It gives no discount now ({row['reason']}): {why}."


def _of_instance(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    name, uncovered = row[USAGE], scene.analysis.uncovered
    left = uncovered[uncovered["instance_id"] == name]
    yield from _running(row, name, scene)
    yield _fact("covered", _share(row["covered_units"], row["units"], row))
    yield from _by_other_zones(row, row, scene)
    yield "What could cover it, in the order in which AWS applies it"
    yield from scene.matches(USAGE, name)
    yield "What covers it"
    yield from scene.allocations(USAGE, name)
    yield from _why("uncovered", left, UNCOVERED_REASONS_TEXT)
    if left["uncovered_units"].gt(0).any():
        yield "What has units left and matches but for one rule"
        yield from scene.near_misses(USAGE, name)


def _of_not_eligible(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    yield from _running(row, row["instance_id"], scene)
    reason = row["reason"]
    yield f"No reservation can cover it ({reason}): {NOT_ELIGIBLE_REASONS[reason]}."


def _of_capacity(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    name, idle = row[HELD], row["idle_units"]
    yield from _held(row, scene)
    if row["reason"]:
        why = IDLE_SLOT_REASONS[row["reason"]]
        yield f"No reservation can cover its idle slots ({row['reason']}): {why}."
    elif idle > 0:
        yield _fact("covered", _share(row["covered_idle_units"], idle, row))
        yield "What could cover its idle slots after all instances, in the order of AWS"
        yield from scene.matches(USAGE, name)
        yield "What covers them"
        yield from scene.allocations(USAGE, name)
        yield from _left(row, scene)


def _held(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    slots, idle = (text_of(row[f"{what}_instances"], "count") for what in ("total", "available"))
    what = f"{slots} x {row['instance_type']}, {row['platform']}"
    payer, units = scene.account(row["billed_account_id"]), quantity(row["idle_units"])
    yield f"Capacity reservation {row[HELD]}"
    yield _fact("account", scene.account(row["account_id"]))
    yield _fact("holds", f"{what}, {row['tenancy']} tenancy in {where(row)}")
    yield _fact("idle", f"{idle} of {slots} slots, {units}, paid by {payer}")


def _left(row: dict[str, Any], scene: Scene) -> Iterator[str]:
    """Yield what reservations leave of idle slots, and which almost matched."""
    rest = row["idle_units"] - row["covered_idle_units"]
    if rest == 0:
        return
    yield "What is left"
    yield f"  {quantity(rest)} at On-Demand rates, or under a Savings Plan, which is not read"
    yield "What has units left and matches but for one rule"
    yield from scene.near_misses(USAGE, row[HELD])


def _bought(row: dict[str, Any], platform: str, scene: Scene) -> Iterator[str]:
    what = f"{row['instance_count']:,} x {row['instance_type']}, {platform}"
    dates = [f"{row[n]:%Y-%m-%d}" if pd.notna(row[n]) else "unknown" for n in ("start", "end")]
    yield f"Reservation {row[RESERVATION]}"
    yield _fact("account", scene.account(row["account_id"]))
    yield _fact("bought", f"{what}, {row['tenancy']} tenancy, {row['scope']} in {where(row)}")
    yield _fact("term", f"{dates[0]} to {dates[1]}")


def _running(row: dict[str, Any], name: str, scene: Scene) -> Iterator[str]:
    tag = visible(row["name"], NAME_LIMIT)
    what = f"{row['instance_type']}, {row['platform']}, {row['tenancy']} tenancy"
    yield f"Instance {name}" + (f" ({tag})" if tag else "")
    yield _fact("account", scene.account(row["account_id"]))
    yield _fact("runs", f"{what} in {where(row)}")
    if inside := row.get("capacity_reservation_id"):
        yield _fact("inside", f"capacity reservation {inside}")


def _by_other_zones(told: dict[str, Any], row: dict[str, Any], scene: Scene) -> Iterator[str]:
    """Yield what the other reading of zones gives, or that it is unknown, where that differs."""
    other = "id" if scene.sharing.zonal_match == "az_name" else "name"
    units = told[ZONE_MATCH_OTHER.name]
    if pd.notna(units):
        text = f"{quantity(units)} if zones of other accounts matched by {other} (zonal_match)"
        yield _fact("", text)
    if in_pools(pd.DataFrame([row]), scene.analysis.unplaced).any():
        yield _fact("", "unknown if zones of other accounts match by id: zone ids were not read")


def _why(what: str, rows: pd.DataFrame, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the reasons for what is unused or uncovered; they add up to it."""
    units = rows[f"{what}_units"].astype("float64")
    total = units.sum(skipna=False)
    if len(rows):
        yield f"Why {quantity(total)} {'is' if total == 1 else 'are'} {what}"
    for part, reason in zip(units, rows["reason"], strict=True):
        yield f"  {quantity(part)} ({reason}): {texts[reason]}."


def _share(part: float, whole: float, row: dict[str, Any]) -> str:
    if pd.isna(part):
        return f"{UNKNOWN} of {quantity(whole)}"
    words = [row[BASIS.name], *(["of what was read"] if row[COMPLETENESS.name] == PARTIAL else [])]
    return ", ".join([f"{number(part)} of {quantity(whole)}", percent(part / whole), *words])


def _unread(inventory: Inventory) -> Iterator[str]:
    gaps = inventory.outcomes[inventory.outcomes["is_gap"]]
    if len(gaps):
        count = len({*gaps["account_id"]} - {""})
        whose = [counted(count, "account")] if count else []
        whose += [] if is_all_listed(gaps) else [UNLISTED]
        yield f"What was not read of {' and of '.join(whose)} is unknown here too."


def _fact(label: str, text: str) -> str:
    return f"  {label:<{LABEL_WIDTH}}{text}"
