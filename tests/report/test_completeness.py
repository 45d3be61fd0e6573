"""Completeness: what every output says when not everything was read, on small organizations."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report.assembly import build_report
from ri_report.report.figures import figures
from ri_report.report.model import Kpi, Report, Targets
from ri_report.report.page import render
from ri_report.report.sections import sections
from ri_report.rules.analysis import analyze
from ri_report.rules.unknown import blind
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from ri_report.rules.sharing import Mode, ZonalMatch

HOME = "us-east-1"
LISTS = (CellKind.INSTANCES, CellKind.RESERVATIONS)
IN_ORDER = "i: A runs 1 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1"
BOUGHT_BY_BOTH = """
    i-a: A runs 1 m5.large in us-east-1a
    r-a: A bought 2 m5.large in us-east-1
    r-b: B bought 1 r5.large in us-east-1
"""
RUN_BY_BOTH = """
    i-a: A runs 2 m5.large in us-east-1a
    i-b: B runs 3 r5.large in us-east-1b
    r-a: A bought 1 m5.large in us-east-1
"""


def reported(
    text: str,
    *outcomes: Outcome,
    accounts: str = "AB",
    mode: Mode = "open",
    zonal_match: ZonalMatch = "az_name",
    groups: dict[str, set[str]] | None = None,
    zone_ids: bool = True,
) -> Report:
    """The report of a fleet whose accounts are letters; what no outcome is about was read."""
    told = {o.account_id for o in outcomes if not o.region}
    read = [Outcome(a, HOME, kind, Status.OK) for a in accounts for kind in LISTS if a not in told]
    cells = {(o.account_id, o.region, o.kind): o for o in (*read, *outcomes)}
    world = fleet(text, mode=mode, groups=groups, zonal_match=zonal_match)
    inventory = replace(
        world.inventory,
        source="aws",
        accounts=ACCOUNTS.of(
            {"account_id": name, "state": "ACTIVE", "is_management": name == "A"}
            for name in accounts
        ),
        outcomes=OUTCOMES.of(outcome.row() for outcome in cells.values()),
    )
    if not zone_ids:
        inventory = replace(
            inventory,
            instances=inventory.instances.assign(availability_zone_id=""),
            reservations=inventory.reservations.assign(availability_zone_id=""),
        )
    analysis = blind(analyze(inventory, world.sharing), inventory, world.sharing)
    return build_report(inventory, analysis, world.sharing, Targets())


def denied(account: str, kind: CellKind, region: str = HOME) -> Outcome:
    return Outcome(account, region, kind, Status.DENIED, "iam")


def left_out(account: str) -> Outcome:
    return Outcome(account, "", CellKind.ACCOUNT, Status.SKIPPED, "excluded")


def kpis(report: Report) -> dict[str, Kpi]:
    return {kpi.name: kpi for kpi in report.kpis}


def warnings(report: Report) -> list[str]:
    return [finding.text for finding in report.findings if finding.level == "warning"]


def test_accounts_that_were_not_listed_leave_no_total_known_and_nothing_judged() -> None:
    unlisted = Outcome("", "", CellKind.ACCOUNT, Status.SKIPPED, "not_listed", "stopped", "Resume")
    report = reported(IN_ORDER, unlisted)
    assert not report.is_complete
    assert report.extent == "2 of 2 listed"
    assert {total for table in report.tables.values() for total in table.total().values()} == {None}
    found = kpis(report)
    assert found.pop("accounts_read").standing == "bad"
    assert {(kpi.standing, kpi.caveat) for kpi in found.values()} == {
        ("unknown", "Of what was read: without accounts that were not listed")
    }
    page = render(report)
    assert "Not all accounts were listed." in page
    assert "<b>Accounts that were not listed</b>: everything, SKIPPED (not_listed)." in page


def test_utilization_is_of_the_reservations_whose_use_is_known() -> None:
    found = kpis(reported(BOUGHT_BY_BOTH, denied("B", CellKind.INSTANCES)))
    assert found["utilization"].value == 0.5
    assert found["utilization"].detail.endswith("1 reservation left out, unknown")
    assert found["unused_units"].value == 4


def test_coverage_is_of_the_instances_whose_cover_is_known() -> None:
    found = kpis(reported(RUN_BY_BOTH, denied("B", CellKind.RESERVATIONS)))
    assert found["coverage"].value == 0.5
    assert found["coverage"].detail.endswith("3 instances left out, unknown")
    assert found["uncovered_units"].value == 4


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("r: B bought 1 r5.large in us-east-1", "instances", {"utilization", "unused_units"}),
        ("i: B runs 1 r5.large in us-east-1a", "reservations", {"coverage", "uncovered_units"}),
        ("", "reservations", {"unused_units", "uncovered_units", "expiring_reservations"}),
    ],
)
def test_where_nothing_is_known_there_is_no_number(text: str, kind: str, names: set[str]) -> None:
    found = kpis(reported(text, denied("B", CellKind(kind))))
    assert {found[name].value for name in names} == {None}
    assert not any(re.search(r"\d", found[name].detail.partition(";")[0]) for name in names)


@pytest.mark.parametrize("kind", LISTS)
def test_nothing_is_judged_that_does_not_rest_on_everything(kind: CellKind) -> None:
    found = kpis(reported(BOUGHT_BY_BOTH, denied("B", kind)))
    del found["accounts_read"]
    assert {kpi.standing for kpi in found.values()} == {"unknown"}
    assert {kpi.caveat for kpi in found.values()} == {"Of what was read: 1 of 2 accounts"}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("text", [IN_ORDER, BOUGHT_BY_BOTH, RUN_BY_BOTH])
def test_no_sentence_claims_more_than_was_read(text: str, kind: CellKind) -> None:
    for sentence in reported(text, denied("B", kind)).sentences:
        assert sentence.startswith("Of what was read, ")
        assert not re.search(r"\b([Ee]very|[Nn]o)\b", sentence)


def test_sentences_of_unknown_use_say_nothing_of_use() -> None:
    report = reported("r: B bought 1 r5.large in us-east-1", denied("B", CellKind.INSTANCES))
    assert report.sentences == ("Of what was read, nothing ends within 30 days.",)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("name", ["coverage", "utilization", "purchases", "expiries", "running"])
def test_a_sum_over_what_was_not_read_is_unknown(name: str, kind: CellKind) -> None:
    report = reported(BOUGHT_BY_BOTH + RUN_BY_BOTH.replace("r-a", "r-c").replace("i-a", "i-c"))
    whole = report.tables[name].total()
    part = reported("", denied("B", kind)).tables[name]
    rests = {"coverage": 0, "running": 0}.get(name, 1)
    is_missing = LISTS[rests] is kind
    assert part.may_lack_rows == (is_missing and name != "running")
    assert ("Incomplete: " in part.note) == part.may_lack_rows
    assert whole
    assert None not in [whole[c.name] for c in part.frame.columns if c.name in whole]


def test_a_total_over_rows_that_may_be_missing_is_unknown_although_each_row_is_known() -> None:
    table = reported(RUN_BY_BOTH, denied("B", CellKind.INSTANCES)).tables["coverage"]
    assert table.rows["running_instances"].notna().all()
    assert set(table.total().values()) == {None}


def test_the_chart_of_reservations_does_not_call_unknown_use_full() -> None:
    report = reported(BOUGHT_BY_BOTH, denied("B", CellKind.INSTANCES))
    (one,) = (figure for figure in figures(report) if figure.name == "chart-reservations")
    assert one.caption.endswith("1, whose use is unknown, is not drawn.")
    report = reported("r: B bought 1 r5.large in us-east-1", denied("B", CellKind.INSTANCES))
    (one,) = (figure for figure in figures(report) if figure.name == "chart-reservations")
    assert "1 reservation is unknown" in one.caption


def test_families_are_unknown_where_an_instance_of_theirs_is() -> None:
    rows = (
        reported(RUN_BY_BOTH, denied("B", CellKind.RESERVATIONS)).tables["coverage_by_family"].rows
    )
    known = dict(zip(rows["family"], rows["coverage_ratio"].notna(), strict=True))
    assert known == {"m5": True, "r5": False}


def test_accounts_without_any_wanted_region_have_nothing_and_that_is_known() -> None:
    closed = [
        Outcome("C", HOME, kind, Status.SKIPPED, "not_opted_in")
        for kind in (*LISTS, CellKind.ZONES)
    ]
    report = reported(BOUGHT_BY_BOTH, *closed, accounts="ABC")
    table = report.tables["accounts"]
    (row,) = table.rows[table.rows["account_id"] == "C"].to_dict("records")
    assert row["reading"] == "nothing to read"
    assert (row["running_instances"], row["purchased_units"], row["used_units"]) == (0, 0, 0)
    assert table.total()["running_instances"] == 1
    assert (report.accounts_read, report.accounts_total) == (3, 3)
    assert kpis(report)["coverage"].caveat == ""


@pytest.mark.parametrize(
    ("mode", "groups", "count"),
    [
        ("open", None, 1),
        ("prioritized", {"one": {"B"}}, 1),
        ("restricted", {"one": {"B", "A"}}, 1),
        ("restricted", {"one": {"B"}}, 0),
    ],
)
def test_accounts_left_out_matter_where_sharing_reaches_them(
    mode: Mode, groups: dict[str, set[str]] | None, count: int
) -> None:
    report = reported(BOUGHT_BY_BOTH, left_out("B"), mode=mode, groups=groups)
    assert report.is_complete
    assert report.accounts_left_out == count
    assert len([text for text in warnings(report) if "left out" in text]) == count
    for name in ("utilization", "coverage", "unused_units"):
        assert (kpis(report)[name].standing == "unknown") == bool(count)
        assert bool(kpis(report)[name].caveat) == bool(count)
    assert any("every" in sentence.casefold() for sentence in report.sentences) != bool(count)


def test_a_warning_says_what_accounts_left_out_do_to_the_numbers() -> None:
    (text,) = warnings(reported(BOUGHT_BY_BOTH, left_out("B"), left_out("C"), accounts="ABC"))
    assert text == (
        "2 accounts left out by the configuration: their reservations and instances share with the"
        " rest, so these are the numbers of the part that was read"
    )


ZONAL = """
    i-1: A runs 2 m5.large in us-east-1a
    r-1: B bought 1 m5.large in us-east-1b
