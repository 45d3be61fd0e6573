"""Unread: in which account and region what was not read."""

from __future__ import annotations

import pandas as pd
import pytest

from ri_report.inventory.outcomes import EXCLUDED, OUTCOMES, CellKind, Outcome, Status
from ri_report.rules.unread import Place, unread, unread_capacity

HOME, AWAY = "us-east-1", "eu-west-1"


def cell(kind: CellKind, status: Status, region: str = HOME, reason: str = "") -> Outcome:
    return Outcome("A", region, kind, status, reason)


@pytest.mark.parametrize(
    ("kind", "region", "seen"),
    [
        (CellKind.ACCOUNT, "", {"instances", "reservations", "capacity"}),
        (CellKind.REGIONS, "", {"instances", "reservations", "capacity"}),
        (CellKind.INSTANCES, HOME, {"instances"}),
        (CellKind.RESERVATIONS, HOME, {"reservations"}),
        (CellKind.CAPACITY, HOME, {"capacity"}),
        (CellKind.ZONES, HOME, set()),
    ],
)
def test_each_kind_of_gap_hides_what_was_asked_there(
    kind: CellKind, region: str, seen: set[str]
) -> None:
    read = cell(CellKind.INSTANCES, Status.EMPTY, AWAY)
    found = unread(OUTCOMES.of([read.row(), cell(kind, Status.DENIED, region).row()]))
    hidden = {name for name in vars(found) if vars(found)[name].places}
    assert hidden == seen
    assert found.places == ({("A", region)} if seen else frozenset())


@pytest.mark.parametrize(
    ("outcomes", "places"),
    [
        ([cell(CellKind.CAPACITY, Status.OK)], set()),
        ([cell(CellKind.CAPACITY, Status.DENIED)], {("A", HOME)}),
        ([cell(CellKind.ACCOUNT, Status.DENIED, "")], {("A", "")}),
        ([cell(CellKind.REGIONS, Status.TIMEOUT, "")], {("A", "")}),
        ([cell(CellKind.INSTANCES, Status.EMPTY)], {("A", HOME)}),
        ([cell(CellKind.RESERVATIONS, Status.OK)], {("A", HOME)}),
        ([cell(CellKind.INSTANCES, Status.OK), cell(CellKind.CAPACITY, Status.EMPTY)], set()),
        ([cell(CellKind.INSTANCES, Status.DENIED)], set()),
        ([cell(CellKind.ZONES, Status.OK)], set()),
        ([cell(CellKind.ACCOUNT, Status.SKIPPED, "", EXCLUDED)], set()),
        ([cell(CellKind.REGIONS, Status.OK, "")], set()),
    ],
)
def test_idle_slots_are_unread_where_they_were_refused_or_not_asked_for(
    outcomes: list[Outcome], places: set[Place]
) -> None:
    assert unread_capacity(OUTCOMES.of(outcome.row() for outcome in outcomes)) == places


@pytest.mark.parametrize("kind", [CellKind.RESERVATIONS, CellKind.CAPACITY])
def test_the_cover_of_idle_slots_is_unknown_without_either_list(kind: CellKind) -> None:
    """Without the reservations of who pays, or without other slots that may come first."""
    slots = pd.DataFrame({"account_id": ["A", "A", "B"], "region": [HOME, AWAY, HOME]})
    found = unread(OUTCOMES.of([cell(kind, Status.DENIED).row()]))
    assert found.hide_cover(slots).tolist() == [True, False, False]
