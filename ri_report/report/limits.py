"""Limits: findings about what the numbers cannot know, though nothing failed to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.inventory.outcomes import ACCOUNT_STATE
from ri_report.report.model import Finding
from ri_report.report.wording import named, quantity
from ri_report.rules.unread import left_out, not_saved

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing


def accounts_left_out(inventory: Inventory, sharing: Sharing) -> list[Finding]:
    """Warn of accounts that the configuration left out, but that share with the others."""
    count = len(left_out(inventory, sharing))
    if not count:
        return []
    share = "its reservations and instances share" if count == 1 else "their reservations and"
    share += "" if count == 1 else " instances share"
    text = (
        f"{quantity(count, 'account')} left out by the configuration: {share} with the rest, so"
        " these are the numbers of the part that was read"
    )
    return [Finding("warning", text, "Read every account for the organization's", "accounts")]


def regions_not_saved(inventory: Inventory) -> list[Finding]:
    """Warn of regions that saved answers hold of some accounts only."""
    places = not_saved(inventory.outcomes)
    if not places:
        return []
    told = named(f"{account} in {region}" for account, region in places)
    text = (
        f"Not among the saved answers, though those of other accounts have these regions: {told};"
        " what runs there or was bought there is in no number"
    )
    fix = "Save them, of accounts without anything there too, and report again"
    return [Finding("warning", text, fix, "accounts")]


def accounts_not_active(inventory: Inventory) -> list[Finding]:
    """Name the accounts that were not queried because they are not active."""
    outcomes, accounts = inventory.outcomes, inventory.accounts
    skipped = outcomes.loc[outcomes["reason"] == ACCOUNT_STATE, "account_id"]
    rows = accounts[accounts["account_id"].isin(skipped)]
    if rows.empty:
        return []
    told = named(
        (rows["account_id"] + " " + rows["account_name"]).str.strip() + " (" + rows["state"] + ")"
    )
    text = f"{quantity(len(rows), 'account')} not queried and in no number: {told}"
    return [Finding("note", text, "", "accounts")]


def zones_unknown(analysis: Analysis) -> list[Finding]:
    """Tell of zone ids that were not read, where what zones by id would give rests on them.

    Where zones match by id it is a warning, as numbers are missing.
    """
    unplaced = analysis.unplaced
    if unplaced.empty:
        return []
    told = [
        quantity(count, noun)
        for noun in ("zonal reservation", "instance")
        if (count := int(unplaced[f"{noun.split()[-1]}s"].sum()))
    ]
    pools = quantity(len(unplaced), "pool")
    text = f"Zone ids of {' and '.join(told)} in {named(unplaced['region'])} were not read: "
    fix = "Save availability-zones.json of each account and region"
    if (unplaced["applied"] == "az_name").all():
        text += (
            f"in {pools} it is unknown what zonal reservations would do if zones of other accounts"
            " matched by id; here they match by name"
        )
        return [Finding("note", text, fix, "utilization")]
    text += f"zones match by id, so what is used and what is covered in {pools} is unknown"
    return [Finding("warning", text, f"{fix}, or match zones by name", "utilization")]


def management_unknown(inventory: Inventory) -> list[Finding]:
    """Note that it is unknown which account is the management account."""
    accounts = inventory.accounts
    if inventory.source != "aws" or accounts.empty or accounts["is_management"].notna().any():
        return []
    text = (
        "Which account is the management account is unknown: DescribeOrganization gave no answer,"
        " or the accounts are listed in the configuration"
    )
    return [Finding("note", text, "Grant organizations:DescribeOrganization", "accounts")]
