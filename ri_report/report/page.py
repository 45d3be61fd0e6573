"""Page: the report as one HTML file that opens offline and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ri_report.report import formats, templates
from ri_report.report.charts import meter
from ri_report.report.figures import account_names, figures
from ri_report.report.grid import ALL_ZONES, grids
from ri_report.report.headlines import otherwise_text
from ri_report.report.sections import MOST_ROWS, sections
from ri_report.report.text import visible
from ri_report.report.wording import UNLISTED, named
from ri_report.rules.basis import CONVENTION

if TYPE_CHECKING:
    import pandas as pd

    from ri_report.report.model import Kpi, Report, Standing

TEXT_LIMIT = 2000
"""Most characters of any text in the page; a cell's own limit is in report.sections."""
MOST_GAPS = 6
STANDINGS: dict[Standing, str] = {
    "good": "Meets the target of {}",
    "bad": "Below the target of {}",
    "neutral": "Target {}",
    "unknown": "Target {}, not judged",
}
LEVELS = {"gap": "Gap", "warning": "Check", "note": "Note"}


@dataclass(frozen=True)
class Gap:
    """What was not read of one account for one reason, as the banner shows it."""

    account_id: str
    account_name: str
    what: str
    why: str
    detail: str
    fix: str


@dataclass(frozen=True)
class Tile:
    """One headline number as text."""

    kpi: Kpi
    value: str
    whole: str
    standing: str
    otherwise: str
    meter: str


def render(report: Report) -> str:
    """Return the page; equal reports give equal text.

    The page holds its style and its script; its content security policy lets nothing else run or
    load. All text of the report is escaped by the template engine, after `text.visible` has shown
    what it hides.
    """
    script = templates.read("page.js")
    shown = sections(report)
    regions, regions_left_out = grids(report)
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            as_of=formats.moment(report.as_of),
            style=Markup(templates.read("page.css")),  # noqa: S704 - a file of the project
            script=Markup(script),  # noqa: S704 - a file of the project
            script_hash=script_hash(script),
            tiles=[_tile(kpi) for kpi in report.kpis],
            gaps=_gaps(report),
            most_gaps=MOST_GAPS,
            levels=LEVELS,
            figures=figures(report),
            grids=regions,
            regions_left_out=regions_left_out,
            all_zones=ALL_ZONES,
            sections=shown,
            anchors={section.table.name for section in shown},
            most_rows=MOST_ROWS,
            convention=CONVENTION,
        )
    )


def script_hash(script: str) -> str:
    """Return what a content security policy calls this script: `sha256-...`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(templates.read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = _drawing
    return environment


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template expression gives
    """Show what a text hides; markup of the page's own making passes as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, TEXT_LIMIT)
    return value


def _drawing(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - serialized from elements by report.charts


def _tile(kpi: Kpi) -> Tile:
    is_ratio = kpi.kind == "ratio"
    value = formats.text_of(kpi.value, kpi.kind)
    if is_ratio and kpi.value is None and not kpi.caveat:
        value = formats.NOT_APPLICABLE
    return Tile(
        kpi,
        value,
        "" if kpi.whole is None else formats.text_of(kpi.whole, kpi.kind),
        ""
        if kpi.target is None
        else STANDINGS[kpi.standing].format(formats.text_of(kpi.target, kpi.kind)),
        otherwise_text(kpi),
        meter(kpi.value, kpi.target) if is_ratio else "",
    )


def _gaps(report: Report) -> list[Gap]:
    """Return what was not read, one entry for each account and reason."""
    names = account_names(report)
    gaps = report.tables["gaps"].rows
    found = []
    for _, rows in gaps.groupby(["account_id", "status", "reason", "fix"]):
        first = {name: str(value) for name, value in rows.iloc[0].items()}
        found.append(
            Gap(
                first["account_id"] or UNLISTED.capitalize(),
                names.get(first["account_id"], ""),
                _what(rows),
                f"{first['status']} ({first['reason']})" if first["reason"] else first["status"],
                first["detail"],
                first["fix"],
            )
        )
    return found


def _what(rows: pd.DataFrame) -> str:
    kinds, regions = set(rows["kind"]), rows.loc[rows["region"] != "", "region"]
    what = "everything" if "account" in kinds else ", ".join(sorted(kinds))
    return f"{what} in {named(regions)}" if len(regions) else what
