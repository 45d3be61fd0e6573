"""Completeness: rows that something unread could change say so, and no others."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd
import pytest

from ri_report.inventory.outcomes import (
    EXCLUDED,
    LISTS,
    NOT_SAVED,
    OUTCOMES,
    CellKind,
    Outcome,
    Status,
)
from ri_report.inventory.schema import ACCOUNTS
from ri_report.rules.analysis import Analysis, analyze
from ri_report.rules.completeness import said
from ri_report.rules.sharing import Sharing
from ri_report.rules.unknown import blind
from tests.rules.fleet import fleet

HOME, AWAY = "us-east-1", "eu-west-1"
COMPANY = """
    i-a: A runs 1 m5.large in us-east-1a
    i-b: B runs 1 m5.xlarge in us-east-1a
    i-w: B runs 1 c5.large in eu-west-1a
    r-a: A bought 1 m5.large in us-east-1, ends 2026-12-31
    r-w: B bought 2 m5.large in eu-west-1, ends 2027-01-31
    cr-a: A holds 2 r5.large in us-east-1a
    cr-w: B holds 1 r5.large in eu-west-1a
"""
IDENTIFIER = {
    "covered": "usage_id",
    "coverage": "region",
    "coverage_by_account": "region",
    "uncovered": "instance_id",
    "utilization": "reservation_id",
    "unused_reasons": "reservation_id",
    "allocations": "reservation_id",
    "pools": "region",
    "capacity_reservations": "capacity_reservation_id",
    "expiries": "month",
}
COVER_AT_HOME = {
    "covered": {"i-a", "i-b"},
    "coverage": {HOME},
    "coverage_by_account": {HOME},
    "uncovered": {"i-b"},
}
USE_AT_HOME = {
    "utilization": {"r-a"},
    "allocations": {"r-a"},
    "pools": {HOME},
    "capacity_reservations": {"cr-a"},
    "expiries": {"2026-12"},
}
REASONS = {"unused_reasons": {"r-w"}}
"""What blocks a reservation is looked for in every region and account."""
AT_HOME = COVER_AT_HOME | USE_AT_HOME | REASONS
EVERYWHERE: dict[str, set[str]] = {
    "covered": {"i-a", "i-b", "i-w"},
    "coverage": {HOME, AWAY},
    "coverage_by_account": {HOME, AWAY},
    "uncovered": {"i-b", "i-w"},
    "utilization": {"r-a", "r-w"},
    "allocations": {"r-a"},
    "pools": {HOME, AWAY},
    "capacity_reservations": {"cr-a", "cr-w"},
    "expiries": {"2026-12", "2027-01"},
} | REASONS


def analyzed(*unread: Outcome, sharing: Sharing | None = None) -> Analysis:
    """What is made of the company where all of A and B was read, and of C what is said here."""
    world, sharing = fleet(COMPANY), sharing or Sharing()
    cells = product("AB", (HOME, AWAY), (*LISTS, CellKind.CAPACITY))
    read = [Outcome(*cell, Status.OK) for cell in cells]
    outcomes = {(o.account_id, o.region, o.kind): o.row() for o in (*read, *unread)}
    inventory = replace(
        world.inventory,
        accounts=ACCOUNTS.of({"account_id": name, "state": "ACTIVE"} for name in "ABC"),
        outcomes=OUTCOMES.of(outcomes.values()),
    )
    return blind(analyze(inventory, sharing), inventory, sharing)


def saying(word: str, analysis: Analysis) -> dict[str, set[Any]]:
    """The rows that say so, by table."""
    frames = {name: getattr(analysis, name) for name in IDENTIFIER}
    rows = {name: frame[frame["completeness"] == word] for name, frame in frames.items()}
    return {name: set(rows[name][IDENTIFIER[name]]) for name in rows if len(rows[name])}


def denied(kind: CellKind, region: str = HOME, account: str = "C") -> Outcome:
    return Outcome(account, region, kind, Status.DENIED, "iam")


def test_where_everything_was_read_every_row_is_complete() -> None:
    assert saying("partial", analyzed()) == saying("unknown", analyzed()) == {}
    assert saying("complete", analyzed()) == EVERYWHERE


@pytest.mark.parametrize(
    ("unread", "changed"),
    [
        (denied(CellKind.INSTANCES), AT_HOME),
        (denied(CellKind.CAPACITY), USE_AT_HOME | REASONS),
        (denied(CellKind.ACCOUNT, ""), EVERYWHERE),
        (denied(CellKind.REGIONS, ""), EVERYWHERE),
        (denied(CellKind.ACCOUNT, "", account=""), EVERYWHERE),
        (denied(CellKind.ZONES), {}),
        (
            Outcome("C", HOME, CellKind.REGIONS, Status.SKIPPED, NOT_SAVED),
            AT_HOME | {"expiries": {"2026-12", "2027-01"}},
        ),
    ],
)
def test_an_unread_cell_could_change_what_shares_with_it_in_its_region(
    unread: Outcome, changed: dict[str, set[str]]
) -> None:
    assert saying("partial", analyzed(unread)) == changed


def test_what_may_end_in_any_month_is_not_known_where_purchases_were_not_read() -> None:
    found = saying("partial", analyzed(denied(CellKind.RESERVATIONS)))
    assert found == AT_HOME | {"expiries": {"2026-12", "2027-01"}}


def test_what_shares_with_nobody_changes_what_is_summed_over_accounts_alone() -> None:
    """C's instances are not in the coverage of a place; A's and B's rows do not rest on them."""
    off = Sharing(deactivated_accounts=frozenset("C"))
    found = saying("partial", analyzed(denied(CellKind.INSTANCES), sharing=off))
    assert found == {"coverage": {HOME}} | REASONS
    groups = Sharing(mode="restricted", groups={"one": {"A"}, "two": {"B", "C"}})
    found = saying("partial", analyzed(denied(CellKind.INSTANCES), sharing=groups))
    assert (
        found
        == {
            "covered": {"i-b"},
            "coverage": {HOME},
            "coverage_by_account": {HOME},
            "uncovered": {"i-b"},
            "pools": {HOME},
        }
        | REASONS
    )


