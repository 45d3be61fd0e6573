"""The findings: what a reader must know about the data, gaps first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import ACCOUNTS
from ri_report.report.findings import findings
from ri_report.report.wording import named
from ri_report.rules.analysis import analyze
from ri_report.rules.sharing import Sharing
from tests.rules.fleet import fleet

if TYPE_CHECKING:
    from ri_report.report.model import Finding

BOUGHT = """
    r-a: A bought 1 m5.large in us-east-1
    r-b: B bought 1 m5.large in us-east-1
    r-c: C bought 1 m5.large in us-east-1
    r-d: D bought 1 m5.large in us-east-1
    """

LEVELS = ["gap", "warning", "note"]


def found(
    text: str, *outcomes: Outcome, sharing: Sharing | None = None, **about: str
) -> list[Finding]:
    """The findings of a fleet in the accounts A to H, the first of which manages the others."""
    deactivated = about.pop("deactivated", "")
    world = fleet(text, deactivated=deactivated.split())
    world = replace(world, sharing=sharing or world.sharing)
    inventory = replace(
        world.inventory,
        source="aws",
        accounts=ACCOUNTS.of(
            {
                "account_id": name,
                "account_name": {"A": "team-A", "B": "team-B", "G": "closed-shop"}.get(name, ""),
                "state": "ACTIVE" if name < "G" else "SUSPENDED",
                "is_management": name == "A",
            }
            for name in "ABCDEFGH"
        ),
        outcomes=OUTCOMES.of(outcome.row() for outcome in outcomes),
    )
    inventory = replace(inventory, **about)  # type: ignore[arg-type]  # fields of text only
    return list(findings(inventory, analyze(inventory, world.sharing), world.sharing))


def texts(level: str, text: str, **about: str) -> list[str]:
    told = found(text, sharing=None, **about)
    return [finding.text for finding in told if finding.level == level]


def test_nothing_strange_gives_no_finding() -> None:
    assert found("i: A runs 1 m5.large in us-east-1a\nr: A bought 1 m5.large in us-east-1") == []


def test_restricted_sharing_tells_whose_reservations_serve_only_their_owner() -> None:
    groups = {"shop": ["B", "E"]}
    restricted = Sharing(mode="restricted", groups=groups, deactivated_accounts=frozenset({"D"}))
    told = [f for f in found(BOUGHT, sharing=restricted) if f.level == "warning"]
    assert [f.text for f in told] == [
        (
            "Reservations of the management account A serve only itself: sharing is restricted to"
            " groups, and AWS leaves this account out of every group"
        ),
        (
            "Reservations of C serve only the account that bought them: sharing is restricted to"
            " groups, and it is in none"
        ),
    ]
    assert all(f.fix for f in told)
    for sharing in (Sharing(), Sharing(mode="prioritized", groups=groups)):
        assert found(BOUGHT, sharing=sharing) == []


def test_groups_of_open_sharing_are_pointed_out() -> None:
    (told,) = found(BOUGHT, sharing=Sharing(groups={"shop": ["B", "Z"]}))
    assert told.level == "warning"
    assert told.text.startswith("Sharing groups are set (shop), but sharing is open")
    assert "prioritized or restricted" in told.fix


def malformed(detail: str, account: str = "C") -> Outcome:
    where = account, "us-east-1", CellKind.RESERVATIONS
    return Outcome(*where, Status.MALFORMED, detail=detail, fix="Ask again")


def test_a_gap_of_one_cell_says_what_was_wrong_with_it() -> None:
    (told,) = found("", malformed("record 3: InstanceCount is -1."))
    assert told.text == (
        "Reservations not read: C in us-east-1: MALFORMED: record 3: InstanceCount is -1"
    )
    assert told.fix == "Ask again"


def test_what_was_wrong_is_one_line_and_shows_what_it_hides() -> None:
    (told,) = found("", malformed("record 3:\n\x1b[2K\u202e" + "x" * 900))
    assert told.text.isprintable()
    assert "MALFORMED: record 3:\ufffd\ufffd[2K\ufffdxxx" in told.text
    assert told.text.endswith("… (915 characters)")
    assert len(told.text) < 400


def test_a_gap_of_several_cells_or_without_an_answer_says_the_status_alone() -> None:
    (told,) = found("", malformed("record 3"), malformed("record 4", "D"))
    assert told.text == "Reservations not read: C in us-east-1, D in us-east-1: MALFORMED"
    (told,) = found("", malformed(""))
    assert told.text == "Reservations not read: C in us-east-1: MALFORMED"


def test_a_refusal_is_told_by_its_reason_and_its_fix() -> None:
    refused = Outcome("C", "", CellKind.ACCOUNT, Status.DENIED, "role", "User: ...", "trust C")
    (told,) = found("", refused)
    assert (told.text, told.fix) == ("Not read: C: DENIED (role)", "trust C")


def test_regions_that_only_saved_answers_of_others_have_are_a_warning() -> None:
    def unsaved(account: str, region: str) -> Outcome:
        return Outcome(account, region, CellKind.REGIONS, Status.SKIPPED, "not_saved")

    (told,) = found("", unsaved("B", "us-east-1"), unsaved("A", "eu-west-1"))
    assert told.level == "warning"
    assert told.text == (
        "Not among the saved answers, though those of other accounts have these regions: A in"
        " eu-west-1, B in us-east-1; what runs there or was bought there is in no number"
    )
    (told,) = found("", *(unsaved(name, "us-east-1") for name in "ABCDEFGH"))
    assert "E in us-east-1 and 3 more; what runs" in told.text


def test_capacity_reservations_that_nobody_asked_for_are_noted_and_refused_ones_are_gaps() -> None:
    read = [
        Outcome(name, "us-east-1", kind, Status.OK)
        for name in "ABC"
        for kind in (CellKind.INSTANCES, CellKind.RESERVATIONS)
    ]
    refused = Outcome("B", "us-east-1", CellKind.CAPACITY, Status.DENIED, "iam")
    none = Outcome("C", "us-east-1", CellKind.CAPACITY, Status.EMPTY)
    told = [(f.level, f.text) for f in found("", *read, refused, none)]
    assert told == [
        ("gap", "Capacity reservations not read: B (team-B) in us-east-1: DENIED (iam)"),
        (
            "note",
            (
                "No capacity reservations were read of A: idle slots, which use up regional"
                " reservations, are unknown there"
            ),
        ),
    ]


def test_gaps_are_told_by_cause_with_the_fix_and_the_table() -> None:
    refused = [
        Outcome(name, "", CellKind.ACCOUNT, Status.DENIED, "role", "no", f"trust {name}")
        for name in "AC"
    ]
    cell = Outcome("B", "eu-west-1", CellKind.RESERVATIONS, Status.THROTTLED, "", "slow", "later")
    zones = Outcome("A", "us-east-1", CellKind.ZONES, Status.OK)
    told = found("", *refused, cell, zones)
    assert [(f.level, f.text, f.fix, f.table) for f in told] == [
        ("gap", "Not read: A (team-A), C: DENIED (role)", "trust A", "gaps"),
        ("gap", "Reservations not read: B (team-B) in eu-west-1: THROTTLED: slow", "later", "gaps"),
    ]


def test_many_gaps_of_one_cause_are_one_line() -> None:
    refused = [Outcome(n, "", CellKind.ACCOUNT, Status.DENIED, "role") for n in "ABCDEFGH"]
    (finding,) = found("", *refused)
    assert finding.text == "Not read: A (team-A), B (team-B), C, D, E and 3 more: DENIED (role)"


def test_what_was_not_to_be_read_is_no_finding() -> None:
    assert (
        found("", Outcome("A", "us-east-1", CellKind.INSTANCES, Status.SKIPPED, "not_opted_in"))
        == []
    )


def test_accounts_that_are_not_active_are_named_as_in_no_number() -> None:
    outcomes = (Outcome(n, "", CellKind.ACCOUNT, Status.SKIPPED, "account_state") for n in "GH")
    (finding,) = found("", *outcomes)
    assert (finding.level, finding.text, finding.table) == (
        "note",
        "2 accounts not queried and in no number: G closed-shop (SUSPENDED), H (SUSPENDED)",
        "accounts",
    )


def test_names_are_distinct_in_order_and_few() -> None:
    assert named([]) == ""
    assert named("ba") == "a, b"
    assert named("baabba") == "a, b"
    assert named("gfedcba") == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize("line", ["i: A runs 1 {} in us-east-1a", "r: A bought 1 {} in us-east-1"])
def test_a_type_without_a_factor_is_pointed_out(line: str) -> None:
    (text,) = texts("warning", line.format("x9z.colossal"))
    assert text.startswith("x9z.colossal: no normalization factor is known")


@pytest.mark.parametrize("state", ["payment-pending", "payment-failed"])
def test_a_payment_that_is_not_settled_is_a_warning(state: str) -> None:
    (finding,) = found(f"r: A bought 1 m5.large in us-east-1, {state}")
    assert (finding.level, finding.table) == ("warning", "reservations_other_states")
    assert finding.text.startswith("1 reservation")
    assert "no discount" in finding.text


def test_a_state_that_ec2_does_not_document_is_a_warning_that_names_the_reservations() -> None:
    """It might give a discount; this report gives it none."""
    world = fleet(
        """
        r-1: A bought 1 m5.large in us-east-1, retired
        r-2: A bought 1 m5.large in us-east-1, retired
        r-3: A bought 1 m5.large in us-east-1, retired
        """
    )
    bought = world.inventory.reservations
    is_odd = bought["reservation_id"] != "r-3"
    changed = bought.assign(state=bought["state"].mask(is_odd, "half-paid"))
    inventory = replace(world.inventory, reservations=changed)
    told = findings(inventory, analyze(inventory, world.sharing), world.sharing)
    (warning,) = [finding for finding in told if finding.level == "warning"]
    assert warning.text == (
        "2 reservations in a state that EC2 does not document (half-paid), taken as without"
        " discount: r-1, r-2"
    )
    assert warning.table == "reservations_other_states"
    (note,) = [f.text for f in told if f.table == warning.table and f.level == "note"]
    assert note == "Reservations that give no discount now: 1 retired"


def test_reservations_that_rest_are_a_note() -> None:
    text = """
        r-1: A bought 1 m5.large in us-east-1, retired
        r-2: A bought 1 m5.large in us-east-1, retired
        r-3: A bought 1 m5.large in us-east-1, queued
    """
    assert texts("note", text) == ["Reservations that give no discount now: 1 queued, 2 retired"]


def test_a_family_of_a_kind_that_aws_often_excludes_is_a_warning() -> None:
    (text,) = texts("warning", "r: A bought 1 g7e.2xlarge in us-east-1")
    assert text.startswith("g7e.2xlarge: taken as size-flexible")
    for plain in (
        "r: A bought 1 g5.2xlarge in us-east-1",
        "r: A bought 1 g7e.2xlarge in us-east-1a",
    ):
        assert texts("warning", plain) == []


@pytest.mark.parametrize(
    "line", ["r: A bought 1 huge in us-east-1", "r: A bought 0 m5.large in us-east-1"]
)
def test_a_reservation_that_makes_no_sense_is_set_aside_and_counted(line: str) -> None:
    assert texts("warning", line) == [
        "1 reservation: left out, because scope, zone, type or count makes no sense"
    ]


def test_an_unknown_license_is_a_warning_that_names_it() -> None:
    (text,) = texts("warning", "i: A runs 2 m5.large in us-east-1a, Plan 9, operation X:1")
    assert text.startswith("2 instances")
    assert "Plan 9" in text


MISLED = """
    i-other: B runs 3 m5.large in us-east-1a (use1-az2)
    i-own: A runs 1 m5.large in us-east-1b (use1-az3)
    r-zonal: A bought 2 m5.large in us-east-1a (use1-az1)
    r-own: A bought 1 m5.large in us-east-1
