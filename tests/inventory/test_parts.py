"""A part gives back what was read of its account, whole, or counts as not read at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ri_report.errors import ConfigError
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.part_file import outcomes_in, part_path, read_part
from ri_report.inventory.parts import read_outcomes, write_part
from tests.inventory.readings import (
    Read,
    cells_read,
    gap,
    instance,
    read_ok,
    readings,
    zone,
)

if TYPE_CHECKING:
    from pathlib import Path

WEB, DATA = "111122223333", "012345678901"
EAST = "us-east-1"
INSTANCES, ZONES = CellKind.INSTANCES, CellKind.ZONES
READ_WEB = [read_ok(WEB, EAST, INSTANCES), read_ok(WEB, EAST, ZONES)]
ROWS_WEB = {
    INSTANCES: [instance(WEB, EAST, "i-1", availability_zone="us-east-1a")],
    ZONES: [zone(WEB, EAST, "us-east-1a", "use1-az4")],
}


def rows_in(folder: Path, account_id: str, name: str = "instances") -> list[dict[str, Any]]:
    tables = read_part(folder, account_id)
    assert tables is not None
    rows: list[dict[str, Any]] = tables[name].to_pylist()
    return rows


def outcomes_of(folder: Path, account_id: str) -> list[Outcome]:
    tables = read_part(folder, account_id)
    assert tables is not None
    return outcomes_in(tables)


def test_what_was_read_comes_back_placed(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    (row,) = rows_in(tmp_path, WEB)
    assert row == ROWS_WEB[INSTANCES][0] | {"availability_zone_id": "use1-az4"}
    assert rows_in(tmp_path, WEB, "zones") == ROWS_WEB[ZONES]
    assert rows_in(tmp_path, WEB, "reservations") == []
    assert outcomes_of(tmp_path, WEB) == READ_WEB


def test_rows_are_in_order_of_region_and_id(tmp_path: Path) -> None:
    places = [("us-east-1", "i-2"), ("eu-west-1", "i-3"), ("us-east-1", "i-1")]
    outcomes = [read_ok(WEB, region, INSTANCES) for region in ("us-east-1", "eu-west-1")]
    rows = {INSTANCES: [instance(WEB, *place) for place in places]}
    write_part(tmp_path, WEB, rows, outcomes)
    found = [(row["region"], row["instance_id"]) for row in rows_in(tmp_path, WEB)]
    assert found == [("eu-west-1", "i-3"), ("us-east-1", "i-1"), ("us-east-1", "i-2")]
    assert [outcome.region for outcome in outcomes_of(tmp_path, WEB)] == ["eu-west-1", "us-east-1"]


def test_an_account_has_no_part_before_it_was_read(tmp_path: Path) -> None:
    assert read_part(tmp_path, WEB) is None
    assert cells_read(tmp_path) == {}


def test_every_cell_but_the_gaps_needs_no_reading_again(tmp_path: Path) -> None:
    not_enabled = Outcome(WEB, "me-south-1", INSTANCES, Status.SKIPPED, "not_opted_in")
    empty = Outcome(WEB, "eu-west-1", INSTANCES, Status.EMPTY)
    outcomes = [*READ_WEB, not_enabled, empty, gap(WEB, "eu-west-1", ZONES)]
    write_part(tmp_path, WEB, ROWS_WEB, outcomes)
    write_part(tmp_path, DATA, {}, [gap(DATA)])
    assert cells_read(tmp_path) == {
        DATA: frozenset(),
        WEB: frozenset(
            {(EAST, INSTANCES), (EAST, ZONES), ("me-south-1", INSTANCES), ("eu-west-1", INSTANCES)}
        ),
    }
    assert [account_id for account_id, _ in read_outcomes(tmp_path)] == [DATA, WEB]
    assert dict(read_outcomes(tmp_path))[DATA] == [gap(DATA)]


def test_what_is_read_anew_takes_the_place_of_what_was_said_of_the_cell(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    west = instance(WEB, "us-west-2", "i-9")
    rows = {INSTANCES: [instance(WEB, EAST, "i-2", availability_zone="us-east-1a"), west]}
    outcomes = [read_ok(WEB, EAST, INSTANCES), read_ok(WEB, "us-west-2", INSTANCES)]
    write_part(tmp_path, WEB, rows, outcomes)
    found = [(row["instance_id"], row["availability_zone_id"]) for row in rows_in(tmp_path, WEB)]
    assert found == [("i-2", "use1-az4"), ("i-9", "")]
    assert len(outcomes_of(tmp_path, WEB)) == 3


@pytest.mark.parametrize("kind", [CellKind.ACCOUNT, CellKind.REGIONS])
def test_a_gap_of_the_whole_account_goes_when_it_is_entered(tmp_path: Path, kind: CellKind) -> None:
    write_part(tmp_path, WEB, {}, [gap(WEB, "", kind)])
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    assert outcomes_of(tmp_path, WEB) == READ_WEB


def test_what_was_read_outlasts_a_later_refusal(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, [*READ_WEB, gap(WEB, "eu-west-1", ZONES)])
    write_part(tmp_path, WEB, {}, [gap(WEB)])
    expected = [gap(WEB), gap(WEB, "eu-west-1", ZONES), *READ_WEB]
    assert outcomes_of(tmp_path, WEB) == expected
    assert len(rows_in(tmp_path, WEB)) == 1


def test_nothing_new_changes_nothing(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, {}, [gap(WEB)])
    before = part_path(tmp_path, WEB).read_bytes()
    write_part(tmp_path, WEB, {}, [])
    assert part_path(tmp_path, WEB).read_bytes() == before


@settings(max_examples=60, deadline=None)
@given(found=readings(most_accounts=1), data=st.data())
def test_reading_an_account_in_two_goes_gives_the_part_of_one(
    found: list[Read], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    for read in found:
        cells = [(outcome.region, outcome.kind) for outcome in read.outcomes]
        first = data.draw(st.sets(st.sampled_from(cells)))
        later = set(cells) - first
        gaps = [gap(read.account_id, *cell) for cell in later]
        some, rest = read.only(first), read.only(later)
        write_part(folder, read.account_id, some.rows, [*some.outcomes, *gaps])
        write_part(folder, read.account_id, rest.rows, rest.outcomes)
        twice = part_path(folder, read.account_id).read_bytes()
        part_path(folder, read.account_id).unlink()
        write_part(folder, read.account_id, read.rows, read.outcomes)
        assert part_path(folder, read.account_id).read_bytes() == twice


@pytest.mark.parametrize("account_id", ["", "../../../tmp/x", "11112222333", "1111222233334"])
def test_what_is_no_account_id_is_never_in_a_path(tmp_path: Path, account_id: str) -> None:
    with pytest.raises(ValueError, match="not the id of an account"):
        write_part(tmp_path, account_id, {}, [])


@pytest.mark.parametrize(
    ("rows", "outcomes", "why"),
    [
        ({}, [gap(DATA)], "an outcome of another account"),
        ({INSTANCES: [instance(DATA, EAST, "i-1")]}, READ_WEB, "rows of instances in a cell"),
        ({INSTANCES: [instance(WEB, "eu-west-1", "i-1")]}, READ_WEB, "rows of instances in a cell"),
        (ROWS_WEB, [gap(WEB, EAST, INSTANCES), READ_WEB[1]], "rows of instances in a cell"),
        ({CellKind.ACCOUNT: ROWS_WEB[ZONES]}, READ_WEB, "rows of account in a cell"),
        (ROWS_WEB, READ_WEB * 2, "outcomes: two rows share account_id, region, kind"),
        ({ZONES: ROWS_WEB[ZONES] * 2}, READ_WEB, "zones: two rows share account_id, region"),
        ({INSTANCES: [instance(WEB, EAST, "i-1", name=None)]}, READ_WEB, "missing values in name"),
        ({INSTANCES: [instance(WEB, EAST, "i-1", name=7)]}, READ_WEB, "name holds int"),
    ],
)
def test_what_does_not_belong_together_is_a_mistake_of_the_program(
    tmp_path: Path,
    rows: dict[CellKind, list[dict[str, Any]]],
    outcomes: list[Outcome],
    why: str,
) -> None:
    with pytest.raises(ValueError, match=why):
        write_part(tmp_path, WEB, rows, outcomes)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_was_cut_anywhere_counts_as_not_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    path = part_path(tmp_path, WEB)
    whole = path.read_bytes()
    lengths = [*range(0, len(whole), 37), len(whole) - 1]
    for length in lengths:
        path.write_bytes(whole[:length])
        assert read_part(tmp_path, WEB) is None
    assert len(caplog.records) == len(lengths)
    assert f"account {WEB} is damaged on disk" in caplog.text


def test_a_part_with_any_changed_byte_counts_as_not_read(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    path = part_path(tmp_path, WEB)
    whole = path.read_bytes()
    for place in range(0, len(whole), 13):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cells_read(tmp_path) == {}


def test_the_part_of_another_account_counts_as_not_read(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    part_path(tmp_path, WEB).rename(part_path(tmp_path, DATA))
    assert cells_read(tmp_path) == {}


def test_a_part_that_cannot_be_read_counts_as_not_read(tmp_path: Path) -> None:
    part_path(tmp_path, WEB).mkdir()
    assert cells_read(tmp_path) == {}


def test_a_damaged_part_gives_way_to_a_new_one(tmp_path: Path) -> None:
    part_path(tmp_path, WEB).write_bytes(b"half a par")
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    assert outcomes_of(tmp_path, WEB) == READ_WEB


def test_what_a_kill_left_is_no_part_and_goes_with_the_next_one(tmp_path: Path) -> None:
    (tmp_path / f".{WEB}.part.new").write_bytes(b"half a par")
    assert cells_read(tmp_path) == {}
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    assert [path.name for path in tmp_path.iterdir()] == [f"{WEB}.part"]


def test_a_folder_that_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone: cannot be written \(No such file or directory\)"):
        write_part(tmp_path / "gone", WEB, ROWS_WEB, READ_WEB)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told_in_one_line(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, ROWS_WEB, READ_WEB)
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\)"):
        write_part(tmp_path, WEB, {}, [gap(WEB)])
    tmp_path.chmod(0o700)
    assert outcomes_of(tmp_path, WEB) == READ_WEB
