"""The tables of the report: which frames are published, under which title, with which note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.outcomes import OUTCOMES, READ, CellKind
from ri_report.inventory.schema import RESERVATIONS
from ri_report.rules.counts import RUNNING
from ri_report.rules.coverage import COVERAGE, COVERAGE_BY_ACCOUNT, MEASURES, measure, ratio
from ri_report.rules.eligibility import NOT_ELIGIBLE, OTHER_STATES
from ri_report.rules.expiry import EXPIRIES
from ri_report.rules.reasons import UNCOVERED, UNUSED_REASONS
from ri_report.rules.utilization import POOLS, UTILIZATION
from ri_report.rules.zones import ZONE_MATCH

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis

SUMMABLE = frozenset({"count", "units"})

ALLOCATED = Frame(
    "allocations",
    ("reservation_id", "instance_id"),
    (
        Column("reservation_id", "text", "Reservation that covers"),
        Column("reservation_account_id", "text", "Account that bought it", "Owner"),
        Column("instance_id", "text", "Instance that is covered"),
        Column("instance_account_id", "text", "Account that runs it", "Runs in"),
        Column("tier", "text", "owner: own account; organization: borrowed"),
        Column("covered_units", "units", "Normalized units covered"),
    ),
)
GAPS = Frame(
    "gaps",
    OUTCOMES.key,
    tuple(c for c in OUTCOMES.columns if c.name not in ("row_count", "is_gap")),
)
FAMILIES = Frame(
    "coverage_by_family",
    ("family",),
    (Column("family", "text", "Instance family: all before the dot"), *MEASURES),
)
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

COUNTS = Frame(
    RUNNING.name,
    RUNNING.key,
    tuple(replace(c, nullable=True) if c.kind in SUMMABLE else c for c in RUNNING.columns),
)

READ_IN_FULL = "read"
NOT_QUERIED = "not queried"
NO_INSTANCES = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.INSTANCES})
NO_RESERVATIONS = frozenset({CellKind.ACCOUNT, CellKind.REGIONS, CellKind.RESERVATIONS})


@dataclass(frozen=True)
class Table:
    """One table of every output.

    Attributes:
        title: What stands above it; also the workbook's sheet, so at most 31 characters.
        note: Where it comes from and how it is to be read, in a sentence.
        frame: The declaration of its columns; its name is the CSV file and the page's anchor.
        rows: The rows, raw values, in the order in which they are shown.
        in_total: For each row whether the total covers it; None where it covers all.
    """

    title: str
    note: str
    frame: Frame
    rows: pd.DataFrame
    in_total: pd.Series[bool] | None = None

    @property
    def name(self) -> str:
        """The name of the CSV file, the JSON key and the anchor."""
        return self.frame.name

    def total(self) -> dict[str, Any]:
        """Return the sums of counts and units and the ratios of these sums, by column name.

        A sum over an unknown value is unknown (None). Columns without a total are left out; a
        table without any such column, or without rows, gives an empty dict.
        """
        if self.rows.empty:
            return {}
        counted = self.rows if self.in_total is None else self.rows[self.in_total.to_numpy()]
        sums: dict[str, Any] = {}
        for column in self.frame.columns:
            if column.kind in SUMMABLE:
                values = counted[column.name]
                sums[column.name] = None if values.isna().any() else values.sum()
        for column in self.frame.columns:
            if column.ratio_of:
                sums[column.name] = _quotient(*(sums[name] for name in column.ratio_of))
        return sums


def _quotient(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def make_tables(inventory: Inventory, analysis: Analysis) -> dict[str, Table]:
    """Return every table of the report by name, in reading order."""
    gaps = inventory.outcomes[inventory.outcomes["is_gap"]]
    accounts = account_summary(inventory, analysis)
    tables = (
        Table(
            "Coverage",
            "Eligible On-Demand instances running at the moment of observation. A zone name may be"
            " a different place in each account; the zone id is the place.",
            COVERAGE,
            analysis.coverage,
        ),
        Table(
            "Utilization",
            "Active reservations, most unused first, used by instances running at the moment of"
            " observation.",
            UTILIZATION,
            _most_unused_first(analysis.utilization),
        ),
        Table(
            "Unused by reason",
            "What kept unused units from being used; the reasons of a reservation add up to its"
            " unused units.",
            UNUSED_REASONS,
            _most_unused_first(analysis.unused_reasons),
        ),
        Table(
            "Zones by name or id",
            "Reservations whose use depends on whether zonal ones serve other accounts in the zone"
            " of the same name, as AWS's billing guide words it, or in the same physical place.",
            ZONE_MATCH,
            analysis.zone_match,
        ),
        Table(
            "Coverage by family",
            "The same instances as in Coverage, by instance family, over all regions.",
            FAMILIES,
            _families(analysis),
        ),
        Table(
            "Coverage by account",
            "Coverage by the account that runs the instances. What was not read is unknown.",
            COVERAGE_BY_ACCOUNT,
            _with_unknown(analysis.coverage_by_account, gaps),
        ),
        Table(
            "Uncovered",
            "Instances that are not fully covered, largest first.",
            UNCOVERED,
            analysis.uncovered,
        ),
        Table(
            "Pools",
            "Totals in which AWS's rules are firm: what each account runs, buys, lends and"
            " borrows. Over the accounts of a pool, lent equals borrowed.",
            POOLS,
            analysis.pools,
        ),
        Table(
            "Expiring", "Ends of terms and queued purchases, by month.", EXPIRIES, analysis.expiries
        ),
        Table(
            "Accounts",
            "Every account under the bill and what was read of it. Accounts that were not queried,"
            " because they are excluded or not active, are in no total.",
            ACCOUNT_SUMMARY,
            accounts,
            accounts["reading"] != NOT_QUERIED,
        ),
        Table("Not read", "What could not be read, why, and the fix.", GAPS, gaps),
        Table(
            "Running instances",
            "All running instances by account, region and type, before any rule about discounts."
            " What was not read is unknown.",
            COUNTS,
            _with_unseen(COUNTS, analysis.running, gaps),
        ),
        Table(
            "Purchases",
            "Every reservation record that AWS returned, in every state, with its prices for one"
            " instance.",
            Frame("purchases", RESERVATIONS.key, RESERVATIONS.columns),
            inventory.reservations,
        ),
        Table(
            "Not eligible",
            "Running instances that no reservation can cover; they are in no ratio.",
            NOT_ELIGIBLE,
            analysis.not_eligible,
        ),
        Table(
            "No discount now",
            "Reservations that give no discount at this moment, by state; they are in no ratio.",
            OTHER_STATES,
            analysis.other_states,
        ),
        Table(
            "Allocations",
            "Which reservation covers how much of which instance. Within a pool the split among"
            " sizes and instances is a convention.",
            ALLOCATED,
            _allocated(analysis),
        ),
    )
    return {table.name: _checked(table) for table in tables}


def _most_unused_first(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["unused_units", "reservation_id"], ascending=[False, True])


def _checked(table: Table) -> Table:
    return replace(table, rows=table.frame.check(table.rows))


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


def _families(analysis: Analysis) -> pd.DataFrame:
    family = analysis.covered["instance_type"].str.split(".").str[0]
    return measure(analysis.covered.assign(family=family), FAMILIES.key).sort_values(
        ["running_units", "family"], ascending=[False, True]
    )


def _with_unknown(coverage: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Mark coverage without reservations as unknown, and add what was not read at all."""
    measures = [column.name for column in MEASURES]
    blind = _cells(gaps, NO_RESERVATIONS)
    known = coverage.copy()
    keys = list(zip(known["account_id"], known["region"], strict=True))
    unsure = pd.Series([key in blind or (key[0], "") in blind for key in keys], known.index, bool)
    for name in measures:
        if not name.startswith("running"):
            known[name] = known[name].mask(unsure)
    return _with_unseen(COVERAGE_BY_ACCOUNT, known, gaps)


