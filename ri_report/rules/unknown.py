"""Unknown: what of an analysis cannot be known, because what it rests on was not read.

Reservations serve the account that bought them before any other (EC2 User Guide, "How Reserved
Instance discounts are applied"). So without an account's instances in a region it is unknown how
much of what it bought there is used, and without its reservations how much of what it runs there
is covered. Neither is a number then, nor is any sum over it. What other accounts might have lent
or borrowed stays in the numbers: those are of what was read, and their rows say so.

Without an account's capacity reservations it is unknown how much of its regional reservations idle
slots use. Its zonal ones, and what covers instances, do not rest on them. So they are unknown even
where instances use them in full: of the others a sum of what is known would be of full ones alone.

Where zones match by id, nothing of a pool is known in which ids were not read that matter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.rules.basis import BASIS, MARKED
from ri_report.rules.completeness import COMPLETENESS, UNKNOWN, with_completeness
from ri_report.rules.counts import RUNNING
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT, MEASURES
from ri_report.rules.expiry import EXPIRIES, month_of
from ri_report.rules.reasons import NOT_ALL_READ, UNUSED_REASONS, ZONE_UNKNOWN
from ri_report.rules.unplaced import in_pools
from ri_report.rules.unread import unread
from ri_report.rules.utilization import POOLS
from ri_report.rules.zones import ZONE_MATCH, ZONE_MATCH_OTHER, ZONE_MATCH_OTHER_USE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ri_report.inventory.frames import Frame
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing
    from ri_report.rules.unread import Cells, Unread

COVER = ("covered_units", "uncovered_units")
USE = ("used_units", "unused_units", "utilization_ratio", "idle_slot_units", "lent_units")
COVER_MEASURES = tuple(c.name for c in MEASURES if not c.name.startswith("running"))
OTHERWISE = (ZONE_MATCH_OTHER.name, ZONE_MATCH_OTHER_USE.name)
BY_READING = tuple(c.name for c in ZONE_MATCH.columns if c.kind == "units")
POOL_FLOWS = ("covered_units", "used_units", "lent_units", "borrowed_units")
OF_IDLE_SLOTS = ("idle_units", "covered_idle_units", "borrowed_units")
SAID = {BASIS.name: "", COMPLETENESS.name: UNKNOWN}
"""What a row says of its units when they are unknown."""


def blind(analysis: Analysis, inventory: Inventory, sharing: Sharing) -> Analysis:
    """Return the analysis without the numbers that rest on something that was not read.

    They are missing, in the frames as they are declared, and the other rows say whether something
    unread could change them. What an account runs or buys unseen is a row of missing numbers where
    rows are by account. Where everything was read the analysis is returned as it is. The sums of
    `conservation` hold before, no longer after.

    Args:
        analysis: What `analysis.analyze` returns.
        inventory: What it was made of, and how the reading of each cell ended.
        sharing: The preferences that it followed.
    """
    missing, analysis = unread(inventory.outcomes), _without_unplaced(analysis)
    if missing.places:
        parts = (_cover(analysis, missing), _use(analysis, missing), _flows(analysis, missing))
        frames = {name: frame for part in parts for name, frame in part.items()}
        analysis = replace(analysis, **frames)
    return with_completeness(analysis, inventory, sharing)


def _without_unplaced(analysis: Analysis) -> Analysis:
    """Return the analysis without what rests on zone ids that were not read."""
    pools = analysis.unplaced[analysis.unplaced["applied"] == "az_id"]
    if pools.empty:
        return analysis
    is_dark = in_pools(analysis.covered, pools)
    dark, doubtful = analysis.covered[is_dark], analysis.active[in_pools(analysis.active, pools)]
    ids, capacity = doubtful["reservation_id"], analysis.capacity_reservations
    slots = analysis.idle_slots.loc[in_pools(analysis.idle_slots, pools), "usage_id"]
    is_held, by_account = capacity["capacity_reservation_id"].isin(slots), COVERAGE_BY_ACCOUNT
    flows = analysis.allocations["reservation_id"].isin(ids)
    in_pool = in_pools(analysis.pools, pools)
    return replace(
        analysis,
        covered=_masked(analysis.covered, is_dark, COVER),
        coverage=_places(COVERAGE, analysis.coverage, dark),
        coverage_by_account=_places(by_account, analysis.coverage_by_account, dark),
        uncovered=_uncovered(analysis.uncovered, dark, ZONE_UNKNOWN),
        capacity_reservations=_masked(capacity, is_held, ["covered_idle_units"]),
        utilization=_utilization(analysis.utilization, ids, ZONE_UNKNOWN),
        unused_reasons=_unused_reasons(analysis.unused_reasons, ids, ZONE_UNKNOWN),
        expiries=_expiries(analysis.expiries, doubtful),
        allocations=_masked(analysis.allocations, flows, ["units"]),
        pools=_masked(analysis.pools, in_pool, [*POOL_FLOWS, "covered_idle_units"]),
    )


def _cover(analysis: Analysis, missing: Unread) -> dict[str, pd.DataFrame]:
    """Return what tells how much of what runs is covered."""
    covered, capacity = analysis.covered, analysis.capacity_reservations
    is_dark = missing.reservations.hold(covered)
    dark = covered[is_dark]
    by_account = _places(COVERAGE_BY_ACCOUNT, analysis.coverage_by_account, dark)
    is_dark_capacity = missing.hide_cover(_as_billed(capacity))
    return {
        "running": _with_unseen(RUNNING, analysis.running, missing.instances),
        "covered": _masked(covered, is_dark, COVER),
        "coverage": _places(COVERAGE, analysis.coverage, dark),
        "coverage_by_account": _with_unseen(
            MARKED[COVERAGE_BY_ACCOUNT.name], by_account, missing.instances
        ),
        "uncovered": _uncovered(analysis.uncovered, dark),
        "capacity_reservations": _masked(capacity, is_dark_capacity, ["covered_idle_units"]),
    }


def _use(analysis: Analysis, missing: Unread) -> dict[str, pd.DataFrame]:
    """Return what tells how much of what was bought is used."""
    doubtful = analysis.active[missing.hide_use(analysis.active)]
    ids, zone_match = doubtful["reservation_id"], analysis.zone_match
    return {
        "utilization": _utilization(analysis.utilization, ids),
        "unused_reasons": _unused_reasons(analysis.unused_reasons, ids),
        "zone_match": _masked(zone_match, zone_match["reservation_id"].isin(ids), BY_READING),
        "expiries": _expiries(analysis.expiries, doubtful),
    }


def _flows(analysis: Analysis, missing: Unread) -> dict[str, pd.DataFrame]:
    """Return what tells which of what was bought covers which of what runs."""
    return {
        "allocations": _allocations(analysis, missing),
        "pools": _pools(analysis, missing),
    }


def _masked(frame: pd.DataFrame, rows: pd.Series[bool], names: Collection[str]) -> pd.DataFrame:
    """Return the frame without the values of these columns in these rows.

    There it tells neither a basis nor what the other reading of zones would give.
    """
    told = [name for name in OTHERWISE if name in frame]
    masked = {name: frame[name].mask(rows) for name in (*names, *told)}
    words = {name: frame[name].mask(rows, word) for name, word in SAID.items() if name in frame}
    return frame.assign(**masked, **words)


def _allocations(analysis: Analysis, missing: Unread) -> pd.DataFrame:
    """Mask what goes from a reservation whose use is unknown, or to what has an unknown cover."""
    rows, active, slots = analysis.allocations, analysis.active, analysis.idle_slots
    sides = (
        (analysis.covered, missing.reservations.hold(analysis.covered)),
        (slots, missing.hide_cover(slots)),
    )
    dark = pd.concat([side.loc[is_dark, "usage_id"] for side, is_dark in sides])
    idle = rows["usage_id"].isin(slots["usage_id"])
    either = (
        rows["usage_id"].isin(dark)
        | rows["reservation_id"].isin(active.loc[missing.instances.hold(active), "reservation_id"])
        | (
            idle
            & rows["reservation_id"].isin(active.loc[missing.hide_idle(active), "reservation_id"])
        )
    )
    return _masked(rows, either, ["units"])


def _as_billed(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return capacity reservations as if they were the account's that pays for their idle slots."""
    return capacity.assign(account_id=capacity["billed_account_id"])


