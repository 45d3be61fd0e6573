"""Row 28: answers that are larger than any of AWS's, at once or when they are unpacked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ri_report.aws.transport import LARGEST_BODY
from ri_report.inventory.snapshot import read_snapshot
from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.faults import Script
from ri_report.sandbox.server import serve
from tests.matrix.stage import COMPANY, HOME, KINDS, WEB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matrix.runs import Runs
    from tests.matrix.stage import Stage

BOMBS = ("inflate 500", "gzip bomb", "entities")
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
COLLECT = ("collect", "--region", HOME, "--as-of", "2026-11-22T06:30Z", "--no-progress")
MIB = 1 << 20
ROOM_BYTES = 3 * LARGEST_BODY + 16 * MIB
"""What a body may take beside everything else: its pieces, the whole, and what is made of it."""


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_no_more_memory_than_an_answer_may_hold(
    runs: Runs, tmp_path: Path, bomb: str
) -> None:
    with serve(organization_from(COMPANY, AS_OF)) as endpoint:
        clean = runs.start(tmp_path, endpoint.environment, *COLLECT).wait()
        assert clean.code == 0
        endpoint.faults = Script(f"ec2:DescribeInstances {WEB} {HOME} always: {bomb}")
        struck = runs.start(tmp_path, endpoint.environment, *COLLECT).wait()
    assert struck.code == 3
    assert struck.memory_bytes - clean.memory_bytes < ROOM_BYTES
    snapshot, _ = read_snapshot(tmp_path / "reports" / "2026-11-22T063000Z" / "snapshot")
    (gap,) = snapshot.outcomes[snapshot.outcomes["is_gap"]].to_dict("records")
    assert (gap["account_id"], gap["region"], gap["kind"]) == (WEB, HOME, "instances")
    assert gap["status"] == "MALFORMED"


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "organizations:ListAccounts"])
def test_a_bomb_in_the_place_of_what_nothing_goes_without_ends_the_run(
    runs: Runs, tmp_path: Path, action: str, bomb: str
) -> None:
    with serve(organization_from(COMPANY, AS_OF)) as endpoint:
        clean = runs.start(tmp_path, endpoint.environment, *COLLECT).wait()
        endpoint.faults = Script(f"{action} * * always: {bomb}")
        struck = runs.start(tmp_path, endpoint.environment, *COLLECT).wait()
    assert struck.code == 4
    assert len(struck.err.splitlines()) == 1
    assert struck.memory_bytes - clean.memory_bytes < ROOM_BYTES


@pytest.mark.parametrize("bomb", ["inflate 65", "gzip bomb", "entities"])
@pytest.mark.parametrize(
    ("action", "kind"),
    [*KINDS.items(), ("sts:AssumeRole", "account"), ("ec2:DescribeRegions", "regions")],
)
def test_a_bomb_anywhere_is_malformed_and_never_zero(
    stage: Stage, action: str, kind: str, bomb: str
) -> None:
    seen = stage.read(f"{action} {WEB} {HOME} always: {bomb}")
    region = HOME if action in KINDS else ""
    assert seen.gaps == {(WEB, region, kind)}
    ((status, _),) = seen.outcomes(account_id=WEB, region=region, kind=kind)
    assert status == "MALFORMED"


def test_white_space_that_an_answer_may_hold_changes_nothing(stage: Stage) -> None:
    clean = stage.read()
    seen = stage.read(f"ec2:DescribeInstances {WEB} {HOME} always: inflate 2")
    assert seen.files == clean.files
