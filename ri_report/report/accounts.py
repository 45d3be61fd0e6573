"""Accounts: every account under the bill, what was read of it, and its share of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.outcomes import READ, CellKind
from ri_report.rules.coverage import ratio

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis

ACCOUNT_SUMMARY = Frame(
    "accounts",
    ("account_id",),
    (
        Column("account_id", "text", "12 digits", "Account"),
        Column("account_name", "text", "Name in Organizations or the configuration", "Name"),
        Column("state", "text", "State in Organizations"),
        Column("reading", "text", "read, partly read, not read, or not queried", "Reading"),
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
    ),
)

READ_IN_FULL = "read"
NOT_QUERIED = "not queried"
NO_INSTANCES = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.INSTANCES})
NO_RESERVATIONS = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.RESERVATIONS})


def is_in_total(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row of `ACCOUNT_SUMMARY` whether totals cover it: it was to be read."""
    return rows["reading"] != NOT_QUERIED


def account_summary(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return frame `ACCOUNT_SUMMARY`; what was not read of an account is unknown, never 0."""
    accounts, gaps = inventory.accounts, inventory.outcomes[inventory.outcomes["is_gap"]]
    totals = analysis.pools.groupby("account_id").sum(numeric_only=True)
    counts = analysis.running.groupby("account_id")["running_instances"].sum()
    rows = accounts.merge(totals, on="account_id", how="left", validate="1:1").merge(
        counts, on="account_id", how="left", validate="1:1"
    )
    rows["reading"] = _reading(rows["account_id"], inventory.outcomes)
    queried = rows["reading"] != NOT_QUERIED
    instances_known = queried & ~rows["account_id"].isin(_accounts_without(gaps, NO_INSTANCES))
    bought_known = queried & ~rows["account_id"].isin(_accounts_without(gaps, NO_RESERVATIONS))
    for name, known in {
        "running_instances": instances_known,
        "running_units": instances_known,
        "covered_units": instances_known & bought_known,
        "borrowed_units": instances_known & bought_known,
        "purchased_units": bought_known,
        # What an account runs itself comes first, so that what it lends follows from it.
        "used_units": instances_known & bought_known,
        "lent_units": instances_known & bought_known,
    }.items():
        rows[name] = rows[name].astype("Float64").fillna(0.0).where(known)
    return rows.assign(
        coverage_ratio=ratio(rows["covered_units"], rows["running_units"]),
        utilization_ratio=ratio(rows["used_units"], rows["purchased_units"]),
    )


def _accounts_without(gaps: pd.DataFrame, kinds: frozenset[CellKind]) -> set[str]:
    return set(gaps.loc[gaps["kind"].isin(kinds), "account_id"])


def _reading(account_ids: pd.Series[str], outcomes: pd.DataFrame) -> list[str]:
    gaps = outcomes[outcomes["is_gap"]]
    unread = _accounts_without(gaps, frozenset({CellKind.ACCOUNT, CellKind.REGIONS}))
    partly = set(gaps["account_id"])
    read = set(outcomes.loc[outcomes["status"].isin(READ), "account_id"])

    def reading(account_id: str) -> str:
        if account_id in unread:
            return "not read"
        if account_id in partly:
            return "partly read"
        return READ_IN_FULL if account_id in read else NOT_QUERIED

    return [reading(account_id) for account_id in account_ids]
