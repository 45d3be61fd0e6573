"""Grid: instance types by zone, one grid per region, for those who would rather look than read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.report.formats import UNKNOWN, number

if TYPE_CHECKING:
    from ri_report.report.model import Report

MOST_REGIONS = 6
MOST_TYPES = 14
ALL_ZONES = "All zones"


@dataclass(frozen=True)
class Cell:
    """One type in one zone: `8 of 10` covered, and how that is tinted."""

    text: str
    tint: str


@dataclass(frozen=True)
class Grid:
    """The instances of one region.

    Attributes:
        region: The region.
        zones: Zone id and the letters under which accounts see it, a column each.
        rows: Instance type and its cells, most running first; the last cell is over all zones.
        left_out: How many further types run in the region.
    """

    region: str
    zones: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int


def grids(report: Report) -> tuple[tuple[Grid, ...], int]:
    """Return the grids of the regions in which most runs, and how many regions are left out."""
    coverage = report.tables["coverage"].rows
    placed = coverage.assign(
        place=coverage["availability_zone_id"].where(
            coverage["availability_zone_id"] != "", coverage["availability_zone"]
        )
    )
    running = placed.groupby("region")["running_instances"].sum()
    order = sorted(running.index, key=lambda region: (-running[region], region))
    chosen = order[:MOST_REGIONS]
    return (
        tuple(_grid(region, placed[placed["region"] == region]) for region in chosen),
        len(order) - len(chosen),
    )


def _grid(region: str, rows: pd.DataFrame) -> Grid:
    places = sorted(set(rows["place"]))
    cells = _counts(rows, ["instance_type", "place"])
    totals = _counts(rows, ["instance_type"])
    order = sorted(totals, key=lambda key: (-totals[key][0], key))
    chosen = order[:MOST_TYPES]
    return Grid(
        region,
        tuple((place, _names(rows, place, region)) for place in places),
        tuple(
            (
                key[0],
                (*(_cell(cells.get((key[0], place))) for place in places), _cell(totals[key])),
            )
            for key in chosen
        ),
        len(order) - len(chosen),
    )


def _counts(rows: pd.DataFrame, by: list[str]) -> dict[tuple[str, ...], tuple[float, float]]:
    """Return running and covered instances by key; a sum over an unknown is unknown (NaN)."""
    return {
        tuple(map(str, key)): (
            float(group["running_instances"].astype("Float64").sum(skipna=False)),
            float(group["covered_instances"].sum(skipna=False)),
        )
        for key, group in rows.groupby(by)
    }


def _names(rows: pd.DataFrame, place: str, region: str) -> str:
    """Return under which names accounts see a zone, without the region: `a, c`."""
    names = set(rows.loc[rows["place"] == place, "availability_zone"]) - {place, ""}
    return ", ".join(sorted(name.removeprefix(region) for name in names))


def _cell(counts: tuple[float, float] | None) -> Cell:
    if counts is None:
        return Cell("", "none")
    running, covered = counts
    if pd.isna(covered):
        return Cell(f"{UNKNOWN} of {number(running)}", "unknown")
    if covered >= running:
        tint = "full"
    elif covered >= running / 2:
        tint = "most"
    elif covered > 0:
        tint = "some"
    else:
        tint = "bare"
    return Cell(f"{number(covered)} of {number(running)}", tint)
