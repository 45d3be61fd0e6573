"""Completeness: each row of a table says whether what was not read could change its units.

An account's instances and reservations meet those of the accounts that it shares with, in their
region alone (see modules `sharing` and `matching`). So what was not read of it reaches their rows
there, whatever it holds; a row that it cannot reach stands as if everything had been read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Column
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT
from ri_report.rules.expiry import month_of
from ri_report.rules.matching import INDEPENDENT_REGIONS
from ri_report.rules.unread import UNLISTED, Cells, left_out, not_saved, unread, unread_capacity

if TYPE_CHECKING:
    from ri_report.inventory.frames import Frame
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing
    from ri_report.rules.unread import Place

COMPLETE = "complete"
PARTIAL = "partial"
UNKNOWN = "unknown"
COMPLETENESS_TEXT = {
    COMPLETE: "Nothing that was not read could change the units",
    PARTIAL: "The units are of what was read; what was not read could change them",
    UNKNOWN: "The units rest on something that was not read",
}
COMPLETENESS = Column(
    "completeness",
    "text",
    "complete, nothing unread could change the units; partial, something could; unknown, they rest"
    " on something unread",
)


def said(*, partial: pd.Series[bool], unknown: pd.Series[bool]) -> pd.Series[str]:
    """Return the word for each row, the unknown ones first, aligned."""
    told = partial.map({True: PARTIAL, False: COMPLETE}).astype("str")
    return told.mask(unknown, UNKNOWN)


@dataclass(frozen=True)
class _Reach:
    """What something unread could change.

    Attributes:
        circles: The circles in which it shares, each with its region; region "" is all of them.
        is_everywhere: Whether accounts were not listed, which might share with any.
        sharing: Who may serve whom.
    """

    circles: frozenset[Place]
    is_everywhere: bool
    sharing: Sharing

    def among(self, rows: pd.DataFrame, account: str = "account_id") -> pd.Series[bool]:
        """Return for each row, of this account in a region, whether it could change, aligned."""
        circles = self.sharing.circles(rows[account], self.sharing.widest_tier)
        places = rows[["region"]].assign(account_id=circles)
        return Cells(self.circles).hold(places) | self.is_everywhere


def _reach(places: frozenset[Place], sharing: Sharing) -> _Reach:
    known = pd.DataFrame(sorted(places - {UNLISTED}), columns=["account", "region"], dtype="str")
    circles = sharing.circles(known["account"], sharing.widest_tier)
    here = frozenset(zip(circles, known["region"], strict=True))
    return _Reach(here, UNLISTED in places, sharing)


def with_completeness(analysis: Analysis, inventory: Inventory, sharing: Sharing) -> Analysis:
    """Return the analysis, the rows of which say whether something unread could change them.

    Accounts that were left out on purpose count as unread where they share with the others: AWS
    does not leave them out. So do regions that saved answers lack of some accounts only.

    Rows of coverage are partial too where zone ids were not read by which they would be others.

    Args:
        analysis: One whose rows are complete, or unknown where they rest on something unread.
        inventory: What was seen, and how the reading of each cell ended.
        sharing: Who may serve whom.
    """
    analysis = _without_split_zones(analysis)
    missing, slots = unread(inventory.outcomes), unread_capacity(inventory.outcomes)
    out = frozenset((account, "") for account in left_out(inventory, sharing))
    unsaved = not_saved(inventory.outcomes)
    if not missing.places | out | unsaved | slots:
        return analysis
    unrun, unbought = (
        cells.places | unsaved for cells in (missing.instances, missing.reservations)
    )
    cover = _reach(unrun | unbought | out, sharing)
    use = _reach(missing.places | unsaved | out | slots, sharing)
    covered = cover.among(analysis.covered)
    changed = {
        "covered": covered,
        "coverage": _places(analysis, covered, unrun),
        "coverage_by_account": cover.among(analysis.coverage_by_account),
        "uncovered": cover.among(analysis.uncovered),
        "pools": use.among(analysis.pools),
        "utilization": use.among(analysis.utilization),
        "zone_match": use.among(analysis.zone_match),
        "capacity_reservations": use.among(analysis.capacity_reservations, "billed_account_id"),
        "allocations": _of_reservations(analysis, use),
        "expiries": _months(analysis, use, unbought),
        # What keeps units from being used may run in any region and any account.
        "unused_reasons": pd.Series(data=True, index=analysis.unused_reasons.index),
    }
    return replace(
        analysis,
        **{name: _partial(getattr(analysis, name), rows) for name, rows in changed.items()},
    )


def _partial(frame: pd.DataFrame, rows: pd.Series[bool]) -> pd.DataFrame:
    """Call partial what is complete among these rows."""
    told = frame[COMPLETENESS.name]
    return frame.assign(**{COMPLETENESS.name: told.mask(rows & (told == COMPLETE), PARTIAL)})


def _without_split_zones(analysis: Analysis) -> Analysis:
    """Return the analysis in which no row of a zone is complete that lacks a part of the zone."""
    covered, places, lines = analysis.covered, analysis.coverage, analysis.coverage_by_account
    if (covered["availability_zone_id"] != "").all():
        return analysis
    return replace(
        analysis,
        coverage=_partial(places, _is_split(places, covered, COVERAGE)),
        coverage_by_account=_partial(lines, _is_split(lines, covered, COVERAGE_BY_ACCOUNT)),
    )


def _is_split(rows: pd.DataFrame, covered: pd.DataFrame, frame: Frame) -> pd.Series[bool]:
    """Return which rows are of a zone name that has other rows, or may be several places.

    Both only because the id of some usage was not read: the name is another place in other accounts
    where `matching.INDEPENDENT_REGIONS` says so.
    """
    key = [name for name in frame.key if name != "availability_zone_id"]
    place, account = covered["availability_zone_id"], covered["account_id"]
    named = covered[key].assign(is_lost=place == "", place=place, account=account)
    told = named.groupby(key, as_index=False).agg(
        {"is_lost": "any", "place": "nunique", "account": "nunique"}
    )
    is_several = (told["account"] > 1) & told["region"].isin(INDEPENDENT_REGIONS)
    split = told.loc[told["is_lost"] & ((told["place"] > 1) | is_several), key]
    found = pd.MultiIndex.from_frame(rows[key]).isin(pd.MultiIndex.from_frame(split))
    return pd.Series(found, rows.index, dtype=bool)


def _places(
    analysis: Analysis, covered: pd.Series[bool], unrun: frozenset[Place]
) -> pd.Series[bool]:
    """Return which rows of coverage lack instances, or count some whose cover could change."""
    rows, key = analysis.coverage, list(COVERAGE.key)
    regions = {region for _, region in unrun}
    changed = analysis.covered.loc[covered, key].drop_duplicates()
    is_changed = pd.MultiIndex.from_frame(rows[key]).isin(pd.MultiIndex.from_frame(changed))
    return rows["region"].isin(regions) | is_changed | ("" in regions)


def _of_reservations(analysis: Analysis, use: _Reach) -> pd.Series[bool]:
    """Return which allocations could change: those of a reservation whose use could."""
    changed = analysis.active.loc[use.among(analysis.active), "reservation_id"]
    return analysis.allocations["reservation_id"].isin(changed)


def _months(analysis: Analysis, use: _Reach, unbought: frozenset[Place]) -> pd.Series[bool]:
    """Return which months could change: any where purchases were not read."""
    ends = analysis.active.loc[use.among(analysis.active), "end"]
    months = analysis.expiries["month"]
    return months.isin(month_of(ends.dropna())) | bool(unbought)
