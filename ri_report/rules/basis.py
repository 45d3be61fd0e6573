"""Basis: each row of a table says whether its units are firm or rest on a convention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import ALLOCATIONS, allocated_units
from ri_report.rules.capacity import CAPACITY
from ri_report.rules.completeness import COMPLETE, COMPLETENESS
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT
from ri_report.rules.expiry import EXPIRIES, month_of
from ri_report.rules.firmness import firmness
from ri_report.rules.grounds import firm_reasons
from ri_report.rules.matching import is_idle_slot
from ri_report.rules.reasons import UNCOVERED, UNUSED_REASONS
from ri_report.rules.unplaced import in_pools
from ri_report.rules.utilization import POOLS, UTILIZATION
from ri_report.rules.wholes import WHOLE, is_fixed, open_groups, wholes
from ri_report.rules.zones import (
    ZONE_MATCH,
    ZONE_MATCH_OTHER,
    ZONE_MATCH_OTHER_USE,
    told_otherwise,
)

if TYPE_CHECKING:
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.bounds import Flags
    from ri_report.rules.firmness import Firmness
    from ri_report.rules.sharing import Sharing
    from ri_report.rules.zones import OtherReading

COVERED, RESERVATION = "covered", "reservation_id"
FIRM = "firm"
CONVENTION = "convention"
BASIS_TEXT = {
    FIRM: "The units follow from AWS's rules, however it splits what they leave open",
    CONVENTION: "AWS leaves open how the pool is split here; a rule of this report decides",
}
BASIS = Column(
    "basis",
    "text",
    "Of what was read: firm, AWS's rules decide; convention, one of the splits they leave open",
)


READ_OTHERWISE = {
    COVERAGE: {ZONE_MATCH_OTHER: "covered_units"},
    COVERAGE_BY_ACCOUNT: {ZONE_MATCH_OTHER: "covered_units"},
    UTILIZATION: {ZONE_MATCH_OTHER: "used_units"},
    UNUSED_REASONS: {ZONE_MATCH_OTHER: "unused_units"},
    UNCOVERED: {ZONE_MATCH_OTHER: "uncovered_units"},
    POOLS: {ZONE_MATCH_OTHER: "covered_units", ZONE_MATCH_OTHER_USE: "used_units"},
    ALLOCATIONS: {ZONE_MATCH_OTHER: "units"},
    EXPIRIES: {ZONE_MATCH_OTHER: "ending_used_units"},
    CAPACITY: {ZONE_MATCH_OTHER: "covered_idle_units"},
}
"""The frames whose rows also tell what the other reading of zones would give, and of which unit."""


def marked(frame: Frame) -> Frame:
    """Return the declaration of a frame whose rows say what their units rest on."""
    return Frame(
        frame.name, frame.key, (*frame.columns, *READ_OTHERWISE.get(frame, ()), BASIS, COMPLETENESS)
    )


MARKED = {frame.name: marked(frame) for frame in (*READ_OTHERWISE, ZONE_MATCH)}
"""The frames whose rows say so, by name."""


@dataclass(frozen=True)
class Otherwise:
    """What the other reading of zones makes of the same inventory.

    Attributes:
        reading: What it gives.
        made: The analysis of that, its frames without a basis.
    """

    reading: OtherReading
    made: Analysis


@dataclass(frozen=True)
class _View:
    """An analysis whose usage and reservations tell their wholes, and what of it is firm."""

    made: Analysis
    sure: Firmness
    sharing: Sharing


def with_basis(
    made: Analysis, usage: pd.DataFrame, sharing: Sharing, other: Otherwise | None
) -> Analysis:
    """Return the analysis with the `basis` of each row, as `MARKED` declares; each is complete.

    So has each row of `covered`, and each of `covered` and `active` tells its `whole` (see module
    `wholes`), from which follows which sums are firm.

    Args:
        made: The analysis, its frames without a basis.
        usage: Instances, then idle slots (see `capacity.with_slots`).
        sharing: The preferences that its allocation followed.
        other: What the other reading of zones makes of it, if anything depends on that.
    """
    view = _view(made, usage, sharing)
    made = replace(view.made, **_read_otherwise(view.made, other))
    firm = _judged(made, view, usage)
    if other:
        allocated = replace(other.made, allocations=other.reading.allocated)
        also = _judged(made, _view(allocated, usage, other.reading.sharing), usage)
        firm |= _by_both(made, firm, also)
    covered = _told(made.covered, firm.pop(COVERED))
    frames = {name: _said(name, getattr(made, name), flags) for name, flags in firm.items()}
    return replace(made, covered=covered, **frames)


def _view(made: Analysis, usage: pd.DataFrame, sharing: Sharing) -> _View:
    sure = firmness(usage, made.active, made.allocations, sharing)
    of_usage, of_bought = wholes(usage, made.active, sure, sharing)
    covered = made.covered.assign(**{WHOLE: of_usage[: len(made.covered)]})
    active = made.active.assign(**{WHOLE: of_bought})
    return _View(replace(made, covered=covered, active=active), sure, sharing)


def basis_of_use(made: Analysis, weight: pd.Series[float]) -> str:
    """Return the basis of a sum of what is used, or unused, of reservations.

    Args:
        made: What `with_basis` returns.
        weight: Of each row of `utilization` in the sum: 1, or 0 where it is not in it.
    """
    of_each = made.active.set_index("reservation_id")[WHOLE]
    return _word(weight, made.utilization["reservation_id"].map(of_each))


def basis_of_cover(made: Analysis, weight: pd.Series[float]) -> str:
    """Return the basis of a sum of what is covered, or uncovered, of instances.

    Args:
        made: What `with_basis` returns.
        weight: Of each row of `covered` in the sum, as that of `basis_of_use`.
    """
    return _word(weight, made.covered[WHOLE])


def _word(weight: pd.Series[float], whole: pd.Series[int]) -> str:
    return FIRM if is_fixed(weight, whole) else CONVENTION


def _read_otherwise(made: Analysis, other: Otherwise | None) -> dict[str, pd.DataFrame]:
    """Add to each frame of `READ_OTHERWISE`, and to `covered`, what the other reading gives."""
    frames = {frame.name: _with_other(made, frame, other) for frame in READ_OTHERWISE}
    allocations = other.reading.allocations if other else made.allocations
    units = allocated_units(made.covered["usage_id"], allocations)
    units = units.where(units != made.covered["covered_units"])
    return {**frames, COVERED: made.covered.assign(**{ZONE_MATCH_OTHER.name: units})}


def _with_other(made: Analysis, frame: Frame, other: Otherwise | None) -> pd.DataFrame:
    rows: pd.DataFrame = getattr(made, frame.name)
    told = READ_OTHERWISE[frame]
    names = [column.name for column in told]
    if other is None:
        return rows.assign(**dict.fromkeys(names, np.nan))
    units = told_otherwise(rows, getattr(other.made, frame.name), frame, list(told.values()))
    if RESERVATION in rows:
        # Reasons look beyond pools, but of a pool that is left out nothing is told.
        lost = made.active.loc[in_pools(made.active, made.unplaced), RESERVATION]
        units = [column.mask(rows[RESERVATION].isin(lost)) for column in units]
    return rows.assign(**dict(zip(names, units, strict=True)))


def _judged(made: Analysis, view: _View, usage: pd.DataFrame) -> dict[str, Flags]:
    """Judge the rows of an analysis by what is firm in it, or in the other reading of zones."""
    runs = ~is_idle_slot(usage).to_numpy(dtype=bool)
    by_place = _by_place(made, view.sure, runs)
    return _by_row(made, usage, view) | by_place | _by_sum(made, view)


def _by_row(made: Analysis, usage: pd.DataFrame, view: _View) -> dict[str, Flags]:
    """Judge the rows that are one instance, one idle slot, one allocation or one account's pool."""
    sure = view.sure
    one = usage.assign(instance_id=usage["usage_id"], capacity_reservation_id=usage["usage_id"])
    slots = is_idle_slot(usage).to_numpy(dtype=bool)
    held = pd.concat([usage, made.active])
    pooled = np.append(sure.pooled_usage, sure.pooled_reservations)
    return {
        COVERED: sure.usage[~slots],
        ALLOCATIONS.name: _given(made, view),
        UNCOVERED.name: _all_firm(UNCOVERED.key, made.uncovered, one, sure.usage),
        CAPACITY.name: _all_firm(
            ("capacity_reservation_id",), made.capacity_reservations, one[slots], sure.usage[slots]
        ),
        POOLS.name: _all_firm(POOLS.key, made.pools, held, pooled),
    }


