"""The headlines: what page one says, and what it says when not everything was read."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from openpyxl import load_workbook

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report import data, page, workbook
from ri_report.report.assembly import build_report
from ri_report.report.headlines import otherwise_text
from ri_report.report.model import Kpi, Report, Targets
from ri_report.rules.analysis import analyze
from ri_report.rules.unknown import blind
from tests.rules.fleet import AS_OF, fleet

COMPANY = """
    i-a: A runs 3 m5.large in us-east-1a
    i-b: B runs 1 m5.2xlarge in us-east-1a
    r-a: A bought 2 m5.xlarge in us-east-1
    r-b: B bought 2 c5.large in us-east-1
    r-c: B bought 1 r5.large in us-east-1
"""
"""12 + 16 units run, 16 units of m5 cover them, 8 + 4 units of c5 and r5 idle.

The owner comes first, so A's 12 units are covered and 4 of B's 16.
"""


def reported(text: str, *unread: Outcome, targets: Targets | None = None) -> Report:
    """The report of a fleet in the accounts A and B, of which all else was read."""
    read = [
        Outcome(account, "us-east-1", kind, Status.OK)
        for account in "AB"
        for kind in (CellKind.INSTANCES, CellKind.RESERVATIONS)
    ]
    cells = {(o.account_id, o.region, o.kind): o for o in (*read, *unread)}
    world = fleet(text)
    inventory = replace(
        world.inventory,
        accounts=ACCOUNTS.of({"account_id": name, "state": "ACTIVE"} for name in "AB"),
        outcomes=OUTCOMES.of(outcome.row() for outcome in cells.values()),
    )
    analysis = blind(analyze(inventory, world.sharing), inventory, world.sharing)
    return build_report(inventory, analysis, world.sharing, targets or Targets())


def denied(account: str, kind: CellKind) -> Outcome:
    return Outcome(account, "us-east-1", kind, Status.DENIED, "iam")


def kpi(report: Report, name: str) -> Kpi:
    return next(kpi for kpi in report.kpis if kpi.name == name)


def test_the_headlines_come_in_reading_order() -> None:
    assert [kpi.name for kpi in reported(COMPANY).kpis] == [
        "utilization",
        "coverage",
        "unused_units",
        "uncovered_units",
        "expiring_reservations",
        "accounts_read",
    ]


def test_utilization_is_used_over_purchased_units() -> None:
    found = kpi(reported(COMPANY), "utilization")
    assert found.value == pytest.approx(16 / (16 + 8 + 4))
    # 2 of 5 bought instances are in use.
    assert found.detail == "16 of 28 normalized units; counted in instances 40.0 %"


def test_the_share_of_idle_slots_in_the_use_is_told() -> None:
    """A reservation of 16 units: 4 run, and 12 of 20 idle ones are covered."""
    found = reported("""
        i-a: A runs 1 m5.large in us-east-1a
        cr-a: A holds 5 m5.large in us-east-1a
        r-a: A bought 1 m5.2xlarge in us-east-1
        """)
    assert kpi(found, "utilization").value == 1
    assert kpi(found, "utilization").detail.endswith(
        "; 75.0 % by idle slots of capacity reservations"
    )
    assert kpi(found, "coverage").value == 1


def test_coverage_is_covered_over_running_units() -> None:
    found = kpi(reported(COMPANY), "coverage")
    assert found.value == pytest.approx(16 / (12 + 16))
    # 3 m5.large and a quarter of the m5.2xlarge, of 4 instances.
    assert found.detail == "16 of 28 normalized units; counted in instances 81.3 %"


def test_what_is_idle_and_what_is_uncovered_is_counted() -> None:
    report = reported(COMPANY)
    assert kpi(report, "unused_units").value == 12
    assert kpi(report, "unused_units").detail == "of 28 normalized units bought"
    assert kpi(report, "uncovered_units").value == 12
    told = kpi(report, "uncovered_units").detail
    assert told == "of 28 normalized units in 4 eligible instances"


OPEN = """
    i-s: A runs 1 m5.large in us-east-1a
    i-l: A runs 1 m5.xlarge in us-east-1a
    r-1: A bought 1 m5.large in us-east-1, ends 2026-12-01
    r-2: B bought 1 m5.large in us-east-1b
    r-3: C bought 1 c5.large in us-east-1