"""


def test_what_depends_on_the_reading_of_zones_is_a_warning_with_the_headline_change() -> None:
    """By name 8 + 4 of 12 bought and 16 running units are used, by id only the owner's 4, and 4."""
    (told,) = [f for f in found(MISLED) if f.level == "warning"]
    assert told.table == "zone_match"
    assert told.text == (
        "If zonal reservations matched the zones of other accounts by id and not by name, some rows"
        " of Coverage, Utilization, Coverage by account, Pools, Expiring, Allocations would be"
        " different; these rows show both: utilization 33.3 % instead of 100.0 %, coverage 25.0 %"
        " instead of 75.0 %"
    )
    assert "sharing.zonal_match" in told.fix


UNUSED_ZONAL = """
    cr-1: A holds 1 m5.large in us-east-1a
    i-in: A runs 1 m5.large in us-east-1a, inside cr-1
    i-out: A runs 3 m5.large in us-east-1b
    r-zonal: A bought 1 m5.large in us-east-1a
"""


def test_what_zonal_reservations_would_cover_inside_capacity_reservations_is_a_warning() -> None:
    """Of 16 running units 4 would be covered, by all that was bought."""
    (told,) = [f for f in found(UNUSED_ZONAL) if f.level == "warning"]
    assert told.text == (
        "If zonal reservations covered instances that run inside a capacity reservation, 1"
        " reservation would cover other instances or idle slots, or another part of them:"
        " utilization 100.0 % instead of 0.0 %, coverage 25.0 % instead of 0.0 %"
    )
    assert "set sharing.zonal_in_capacity_reservations = true" in told.fix
    (told,) = found(UNUSED_ZONAL, sharing=Sharing(zonal_in_capacity_reservations=True))
    assert told.text.startswith("If zonal reservations did not cover instances that run inside")
    assert "utilization 0.0 % instead of 100.0 %" in told.text
    assert found(UNUSED_ZONAL.replace("1a, inside cr-1", "1c, inside cr-1")) == []


