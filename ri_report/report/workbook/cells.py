"""Cells and sheets: how a value is written, how it looks, and how a sheet prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ri_report.report.data import looks_like_formula
from ri_report.report.formats import CONVENTION_SIGN
from ri_report.report.text import visible
from ri_report.rules.basis import CONVENTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openpyxl.cell import Cell
    from openpyxl.workbook import Workbook

    from ri_report.inventory.frames import Kind

TEXT_LIMIT = 1_500
"""Most characters of a cell: the tallest row (409 points) shows no more of a wide column. Excel
itself would cut at 32,767 without a word; CSV and JSON hold the whole text."""
TEXT_FORMAT_LIMIT = 255
"""Longer text in a cell of format `@` is shown as #### by older versions of Excel."""

WIDEST_ON_A4 = 220
"""Width of all columns [characters] beyond which A4 landscape would be too small to read."""
BODY_SIZE, LINE_POINTS = 10, 13
SLACK = 0.95
"""Text is a little narrower than digits, in which widths are measured; line breaks cost some."""
INK, MUTED, LINE, HEAD, TOTAL, ACCENT = "1F2933", "6B7280", "D5DAE1", "E4E9F0", "F3F5F8", "2B5C8A"
FORMATS: dict[Kind, str] = {
    "text": "@",
    "count": "#,##0",
    "units": "#,##0.00",
    "number": "#,##0.00",
    "ratio": "0.0%",
    "cost": "#,##0.0000",
    "time": "yyyy-mm-dd",
    "days": "#,##0",
    "flag": "General",
}
MOMENT_FORMAT = "yyyy-mm-dd hh:mm"
LEFT_KINDS = frozenset({"text", "time"})


@dataclass(frozen=True)
class Formula:
    """A live formula and what it computes to, which stands in the file until it is recalculated.

    Attributes:
        text: The formula, with its equals sign.
        value: A number, or the word that the formula gives where there is none.
    """

    text: str
    value: float | str


Value = str | float | datetime | Formula | None


@dataclass(frozen=True)
class Look:
    """How a cell looks; `rule` draws a line below it, `roof` one above."""

    bold: bool = False
    italic: bool = False
    size: float = BODY_SIZE
    color: str = INK
    fill: str = ""
    horizontal: str = "left"
    indent: int = 0
    vertical: str = "top"
    wrap: bool = False
    number_format: str = "General"
    rule: str = ""
    roof: str = ""


PLAIN = Look()
WRAPPED = Look(wrap=True)
TITLE = Look(bold=True, size=16, color=ACCENT)
SUBTITLE = Look(color=MUTED)
NOTE = Look(color=MUTED, wrap=True)
SECTION = Look(bold=True, size=12, color=ACCENT)
LINK = Look(color="1D5FA8")
HEADING = Look(bold=True, fill=HEAD, wrap=True, rule="9AA5B1")
BANNER = Look(bold=True, size=11, color="7A3E00", fill="FCE8C4", wrap=True, vertical="center")


def look_of(kind: Kind) -> Look:
    """Return how a value of this kind looks in the body of a table."""
    side = "left" if kind in LEFT_KINDS else "right"
    return Look(horizontal=side, indent=1, number_format=FORMATS[kind], rule=LINE)


def signed(look: Look, basis: str) -> Look:
    """Return the look of a number with the sign of a convention before it, if it rests on one."""
    if basis != CONVENTION:
        return look
    return replace(look, number_format=f'"{CONVENTION_SIGN} "{look.number_format}')


