"""Row 23: fields that are missing, and values that AWS has never sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.model import ListShape, StructureShape

from ri_report.aws.kept import KEPT
from ri_report.rules.analysis import analyze
from ri_report.rules.conservation import check_conservation
from ri_report.rules.sharing import Sharing
from ri_report.rules.unknown import blind
from ri_report.sandbox.wire import service_model
from tests.matrix.stage import HOME, KINDS, WEB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import Shape

    from tests.matrix.stage import Seen, Stage


def names_of(shape: Shape | None, kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield the name on the wire of every field that is kept, at any depth."""
    while isinstance(shape, ListShape):
        shape = shape.member
    if isinstance(shape, StructureShape):
        for name, below in kept.items():
            member = shape.members[name]
            yield member.serialization["name"]
            yield from names_of(member, below)


def fields_of(operation: str) -> list[str]:
    """Return the names on the wire of what is kept of an operation's answer."""
    shape = service_model("ec2").operation_model(operation).output_shape
    assert shape is not None
    return sorted(set(names_of(shape, KEPT[shape.name])) - {"nextToken"})


FIELDS = [(action, name) for action in KINDS for name in fields_of(action.removeprefix("ec2:"))]


TELLING = {"ownerId"}
"""Whose a row is, and so whether it counts here, is what this field tells."""
IDS = {"instanceId", "reservedInstancesId", "capacityReservationId", "zoneName"}
"""Rows of one id are one row."""
CHANGES = [
    (action, name, change)
    for action, name in FIELDS
    for change in ("drop {}", "field {} never-seen-before", "field {} ''")
    # A set without members is an answer: there are none.
    if change == "drop {}" or (not name.endswith(("Set", "Info")) and name not in IDS)
]


@pytest.mark.parametrize(("action", "name", "change"), CHANGES)
def test_a_field_that_is_missing_or_strange_is_unknown_or_a_gap_and_never_an_error(
    stage: Stage, clean: Seen, action: str, name: str, change: str
) -> None:
    seen = stage.read(f"{action} {WEB} {HOME} always: {change.format(name)}")
    kind = KINDS[action]
    assert seen.gaps <= {(WEB, HOME, kind)}
    lost = clean.rows(kind, account_id=WEB, region=HOME) if seen.gaps else 0
    if name not in TELLING:
        assert seen.rows(kind) == clean.rows(kind) - lost
    for other in set(KINDS.values()) - {kind, "zones"}:
        assert seen.rows(other) == clean.rows(other)
    if not seen.gaps and "''" not in change:
        analysis = analyze(seen.inventory, Sharing())
        check_conservation(analysis)
        blind(analysis, seen.inventory, Sharing())


@pytest.mark.parametrize(
    ("action", "name"),
    [("ec2:DescribeInstances", "name"), ("ec2:DescribeCapacityReservations", "state")],
)
def test_rows_in_a_state_that_nobody_knows_are_a_gap_and_not_none(
    stage: Stage, clean: Seen, action: str, name: str
) -> None:
    kind = KINDS[action]
    assert clean.rows(kind, account_id=WEB, region=HOME)
    seen = stage.read(f"{action} {WEB} {HOME} always: field {name} never-seen-before")
    assert seen.gaps == {(WEB, HOME, kind)}
    assert seen.outcomes(account_id=WEB, region=HOME, kind=kind) == [("MALFORMED", "record")]
    detail = seen.inventory.outcomes.query("is_gap")["detail"].item()
    assert "'never-seen-before'" in detail


def test_every_kind_of_row_has_fields_to_lose() -> None:
    assert {action for action, _ in FIELDS} == set(KINDS)
    assert len(FIELDS) > 50
