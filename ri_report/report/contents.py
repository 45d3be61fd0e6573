"""Contents: which tables the report has, in reading order, and how their rows come about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import RESERVATIONS
from ri_report.report.accounts import ACCOUNT_SUMMARY, account_summary, is_in_total
from ri_report.report.capacity import POOLS_SHOWN, capacity_rows, pool_rows
from ri_report.report.seen import SUMS_OF_COVER, SUMS_OF_USE
from ri_report.rules.basis import BASIS, FIRM, MARKED
from ri_report.rules.completeness import COMPLETE, COMPLETENESS, PARTIAL, said
from ri_report.rules.counts import RUNNING
from ri_report.rules.coverage import MEASURES, measure
from ri_report.rules.eligibility import NOT_ELIGIBLE, OTHER_STATES
from ri_report.rules.expiry import EXPIRIES
from ri_report.rules.unread import unread
from ri_report.rules.zones import ZONE_MATCH, ZONE_MATCH_OTHER

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis

    Needed = Literal["instances", "reservations", "accounts"]
    Rows = Callable[[Inventory, Analysis], pd.DataFrame]

ALLOCATED = Frame(
    "allocations",
    ("reservation_id", "instance_id"),
    (
        Column("reservation_id", "text", "Reservation that covers"),
        Column("reservation_account_id", "text", "Account that bought it", "Owner"),
        Column("instance_id", "text", "Instance that is covered"),
        Column("instance_account_id", "text", "Account that runs it", "Runs in"),
        Column("tier", "text", "owner: own account; group or organization: borrowed"),
        Column("covered_units", "units", "Normalized units covered", nullable=True),
        ZONE_MATCH_OTHER,
        BASIS,
        COMPLETENESS,
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
    (
        Column("family", "text", "Instance family: all before the dot"),
        *(c for c in MEASURES if c.name not in ("covered_instances", "uncovered_instances")),
        BASIS,
        COMPLETENESS,
    ),
)
PURCHASES = Frame("purchases", RESERVATIONS.key, RESERVATIONS.columns)
MONTHS_AHEAD = 36
"""The longest term for which AWS sells reservations, three years (EC2 User Guide, "Term
commitment")."""
COUNTED_INSTANCES = ("running_instances", "covered_instances", "uncovered_instances")


@dataclass(frozen=True)
class Entry:
    """One table: its title and note, the declaration of its columns, and where its rows are from.

    Attributes:
        title: What stands above it; also the workbook's sheet, so at most 31 characters.
        note: Where it comes from and how it is to be read, in a sentence.
        frame: The declaration of its columns.
        rows: Makes its rows, in the order in which they are shown.
        needs: `instances` or `reservations`, if where these were not read it may lack rows;
            `accounts`, if it lacks one for each account that was not listed.
        in_total: Tells for each row whether the total covers it; None where it covers all.
        open_totals: Columns whose total is open where a row is; other totals are of whole pools.
        headline_sums: Columns that add up to what the headlines rest on.
    """

    title: str
    note: str
    frame: Frame
    rows: Rows
    needs: tuple[Needed, ...] = ()
    in_total: Callable[[pd.DataFrame], pd.Series[bool]] | None = None
    open_totals: tuple[str, ...] = ()
    headline_sums: tuple[str, ...] = ()


def _gaps(inventory: Inventory) -> pd.DataFrame:
    return inventory.outcomes[inventory.outcomes["is_gap"]]


def _most_unused_first(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["unused_units", "reservation_id"], ascending=[False, True])


def _families(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Sum whole pools, all of which lie in one family, so that what is known is firm."""
    family = analysis.covered["instance_type"].str.split(".").str[0]
    covered = analysis.covered.assign(family=family)
    rows = measure(covered, FAMILIES.key)
    is_unknown = rows["covered_units"].isna()
    partial = covered.loc[covered[COMPLETENESS.name] != COMPLETE, "family"]
    # What runs unseen may be of any family.
    is_partial = rows["family"].isin(partial) | bool(unread(inventory.outcomes).instances.places)
    words = {
        BASIS.name: pd.Series(FIRM, rows.index).mask(is_unknown, ""),
        COMPLETENESS.name: said(partial=is_partial, unknown=is_unknown),
    }
    return rows.assign(**words).sort_values(["running_units", "family"], ascending=[False, True])


def _allocated(analysis: Analysis) -> pd.DataFrame:
    to_slots = analysis.allocations["usage_id"].isin(analysis.idle_slots["usage_id"])
    rows = (
        analysis.allocations[~to_slots]
        .merge(
            analysis.active[["reservation_id", "account_id"]].rename(
                columns={"account_id": "reservation_account_id"}
            ),
            on="reservation_id",
            how="left",
            validate="m:1",
        )
        .merge(
            analysis.covered[["usage_id", "account_id"]].rename(
                columns={"account_id": "instance_account_id"}
            ),
            on="usage_id",
            how="left",
            validate="m:1",
        )
    )
    return rows.rename(columns={"usage_id": "instance_id", "units": "covered_units"}).sort_values(
        list(ALLOCATED.key)
    )


def _every_month(inventory: Inventory, analysis: Analysis) -> pd.DataFrame:
    """Return the months in which something ends or starts, and those between without anything.

    What the frame has beyond `MONTHS_AHEAD` stands in it without the months between.
    """
    frame, rows = MARKED["expiries"], analysis.expiries
    ahead = months_ahead(inventory.as_of)
    last = max((month for month in rows["month"] if month <= ahead[-1]), default="")
    nothing = dict.fromkeys((c.name for c in EXPIRIES.columns if c.kind != "text"), 0)
    word = PARTIAL if unread(inventory.outcomes).reservations.places else COMPLETE
    empty = frame.of(
        nothing | {"month": month, BASIS.name: FIRM, COMPLETENESS.name: word}
        for month in ahead
        if month <= last and month not in set(rows["month"])
    )
    return pd.concat([frame.check(rows), empty]).sort_values("month")


def months_ahead(as_of: datetime) -> list[str]:
    """Return the month of observation and those ahead in which terms can end: `2026-11`."""
    first = as_of.year * 12 + as_of.month - 1
    return [f"{m // 12}-{m % 12 + 1:02d}" for m in range(first, first + MONTHS_AHEAD + 1)]


CONTENTS = (
    Entry(
        "Coverage",
        "Eligible On-Demand instances running at the moment of observation. A zone name may be"
        " a different place in each account; the zone id is the place.",
        MARKED["coverage"],
        lambda _, analysis: analysis.coverage,
        ("instances",),
        open_totals=("covered_instances", "uncovered_instances"),
        headline_sums=(*COUNTED_INSTANCES, *SUMS_OF_COVER),
    ),
    Entry(
        "Utilization",
        "Active reservations, most unused first, used by instances running at the moment of"
        " observation, and then by idle slots of capacity reservations.",
        MARKED["utilization"],
        lambda _, analysis: _most_unused_first(analysis.utilization),
        ("reservations",),
        open_totals=("lent_units",),
        headline_sums=(*SUMS_OF_USE, "unused_units"),
    ),
    Entry(
        "Unused by reason",
        "What kept unused units from being used; the reasons of a reservation add up to its"
        " unused units.",
        MARKED["unused_reasons"],
        lambda _, analysis: _most_unused_first(analysis.unused_reasons),
        ("reservations",),
        headline_sums=("unused_units",),
    ),
    Entry(
        "Zones by name or id",
        "Reservations whose use depends on whether zonal ones serve other accounts in the zone"
        " of the same name, as AWS's billing guide words it, or in the same physical place.",
        MARKED["zone_match"],
        lambda _, analysis: analysis.zone_match,
        ("instances", "reservations"),
        open_totals=tuple(c.name for c in ZONE_MATCH.columns if c.kind == "units"),
    ),
    Entry(
        "Coverage by family",
        "The same instances as in Coverage, by instance family, over all regions. These totals are"
        " firm: AWS's rules fix them. How many instances of mixed sizes are covered they do not.",
        FAMILIES,
        _families,
        ("instances",),
        headline_sums=("running_instances", *SUMS_OF_COVER),
    ),
    Entry(
        "Coverage by account",
        "Coverage by the account that runs the instances. What was not read is unknown.",
        MARKED["coverage_by_account"],
        lambda _, analysis: analysis.coverage_by_account,
        open_totals=("covered_instances", "uncovered_instances"),
        headline_sums=(*COUNTED_INSTANCES, *SUMS_OF_COVER),
    ),
    Entry(
        "Uncovered",
        "Instances that are not fully covered, largest first.",
        MARKED["uncovered"],
        lambda _, analysis: analysis.uncovered,
        ("instances",),
        open_totals=("running_units", "covered_units"),
        headline_sums=("uncovered_units",),
    ),
    Entry(
        "Pools",
        "What each account runs, buys, lends and borrows. Over the accounts of a pool what is"
        " covered and what is used is firm, and used is what covers instances and idle slots of"
        " capacity reservations; lent equals borrowed.",
        POOLS_SHOWN,
        pool_rows,
        open_totals=("lent_units", "borrowed_units"),
        headline_sums=(*SUMS_OF_COVER, *SUMS_OF_USE),
    ),
    Entry(
        "Capacity reservations",
        "Active On-Demand Capacity Reservations. AWS bills idle slots as it bills instances: they"
        " use up what instances leave of regional reservations, and are in no coverage.",
        MARKED["capacity_reservations"],
        capacity_rows,
    ),
    Entry(
        "Expiring",
        "Ends of terms and queued purchases, by month, through the last in which there is any.",
        MARKED["expiries"],
        _every_month,
        ("reservations",),
        open_totals=("ending_used_units",),
    ),
    Entry(
        "Accounts",
        "Every account under the bill and what was read of it. Accounts that were not queried,"
        " because they are excluded or not active, are in no total.",
        ACCOUNT_SUMMARY,
        account_summary,
        ("accounts",),
        in_total=is_in_total,
        open_totals=("lent_units", "borrowed_units"),
        headline_sums=(*SUMS_OF_COVER, *SUMS_OF_USE),
    ),
    Entry(
        "Not read",
        "What could not be read, why, and the fix.",
        GAPS,
        lambda inventory, _: _gaps(inventory),
    ),
    Entry(
        "Running instances",
        "All running instances by account, region and type, before any rule about discounts."
        " What was not read is unknown.",
        RUNNING,
        lambda _, analysis: analysis.running,
    ),
    Entry(
        "Purchases",
        "Every reservation record that AWS returned, in every state, with its prices for one"
        " instance.",
        PURCHASES,
        lambda inventory, _: inventory.reservations,
        ("reservations",),
    ),
    Entry(
        "Not eligible",
        "Instances that no reservation can cover; they are in no ratio.",
        NOT_ELIGIBLE,
        lambda _, analysis: analysis.not_eligible,
        ("instances",),
    ),
    Entry(
        "No discount now",
        "Reservations that give no discount at this moment, by state; they are in no ratio.",
        OTHER_STATES,
        lambda _, analysis: analysis.other_states,
        ("reservations",),
    ),
    Entry(
        "Allocations",
        "Which reservation covers how much of which instance; idle slots are in Capacity"
        " reservations.",
        ALLOCATED,
        lambda _, analysis: _allocated(analysis),
        ("instances", "reservations"),
    ),
)
"""Every table, in reading order."""
