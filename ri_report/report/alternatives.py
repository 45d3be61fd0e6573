"""Alternatives: findings about what other settings would make of the same fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.report.contents import CONTENTS
from ri_report.report.formats import NOT_APPLICABLE, percent
from ri_report.report.model import Finding
from ri_report.report.wording import quantity
from ri_report.rules.basis import READ_OTHERWISE
from ri_report.rules.zones import ZONE_MATCH_OTHER

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.inventory.schema import Inventory
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing


def zone_match(inventory: Inventory, analysis: Analysis, sharing: Sharing) -> list[Finding]:
    """Warn where zonal reservations would match otherwise by the other reading of zones."""
    rows, tables = analysis.zone_match, _read_otherwise(analysis)
    if not tables:
        return []
    here, there = ("name", "id") if sharing.zonal_match == "az_name" else ("id", "name")
    used_more, covered_more = (
        float((rows[f"{what}_by_{there}"] - rows[f"{what}_by_{here}"]).sum())
        for what in ("used_units", "covered_units")
    )
    text = (
        f"If zonal reservations matched the zones of other accounts by {there} and not by {here},"
        f" some rows of {', '.join(tables.values())} would be different; these rows show both"
    )
    text += _changes(inventory, analysis, used_more, covered_more)
    fix = (
        "AWS's billing guide says by name; where a bill says otherwise, set sharing.zonal_match"
        if here == "name"
        else "sharing.zonal_match says by id; AWS's billing guide says by name"
    )
    return [Finding("warning", text, fix, next(iter(tables)) if rows.empty else "zone_match")]


def _read_otherwise(analysis: Analysis) -> dict[str, str]:
    """Return the titles, by name, of the tables with rows that the other reading would change."""
    names = {frame.name for frame in READ_OTHERWISE}
    return {
        entry.frame.name: entry.title
        for entry in CONTENTS
        if entry.frame.name in names
        and getattr(analysis, entry.frame.name)[ZONE_MATCH_OTHER.name].notna().any()
    }


def zonal_inside(inventory: Inventory, analysis: Analysis, sharing: Sharing) -> list[Finding]:
    """Warn where it matters whether zonal reservations cover instances inside capacity ones."""
    rows = analysis.inside
    if rows.empty:
        return []
    chosen = sharing.zonal_in_capacity_reservations
    more = rows["units_otherwise"] - rows["units"]
    text = (
        f"If zonal reservations {'did not cover' if chosen else 'covered'} instances that run"
        " inside a capacity reservation,"
        f" {quantity(rows['reservation_id'].nunique(), 'reservation')} would cover other instances"
        " or idle slots, or another part of them"
    )
    text += _changes(inventory, analysis, more.sum(), more[~rows["is_idle_slot"]].sum())
    fix = (
        "sharing.zonal_in_capacity_reservations is true; AWS says that zonal reservations do not"
        " apply to Capacity Reservations"
        if chosen
        else "AWS says that zonal reservations do not apply to Capacity Reservations; where a bill"
        " shows that they cover such instances, set sharing.zonal_in_capacity_reservations = true"
    )
    return [Finding("warning", text, fix, "utilization")]


def _changes(
    inventory: Inventory, analysis: Analysis, used_more: float, covered_more: float
) -> str:
    """Return how the ratios would change with so many units more, where they are known."""
    used, covered = analysis.utilization, analysis.covered
    text = ""
    if used["used_units"].notna().all() and covered["covered_units"].notna().all():
        text = (
            f": utilization {_change(used['used_units'], used['purchased_units'], used_more)},"
            f" coverage {_change(covered['covered_units'], covered['units'], covered_more)}"
        )
    return text + (", of what was read" if inventory.outcomes["is_gap"].any() else "")


def _change(part: pd.Series[float], whole: pd.Series[float], more: float) -> str:
    """Return how a ratio would change with so many units more: `80.0 % instead of 82.5 %`."""
    if not whole.sum():
        return NOT_APPLICABLE
    new, old = percent((part.sum() + more) / whole.sum()), percent(part.sum() / whole.sum())
    return f"{new} instead of {old}" if new != old else f"still {old}"