def test_a_reading_of_zones_that_only_moves_units_keeps_the_headline() -> None:
    text = """
        i-other: B runs 2 m5.large in us-east-1a (use1-az2)
        r-other: B bought 2 m5.large in us-east-1
        r-zonal: A bought 2 m5.large in us-east-1a (use1-az1)
    """
    (told,) = texts("warning", text)
    assert told.startswith("If zonal reservations matched the zones of other accounts by id")
    assert told.endswith("utilization still 50.0 %, coverage still 100.0 %")


def test_a_reading_of_zones_that_only_changes_which_instances_are_covered_is_told() -> None:
    """By name it serves the one, by id the other; it is used in full either way."""
    text = """
        i-b: B runs 1 m5.large in us-east-1a (use1-az2)
        i-c: C runs 1 m5.large in us-east-1b (use1-az1)
        r-zonal: A bought 1 m5.large in us-east-1a (use1-az1)
    """
    (told,) = [f for f in found(text) if f.level == "warning"]
    assert told.text.endswith("utilization still 100.0 %, coverage still 50.0 %")
    assert told.table == "coverage"


def test_a_zone_name_of_two_places_is_a_note() -> None:
    text = """
        i-a: A runs 1 m5.large in us-east-1a (use1-az1)
        i-b: B runs 1 m5.large in us-east-1a (use1-az4)
        i-c: B runs 1 m5.large in us-east-1b (use1-az2)
    """
    (note,) = texts("note", text)
    assert note.startswith("us-east-1a: the name is another place in other accounts")