def _given(made: Analysis, view: _View) -> Flags:
    """Judge allocations; one that the other reading does not make might be in another split."""
    key = list(ALLOCATIONS.key)
    ours, theirs = made.allocations[key], view.made.allocations[key]
    if ours.equals(theirs):
        return view.sure.allocations
    known = theirs.assign(is_firm=view.sure.allocations)
    found = ours.merge(known, on=key, how="left", validate="1:1")["is_firm"]
    return found.eq(other=True).to_numpy(dtype=bool)


def _by_place(made: Analysis, sure: Firmness, runs: Flags) -> dict[str, Flags]:
    """Judge the rows whose units are of one place, or of one reservation."""
    rows, key = made.covered, UTILIZATION.key
    by_account, used = made.coverage_by_account, sure.reservations
    return {
        COVERAGE.name: _all_firm(COVERAGE.key, made.coverage, rows, sure.places[runs]),
        COVERAGE_BY_ACCOUNT.name: _all_firm(
            COVERAGE_BY_ACCOUNT.key, by_account, rows, sure.lines[runs]
        ),
        UTILIZATION.name: _all_firm(key, made.utilization, made.active, used),
        ZONE_MATCH.name: _all_firm(key, made.zone_match, made.active, used),
    }


def _by_both(
    made: Analysis, firm: dict[str, Flags], otherwise: dict[str, Flags]
) -> dict[str, Flags]:
    """Judge the rows that show both readings: firm is what is firm in both."""
    both = {ZONE_MATCH.name: firm[ZONE_MATCH.name] & otherwise[ZONE_MATCH.name]}
    for name in (COVERED, *(frame.name for frame in READ_OTHERWISE)):
        is_alone = getattr(made, name)[ZONE_MATCH_OTHER.name].isna().to_numpy()
        both[name] = firm[name] & (is_alone | otherwise[name])
    return both


