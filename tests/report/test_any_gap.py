"""Any gap of the demo organization, in which zone names mislead, leaves a report that names it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.inventory.outcomes import CellKind, Status
from ri_report.inventory.snapshot import read_snapshot
from ri_report.report.assembly import build_report
from ri_report.report.model import Targets
from ri_report.rules.analysis import analyze
from ri_report.rules.sharing import Sharing
from ri_report.rules.unknown import blind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ri_report.inventory.schema import Inventory

HOME = "us-east-1"
ROWS = {
    CellKind.INSTANCES: "instances",
    CellKind.RESERVATIONS: "reservations",
    CellKind.CAPACITY: "capacity_reservations",
}


@pytest.mark.parametrize("kind", ROWS)
def test_whatever_is_not_read_of_the_demo_organization_leaves_a_report_that_names_it(
    command: Callable[..., Any], tmp_path: Path, kind: CellKind
) -> None:
    assert command("demo", "--format", "json", "--output-dir", tmp_path, "-q").code == 0
    inventory, _ = read_snapshot(tmp_path / "demo" / "snapshot")
    read = inventory.outcomes.query("row_count > 0 and kind == @kind and region == @HOME")
    assert len(read) > 1
    known = inventory.outcomes["is_gap"].sum()
    for account_id in read["account_id"]:
        seen = without(inventory, account_id, kind)
        analysis = blind(analyze(seen, Sharing()), seen, Sharing())
        gaps = build_report(seen, analysis, Sharing(), Targets()).tables["gaps"].rows
        assert len(gaps) == known + 1
        named = gaps[["account_id", "region", "kind"]].to_dict("split")["data"]
        assert [account_id, HOME, kind] in named


def without(inventory: Inventory, account_id: str, kind: CellKind) -> Inventory:
    """The inventory as if AWS had denied this cell."""
    rows, outcomes = getattr(inventory, ROWS[kind]), inventory.outcomes
    is_there = (rows["account_id"] == account_id) & (rows["region"] == HOME)
    is_it = (outcomes["account_id"] == account_id) & (outcomes["region"] == HOME)
    is_it &= outcomes["kind"] == kind
    denied = outcomes.assign(
        status=outcomes["status"].mask(is_it, Status.DENIED),
        is_gap=outcomes["is_gap"] | is_it,
        row_count=outcomes["row_count"].mask(is_it, 0),
    )
    return replace(inventory, outcomes=denied, **{ROWS[kind]: rows[~is_there]})
