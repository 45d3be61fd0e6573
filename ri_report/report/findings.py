"""Findings: what a reader must know about the data that the numbers rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.outcomes import Status
from ri_report.report.alternatives import zonal_inside, zone_match
from ri_report.report.limits import (
    accounts_left_out,
    accounts_not_active,
    management_unknown,
    regions_not_saved,
    zones_unknown,
)
from ri_report.report.model import Finding
from ri_report.report.text import visible
from ri_report.report.wording import UNLISTED, named, quantity, words
from ri_report.rules.eligibility import NO_DISCOUNT_REASONS
from ri_report.rules.places import contradictions
from ri_report.rules.unread import unread_capacity

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing

BASIS_TEXT = {
    "multiple": "AWS documents no normalization factor; 8 x N is used, as in all of its table",
    "largest_size": "AWS documents no factor for this metal size; that of the family's largest"
    " virtual size is used",
    "none": "no normalization factor is known; each instance counts as 1 unit and matches only its"
    " own type",
}
WORTH_A_WARNING = {
    "payment-pending": "payment not settled, no discount yet",
    "payment-failed": "payment failed, no discount",
    "malformed": "left out, because scope, zone, type or count makes no sense",
    "state_unknown": "left out, because AWS gave no state",
    "platform_unknown": "left out, because the platform is not recognized",
    "tenancy_unknown": "left out, because the tenancy is not recognized",
    "outside_region_zones": "left out, because AWS does not say what they cover outside the zones"
    " of the region",
}


NOT_JUDGED = ("lifecycle_unknown", "type_unknown", "tenancy_unknown", "zone_unknown")
"""Why instances are set apart of which it is unknown whether a reservation could cover them."""

DETAIL_LIMIT = 300
"""Most characters of what AWS said, or of what was wrong with its answer."""
LEVELS = ("gap", "warning", "note")
"""The order in which findings are told."""


def findings(inventory: Inventory, analysis: Analysis, sharing: Sharing) -> tuple[Finding, ...]:
    """Return the findings: gaps first, then warnings, then notes."""
    found: tuple[Finding, ...] = (
        *gaps(inventory.accounts, inventory.outcomes),
        *accounts_left_out(inventory, sharing),
        *regions_not_saved(inventory),
        *accounts_not_active(inventory),
        *_sharing(inventory, sharing),
        *_ungrouped(inventory, analysis, sharing),
        *_factors(analysis),
        *_flexibility(analysis),
        *_platforms(analysis),
        *_unjudged(analysis),
        *_reservations(analysis),
        *_without_term(analysis),
        *zone_match(inventory, analysis, sharing),
        *zonal_inside(inventory, analysis, sharing),
        *zones_unknown(analysis),
        *_zone_contradictions(inventory),
        *_zone_names(analysis),
        *_not_eligible(analysis),
        *_capacity(inventory),
        *management_unknown(inventory),
        *_source(inventory),
    )
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def gaps(accounts: pd.DataFrame, outcomes: pd.DataFrame) -> list[Finding]:
    """Return what was not read, one finding for each kind of cell and cause.

    Args:
        accounts: Frame `ACCOUNTS`.
        outcomes: Frame `OUTCOMES`, or those of it that are gaps.
    """
    cells = outcomes[outcomes["is_gap"]]
    names = accounts.set_index("account_id")["account_name"]
    labels = cells["account_id"].replace("", UNLISTED) + cells["account_id"].map(names).map(
        lambda name: f" ({name})" if isinstance(name, str) and name else ""
    )
    labels = labels.where(cells["region"] == "", labels + " in " + cells["region"])
    found = []
    for (kind, status, reason), rows in cells.groupby(["kind", "status", "reason"]):
        what = (
            "Not read"
            if kind in ("account", "regions")
            else f"{words(str(kind)).capitalize()} not read"
        )
        why = f"{status} ({reason})" if reason != "" else str(status)
        text = f"{what}: {named(labels[rows.index])}: {why}{_detail(rows)}"
        found.append(Finding("gap", text, rows["fix"].iloc[0], "gaps"))
    return found


def _detail(rows: pd.DataFrame) -> str:
    """Return what was wrong with a single cell; a refusal's reason and fix already say it."""
    if len(rows) > 1 or rows["status"].iloc[0] == Status.DENIED:
        return ""
    detail = visible(rows["detail"].iloc[0], DETAIL_LIMIT).rstrip(".")
    return f": {detail}" if detail else ""


