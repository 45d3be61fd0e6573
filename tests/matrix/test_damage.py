"""Rows 13 and 14: answers that are lost or cut on their way, and answers that are none."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws import cells as aws_cells
from ri_report.errors import NoReportError
from ri_report.inventory.outcomes import CellKind
from ri_report.sandbox.regions import REGIONS as ALL
from tests.matrix.stage import DATA, HOME, IS_PROOF, KINDS, WEB, staged

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.awsrequest import AWSResponse

    from tests.matrix.stage import Seen, Stage


SERVER_ERRORS = (500, 502, 503, 504)
NO_ANSWERS = ("body html", "body empty", "body json", "body other-xml")


@pytest.mark.parametrize("status", SERVER_ERRORS)
@pytest.mark.parametrize("form", ["error InternalError {}", "status {}"])
def test_every_call_may_fail_twice_with_a_server_error(
    stage: Stage, clean: Seen, status: int, form: str
) -> None:
    seen = stage.read(f"* * * call 1-2: {form.format(status)}")
    assert seen.files == clean.files
    assert len(seen.calls) > 2 * len(clean.calls)


@pytest.mark.parametrize("mishap", ["reset 0", "reset 70", "truncate 0", "truncate 70 clean"])
def test_every_answer_may_be_lost_twice_in_the_middle(
    stage: Stage, clean: Seen, mishap: str
) -> None:
    assert stage.read(f"* * * call 1-2: {mishap}").files == clean.files


@pytest.mark.parametrize("action", KINDS)
@pytest.mark.parametrize("mishap", [*NO_ANSWERS, "entities"])
def test_what_is_no_answer_is_malformed_and_never_zero(
    stage: Stage, clean: Seen, action: str, mishap: str
) -> None:
    seen = stage.read(f"{action} {DATA} eu-west-1 always: {mishap}")
    where = {"account_id": DATA, "region": "eu-west-1"}
    assert seen.gaps == {(DATA, "eu-west-1", KINDS[action])}
    ((status, _),) = seen.outcomes(kind=KINDS[action], **where)
    assert status == "MALFORMED"
    assert seen.rows(KINDS[action], **where) == 0
    assert seen.rows(KINDS[action]) == clean.rows(KINDS[action]) - clean.rows(
        KINDS[action], **where
    )


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("ec2:DescribeInstances", "reservationSet"),
        ("ec2:DescribeReservedInstances", "reservedInstancesSet"),
        ("ec2:DescribeCapacityReservations", "capacityReservationSet"),
        ("ec2:DescribeAvailabilityZones", "availabilityZoneInfo"),
    ],
)
@pytest.mark.parametrize("dropped", ["set", "requestId"])
def test_an_answer_without_its_set_or_its_number_is_malformed(
    stage: Stage, action: str, name: str, dropped: str
) -> None:
    dropped = name if dropped == "set" else dropped
    seen = stage.read(f"{action} {WEB} {HOME} always: drop {dropped}")
    ((status, reason),) = seen.outcomes(kind=KINDS[action], account_id=WEB, region=HOME)
    assert seen.gaps == {(WEB, HOME, KINDS[action])}
    assert status == "MALFORMED"
    assert reason.startswith("no_")


@pytest.mark.parametrize("mishap", [*NO_ANSWERS, "status 407"])
@pytest.mark.parametrize(
    ("action", "kind"), [("sts:AssumeRole", "account"), ("ec2:DescribeRegions", "regions")]
)
def test_no_answer_at_the_door_of_an_account_is_one_gap(
    stage: Stage, action: str, kind: str, mishap: str
) -> None:
    seen = stage.read(f"{action} {WEB} * always: {mishap}")
    assert seen.gaps == {(WEB, "", kind)}
    assert {status for status, _ in seen.outcomes(account_id=WEB)} == {"MALFORMED"}


@pytest.mark.parametrize("regions", [(), (HOME,)], ids=["all", "wanted"])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("field optInStatus not-opted-in", "no_region_enabled"),
        (f"field regionName {HOME}", "region_twice"),
        ("field regionName ''", "no_RegionName"),
    ],
)
def test_an_account_without_any_enabled_region_is_one_gap(
    stage: Stage, changed: str, reason: str, regions: tuple[str, ...]
) -> None:
    seen = stage.read(f"ec2:DescribeRegions {WEB} * always: {changed}", regions=regions)
    assert seen.gaps == {(WEB, "", "regions")}
    assert seen.outcomes(account_id=WEB) == [("MALFORMED", reason)]


def test_an_account_that_ends_without_any_outcome_is_a_gap(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = aws_cells.Asker.enter

    def nothing_for_web(asker: Any, account_id: str, scope: Any) -> Any:  # noqa: ANN401 - passed on
        entry = yield from truth(asker, account_id, scope)
        return aws_cells.Entry([], []) if account_id == WEB else entry

    monkeypatch.setattr(aws_cells.Asker, "enter", nothing_for_web)
    seen = stage.read()
    assert seen.gaps == {(WEB, "", "account")}
    assert seen.outcomes(account_id=WEB) == [("INTEGRITY", "no_outcome")]


@pytest.mark.parametrize("mishap", [*NO_ANSWERS, "status 407", "status 502", "reset 9"])
@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "organizations:ListAccounts"])
def test_without_identity_or_list_of_accounts_there_is_no_report(
    stage: Stage, action: str, mishap: str
) -> None:
    with pytest.raises(NoReportError) as caught:
        stage.read(f"{action} * * always: {mishap}")
    assert "\n" not in str(caught.value)


BY_DEFAULT = sorted(name for name, region in ALL.items() if not region.needs_opt_in)


def small_company() -> str:
    """Return five accounts that run and have bought a little in every region."""
    lines = []
    for number in range(5):
        word = "account" if number else "management"
        lines.append(f"{word} {number + 1:012d} a{number}")
        for region in BY_DEFAULT:
            lines += [f"run 1 t3.nano {region}a", f"buy 1 t3.nano {region}"]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("operation", "kind", "step"),
    [
        ("DescribeReservedInstances", CellKind.RESERVATIONS, 1),
        ("DescribeInstances", CellKind.INSTANCES, 1 if IS_PROOF else 5),
    ],
)
def test_an_answer_that_is_cut_at_any_byte_counts_as_the_whole_one_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, kind: CellKind, step: int
) -> None:
    """Each account and region has its answer cut at another byte, without and with a clean end."""
    # The other kinds would be asked for in vain.
    monkeypatch.setattr(aws_cells, "READERS", {kind: aws_cells.READERS[kind]})
    places = [*product([f"{number + 1:012d}" for number in range(5)], BY_DEFAULT)]
    with staged(small_company(), tmp_path) as there:
        clean = there.read(regions=())
        bytes_ = [*range(0, longest(there, operation) + 1, step)]
        while bytes_:
            cuts, bytes_ = bytes_[: len(places)], bytes_[len(places) :]
            script = "\n".join(
                f"ec2:{operation} {account_id} {region} call 1: truncate {byte}\n"
                f"ec2:{operation} {account_id} {region} call 2: truncate {byte} clean"
                for byte, (account_id, region) in zip(cuts, places, strict=False)
            )
            assert there.read(script, regions=()).files == clean.files


def longest(there: Stage, operation: str) -> int:
    """Return how many bytes the longest answer to an operation has."""
    lengths: list[int] = []

    def measure(http_response: AWSResponse, **_: object) -> None:
        lengths.append(len(http_response.content))

    with there.surroundings():
        clients = there.clients(clock=there.clock)
        for region in BY_DEFAULT:
            events = clients.client("ec2", region).meta.events
            events.register(f"after-call.ec2.{operation}", measure)
    there.read(regions=())
    assert len(lengths) == 5 * len(BY_DEFAULT)
    return max(lengths)
