"""The Excel workbook: `render` makes it from a report; only this package knows openpyxl.

document ─ cover · summary · sheets → cells
└ package
"""

from ri_report.report.workbook.document import render

__all__ = ["render"]
