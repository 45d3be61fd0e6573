"""Assembly: from an inventory and its analysis to the one `Report` value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report import __version__
from ri_report.inventory.outcomes import READ, CellKind
from ri_report.report.accounts import NOT_QUERIED, READ_IN_FULL
from ri_report.report.findings import findings
from ri_report.report.glossary import method
from ri_report.report.headlines import Basis, headlines, sentences
from ri_report.report.model import Report
from ri_report.report.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ri_report.inventory.schema import Inventory
    from ri_report.report.model import Targets
    from ri_report.report.tables import Table
    from ri_report.rules.analysis import Analysis
    from ri_report.rules.sharing import Sharing


def build_report(
    inventory: Inventory, analysis: Analysis, sharing: Sharing, targets: Targets
) -> Report:
    """Return everything that the outputs show; equal input gives an equal report."""
    tables = make_tables(inventory, analysis)
    basis = _basis(inventory, tables)
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
        regions=tuple(sorted(regions)),
        kpis=headlines(analysis, inventory.as_of, targets, basis),
        sentences=sentences(analysis, inventory.as_of, basis),
        findings=findings(inventory, analysis, sharing),
        method=method(sharing),
        tables=tables,
    )


def _basis(inventory: Inventory, tables: Mapping[str, Table]) -> Basis:
    reading = tables["accounts"].rows["reading"]
    read = set(inventory.outcomes.loc[inventory.outcomes["status"].isin(READ), "kind"])
    return Basis(
        accounts_read=int((reading == READ_IN_FULL).sum()),
        accounts_total=int((reading != NOT_QUERIED).sum()),
        instances=CellKind.INSTANCES in read,
        reservations=CellKind.RESERVATIONS in read,
    )