def _places(frame: Frame, coverage: pd.DataFrame, dark: pd.DataFrame) -> pd.DataFrame:
    """Mask the cover of each row of a coverage that holds an instance whose cover is unknown."""
    return _masked(coverage, _among(coverage, dark, frame.key), COVER_MEASURES)


def _among(frame: pd.DataFrame, others: pd.DataFrame, key: Sequence[str]) -> pd.Series[bool]:
    """Return for each row whether another frame has its key, aligned."""
    names = list(key)
    found = pd.MultiIndex.from_frame(frame[names]).isin(
        pd.MultiIndex.from_frame(others[names].drop_duplicates())
    )
    return pd.Series(found, frame.index, dtype=bool)


def _utilization(
    utilization: pd.DataFrame, ids: pd.Series[str], why: str = NOT_ALL_READ
) -> pd.DataFrame:
    rows = utilization["reservation_id"].isin(ids)
    reason = utilization["unused_reason"].mask(rows, why)
    return _masked(utilization, rows, USE).assign(unused_reason=reason)


def _unused_reasons(
    reasons: pd.DataFrame, ids: pd.Series[str], why: str = NOT_ALL_READ
) -> pd.DataFrame:
    known = reasons[~reasons["reservation_id"].isin(ids)]
    frame = MARKED[UNUSED_REASONS.name]
    rows = frame.of({"reservation_id": name, "reason": why} for name in ids)
    return _joined(frame, known, rows).sort_values(list(UNUSED_REASONS.key), ignore_index=True)