def _by_sum(made: Analysis, view: _View) -> dict[str, Flags]:
    """Judge the rows that are sums over many reservations, or shares of one."""
    active = view.made.active
    ends = month_of(active["end"]).fillna("")
    unused = active[["reservation_id"]].merge(
        view.made.utilization[["reservation_id", "unused_units"]], how="left", validate="1:1"
    )
    bought = active.assign(unused_units=unused["unused_units"].to_numpy())
    firm = firm_reasons(view.made.covered, bought, view.sharing)
    row = firm.index.get_indexer(pd.Index(made.unused_reasons["reservation_id"]))
    column = firm.columns.get_indexer(pd.Index(made.unused_reasons["reason"]))
    return {
        UNUSED_REASONS.name: firm.to_numpy(dtype=bool)[row, column],
        EXPIRIES.name: ~made.expiries["month"].isin(open_groups(ends, active[WHOLE])).to_numpy(),
    }


def _all_firm(by: tuple[str, ...], made: pd.DataFrame, rows: pd.DataFrame, firm: Flags) -> Flags:
    """Call firm each row of a made frame of which all rows that share its key are firm."""
    key = list(by)
    flags = rows[key].assign(is_open=~firm).groupby(key, as_index=False)["is_open"].any()
    found = made[key].merge(flags, on=key, how="left", validate="m:1")["is_open"]
    return ~found.eq(other=True).to_numpy(dtype=bool)


def _said(name: str, made: pd.DataFrame, firm: Flags) -> pd.DataFrame:
    return MARKED[name].check(_told(made, firm))


def _told(made: pd.DataFrame, firm: Flags) -> pd.DataFrame:
    words = pd.Series(np.where(firm, FIRM, CONVENTION), made.index, dtype="str")
    return made.assign(basis=words, completeness=COMPLETE)