"""
"""Of 4 + 8 units 4 are covered, of which size is open; in instances that is 1 or a half of 2."""


def test_what_no_split_could_change_is_firm_and_other_numbers_have_a_sign() -> None:
    report = reported(OPEN)
    assert {found.basis for found in report.kpis} == {"firm"}
    assert kpi(report, "coverage").detail == (
        "4 of 12 normalized units; counted in instances \u2248 50.0 %"
    )
    assert kpi(report, "utilization").detail == (
        "4 of 12 normalized units; counted in instances 33.3 %"
    )
    assert "\u2248" not in kpi(report, "expiring_reservations").detail


def test_which_of_several_that_end_is_in_use_has_a_sign() -> None:
    """4 of 8 units are in use, and one of the two ends within 90 days."""
    report = reported("""
        i: A runs 1 m5.large in us-east-1a
        r-1: A bought 1 m5.large in us-east-1, ends 2026-12-01
        r-2: A bought 1 m5.large in us-east-1, ends 2027-12-01
        """)
    assert "; \u2248 4 units now in use" in kpi(report, "expiring_reservations").detail
    assert kpi(report, "expiring_reservations").basis == "firm"
    assert "with them the cover of \u2248 4 units" in report.sentences[2]


def test_a_headline_of_a_part_of_a_pool_is_a_convention() -> None:
    """C borrows 4 of the 8 units that A and B offer; B's use is unknown, so A's may be 0 to 4."""
    report = reported(
        """
        i-c: C runs 1 m5.large in us-east-1a
        r-a: A bought 1 m5.large in us-east-1
        r-b: B bought 1 m5.large in us-east-1
        """,
        denied("B", CellKind.INSTANCES),
    )
    assert kpi(report, "utilization").basis == "convention"
    assert kpi(report, "unused_units").basis == "convention"
    assert kpi(report, "utilization").detail.startswith("\u2248 4 of 4 normalized units")


def test_a_headline_without_a_number_has_no_basis() -> None:
    report = reported("")
    assert kpi(report, "utilization").basis == ""
    assert kpi(report, "coverage").basis == ""
    assert kpi(report, "unused_units").basis == "firm"


@pytest.mark.parametrize(("target", "standing"), [(0.57, "good"), (16 / 28, "good"), (0.58, "bad")])
def test_a_ratio_is_held_against_its_target(target: float, standing: str) -> None:
    report = reported(COMPANY, targets=Targets(utilization=target, coverage=target))
    for name in ("utilization", "coverage"):
        assert (kpi(report, name).target, kpi(report, name).standing) == (target, standing)


def test_terms_that_end_are_counted_by_horizon() -> None:
    days = {"d5": 5, "d30": 30, "d31": 31, "d60": 60, "d90": 90, "d91": 91}
    text = "\n".join(
        f"r-{name}: A bought 1 m5.large in us-east-1, ends {AS_OF + timedelta(days=after):%Y-%m-%d}"
        for name, after in days.items()
    )
    found = kpi(reported(text), "expiring_reservations")
    assert found.value == 5
    assert "30 days: 2" in found.detail
    assert "60 days: 4" in found.detail
    assert "90 days: 5" in found.detail


def test_a_complete_report_has_no_caveat() -> None:
    report = reported(COMPANY)
    assert {kpi.caveat for kpi in report.kpis} == {""}
    assert (report.accounts_read, report.accounts_total, report.is_complete) == (2, 2, True)
    assert kpi(report, "accounts_read").standing == "good"


@pytest.mark.parametrize("kind", [CellKind.INSTANCES, CellKind.RESERVATIONS, CellKind.ZONES])
def test_no_headline_of_an_incomplete_report_stands_bare(kind: CellKind) -> None:
    report = reported(COMPANY, denied("B", kind))
    assert not report.is_complete
    for found in report.kpis[:-1]:
        assert found.caveat == "Of what was read: 1 of 2 accounts"
        assert found.standing in ("unknown", "neutral")
    read = kpi(report, "accounts_read")
    assert (read.value, read.whole, read.standing, read.detail) == (1, 2, "bad", "1 not in full")


def test_idle_slots_that_were_not_read_leave_no_number_for_what_they_may_use() -> None:
    text = COMPANY.replace("B bought", "A bought")
    report = reported(text, denied("A", CellKind.CAPACITY))
    for name in ("utilization", "unused_units"):
        assert (kpi(report, name).value, kpi(report, name).basis) == (None, "")
        assert kpi(report, name).detail.startswith("nothing is known of")
    assert kpi(report, "coverage").value == pytest.approx(16 / 28)
    assert kpi(report, "uncovered_units").value == 12
    assert kpi(report, "coverage").caveat == "Of what was read: 1 of 2 accounts"
    assert not any("unused" in sentence for sentence in report.sentences)


def test_without_any_list_of_reservations_nothing_is_said_about_them() -> None:
    text = "i-a: A runs 3 m5.large in us-east-1a"
    report = reported(text, *(denied(name, CellKind.RESERVATIONS) for name in "AB"))
    for found in report.kpis[:-1]:
        assert found.value is None
        assert found.standing == "unknown"
        assert found.detail == "no list of reservations was read"
    assert report.sentences == (
        "Nothing can be said about utilization and coverage: no list of reservations was read.",
    )


def test_without_any_list_of_instances_no_reservation_is_called_idle() -> None:
    text = "r-a: A bought 3 m5.large in us-east-1"
    report = reported(text, *(denied(name, CellKind.INSTANCES) for name in "AB"))
    assert {found.value for found in report.kpis[:-1]} == {None}
    assert "no list of instances was read" in report.sentences[0]


def test_an_organization_without_anything_has_no_ratios() -> None:
    report = reported("")
    assert kpi(report, "utilization").value is None
    assert kpi(report, "utilization").detail == "no active reservations"
    assert kpi(report, "coverage").value is None
    assert kpi(report, "coverage").detail == "no eligible instances running"
    assert kpi(report, "unused_units").value == 0


def test_the_sentences_name_the_largest_blocks_and_what_is_due() -> None:
    due = f"r-d: A bought 1 t3.large in eu-west-1, ends {AS_OF + timedelta(days=9):%Y-%m-%d}"
    unused, uncovered, ending = reported(COMPANY + due).sentences
    assert unused.startswith("The largest block of unused units is c5 Linux/UNIX in us-east-1: 8 ")
    assert "50.0 % of all unused" in unused
    assert uncovered.startswith(
        "The largest block of uncovered usage is m5 Linux/UNIX in us-east-1: 12 units, 100.0 % of"
    )
    assert ending.startswith("1 reservation ends within 30 days and with them the cover of 0 units")
    assert "t3.large in eu-west-1 on 2026-12-01" in ending


def test_the_sentences_of_a_fleet_in_order_say_so() -> None:
    text = "i: A runs 1 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1"
    assert reported(text).sentences == (
        "Every unit of every active reservation is in use.",
        "Every eligible instance is covered in full.",
        "No reservation ends within 30 days.",
    )


def test_a_sentence_never_claims_what_was_not_read() -> None:
    text = "i: A runs 1 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1"
    assert reported(text, denied("B", CellKind.RESERVATIONS)).sentences == (
        "Of what was read, all purchased units whose use is known are in use.",
        "Of what was read, all eligible instances whose cover is known are covered in full.",
        "Of what was read, nothing ends within 30 days.",
    )


MISLED = """
    i-other: B runs 3 m5.large in us-east-1a (use1-az2)
    i-own: A runs 1 m5.large in us-east-1b (use1-az3)
    r-zonal: A bought 2 m5.large in us-east-1a (use1-az1)
    r-own: A bought 1 m5.large in us-east-1
