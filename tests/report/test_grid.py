from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ri_report.report.grid import MOST_REGIONS, MOST_TYPES, Cell, grids
from ri_report.rules.coverage import COVERAGE

if TYPE_CHECKING:
    from ri_report.report.model import Report


def covered(report: Report, *rows: tuple[str, str, str, float, float | None]) -> Report:
    """Return the report with (zone, zone id, type, running, covered) as its coverage."""
    table = report.tables["coverage"]
    frame = COVERAGE.of(_row(number, row) for number, row in enumerate(rows))
    return replace(
        report, tables=report.tables | {"coverage": replace(table, rows=frame, in_total=None)}
    )


def _row(number: int, row: tuple[str, str, str, float, float | None]) -> dict[str, Any]:
    zone, zone_id, instance_type, running, part = row
    return {
        "region": zone[:-1],
        "availability_zone": zone,
        "availability_zone_id": zone_id,
        "instance_type": instance_type,
        "platform": f"platform {number}",
        "running_instances": running,
        "covered_instances": part,
    }


def test_one_place_is_one_column_whatever_accounts_call_it(complete: Report) -> None:
    report = covered(
        complete,
        ("eu-west-1a", "euw1-az1", "m5.large", 4, 4),
        ("eu-west-1b", "euw1-az1", "m5.large", 2, 0),
        ("eu-west-1b", "euw1-az2", "m5.large", 1, 0),
    )
    (grid,), left_out = grids(report)
    assert left_out == 0
    assert grid.zones == (("euw1-az1", "a, b"), ("euw1-az2", "b"))
    assert grid.rows == (
        ("m5.large", (Cell("4 of 6", "most"), Cell("0 of 1", "bare"), Cell("4 of 7", "most"))),
    )


def test_tint_follows_the_share_that_is_covered(complete: Report) -> None:
    report = covered(
        complete,
        ("eu-west-1a", "euw1-az1", "m5.large", 4, 4),
        ("eu-west-1b", "euw1-az2", "m5.large", 4, 2),
        ("eu-west-1c", "euw1-az3", "m5.large", 4, 1.5),
        ("eu-west-1c", "euw1-az3", "c5.large", 4, None),
    )
    (grid,), _ = grids(report)
    tints = {name: [cell.tint for cell in cells] for name, cells in grid.rows}
    assert tints["m5.large"] == ["full", "most", "some", "most"]
    assert tints["c5.large"] == ["none", "none", "unknown", "unknown"]


def test_unknown_cover_is_said_to_be_unknown(complete: Report) -> None:
    report = covered(complete, ("eu-west-1a", "euw1-az1", "m5.large", 4, None))
    (grid,), _ = grids(report)
    assert grid.rows[0][1][0].text == "unknown of 4"


def test_zone_without_an_id_is_told_by_its_name(complete: Report) -> None:
    (grid,), _ = grids(covered(complete, ("eu-west-1a", "", "m5.large", 4, 4)))
    assert grid.zones == (("eu-west-1a", ""),)


def test_types_that_run_most_come_first_and_the_rest_is_counted(complete: Report) -> None:
    rows = [("eu-west-1a", "euw1-az1", f"t{n:02d}.large", n + 1, 0) for n in range(MOST_TYPES + 3)]
    (grid,), _ = grids(covered(complete, *rows))
    assert [name for name, _ in grid.rows][:2] == ["t16.large", "t15.large"]
    assert len(grid.rows) == MOST_TYPES
    assert grid.left_out == 3


def test_regions_beyond_the_cap_are_counted(complete: Report) -> None:
    rows = [(f"region-{n}a", f"id{n}", "m5.large", 1, 0) for n in range(MOST_REGIONS + 2)]
    shown, left_out = grids(covered(complete, *rows))
    assert len(shown) == MOST_REGIONS
    assert left_out == 2