def _sharing(inventory: Inventory, sharing: Sharing) -> list[Finding]:
    found = []
    if strangers := sharing.deactivated_accounts - set(inventory.accounts["account_id"]):
        text = f"Sharing is deactivated for {named(strangers)}, which is not among the accounts"
        fix = "Correct sharing.deactivated_accounts and report again"
        found.append(Finding("warning", text, fix))
    if sharing.groups and sharing.mode == "open":
        text = (
            f"Sharing groups are set ({named(sharing.groups)}), but sharing is open: every account"
            " shares with every other, as if there were no groups"
        )
        fix = "Set sharing.mode to prioritized or restricted, or leave the groups out"
        found.append(Finding("warning", text, fix))
    return found


def _ungrouped(inventory: Inventory, analysis: Analysis, sharing: Sharing) -> list[Finding]:
    """In restricted mode, reservations of accounts that are in no group serve nobody else."""
    if sharing.mode != "restricted":
        return []
    alone = set(analysis.active["account_id"]) - sharing.grouped_accounts
    accounts = inventory.accounts[inventory.accounts["is_management"].fillna(value=False)]
    management = alone & set(accounts["account_id"])
    others = alone - management - sharing.deactivated_accounts
    found = []
    if management:
        text = (
            f"Reservations of the management account {named(management)} serve only itself:"
            " sharing is restricted to groups, and AWS leaves this account out of every group"
        )
        found.append(Finding("warning", text, "Buy in accounts of the groups", "utilization"))
    if others:
        text = (
            f"Reservations of {named(others)} serve only the account that bought them: sharing is"
            " restricted to groups, and it is in none"
        )
        fix = "If AWS has it in a group, name it in sharing.groups and report again"
        found.append(Finding("warning", text, fix, "utilization"))
    return found


def _factors(analysis: Analysis) -> list[Finding]:
    columns = ["instance_type", "factor_basis"]
    types = pd.concat([analysis.covered[columns], analysis.active[columns]])
    return [
        Finding("warning", f"{named(rows['instance_type'])}: {BASIS_TEXT[str(basis)]}")
        for basis, rows in types.groupby("factor_basis")
        if basis in BASIS_TEXT
    ]


def _flexibility(analysis: Analysis) -> list[Finding]:
    doubtful = analysis.active[analysis.active["flexibility"] == "assumed"]
    if doubtful.empty:
        return []
    text = (
        f"{named(doubtful['instance_type'])}: taken as size-flexible, as AWS's list of excluded"
        " families does not name them; it names many of their kind, so check a bill"
    )
    return [Finding("warning", text, "", "utilization")]


def _platforms(analysis: Analysis) -> list[Finding]:
    assumed = analysis.covered[analysis.covered["platform_basis"] == "assumed"]
    unknown = analysis.not_eligible[analysis.not_eligible["reason"] == "platform_unknown"]
    found = []
    if len(assumed):
        text = (
            f"{quantity(len(assumed), 'instance')} without UsageOperation and PlatformDetails:"
            " taken as Linux/UNIX or Windows, but another license may run there"
        )
        found.append(Finding("warning", text, "Collect again with a current AWS CLI or SDK"))
    if len(unknown):
        text = f"{quantity(len(unknown), 'instance')} with a license that is not recognized: "
        found.append(Finding("warning", text + named(unknown["platform"]), "", "not_eligible"))
    return found


def _unjudged(analysis: Analysis) -> list[Finding]:
    rows = analysis.not_eligible[analysis.not_eligible["reason"].isin(NOT_JUDGED)]
    if rows.empty:
        return []
    text = (
        f"{quantity(len(rows), 'running instance')} {'is' if len(rows) == 1 else 'are'} not in"
        f" coverage, as this version cannot judge {'it' if len(rows) == 1 else 'them'}:"
        f" {_counts(rows['reason'])}"
    )
    return [Finding("warning", text, "", "not_eligible")]


