"""Assembly: from an inventory and its analysis to the one `Report` value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report import __version__
from ri_report.inventory.outcomes import READ
from ri_report.report.completeness import basis_of
from ri_report.report.findings import findings
from ri_report.report.glossary import method
from ri_report.report.headlines import headlines
from ri_report.report.model import Report
from ri_report.report.sentences import sentences
from ri_report.report.tables import make_tables

if TYPE_CHECKING:
    from ri_report.inventory.schema import Inventory
    from ri_report.report.model import Targets
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing


def build_report(
    inventory: Inventory, analysis: Analysis, sharing: Sharing, targets: Targets
) -> Report:
    """Return everything that the outputs show; equal input gives an equal report.

    Args:
        inventory: What was seen, and how the reading of each cell ended.
        analysis: What `unknown.blind` returns.
        sharing: The preferences that the analysis followed.
        targets: What the headline ratios are held against.
    """
    tables = make_tables(inventory, analysis)
    unplaced = int((analysis.unplaced["applied"] == "az_id").sum())
    readings = tables["accounts"].rows["reading"]
    basis = basis_of(inventory, readings, sharing, unplaced_pools=unplaced)
    outcomes = inventory.outcomes
    regions = set(outcomes.loc[outcomes["status"].isin(READ), "region"]) - {""}
    return Report(
        run=inventory.run,
        as_of=inventory.as_of,
        version=__version__,
        source=inventory.source,
        endpoint=inventory.endpoint,
        accounts_read=basis.accounts_read,
        accounts_total=basis.accounts_total,
        accounts_left_out=basis.accounts_left_out,
        regions=tuple(sorted(regions)),
        kpis=headlines(analysis, inventory.as_of, targets, basis),
        sentences=sentences(analysis, inventory.as_of, basis),
        findings=findings(inventory, analysis, sharing),
        method=method(sharing),
        tables=tables,
    )
