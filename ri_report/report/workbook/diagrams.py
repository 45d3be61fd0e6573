"""Native charts of the summary, drawn from the cells of the table sheets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from openpyxl.chart import BarChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.data_source import (
    AxDataSource,
    NumData,
    NumDataSource,
    NumFmt,
    NumRef,
    NumVal,
    StrData,
    StrRef,
    StrVal,
)
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.legend import Legend
from openpyxl.chart.series import Series, SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
)

from ri_report.report.contents import MONTHS_AHEAD
from ri_report.report.workbook.cells import ACCENT, FORMATS, INK, LINE
from ri_report.report.workbook.sheets import parts

if TYPE_CHECKING:
    from ri_report.inventory.frames import Kind
    from ri_report.report.model import Report
    from ri_report.report.tables import Table
    from ri_report.report.workbook.cells import Sheet

CHART_ROWS = 17
"""Rows of the sheet that the charts lie over."""
HEIGHT_CM = 8


@dataclass(frozen=True)
class Bars:
    """A bar chart of one table.

    Attributes:
        table: Name of the table.
        title: What stands above it.
        labels: The column that names the bars.
        columns: The columns drawn: name, color, and what the legend calls it.
        kind: How the values are formatted.
        direction: `bar` for lying bars, `col` for standing ones.
        most: Most rows drawn, from the top of the table.
        place: The column that its left edge stands at.
        width_cm: How wide it is [cm].
    """

    table: str
    title: str
    labels: str
    columns: tuple[tuple[str, str, str], ...]
    kind: Kind
    direction: str
    most: int
    place: str
    width_cm: int


CHARTS = (
    Bars(
        "coverage_by_family",
        "Coverage of the largest families, in normalized units",
        "family",
        (("coverage_ratio", ACCENT, "Coverage"),),
        "ratio",
        "bar",
        12,
        "A",
        16,
    ),
    Bars(
        "expiries",
        "Normalized units whose term ends, by month",
        "month",
        (
            ("ending_units", "A9B8C9", "Units whose term ends"),
            ("ending_used_units", ACCENT, "Of these, in use now"),
        ),
        "count",
        "col",
        MONTHS_AHEAD + 1,
        "F",
        15,
    ),
)


def add_charts(sheet: Sheet, report: Report, row: int) -> bool:
    """Lay the charts over the sheet from this row on; return whether there are any."""
    found = [bars for bars in CHARTS if _has_values(report, bars)]
    for bars in found:
        sheet.ws.add_chart(_chart(report.tables[bars.table], bars), f"{bars.place}{row}")
    return bool(found)


def _has_values(report: Report, bars: Bars) -> bool:
    """Only known values are drawn: a bar of height 0 for an unknown one would be a lie."""
    if bars.table not in report.tables:
        return False
    drawn = report.tables[bars.table].rows[[name for name, _, _ in bars.columns]]
    return len(drawn) > 0 and not drawn.isna().to_numpy().any()


def _chart(table: Table, bars: Bars) -> BarChart:
    chart = BarChart()
    chart.type = bars.direction
    chart.title = _title(bars.title)
    chart.width = bars.width_cm
    chart.height = HEIGHT_CM
    chart.gapWidth = 45
    chart.series = [_series(table, bars, place) for place in range(len(bars.columns))]
    _set_axes(chart, bars)
    if len(bars.columns) == 1:
        chart.legend = None
        chart.dataLabels = _value_labels()
        chart.layout = Layout(ManualLayout("inner", x=0.08, y=0.14, w=0.8, h=0.76))
    else:
        chart.legend = Legend(legendPos="b")
    return chart


def _set_axes(chart: BarChart, bars: Bars) -> None:
    """Show both axes (openpyxl hides them unless told), the largest on top, ratios from 0 to 1."""
    for axis in (chart.x_axis, chart.y_axis):
        axis.delete = False
        axis.txPr = _text(850)
        axis.spPr = GraphicalProperties(ln=LineProperties(solidFill=LINE))
        axis.majorTickMark = "none"
    lines = GraphicalProperties(ln=LineProperties(solidFill="ECEFF3"))
    chart.y_axis.majorGridlines = ChartLines(spPr=lines)
    number_format = "0%" if bars.kind == "ratio" else FORMATS[bars.kind]
    chart.y_axis.numFmt = NumFmt(number_format, sourceLinked=False)
    chart.y_axis.scaling.min = 0
    if bars.kind == "ratio":
        chart.y_axis.scaling.max = 1
    if bars.direction == "bar":
        chart.x_axis.scaling.orientation = "maxMin"
        chart.y_axis.crosses = "max"


def _series(table: Table, bars: Bars, place: int) -> Series:
    """Return a column as a series; its values stand in the file too, for previews."""
    name, color, legend = bars.columns[place]
    first = parts(table)[0]
    drawn = replace(first, count=min(first.count, bars.most))
    rows = table.rows.head(drawn.count)
    values = NumData(
        formatCode=FORMATS[bars.kind],
        ptCount=drawn.count,
        pt=[NumVal(idx=at, v=float(value)) for at, value in enumerate(rows[name])],
    )
    labels = [StrVal(idx=at, v=str(text)) for at, text in enumerate(rows[bars.labels])]
    return Series(
        idx=place,
        order=place,
        tx=SeriesLabel(v=legend),
        val=NumDataSource(NumRef(f=drawn.cells(table.frame, name), numCache=values)),
        cat=AxDataSource(
            strRef=StrRef(
                f=drawn.cells(table.frame, bars.labels),
                strCache=StrData(ptCount=drawn.count, pt=labels),
            )
        ),
        spPr=GraphicalProperties(solidFill=color),
    )


def _value_labels() -> DataLabelList:
    """Return labels with the value alone; every other part shows unless it is told not to."""
    return DataLabelList(
        showVal=True,
        showSerName=False,
        showCatName=False,
        showLegendKey=False,
        showPercent=False,
        txPr=_text(800),
    )


def _title(text: str) -> Title:
    look = CharacterProperties(sz=1100, b=True, solidFill=INK)
    run = RegularTextRun(t=text, rPr=look)
    return Title(tx=Text(rich=RichText(p=[Paragraph(r=[run])])), overlay=False)


def _text(size: int) -> RichText:
    look = ParagraphProperties(defRPr=CharacterProperties(sz=size, solidFill=INK))
    return RichText(p=[Paragraph(pPr=look, endParaRPr=CharacterProperties(sz=size))])
