"""Limits: findings about what the numbers cannot know, though nothing failed to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.report.model import Finding
from ri_report.report.wording import quantity
from ri_report.rules.matching import ZONAL
from ri_report.rules.unknown import left_out

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


def zones_unknown(analysis: Analysis, sharing: Sharing) -> list[Finding]:
    """Warn of what has no zone id, where zonal reservations match by id."""
    zonal = analysis.active[analysis.active["scope"] == ZONAL]
    if sharing.zonal_match == "az_name" or zonal.empty:
        return []
    counts = {"zonal reservation": zonal, "instance": analysis.covered}
    told = [
        quantity(count, noun)
        for noun, rows in counts.items()
        if (count := int((rows["availability_zone_id"] == "").sum()))
    ]
    if not told:
        return []
    text = (
        f"{' and '.join(told)} without a zone id: zones match by id, so between accounts these"
        " match nothing"
    )
    fix = "Save availability-zones.json of each account and region, or match zones by name"
    return [Finding("warning", text, fix, "utilization")]


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