def test_zone_ids_that_contradict_each_other_are_a_warning() -> None:
    text = """
        i-a: A runs 1 m5.large in us-east-1a (use1-az1)
        i-b: A runs 1 m5.large in us-east-1b (use1-az1)
    """
    (warning,) = texts("warning", text)
    where = "us-east-1 of account A"
    assert warning.startswith(f"Zone names and zone ids contradict each other in {where}")


def test_instances_that_no_reservation_covers_are_counted_by_reason() -> None:
    text = """
        i-a: A runs 2 m5.large in us-east-1a, spot
        i-b: B runs 1 m5.large in us-east-1a, host
    """
    (note,) = texts("note", text)
    assert "2 spot" in note
    assert "1 dedicated host" in note


@pytest.mark.parametrize(("deactivated", "count"), [("A B", 0), ("A Z", 1)])
def test_sharing_deactivated_for_a_stranger_is_a_warning(deactivated: str, count: int) -> None:
    told = texts("warning", "", deactivated=deactivated)
    assert told == ["Sharing is deactivated for Z, which is not among the accounts"] * count


def test_another_source_than_aws_is_named() -> None:
    assert texts("note", "", endpoint="127.0.0.1") == [
        "Read from a custom AWS endpoint, 127.0.0.1 (AWS_ENDPOINT_URL)"
    ]
    assert texts("note", "", source="dumps") == ["Read from saved AWS CLI answers, not from AWS"]


def test_active_reservations_without_a_term_are_a_warning_with_their_count() -> None:
    world = fleet(BOUGHT)
    terms = world.reservations[["start", "end"]].copy()
    terms.loc[0, "start"], terms.loc[1, "end"] = pd.NaT, pd.NaT
    terms.loc[2, ["start", "end"]] = pd.NaT
    inventory = replace(world.inventory, reservations=world.reservations.assign(**terms))
    told, _ = findings(inventory, analyze(inventory, world.sharing), world.sharing)
    assert (told.level, told.table) == ("warning", "utilization")
    assert told.text == (
        "3 reservations in state active without start or end: counted as active, though the term"
        " may have ended, or not begun"
    )


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("lifecycle", "novel", "lifecycle unknown"),
        ("tenancy", "novel", "tenancy unknown"),
        ("availability_zone", "", "zone unknown"),
        ("instance_type", "novel", "type unknown"),
    ],
)
def test_instances_that_the_rules_cannot_judge_are_a_warning_with_their_count(
    field: str, value: str, reason: str
) -> None:
    world = fleet("i: A runs 2 m5.large in us-east-1a")
    inventory = replace(world.inventory, instances=world.instances.assign(**{field: value}))
    told = findings(inventory, analyze(inventory, world.sharing), world.sharing)
    (warning,) = (finding for finding in told if finding.level == "warning")
    assert warning.table == "not_eligible"
    assert warning.text == (
        f"2 running instances are not in coverage, as this version cannot judge them: 2 {reason}"
    )


def test_gaps_come_first_and_notes_last() -> None:
    text = """
        i-1: A runs 1 x9z.colossal in us-east-1a
        i-2: A runs 1 m5.large in us-east-1a, spot
        r-1: A bought 1 m5.large in us-east-1, retired
        r-2: A bought 1 m5.large in us-east-1, payment-failed
    """
    refused = Outcome("A", "", CellKind.ACCOUNT, Status.DENIED, "role")
    levels = [finding.level for finding in found(text, refused, endpoint="127.0.0.1")]
    assert set(levels) == set(LEVELS)
    assert levels == sorted(levels, key=LEVELS.index)