def _without_term(analysis: Analysis) -> list[Finding]:
    rows = analysis.active[analysis.active[["start", "end"]].isna().any(axis="columns")]
    if rows.empty:
        return []
    text = (
        f"{quantity(len(rows), 'reservation')} in state active without start or end: counted as"
        " active, though the term may have ended, or not begun"
    )
    fix = f"Look them up in the EC2 console: {named(rows['reservation_id'])}"
    return [Finding("warning", text, fix, "utilization")]


def _counts(reasons: pd.Series[str]) -> str:
    """Return how many rows each reason has: `2 spot, 1 dedicated host`."""
    counts = reasons.value_counts().sort_index()
    return ", ".join(f"{count:,} {words(str(reason))}" for reason, count in counts.items())


def _reservations(analysis: Analysis) -> list[Finding]:
    other = analysis.other_states
    found = [
        Finding(
            "warning",
            f"{quantity(len(rows), 'reservation')}: {text}",
            "",
            "reservations_other_states",
        )
        for reason, text in WORTH_A_WARNING.items()
        if len(rows := other[other["reason"] == reason])
    ]
    is_known = other["reason"].isin(list(NO_DISCOUNT_REASONS))
    if len(strange := other[~is_known]):
        states = visible(named(strange["reason"]), DETAIL_LIMIT)
        text = (
            f"{quantity(len(strange), 'reservation')} in a state that EC2 does not document"
            f" ({states}), taken as without discount: {named(strange['reservation_id'])}"
        )
        fix = "Look them up in the EC2 console; if they do give a discount, numbers are too low"
        found.append(Finding("warning", text, fix, "reservations_other_states"))
    rest = other[is_known & ~other["reason"].isin(WORTH_A_WARNING)]
    if len(rest):
        text = f"Reservations that give no discount now: {_counts(rest['reason'])}"
        found.append(Finding("note", text, "", "reservations_other_states"))
    return found


def _zone_contradictions(inventory: Inventory) -> list[Finding]:
    broken = contradictions(inventory)
    if broken.empty:
        return []
    where = named(broken["region"] + " of account " + broken["account_id"])
    text = (
        f"Zone names and zone ids contradict each other in {where}; within one account a zone has"
        " one of each, so the ids there are taken as unknown"
    )
    return [Finding("warning", text, "Collect again, or correct the saved answers", "")]


def _zone_names(analysis: Analysis) -> list[Finding]:
    columns = ["region", "availability_zone", "availability_zone_id"]
    seen = pd.concat([analysis.covered[columns], analysis.active[columns]])
    seen = seen[(seen["availability_zone"] != "") & (seen["availability_zone_id"] != "")]
    places = seen.drop_duplicates().groupby("availability_zone").size()
    misleading = places[places > 1]
    if misleading.empty:
        return []
    text = (
        f"{named(pd.Series(misleading.index))}: the name is another place in other accounts;"
        " tables show the zone id, the same place for every account, beside it"
    )
    return [Finding("note", text, "", "coverage")]


def _not_eligible(analysis: Analysis) -> list[Finding]:
    if analysis.not_eligible.empty:
        return []
    line = f"Instances that no reservation can cover: {_counts(analysis.not_eligible['reason'])}"
    return [Finding("note", line, "", "not_eligible")]


def _capacity(inventory: Inventory) -> list[Finding]:
    """Say where nobody asked; where AWS refused, there is a gap."""
    outcomes = inventory.outcomes
    gaps = outcomes[outcomes["is_gap"]]
    told = set(zip(gaps["account_id"], gaps["region"], strict=True))
    silent = {account for account, region in unread_capacity(outcomes) - told if region}
    if not silent:
        return []
    text = (
        f"No capacity reservations were read of {named(silent)}: idle slots, which use up regional"
        " reservations, are unknown there"
    )
    fix = "Add capacity-reservations.json, or collect again"
    return [Finding("note", text, fix, "capacity_reservations")]


def _source(inventory: Inventory) -> list[Finding]:
    found = []
    if inventory.endpoint:
        text = f"Read from a custom AWS endpoint, {inventory.endpoint} (AWS_ENDPOINT_URL)"
        found.append(Finding("note", text))
    if inventory.source == "dumps":
        found.append(Finding("note", "Read from saved AWS CLI answers, not from AWS"))
    return found
