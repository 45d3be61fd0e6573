"""Merging parts gives the snapshot of what was gathered at once, byte for byte."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ri_report.errors import IntegrityError
from ri_report.inventory import merging, tables
from ri_report.inventory.gathering import gather
from ri_report.inventory.manifest import MANIFEST
from ri_report.inventory.merging import Ids, merge_parts
from ri_report.inventory.outcomes import CellKind, Outcome, Status
from ri_report.inventory.part_file import part_path
from ri_report.inventory.parts import write_part
from ri_report.inventory.snapshot import FRAMES, read_snapshot, snapshot_files
from tests.inventory.readings import (
    AS_OF,
    Read,
    account,
    gap,
    instance,
    read_ok,
    readings,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ri_report.inventory.schema import Inventory

WEB, DATA, LEFT = "111122223333", "012345678901", "999988887777"
EAST, INSTANCES = "us-east-1", CellKind.INSTANCES
SETTINGS: dict[str, Any] = {"sharing": {"mode": "open"}}
ABOUT = {"run": "r", "source": "aws", "endpoint": "", "caller_account_id": WEB}


def merged(
    folder: Path, account_ids: Sequence[str], outcomes: Sequence[Outcome] = ()
) -> dict[str, bytes]:
    place = folder / "place"
    place.mkdir()
    rows = [account(account_id) for account_id in account_ids]
    merge_parts(folder, place, rows, outcomes, as_of=AS_OF, settings=SETTINGS, **ABOUT)
    return {path.name: path.read_bytes() for path in place.iterdir()}


def inventory_of(folder: Path) -> Inventory:
    inventory, kept_settings = read_snapshot(folder / "place")
    assert kept_settings == SETTINGS
    return inventory


def outcomes_of(inventory: Inventory) -> list[tuple[str, str, str, str]]:
    names = ["account_id", "region", "kind", "status"]
    return list(inventory.outcomes[names].itertuples(index=False, name=None))


def run_instance(folder: Path, account_id: str, region: str, instance_id: str) -> None:
    rows = {INSTANCES: [instance(account_id, region, instance_id)]}
    write_part(folder, account_id, rows, [read_ok(account_id, region, INSTANCES)])


@settings(max_examples=40, deadline=None)
@given(
    found=readings(most_accounts=3), skipped=st.sets(st.sampled_from([WEB, DATA])), data=st.data()
)
def test_merging_gives_the_snapshot_of_what_is_gathered_at_once(
    found: list[Read],
    skipped: set[str],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    skips = [
        Outcome(account_id, "", CellKind.ACCOUNT, Status.SKIPPED, "excluded")
        for account_id in skipped - {read.account_id for read in found}
    ]
    for read in data.draw(st.permutations(found)):
        write_part(folder, read.account_id, read.rows, read.outcomes)
    ids = [read.account_id for read in found] + [skip.account_id for skip in skips]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP_ROWS", data.draw(st.sampled_from([2, 5, 1000])))
        files = merged(folder, ids, skips)
        rows = rows_of(found)
        expected = gather(
            rows | {CellKind.ACCOUNT: [account(account_id) for account_id in ids]},
            [*skips, *(outcome for read in found for outcome in read.outcomes)],
            as_of=AS_OF,
            **ABOUT,
        )
        assert files == snapshot_files(expected, SETTINGS)
    after = inventory_of(folder)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(after, name), getattr(expected, name))


def test_nothing_makes_an_empty_snapshot(tmp_path: Path) -> None:
    files = merged(tmp_path, [])
    rows = {kind: list[dict[str, Any]]() for kind in CellKind}
    assert files == snapshot_files(gather(rows, [], as_of=AS_OF, **ABOUT), SETTINGS)


def test_a_part_of_an_account_that_is_not_listed_does_not_count(tmp_path: Path) -> None:
    run_instance(tmp_path, WEB, EAST, "i-1")
    run_instance(tmp_path, LEFT, EAST, "i-1")
    merged(tmp_path, [WEB])
    assert inventory_of(tmp_path).instances["account_id"].tolist() == [WEB]
    assert outcomes_of(inventory_of(tmp_path)) == [(WEB, EAST, "instances", "OK")]


def test_an_account_without_a_part_has_the_outcome_that_is_given(tmp_path: Path) -> None:
    run_instance(tmp_path, WEB, EAST, "i-1")
    merged(tmp_path, [WEB, DATA], [gap(DATA)])
    assert outcomes_of(inventory_of(tmp_path)) == [
        (DATA, "", "account", "TIMEOUT"),
        (WEB, EAST, "instances", "OK"),
    ]


def test_an_account_of_which_nothing_is_known_is_a_gap(tmp_path: Path) -> None:
    """Its part was damaged on disk after it was read: it is unknown, never zero."""
    run_instance(tmp_path, WEB, EAST, "i-1")
    run_instance(tmp_path, DATA, EAST, "i-2")
    part_path(tmp_path, DATA).write_bytes(b"half a par")
    files = merged(tmp_path, [WEB, DATA])
    inventory = inventory_of(tmp_path)
    assert inventory.instances["instance_id"].tolist() == ["i-1"]
    assert outcomes_of(inventory)[0] == (DATA, "", "account", "MALFORMED")
    (told,) = json.loads(files[MANIFEST])["gaps"]
    assert (told["account_id"], told["status"]) == (DATA, "MALFORMED")


def test_a_gap_that_is_given_adds_to_what_a_part_tells(tmp_path: Path) -> None:
    """A run was resumed, and stopped again before it came to that account."""
    run_instance(tmp_path, WEB, EAST, "i-1")
    merged(tmp_path, [WEB], [gap(WEB), gap(WEB, "eu-west-1", INSTANCES)])
    assert outcomes_of(inventory_of(tmp_path)) == [
        (WEB, "", "account", "TIMEOUT"),
        (WEB, "eu-west-1", "instances", "TIMEOUT"),
        (WEB, EAST, "instances", "OK"),
    ]
    assert inventory_of(tmp_path).instances["instance_id"].tolist() == ["i-1"]


def test_an_outcome_that_is_given_takes_the_place_of_that_of_the_part(tmp_path: Path) -> None:
    write_part(tmp_path, WEB, {}, [gap(WEB)])
    stopped = Outcome(WEB, "", CellKind.ACCOUNT, Status.SKIPPED, "stopped")
    merged(tmp_path, [WEB], [stopped])
    assert outcomes_of(inventory_of(tmp_path)) == [(WEB, "", "account", "SKIPPED")]


def test_two_outcomes_of_one_cell_are_a_mistake_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outcomes: two rows share"):
        merged(tmp_path, [WEB], [gap(WEB), gap(WEB)])


def test_an_account_that_is_listed_twice_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="accounts: two rows share"):
        merged(tmp_path, [WEB, WEB])


def test_an_id_seen_in_two_accounts_is_refused_with_both_places(tmp_path: Path) -> None:
    run_instance(tmp_path, WEB, EAST, "i-1")
    run_instance(tmp_path, DATA, "eu-west-1", "i-1")
    rows = {
        INSTANCES: [instance(WEB, EAST, "i-1"), instance(DATA, "eu-west-1", "i-1")],
        CellKind.ACCOUNT: [account(WEB), account(DATA)],
    }
    with pytest.raises(IntegrityError) as expected:
        gather({kind: rows.get(kind, []) for kind in CellKind}, [], as_of=AS_OF, **ABOUT)
    with pytest.raises(
        IntegrityError,
        match="i-1 was seen in account 012345678901 in eu-west-1 and"
        " in account 111122223333 in us-east-1",
    ) as caught:
        merged(tmp_path, [WEB, DATA])
    assert str(caught.value) == str(expected.value)
    assert not (tmp_path / "place" / MANIFEST).exists()


def test_an_id_seen_in_two_regions_of_one_account_is_refused(tmp_path: Path) -> None:
    regions = [EAST, "eu-west-1"]
    rows = {INSTANCES: [instance(WEB, region, "i-1") for region in regions]}
    write_part(tmp_path, WEB, rows, [read_ok(WEB, region, INSTANCES) for region in regions])
    with pytest.raises(IntegrityError, match="in eu-west-1 and in account 111122223333 in us-east"):
        merged(tmp_path, [WEB])


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (CellKind.RESERVATIONS, "reservation_id"),
        (CellKind.CAPACITY, "capacity_reservation_id"),
    ],
)
def test_ids_of_what_was_reserved_are_unique_as_well(
    tmp_path: Path, kind: CellKind, key: str
) -> None:
    for account_id in (WEB, DATA):
        row: dict[str, object] = {"account_id": account_id, "region": EAST, key: "r-1"}
        row |= {"instance_count": 1, "available_instances": 1}
        absent = {"availability_zone": "", "availability_zone_id": ""}
        write_part(tmp_path, account_id, {kind: [absent | row]}, [read_ok(account_id, EAST, kind)])
    with pytest.raises(IntegrityError, match=f"{key} r-1 was seen in account 012345678901"):
        merged(tmp_path, [WEB, DATA])


def test_a_capacity_reservation_is_told_by_its_owner_and_by_who_pays(tmp_path: Path) -> None:
    for account_id, owner_id in ((WEB, ""), (DATA, WEB)):
        row: dict[str, object] = {"account_id": account_id, "region": EAST, "owner_id": owner_id}
        row |= {"capacity_reservation_id": "cr-1", "available_instances": 1}
        absent = {"availability_zone": "", "availability_zone_id": ""}
        kind = CellKind.CAPACITY
        write_part(tmp_path, account_id, {kind: [absent | row]}, [read_ok(account_id, EAST, kind)])
    merged(tmp_path, [WEB, DATA])
    assert inventory_of(tmp_path).capacity_reservations["owner_id"].tolist() == [WEB, ""]


def test_one_id_may_name_an_instance_and_a_reservation(tmp_path: Path) -> None:
    run_instance(tmp_path, WEB, EAST, "x-1")
    row = {"account_id": WEB, "region": EAST, "reservation_id": "x-1", "instance_count": 1}
    absent = {"availability_zone": "", "availability_zone_id": ""}
    kind = CellKind.RESERVATIONS
    write_part(tmp_path, WEB, {kind: [absent | row]}, [read_ok(WEB, EAST, kind)])
    merged(tmp_path, [WEB])
    assert inventory_of(tmp_path).reservations["reservation_id"].tolist() == ["x-1"]


def test_ids_whose_hashes_meet_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "hashes", lambda ids: np.full(len(ids), 7, dtype=np.uint64))
    run_instance(tmp_path, WEB, EAST, "i-1")
    run_instance(tmp_path, DATA, EAST, "i-2")
    merged(tmp_path, [WEB, DATA])
    assert inventory_of(tmp_path).instances["instance_id"].tolist() == ["i-2", "i-1"]


@given(
    columns=st.lists(st.lists(st.sampled_from("éabcdefgh"), max_size=4), max_size=6),
    at_once=st.integers(1, 9),
)
def test_an_id_is_met_twice_whenever_its_columns_hold_it_twice(
    columns: list[list[str]], at_once: int
) -> None:
    ids = Ids(io.BytesIO())
    frame = FRAMES["instances"]
    for column in columns:
        ids.add(tables.table_of(frame, [{"instance_id": each} for each in column])["instance_id"])
    every = [each for column in columns for each in column]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "HASHES_AT_ONCE", at_once)
        assert len(ids.twice()) == len({each for each in every if every.count(each) > 1})