def _with_unseen(frame: Frame, rows: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Add a row of unknowns for each account or region whose instances were not read."""
    unseen = frame.of(
        {"account_id": account, "region": region}
        for account, region in sorted(_cells(gaps, NO_INSTANCES))
    )
    known = rows[frame.names].astype(unseen.dtypes.to_dict())
    return pd.concat([known, unseen]).sort_values(list(frame.key))


def _cells(gaps: pd.DataFrame, kinds: frozenset[CellKind]) -> set[tuple[str, str]]:
    chosen = gaps[gaps["kind"].isin(kinds)]
    return set(zip(chosen["account_id"], chosen["region"], strict=True))


def _allocated(analysis: Analysis) -> pd.DataFrame:
    rows = analysis.allocations.merge(
        analysis.active[["reservation_id", "account_id"]].rename(
            columns={"account_id": "reservation_account_id"}
        ),
        on="reservation_id",
        how="left",
        validate="m:1",
    ).merge(
        analysis.covered[["usage_id", "account_id"]].rename(
            columns={"account_id": "instance_account_id"}
        ),
        on="usage_id",
        how="left",
        validate="m:1",
    )
    return rows.rename(columns={"usage_id": "instance_id", "units": "covered_units"}).sort_values(
        list(ALLOCATED.key)
    )