"""


def test_zone_ids_that_were_not_read_are_told_where_zones_match_by_id() -> None:
    (text,) = warnings(reported(ZONAL, zonal_match="az_id", zone_ids=False))
    assert text == (
        "Zone ids of 1 zonal reservation and 2 instances in us-east-1 were not read: zones match by"
        " id, so what is used and what is covered in 1 pool is unknown"
    )
    assert warnings(reported(ZONAL, zonal_match="az_id")) == []
    assert warnings(reported(IN_ORDER, zonal_match="az_id", zone_ids=False)) == []


def test_zone_ids_that_were_not_read_are_a_note_where_zones_match_by_name() -> None:
    report = reported(ZONAL, zone_ids=False)
    assert warnings(report) == []
    (text,) = [f.text for f in report.findings if "Zone ids" in f.text]
    assert text == (
        "Zone ids of 1 zonal reservation and 2 instances in us-east-1 were not read: in 1 pool it"
        " is unknown what zonal reservations would do if zones of other accounts matched by id;"
        " here they match by name"
    )


def test_headlines_without_the_zone_ids_that_they_rest_on_are_unknown() -> None:
    report = reported(ZONAL, zonal_match="az_id", zone_ids=False)
    kpis = {kpi.name: kpi for kpi in report.kpis}
    for name in ("utilization", "coverage", "unused_units", "uncovered_units"):
        assert (kpis[name].value, kpis[name].standing) == (None, "unknown")
        assert kpis[name].caveat == "Of what was read: without 1 pool of unread zone ids"
        assert kpis[name].basis == ""
    assert report.sentences == ("Of what was read, nothing ends within 30 days.",)
    for name in ("coverage", "utilization", "coverage_by_family", "accounts"):
        assert set(report.tables[name].total().values()) & {0.0} == set()


def test_an_empty_table_of_a_partial_report_claims_no_absence() -> None:
    for report in (
        reported("", denied("B", CellKind.INSTANCES)),
        reported("", left_out("B")),
    ):
        for section in sections(report):
            if not section.count:
                assert section.nothing.endswith("What was not read may hold some.")


def test_blinded_rows_read_unknown_and_never_zero() -> None:
    report = reported(BOUGHT_BY_BOTH, denied("A", CellKind.INSTANCES))
    (section,) = (s for s in sections(report) if s.table.name == "utilization")
    names = {column.heading: column.name for column in section.table.frame.columns}
    row = next(r for r in section.rows if r[0].text == "r-a")
    heads = [names[heading] for heading, *_ in section.heads]
    shown = {name: cell.text for name, cell in zip(heads, row, strict=True)}
    assert shown["used_units"] == shown["unused_units"] == shown["lent_units"] == "unknown"
    assert shown["utilization_ratio"] == "unknown"
    assert shown["unused_reason"] == "not all read"
    assert "not all read" in dict(section.reasons)
    used = report.tables["accounts"].rows.set_index("account_id")["used_units"]
    assert used.isna().to_dict() == {"A": True, "B": False}


def seen_in(report: Report, name: str) -> dict[str, float]:
    return report.tables[name].of_what_was_read()


def test_tables_of_a_partial_report_add_up_what_was_read_to_the_headlines() -> None:
    """A buys and runs 8 units (xlarge is 8) and 4 (large), of which 8 match; B is not read."""
    report = reported(
        """
        r-a: A bought 1 m5.xlarge in us-east-1
        i-a: A runs 1 m5.xlarge in us-east-1a
        i-c: A runs 1 r5.large in us-east-1a
        """,
        denied("B", CellKind.INSTANCES),
        denied("B", CellKind.RESERVATIONS),
    )
    for name in ("coverage", "coverage_by_family", "coverage_by_account", "pools", "accounts"):
        sums = seen_in(report, name)
        assert (sums["covered_units"], sums["running_units"]) == (8, 12)
        assert set(report.tables[name].total().values()) == {None}
        assert "is no total" in report.tables[name].note
    for name in ("utilization", "pools", "accounts"):
        assert seen_in(report, name)["used_units"] == seen_in(report, name)["purchased_units"] == 8
    assert seen_in(report, "uncovered") == {"uncovered_units": 4}
    assert kpis(report)["coverage"].value == seen_in(report, "coverage")["coverage_ratio"] == 8 / 12


def test_a_row_that_is_unknown_because_of_one_account_hides_no_known_units_of_another() -> None:
    """Both run the same type in the same zone; how much of B's is covered is unknown."""
    report = reported(
        """
        r-a: A bought 1 m5.xlarge in us-east-1
        i-a: A runs 1 m5.xlarge in us-east-1a
        i-b: B runs 1 m5.xlarge in us-east-1a
        """,
        denied("B", CellKind.RESERVATIONS),
    )
    assert report.tables["coverage"].rows["covered_units"].isna().all()
    for name, is_in_rows in (("coverage", False), ("coverage_by_account", True)):
        sums = seen_in(report, name)
        assert (sums["covered_units"], sums["running_units"]) == (8, 8)
        assert report.tables[name].is_seen_in_rows == is_in_rows
        assert ("rows that are unknown" in report.tables[name].note) != is_in_rows


def test_tables_whose_totals_are_known_repeat_nothing() -> None:
    report = reported(BOUGHT_BY_BOTH + RUN_BY_BOTH.replace("r-a", "r-c").replace("i-a", "i-c"))
    assert {name for name in report.tables if seen_in(report, name)} == set()