class Sheet:
    """One worksheet, written row by row from the top.

    Attributes:
        ws: The openpyxl worksheet (write-only).
        widths: Width of each column [characters].
        row: Number of the last row that was written; 0 before the first.
        computed: What the formulas compute to, by coordinate.
    """

    def __init__(
        self, book: Workbook, title: str, widths: Sequence[float], *, run: str, head_row: int = 0
    ) -> None:
        """Make the sheet and set it up for the screen and for print.

        Args:
            book: A write-only workbook.
            title: At most 31 characters.
            widths: Width of each column [characters].
            run: Name of the run, for the footer.
            head_row: The row that stays in sight and is repeated on every page; 0: the title is
                repeated, and nothing stays.
        """
        self.ws = book.create_sheet(title)
        self.widths = widths
        self.row = 0
        self.computed: dict[str, float | str] = {}
        for number, width in enumerate(widths, 1):
            self.ws.column_dimensions[get_column_letter(number)].width = width
        self.ws.sheet_view.showGridLines = False
        if head_row:
            self.ws.freeze_panes = f"B{head_row + 1}"
        repeated = head_row or 1
        self.ws.print_title_rows = f"{repeated}:{repeated}"
        self._set_up_print(run)

    def line(self, *cells: tuple[Value, Look], height: float | None = None) -> None:
        """Write one row of single cells, from column A; `height` in points, else what fits."""
        wrapped = zip(cells, self.widths, strict=False)
        texts = [(v, width) for (v, look), width in wrapped if look.wrap and isinstance(v, str)]
        height = height or height_of(texts)
        self.append(
            [styled(self, look, value) for value, look in cells],
            [value for value, _ in cells],
            height=height,
        )

    def append(
        self, cells: list[Cell], values: Iterable[Value] = (), *, height: float | None = None
    ) -> None:
        """Write one row of cells and keep what its formulas compute to."""
        self.row += 1
        if height:
            self.ws.row_dimensions[self.row].height = height
        for number, value in enumerate(values, 1):
            if isinstance(value, Formula):
                self.computed[f"{get_column_letter(number)}{self.row}"] = value.value
        self.ws.append(cells)

    def skip(self, rows: int = 1) -> None:
        """Leave rows empty."""
        for _ in range(rows):
            self.append([])

    def wide(self, value: str, look: Look, widths: Sequence[float]) -> None:
        """Write one text over the width of these columns, on as many lines as it needs."""
        last = get_column_letter(len(widths))
        if len(widths) > 1:
            self.ws.merged_cells.add(f"A{self.row + 1}:{last}{self.row + 1}")
        lines = -(-len(value) * look.size // (10 * sum(widths)))
        self.line((value, look), *[(None, look)] * (len(widths) - 1), height=4 + 13 * max(lines, 1))

    def _set_up_print(self, run: str) -> None:
        ws = self.ws
        ws.page_setup.orientation = "landscape"
        wide = sum(self.widths) > WIDEST_ON_A4
        ws.page_setup.paperSize = Worksheet.PAPERSIZE_A3 if wide else Worksheet.PAPERSIZE_A4
        ws.page_setup.fitToWidth = 1
        ws.page_setup.fitToHeight = 0
        ws.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        ws.page_margins = PageMargins(0.4, 0.4, 0.5, 0.75, footer=0.35)
        footer = ws.oddFooter
        footer.left.text = visible(run, 100).replace("&", "&&")
        footer.center.text = "&A"
        footer.right.text = "Page &P of &N"


def height_of(texts: Iterable[tuple[str, float]], *, least: int = 2) -> float | None:
    """Return the height of a row of wrapped texts [points]; None where the usual one will do.

    Not every program finds the height itself when it opens a file.

    Args:
        texts: Each text and the width that it has [characters].
        least: Fewest lines that need a height of their own.
    """
    lines = max((ceil(len(text) * SLACK / width) for text, width in texts), default=1)
    return LINE_POINTS * lines + 4 if lines >= least else None


def styled(sheet: Sheet, look: Look, value: Value = None) -> Cell:
    """Return a new cell of this look that holds the value."""
    guarded = isinstance(value, str) and needs_guard(value)
    cell = _dressed(sheet, look, guarded=guarded)
    fill(cell, value)
    return cell


def fill(cell: Cell, value: Value) -> None:
    """Put a value into a cell. Text stays text, whatever it looks like; "" is an empty cell."""
    if isinstance(value, Formula):
        cell.value = value.text
    elif isinstance(value, str) and value:
        cell.value = visible(value, TEXT_LIMIT)
        cell.data_type = "s"
    else:
        cell.value = None if value == "" else value


def link(sheet: Sheet, title: str) -> Cell:
    """Return a cell that shows the title of a sheet and leads to it."""
    cell = styled(sheet, LINK, title)
    cell.row = cell.column = 1
    cell.hyperlink = Hyperlink(ref="A1", location=f"'{title}'!A1", display=title)
    return cell


def needs_guard(text: str) -> bool:
    """Return whether the cell must say by its style that its content is text.

    Excel would take `=cmd` for a formula once somebody edits the cell, were it not for the quote
    prefix.
    """
    return looks_like_formula(text) or len(text) > TEXT_FORMAT_LIMIT


class Pen:
    """Writes the values of one column; its cells are used again for every row, which is fast."""

    def __init__(self, sheet: Sheet, kind: Kind, look: Look) -> None:
        """Dress the cells: plain, guarded text, and the words for what is no number."""
        self._kind = kind
        self._plain = _dressed(sheet, look)
        self._guarded = _dressed(sheet, look, guarded=True)
        self._word = _dressed(sheet, replace(look, italic=True, color=MUTED))

    def write(self, value: Value) -> Cell:
        """Return a cell with the value, to be appended before the next call."""
        cell = self._plain
        if isinstance(value, str):
            if self._kind != "text":
                cell = self._word
            elif needs_guard(value):
                cell = self._guarded
        fill(cell, value)
        return cell


def _dressed(sheet: Sheet, look: Look, *, guarded: bool = False) -> Cell:
    cell = WriteOnlyCell(sheet.ws)
    cell.font = Font(
        name="Calibri", size=look.size, bold=look.bold, italic=look.italic, color=look.color
    )
    cell.alignment = Alignment(
        look.horizontal, look.vertical, wrap_text=look.wrap, indent=look.indent
    )
    cell.number_format = "General" if guarded else look.number_format
    if look.fill:
        cell.fill = PatternFill("solid", fgColor=look.fill)
    if look.rule or look.roof:
        cell.border = Border(bottom=_side(look.rule), top=_side(look.roof))
    if guarded:
        cell.quotePrefix = True
    return cell


def _side(color: str) -> Side | None:
    return Side("thin", color) if color else None
