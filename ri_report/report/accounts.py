"""Accounts: every account under the bill, what was read of it, and its share of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.outcomes import NOT_OPTED_IN, READ, CellKind
from ri_report.rules.basis import BASIS, CONVENTION, FIRM
from ri_report.rules.completeness import COMPLETE, COMPLETENESS, said
from ri_report.rules.coverage import ratio

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis

ACCOUNT_SUMMARY = Frame(
    "accounts",
    ("account_id",),
    (
        Column("account_id", "text", "12 digits", "Account"),
        Column("account_name", "text", "Name in Organizations or the configuration", "Name"),
        Column("state", "text", "State in Organizations"),
        Column(
            "reading",
            "text",
            "read, partly read, not read, nothing to read (none of the wanted regions is enabled),"
            " or not queried",
            "Reading",
        ),
        Column("running_instances", "count", "Running instances", "Running", nullable=True),
        Column("running_units", "units", "Eligible units running", nullable=True),
        Column("covered_units", "units", "Of these, covered", nullable=True),
        Column(
            "coverage_ratio",
            "ratio",
            "Covered / running units",
            "Coverage",
            nullable=True,
            ratio_of=("covered_units", "running_units"),
        ),
        Column("purchased_units", "units", "Units of its active reservations", nullable=True),
        Column("used_units", "units", "Of these, used by any account", nullable=True),
        Column(
            "utilization_ratio",
            "ratio",
            "Used / purchased units",
            "Utilization",
            nullable=True,
            ratio_of=("used_units", "purchased_units"),
        ),
        Column("borrowed_units", "units", "Covered by other accounts", nullable=True),
        Column("lent_units", "units", "Lent to other accounts", nullable=True),
        BASIS,
        COMPLETENESS,
    ),
)

READ_IN_FULL = "read"
PARTLY_READ = "partly read"
NOT_READ = "not read"
NOTHING_TO_READ = "nothing to read"
NOT_QUERIED = "not queried"
READINGS_IN_FULL = frozenset({READ_IN_FULL, NOTHING_TO_READ})
"""An account without any of the wanted regions has nothing there: that is known, and it is 0."""


def is_in_total(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row of `ACCOUNT_SUMMARY` whether totals cover it: it was to be read."""
    return rows["reading"] != NOT_QUERIED


def account_summary(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return frame `ACCOUNT_SUMMARY`; what was not read of an account is unknown, never 0.

    Args:
        inventory: What was seen, and how the reading of each cell ended.
        analysis: What `unknown.blind` returns: an unread cell is a row without numbers, and the
            sums over it are unknown. An account without any row has nothing.
    """
    rows = inventory.accounts.assign(reading=_readings(inventory))
    queried = is_in_total(rows)
    sums = (
        _sums(rows["account_id"], frame).where(queried)
        for frame in (analysis.running, analysis.pools)
    )
    summary = pd.concat([rows, *sums], axis="columns")
    return summary.assign(
        **_words(summary, analysis.pools),
        coverage_ratio=ratio(summary["covered_units"], summary["running_units"]),
        utilization_ratio=ratio(summary["used_units"], summary["purchased_units"]),
    )


def _sums(ids: pd.Series[str], frame: pd.DataFrame) -> pd.DataFrame:
    """Add up what of `ACCOUNT_SUMMARY` a frame has, by account; aligned with the ids."""
    names = [c.name for c in ACCOUNT_SUMMARY.columns if c.kind in ("count", "units")]
    numbers = frame[["account_id", *(name for name in names if name in frame)]]
    sums = numbers.groupby("account_id").sum(skipna=False).astype("Float64")
    return sums.reindex(ids, fill_value=0.0).set_axis(ids.index)


def _words(summary: pd.DataFrame, pools: pd.DataFrame) -> dict[str, pd.Series[str]]:
    """Return what each account says of its numbers: firm, or complete, if each of its pools is."""
    of_pools, known = pools["account_id"], summary[["covered_units", "used_units"]].notna()
    is_unknown = ~known.any(axis="columns")
    is_open, is_partial = (
        summary["account_id"].isin(of_pools[rows])
        for rows in (pools[BASIS.name] == CONVENTION, pools[COMPLETENESS.name] != COMPLETE)
    )
    return {
        BASIS.name: is_open.map({True: CONVENTION, False: FIRM}).mask(is_unknown, ""),
        COMPLETENESS.name: said(partial=is_partial, unknown=is_unknown),
    }


def _readings(inventory: Inventory) -> list[str]:
    outcomes = inventory.outcomes
    gaps = outcomes[outcomes["is_gap"]]
    kinds = gaps["kind"].isin([CellKind.ACCOUNT, CellKind.REGIONS])
    has = {
        NOT_READ: set(gaps.loc[kinds, "account_id"]),
        PARTLY_READ: set(gaps["account_id"]),
        READ_IN_FULL: set(outcomes.loc[outcomes["status"].isin(READ), "account_id"]),
        NOTHING_TO_READ: set(outcomes.loc[outcomes["reason"] == NOT_OPTED_IN, "account_id"]),
    }
    return [
        next((reading for reading, ids in has.items() if account_id in ids), NOT_QUERIED)
        for account_id in inventory.accounts["account_id"]
    ]