def test_what_an_unread_account_runs_is_in_the_coverage_of_no_region() -> None:
    off = Sharing(deactivated_accounts=frozenset("C"))
    found = saying("partial", analyzed(denied(CellKind.ACCOUNT, ""), sharing=off))
    assert found == {"coverage": {HOME, AWAY}, "expiries": {"2026-12", "2027-01"}} | REASONS


def test_idle_slots_could_change_with_what_shares_with_the_account_that_pays_for_them() -> None:
    world = fleet("cr: A holds 1 m5.large in us-east-1a, idle slots billed to B")
    sharing = Sharing(mode="restricted", groups={"one": {"B", "C"}})
    gap = denied(CellKind.RESERVATIONS)
    inventory = replace(world.inventory, outcomes=OUTCOMES.of([gap.row()]))
    made = blind(analyze(inventory, sharing), inventory, sharing)
    assert made.capacity_reservations["completeness"].tolist() == ["partial"]


def test_the_least_complete_word_is_said() -> None:
    told = said(
        partial=pd.Series([False, True, False, True]),
        unknown=pd.Series([False, False, True, True]),
    )
    assert told.tolist() == ["complete", "partial", "unknown", "unknown"]
    assert told.dtype == "str"


def test_an_account_that_was_left_out_could_change_what_it_shares_with() -> None:
    skipped = Outcome("C", "", CellKind.ACCOUNT, Status.SKIPPED, EXCLUDED)
    assert saying("partial", analyzed(skipped)) == EVERYWHERE
    closed = Outcome("C", "", CellKind.ACCOUNT, Status.SKIPPED, "account_state")
    assert saying("partial", analyzed(closed)) == {}
    off = Sharing(deactivated_accounts=frozenset("C"))
    assert saying("partial", analyzed(skipped, sharing=off)) == {}


def test_idle_slots_that_nobody_asked_for_could_change_what_is_used() -> None:
    """As saved answers without them, or those of a version that did not ask, leave it."""
    listed = Outcome("C", HOME, CellKind.INSTANCES, Status.OK)
    assert saying("partial", analyzed(listed)) == USE_AT_HOME | REASONS


def test_what_rests_on_something_unread_is_unknown_and_what_shares_with_it_partial() -> None:
    found = analyzed(denied(CellKind.INSTANCES, account="A"))
    assert saying("unknown", found) == {
        "coverage_by_account": {HOME},
        "utilization": {"r-a"},
        "unused_reasons": {"r-a"},
        "allocations": {"r-a"},
        "pools": {HOME},
        "expiries": {"2026-12"},
    }
    assert saying("partial", found) == {
        **COVER_AT_HOME,
        "pools": {HOME},
        "capacity_reservations": {"cr-a"},
        **REASONS,
    }


def test_places_lack_what_was_not_saved_of_an_account_that_shares_with_none() -> None:
    unsaved = Outcome("C", HOME, CellKind.REGIONS, Status.SKIPPED, NOT_SAVED)
    alone = Sharing(deactivated_accounts=frozenset({"C"}))
    assert saying("partial", analyzed(unsaved, sharing=alone)) == REASONS | {
        "coverage": {HOME},
        "expiries": {"2026-12", "2027-01"},
    }


def placed(text: str) -> dict[str, list[str]]:
    """What coverage says of each zone name and id, and the same by account."""
    world = fleet(text)
    found = blind(world.analysis, world.inventory, world.sharing)
    return {
        f"{zone} {place}".strip(): sorted({*rows["completeness"]})
        for table in (found.coverage, found.coverage_by_account)
        for (zone, place), rows in table.groupby(["availability_zone", "availability_zone_id"])
    }


def test_a_zone_that_stands_in_two_rows_as_an_id_was_not_read_is_complete_in_neither() -> None:
    assert placed("""
        i-1: A runs 1 m5.large in eu-central-1a (euc1-az2)
        i-2: A runs 1 m5.large in eu-central-1a ()
        i-3: A runs 1 c5.large in eu-central-1b (euc1-az3)
        i-4: B runs 1 m5.large in eu-central-1b ()
        """) == {
        "eu-central-1a": ["partial"],
        "eu-central-1a euc1-az2": ["partial"],
        "eu-central-1b": ["complete"],
        "eu-central-1b euc1-az3": ["complete"],
    }


@pytest.mark.parametrize(
    ("region", "account", "word"),
    [
        ("us-east-1", "B", "partial"),
        ("us-east-1", "A", "complete"),
        ("eu-central-1", "B", "complete"),
    ],
    ids=["a_name_of_two_accounts", "a_name_of_one", "a_name_of_all"],
)
def test_a_zone_without_any_id_is_partial_where_its_name_may_be_several_places(
    region: str, account: str, word: str
) -> None:
    world = fleet(f"""
        i-1: A runs 1 m5.large in {region}a ()
        i-2: {account} runs 1 m5.large in {region}a ()
        """)
    found = blind(world.analysis, world.inventory, world.sharing)
    assert found.coverage["completeness"].tolist() == [word]
    assert set(found.coverage_by_account["completeness"]) == {"complete"}