"""


def test_a_headline_says_beside_its_value_what_the_other_reading_of_zones_gives() -> None:
    """By name 12 of 12 bought and of 16 running units are used; by id only the owner's 4."""
    kpis = {kpi.name: kpi for kpi in reported(MISLED).kpis}
    told = {name: (kpi.value, kpi.otherwise) for name, kpi in kpis.items() if kpi.otherwise_by}
    assert told == {
        "utilization": (1.0, 4 / 12),
        "coverage": (0.75, 0.25),
        "unused_units": (0.0, 8.0),
        "uncovered_units": (4.0, 12.0),
    }
    words = "33.3 % if zones of other accounts matched by id"
    assert otherwise_text(kpis["utilization"]) == words


def test_a_headline_that_the_other_reading_leaves_as_it_is_says_nothing_of_it() -> None:
    report = reported("i: A runs 1 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1a")
    for one in report.kpis:
        assert (one.otherwise, one.otherwise_by, otherwise_text(one)) == (None, "", "")


def test_a_zonal_reservation_whose_use_is_unknown_says_so_under_both_readings_of_zones() -> None:
    """By name it serves B; what of it the owner itself uses was not read."""
    report = reported(
        """
        i-other: B runs 3 m5.large in us-east-1a (use1-az2)
        r-zonal: A bought 2 m5.large in us-east-1a (use1-az1)
        """,
        denied("A", CellKind.INSTANCES),
    )
    (row,) = report.tables["zone_match"].rows.to_dict("records")
    measures = [name for name in row if "units" in str(name)]
    assert len(measures) == 4
    assert pd.isna([row[name] for name in measures]).all()
    assert (kpi(report, "utilization").value, kpi(report, "utilization").otherwise) == (None, None)
    assert (kpi(report, "coverage").value, kpi(report, "coverage").otherwise) == (8 / 12, 0.0)
    assert all(one.otherwise is None for one in reported(MISLED, *UNSEEN).kpis)


UNSEEN = tuple(denied(name, CellKind.INSTANCES) for name in "AB")


def test_every_output_tells_the_other_reading_beside_the_headline() -> None:
    report = reported(MISLED)
    words = "33.3 % if zones of other accounts matched by id"
    (tile,) = [t for t in page.render(report).split('<div class="tile') if words in t]
    assert "<h2>Utilization</h2>" in tile
    assert 'href="#zone_match"' in tile
    told = json.loads(data.report_json(report))["kpis"]["utilization"]
    assert (told["value"], told["otherwise"], told["otherwise_by"]) == (1.0, 4 / 12, "id")
    sheet = load_workbook(io.BytesIO(workbook.render(report)))["Summary"]
    (row,) = [row for row in sheet.iter_rows(values_only=True) if row[0] == "Utilization"]
    assert words in str(row[5])
