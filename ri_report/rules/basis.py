"""Basis: each row of a table says whether its units are firm or rest on a convention."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import ALLOCATIONS
from ri_report.rules.capacity import CAPACITY
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT
from ri_report.rules.expiry import EXPIRIES, month_of
from ri_report.rules.firmness import firmness
from ri_report.rules.grounds import firm_reasons
from ri_report.rules.matching import is_idle_slot
from ri_report.rules.reasons import UNCOVERED, UNUSED_REASONS
from ri_report.rules.utilization import POOLS, UTILIZATION
from ri_report.rules.wholes import WHOLE, is_fixed, open_groups, wholes
from ri_report.rules.zones import (
    ZONE_MATCH,
    ZONE_MATCH_OTHER,
    covered_otherwise,
    used_otherwise,
)

if TYPE_CHECKING:
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.bounds import Flags
    from ri_report.rules.firmness import Firmness
    from ri_report.rules.sharing import Sharing
    from ri_report.rules.zones import OtherReading

FIRM = "firm"
CONVENTION = "convention"
BASIS_TEXT = {
    FIRM: "The units follow from AWS's rules, however it splits what they leave open",
    CONVENTION: "AWS leaves open how the pool is split here; a rule of this report decides",
}
BASIS = Column(
    "basis", "text", "firm: AWS's rules decide; convention: one of the splits that they leave open"
)


READ_OTHERWISE = (COVERAGE, COVERAGE_BY_ACCOUNT, UTILIZATION)
"""The frames whose rows also tell what the other reading of zones would give."""


def marked(frame: Frame) -> Frame:
    """Return the declaration of a frame whose rows say what their units rest on."""
    more = (ZONE_MATCH_OTHER, BASIS) if frame in READ_OTHERWISE else (BASIS,)
    return Frame(frame.name, frame.key, (*frame.columns, *more))


MARKED = {
    frame.name: marked(frame)
    for frame in (
        ALLOCATIONS,
        COVERAGE,
        COVERAGE_BY_ACCOUNT,
        UTILIZATION,
        UNUSED_REASONS,
        UNCOVERED,
        ZONE_MATCH,
        POOLS,
        EXPIRIES,
        CAPACITY,
    )
}
"""The frames whose rows say so, by name."""


def with_basis(
    made: Analysis, usage: pd.DataFrame, sharing: Sharing, other: OtherReading | None
) -> Analysis:
    """Return the analysis with the `basis` of each row, as `MARKED` declares.

    So has each row of `covered`, and each of `covered` and `active` tells its `whole` (see module
    `wholes`), from which follows which sums are firm.

    Args:
        made: The analysis, its frames without a basis.
        usage: Instances, then idle slots (see `capacity.with_slots`).
        sharing: The preferences that its allocation followed.
        other: What the other reading of zones gives, if anything depends on it.
    """
    sure = firmness(usage, made.active, made.allocations, sharing)
    of_usage, of_bought = wholes(usage, made.active, sure, sharing)
    runs = ~is_idle_slot(usage).to_numpy(dtype=bool)
    covered = made.covered.assign(
        basis=_words(made.covered, sure.usage[runs]), **{WHOLE: of_usage[runs]}
    )
    made = replace(made, covered=covered, active=made.active.assign(**{WHOLE: of_bought}))
    made = replace(made, **_read_otherwise(made, other))
    firm = _by_row(made, usage, sure) | _by_place(made, sure, runs) | _by_sum(made, sharing)
    if other:
        also = firmness(usage, made.active, other.allocated, other.sharing)
        firm |= _by_both(made, firm, _by_place(made, also, runs))
    frames = {name: _said(name, getattr(made, name), flags) for name, flags in firm.items()}
    return replace(made, **frames)


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


def _read_otherwise(made: Analysis, other: OtherReading | None) -> dict[str, pd.DataFrame]:
    """Add to each frame of `READ_OTHERWISE` what the other reading of zones gives."""
    units = {
        frame.name: covered_otherwise(getattr(made, frame.name), frame.key, made.covered, other)
        for frame in (COVERAGE, COVERAGE_BY_ACCOUNT)
    }
    units[UTILIZATION.name] = used_otherwise(made.utilization, made.zone_match)
    return {
        name: getattr(made, name).assign(**{ZONE_MATCH_OTHER.name: column})
        for name, column in units.items()
    }


def _by_row(made: Analysis, usage: pd.DataFrame, sure: Firmness) -> dict[str, Flags]:
    """Judge the rows that are one instance, one idle slot, one allocation or one account's pool."""
    one = usage.assign(instance_id=usage["usage_id"], capacity_reservation_id=usage["usage_id"])
    slots = is_idle_slot(usage).to_numpy(dtype=bool)
    in_pools = pd.concat([usage, made.active])
    pooled = np.append(sure.pooled_usage, sure.pooled_reservations)
    return {
        ALLOCATIONS.name: sure.allocations,
        UNCOVERED.name: _all_firm(UNCOVERED.key, made.uncovered, one, sure.usage),
        CAPACITY.name: _all_firm(
            ("capacity_reservation_id",), made.capacity_reservations, one[slots], sure.usage[slots]
        ),
        POOLS.name: _all_firm(POOLS.key, made.pools, in_pools, pooled),
    }


def _by_place(made: Analysis, sure: Firmness, runs: Flags) -> dict[str, Flags]:
    """Judge the rows whose units may depend on how zones are read."""
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
    for name in (frame.name for frame in READ_OTHERWISE):
        is_alone = getattr(made, name)[ZONE_MATCH_OTHER.name].isna().to_numpy()
        both[name] = firm[name] & (is_alone | otherwise[name])
    return both


def _by_sum(made: Analysis, sharing: Sharing) -> dict[str, Flags]:
    """Judge the rows that are sums over many reservations, or shares of one."""
    active = made.active
    ends = month_of(active["end"]).fillna("")
    unused = active[["reservation_id"]].merge(
        made.utilization[["reservation_id", "unused_units"]], how="left", validate="1:1"
    )
    bought = active.assign(unused_units=unused["unused_units"].to_numpy())
    firm = firm_reasons(made.covered, bought, sharing)
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
    return MARKED[name].check(made.assign(basis=_words(made, firm)))


def _words(made: pd.DataFrame, firm: Flags) -> pd.Series[str]:
    return pd.Series(np.where(firm, FIRM, CONVENTION), made.index, dtype="str")
