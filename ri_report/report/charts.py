"""Charts: from numbers to inline SVG, each bar labeled where it stands.

Nothing is scaled: bars take percentages of the width and text keeps its size, so that one drawing
serves a wide screen, a phone and paper. Colors come from the page's style sheet by class. The
elements are built, not written, so that no text can become markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from ri_report.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW_HEIGHT = 26
BAR_HEIGHT = 12
BASELINE = 15
LONGEST_PERCENT = 34
"""How much of the width the longest bar takes; the rest is for its words."""
TEXT_LIMIT = 80
METER_HEIGHT = 12


@dataclass(frozen=True)
class Bar:
    """One bar of a chart.

    Attributes:
        label: What it stands for, left of it.
        value: Its number as a reader sees it, right of it.
        note: More words, shown where there is room.
        whole: Its length, in the unit that all bars of the chart share.
        part: How much of it is solid; the rest is hatched. None is unknown: the bar is hollow.
        label_note: More words for the label, shown where there is room.
    """

    label: str
    value: str
    note: str
    whole: float
    part: float | None
    label_note: str = ""


def bars(
    name: str, title: str, description: str, rows: Sequence[Bar], *, longest: float = 0
) -> str:
    """Return a chart of horizontal bars from top to bottom, as one `svg` element.

    Args:
        name: Anchor of the chart, unique in the page.
        title: What the chart shows, for those who do not see it.
        description: What it says, for those who do not see it.
        rows: The bars; a bar of length 0 is drawn as a dot on the base line.
        longest: The longest bar of the charts that share one scale; 0: that of this one.
    """
    svg = _canvas(name, title, description, ROW_HEIGHT * len(rows))
    longest = longest or max((row.whole for row in rows), default=0) or 1
    for place, row in enumerate(rows):
        _row(svg, row, (ROW_HEIGHT * place, LONGEST_PERCENT / longest), name)
    return _written(svg)


def meter(value: float | None, target: float | None) -> str:
    """Return a thin bar from 0 to 1 with a mark at the target; decoration of a number in text."""
    svg = etree.Element(
        "svg", {"class": "meter", "aria-hidden": "true", "width": "100%", "height": "12"}
    )
    _rectangle(svg, "track", (0, 3), (100, 6))
    if value is not None:
        _rectangle(svg, "part", (0, 3), (100 * min(max(value, 0), 1), 6))
    if target is not None:
        place = f"{100 * target:.2f}%"
        etree.SubElement(
            svg, "line", {"class": "target", "x1": place, "x2": place, "y1": "0", "y2": "12"}
        )
    return _written(svg)


def _canvas(name: str, title: str, description: str, height: int) -> etree._Element:
    svg = etree.Element(
        "svg",
        {
            "class": "bars",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-words",
            "width": "100%",
            "height": str(height),
        },
    )
    etree.SubElement(svg, "title", {"id": f"{name}-title"}).text = title
    etree.SubElement(svg, "desc", {"id": f"{name}-words"}).text = visible(description, 2000)
    _hatch(svg, name)
    return svg


def _hatch(svg: etree._Element, name: str) -> None:
    pattern = etree.SubElement(
        etree.SubElement(svg, "defs"),
        "pattern",
        {
            "id": f"{name}-hatch",
            "width": "5",
            "height": "5",
            "patternUnits": "userSpaceOnUse",
            "patternTransform": "rotate(45)",
        },
    )
    etree.SubElement(pattern, "rect", {"class": "hatch-ground", "width": "5", "height": "5"})
    etree.SubElement(pattern, "rect", {"class": "hatch-line", "width": "2", "height": "5"})


def _row(svg: etree._Element, row: Bar, place: tuple[int, float], name: str) -> None:
    top, percent_per_unit = place
    _words(svg, row.label, row.label_note, {"class": "label", "y": str(top + BASELINE)})
    group = etree.SubElement(svg, "g", {"class": "plot"})
    bar_top, end = top + 5, row.whole * percent_per_unit
    if row.part is None:
        _rectangle(group, "hollow", (0, bar_top), (end, BAR_HEIGHT))
    elif row.whole > 0:
        solid = row.part * percent_per_unit
        rest = _rectangle(group, "rest", (solid, bar_top), (end - solid, BAR_HEIGHT))
        rest.set("fill", f"url(#{name}-hatch)")
        _rectangle(group, "part", (0, bar_top), (solid, BAR_HEIGHT))
    etree.SubElement(
        group,
        "line",
        {"class": "base", "x1": "0", "x2": "0", "y1": str(top), "y2": str(top + ROW_HEIGHT)},
    )
    _words(
        group,
        row.value,
        row.note,
        {"class": "value", "x": f"{end:.2f}%", "dx": "8", "y": str(top + BASELINE)},
    )


def _words(parent: etree._Element, text: str, note: str, attributes: dict[str, str]) -> None:
    element = etree.SubElement(parent, "text", attributes)
    element.text = visible(text, TEXT_LIMIT)
    if note:
        more = etree.SubElement(element, "tspan", {"class": "more", "dx": "6"})
        more.text = visible(note, TEXT_LIMIT)


def _rectangle(
    parent: etree._Element, role: str, corner: tuple[float, float], size: tuple[float, float]
) -> etree._Element:
    """Add a rectangle; x and width are percentages of the drawing, y and height pixels."""
    return etree.SubElement(
        parent,
        "rect",
        {
            "class": role,
            "x": f"{corner[0]:.2f}%",
            "y": f"{corner[1]:g}",
            "width": f"{max(size[0], 0):.2f}%",
            "height": f"{size[1]:g}",
        },
    )


def _written(svg: etree._Element) -> str:
    return etree.tostring(svg, encoding="unicode")