def _uncovered(
    uncovered: pd.DataFrame, dark: pd.DataFrame, why: str = NOT_ALL_READ
) -> pd.DataFrame:
    """List every instance whose cover is unknown, below those known to be uncovered."""
    rows = dark.rename(columns={"usage_id": "instance_id", "units": "running_units"})
    known = uncovered[~uncovered["instance_id"].isin(rows["instance_id"])]
    empty = dict.fromkeys(("covered_units", "uncovered_units", ZONE_MATCH_OTHER.name))
    unknown = rows.assign(reason=why, **empty)
    return _joined(MARKED["uncovered"], known, unknown.sort_values("instance_id"))


def _pools(analysis: Analysis, missing: Unread) -> pd.DataFrame:
    """Mask what rests on unread cells; what lies in no pool that was seen is a row of its own."""
    unseen = pd.DataFrame(sorted(missing.places), columns=["account_id", "region"], dtype="str")
    zeros = dict.fromkeys([c.name for c in POOLS.columns if c.kind == "units"], 0.0)
    rows = _joined(MARKED["pools"], analysis.pools, unseen.assign(**zeros))
    unrun, unbought = missing.instances.hold(rows), missing.reservations.hold(rows)
    rows = _masked(rows, unrun, ["running_units"])
    rows = _masked(rows, unbought, ["purchased_units", "covered_idle_units"])
    rows = _masked(rows, unrun | unbought, POOL_FLOWS)
    rows = _without_slots(rows, analysis.active, missing)
    return rows.sort_values(list(POOLS.key), ignore_index=True)


def _without_slots(rows: pd.DataFrame, active: pd.DataFrame, missing: Unread) -> pd.DataFrame:
    """Mask what rests on unread idle slots; the basis is still that of what covers instances."""
    unheld = missing.capacity.hold(rows)
    is_used = _among(rows, active[missing.hide_idle(active)], POOLS.key)
    return rows.assign(
        **{name: rows[name].mask(unheld) for name in OF_IDLE_SLOTS},
        **{
            name: rows[name].mask(is_used)
            for name in ("used_units", "lent_units", ZONE_MATCH_OTHER_USE.name)
        },
    )


def _expiries(expiries: pd.DataFrame, doubtful: pd.DataFrame) -> pd.DataFrame:
    months = month_of(doubtful["end"].dropna())
    rows = _masked(expiries, expiries["month"].isin(months), ["ending_used_units"])
    return MARKED[EXPIRIES.name].check(rows)


def _with_unseen(frame: Frame, rows: pd.DataFrame, unseen: Cells) -> pd.DataFrame:
    """Add a row of unknowns for each account or region whose instances were not read."""
    added = frame.of(
        {"account_id": account, "region": region} for account, region in sorted(unseen.places)
    )
    return _joined(frame, rows, added).sort_values(list(frame.key), ignore_index=True)


def _joined(frame: Frame, known: pd.DataFrame, unknown: pd.DataFrame) -> pd.DataFrame:
    """Return both one below the other, as declared; text that the unknown lacks is ""."""
    told = {*unknown.columns, *SAID}
    lacking = [c.name for c in frame.columns if c.kind == "text" and c.name not in told]
    below = unknown.assign(**dict.fromkeys(lacking, ""), **SAID).reindex(columns=frame.names)
    return pd.concat([frame.check(known), frame.check(below)], ignore_index=True)
