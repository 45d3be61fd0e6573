"""Whatever strikes: what can be got over leaves no trace, and what cannot is a gap and no more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from ri_report.aws.patience import LONGEST_WAIT_SECONDS
from ri_report.errors import IntegrityError, NoReportError
from tests.matrix.faults import RECOVERABLE, UNRECOVERABLE, Blow
from tests.matrix.stage import DATA, HOME, IS_PROOF, WEB, cells

if TYPE_CHECKING:
    import pandas as pd

    from tests.matrix.stage import Seen, Stage

EXAMPLES = 100 * int(os.environ.get("RI_REPORT_EXAMPLES", "1"))
"""How many scripts of each kind are tried."""

thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not IS_PROOF,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
Cell = tuple[str, str, str]
Struck = dict[Cell, frozenset[str]]


def test_faults_that_can_be_got_over_leave_every_byte_as_it_is(stage: Stage, clean: Seen) -> None:
    @thorough
    @given(script=RECOVERABLE)
    def holds(script: str) -> None:
        assert stage.read(script).files == clean.files

    holds()


def test_faults_that_cannot_be_got_over_are_gaps_of_exactly_the_cells_that_they_strike(
    stage: Stage, clean: Seen
) -> None:
    @thorough
    @given(drawn=UNRECOVERABLE)
    def holds(drawn: tuple[list[Blow], str]) -> None:
        blows, troubles = drawn
        script = "\n".join([*(blow.line for blow in blows), troubles])
        try:
            seen = stage.read(script)
        except (NoReportError, IntegrityError):
            assert is_nothing_left(struck_by(blows, stage))
            return
        struck = struck_by(blows, stage)
        assert not is_nothing_left(struck)
        assert_exactly_the_struck_are_missing(seen, clean, struck)

    holds()


OTHER = f"ec2:DescribeReservedInstances {WEB} {HOME} always"
THIS = f"ec2:DescribeInstances {WEB} {HOME}"
RATE = "error RequestLimitExceeded 503"


@pytest.mark.parametrize("blow", ["status 503", "body html", "truncate 100", RATE])
@pytest.mark.parametrize(
    "trouble",
    [
        "call 1-3: status 503",
        "call 1-3: body html",
        "call 1-3: truncate 100",
        f"for 20 s: {RATE}",
        f"for 110 s: {RATE}",
    ],
)
@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_cell_that_is_given_up_takes_no_patience_from_the_others(
    stage: Stage, clean: Seen, blow: str, trouble: str, concurrency: int
) -> None:
    seen = stage.read(f"{OTHER}: {blow}\n{THIS} {trouble}", concurrency=concurrency)
    assert seen.gaps == {(WEB, HOME, "reservations")}
    assert seen.rows("instances") == clean.rows("instances")


def test_patience_with_a_place_is_two_minutes_however_many_calls_it_refuses(stage: Stage) -> None:
    for concurrency in (1, 16):
        seen = stage.read(f"ec2:* {WEB} eu-west-1 always: {RATE}", concurrency=concurrency)
        assert seen.gaps == {cell for cell in cells((WEB,)) if cell[1] == "eu-west-1"}
        assert 120 <= seen.done[WEB] <= 120 + 2 * LONGEST_WAIT_SECONDS


def assert_exactly_the_struck_are_missing(seen: Seen, clean: Seen, struck: Struck) -> None:
    """Each struck cell is a gap of a fitting kind, and all else is as in a clean reading."""
    assert seen.gaps == struck.keys()
    statuses = seen.inventory.outcomes.set_index(["account_id", "region", "kind"])["status"]
    for cell, possible in struck.items():
        assert statuses[cell] in possible
    unread = {cell for cell in cells() if is_behind(cell, struck)}
    for kind in ("instances", "reservations", "capacity_reservations", "zones"):
        assert_all_but(clean, seen, kind, unread)
    assert_outcomes_of_the_rest_are_the_same(clean, seen, unread)


def struck_by(blows: list[Blow], stage: Stage) -> Struck:
    """Return the cells that were really struck, with the outcomes that they may have."""
    return {blow.cell: blow.statuses for blow in blows if blow.line in stage.hits}


def is_nothing_left(struck: Struck) -> bool:
    """Whether no list was read at all, or none of the linked accounts that all denied something."""
    read = {
        account_id
        for account_id, region, kind in cells()
        if kind in {"instances", "reservations"}
        and not is_behind((account_id, region, kind), struck)
    }
    denied = {cell[0] for cell, statuses in struck.items() if statuses == {"DENIED"}}
    return not read or {WEB, DATA} <= denied - read


def is_behind(cell: Cell, struck: Struck) -> bool:
    """Whether a cell was not read, by itself or because its account was not entered."""
    account_id = cell[0]
    return bool({cell, (account_id, "", "account"), (account_id, "", "regions")} & struck.keys())


def assert_all_but(clean: Seen, seen: Seen, kind: str, unread: set[Cell]) -> None:
    """Every row of the cells that were read is there, and none of the others."""
    expected = _without(getattr(clean.inventory, kind), kind, unread)
    assert getattr(seen.inventory, kind).equals(expected)


def _without(frame: pd.DataFrame, kind: str, unread: set[Cell]) -> pd.DataFrame:
    places = zip(frame["account_id"], frame["region"], strict=True)
    keep = [(account_id, region, kind) not in unread for account_id, region in places]
    return frame[keep].reset_index(drop=True)


def assert_outcomes_of_the_rest_are_the_same(clean: Seen, seen: Seen, unread: set[Cell]) -> None:
    """Nothing is said otherwise of the cells that were read."""
    told = _outcomes(seen)
    assert {cell: told[cell] for cell in cells() - unread} == {
        cell: said for cell, said in _outcomes(clean).items() if cell not in unread
    }
    assert all(told[cell]["row_count"] == 0 for cell in seen.gaps)


def _outcomes(seen: Seen) -> dict[Cell, dict[Any, Any]]:
    rows: list[dict[Any, Any]] = seen.inventory.outcomes.to_dict("records")
    return {(row["account_id"], row["region"], row["kind"]): row for row in rows}
