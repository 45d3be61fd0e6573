"""Basis: each row of a table says whether its units are firm or rest on a convention."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.allocation import ALLOCATIONS
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT
from ri_report.rules.firmness import firmness
from ri_report.rules.matching import is_idle_slot
from ri_report.rules.reasons import UNCOVERED
from ri_report.rules.utilization import POOLS, UTILIZATION

if TYPE_CHECKING:
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.bounds import Flags
    from ri_report.rules.sharing import Sharing

FIRM = "firm"
CONVENTION = "convention"
BASIS_TEXT = {
    FIRM: "The units follow from AWS's rules, however it splits what they leave open",
    CONVENTION: "AWS leaves open how the pool is split here; a rule of this report decides",
}
BASIS = Column(
    "basis", "text", "firm: AWS's rules decide; convention: one of the splits that they leave open"
)


def marked(frame: Frame) -> Frame:
    """Return the declaration of a frame whose rows say what their units rest on."""
    return Frame(frame.name, frame.key, (*frame.columns, BASIS))


MARKED = {
    frame.name: marked(frame)
    for frame in (ALLOCATIONS, COVERAGE, COVERAGE_BY_ACCOUNT, UTILIZATION, UNCOVERED, POOLS)
}
"""The frames whose rows say so, by name."""


def with_basis(made: Analysis, usage: pd.DataFrame, sharing: Sharing) -> Analysis:
    """Return the analysis with the `basis` of each row, as `MARKED` declares, and of `covered`.

    Args:
        made: The analysis, its frames without a basis.
        usage: Instances, then idle slots (see `capacity.with_slots`).
        sharing: The preferences that its allocation followed.
    """
    sure = firmness(usage, made.active, made.allocations, sharing)
    runs, covered = ~is_idle_slot(usage).to_numpy(dtype=bool), made.covered
    by_line = _mark(COVERAGE_BY_ACCOUNT, made.coverage_by_account, covered, sure.lines[runs])
    instances = covered.rename(columns={"usage_id": "instance_id"})
    in_pools = pd.concat([usage, made.active])
    pooled = np.append(sure.pooled_usage, sure.pooled_reservations)
    return replace(
        made,
        covered=covered.assign(basis=_words(covered, sure.usage[runs])),
        allocations=_said(ALLOCATIONS, made.allocations, sure.allocations),
        coverage=_mark(COVERAGE, made.coverage, covered, sure.places[runs]),
        coverage_by_account=by_line,
        utilization=_mark(UTILIZATION, made.utilization, made.active, sure.reservations),
        uncovered=_mark(UNCOVERED, made.uncovered, instances, sure.usage[runs]),
        pools=_mark(POOLS, made.pools, in_pools, pooled),
    )


def _mark(frame: Frame, made: pd.DataFrame, rows: pd.DataFrame, firm: Flags) -> pd.DataFrame:
    """Call firm each row of a made frame of which all rows that share its key are firm."""
    key = list(frame.key)
    all_firm = rows[key].assign(firm=firm).groupby(key, as_index=False)["firm"].all()
    found = made[key].merge(all_firm, on=key, how="left", validate="1:1")["firm"]
    return _said(frame, made, found.to_numpy(dtype=bool))


def _said(frame: Frame, made: pd.DataFrame, firm: Flags) -> pd.DataFrame:
    return MARKED[frame.name].check(made.assign(basis=_words(made, firm)))


def _words(made: pd.DataFrame, firm: Flags) -> pd.Series[str]:
    return pd.Series(np.where(firm, FIRM, CONVENTION), made.index, dtype="str")
