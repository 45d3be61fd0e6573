"""A snapshot gives back what was kept in it, or says that it does not."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from ri_report.errors import ConfigError, IntegrityError
from ri_report.inventory.manifest import MANIFEST, sealed
from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
    Inventory,
)
from ri_report.inventory.snapshot import (
    FRAMES,
    read_snapshot,
    snapshot_files,
)

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
WEB, DATA = "111122223333", "012345678901"
SETTINGS = {"sharing": {"mode": "open"}, "targets": {"utilization": 0.95, "coverage": 0.8}}


def inventory() -> Inventory:
    where = {"account_id": WEB, "region": "us-east-1", "availability_zone": "us-east-1a"}
    kind = {"instance_type": "m5.large", "tenancy": "default", "availability_zone_id": "use1-az4"}
    term = {"start": AS_OF - timedelta(days=30), "end": AS_OF + timedelta(days=335)}
    refused = Outcome(DATA, "", CellKind.ACCOUNT, Status.DENIED, "role", "not authorized", "trust")
    read = Outcome(WEB, "us-east-1", CellKind.INSTANCES, Status.OK, row_count=1)
    return Inventory(
        as_of=AS_OF,
        run="2026-11-22T063000Z",
        source="aws",
        endpoint="",
        caller_account_id=WEB,
        accounts=ACCOUNTS.of([{"account_id": DATA}, {"account_id": WEB, "is_management": True}]),
        instances=INSTANCES.of(
            [where | kind | {"instance_id": "i-1", "name": "naïve\0\x1b[2J", "launch_time": AS_OF}]
        ),
        reservations=RESERVATIONS.of(
            [where | kind | term | {"reservation_id": "r-1", "instance_count": 3}]
        ),
        zones=ZONES.of([where | {"availability_zone_id": "use1-az4"}]),
        outcomes=OUTCOMES.of([refused.row(), read.row()]),
        capacity_reservations=CAPACITY_RESERVATIONS.of(
            [where | kind | {"capacity_reservation_id": "cr-1", "available_instances": 2}]
        ),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    for name, content in snapshot_files(inventory(), SETTINGS).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def change(folder: Path, **values: Any) -> None:  # noqa: ANN401 - JSON holds any type
    """Write another manifest that bears a right seal."""
    path = folder / MANIFEST
    path.write_text(json.dumps(sealed(json.loads(path.read_text()) | values)))


def test_what_was_kept_comes_back(kept: Path) -> None:
    before, (after, settings) = inventory(), read_snapshot(kept)
    assert settings == SETTINGS
    for field in fields(Inventory):
        one, two = getattr(before, field.name), getattr(after, field.name)
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two)
        else:
            assert one == two


def test_equal_inventories_give_equal_bytes() -> None:
    assert snapshot_files(inventory(), SETTINGS) == snapshot_files(inventory(), SETTINGS)


def test_a_snapshot_of_what_was_read_back_is_the_same_snapshot(kept: Path) -> None:
    again = snapshot_files(*read_snapshot(kept))
    assert again == {name: (kept / name).read_bytes() for name in again}


def test_the_manifest_tells_what_was_seen_and_what_was_not(kept: Path) -> None:
    manifest = json.loads((kept / MANIFEST).read_text())
    assert manifest["schema_version"] == 1
    assert manifest["as_of"] == "2026-11-22T06:30:00+00:00"
    assert manifest["scope"] == {"accounts": [DATA, WEB], "regions": ["us-east-1"]}
    assert manifest["outcomes"] == {"DENIED": 1, "OK": 1}
    assert [gap["account_id"] for gap in manifest["gaps"]] == [DATA]
    assert set(manifest["files"]) == {f"{name}.parquet" for name in FRAMES}


def test_a_folder_without_a_manifest_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not a snapshot, as it has no manifest\.json"):
        read_snapshot(tmp_path)
    with pytest.raises(ConfigError, match="is not a snapshot"):
        read_snapshot(tmp_path / "absent")


@pytest.mark.parametrize("version", [2, 99, "1", None])
def test_another_schema_version_is_refused_by_number(kept: Path, version: object) -> None:
    change(kept, schema_version=version)
    with pytest.raises(ConfigError, match=f"schema version {version} is not the version 1"):
        read_snapshot(kept)


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in FRAMES])
def test_a_missing_file_is_named(kept: Path, name: str) -> None:
    (kept / name).unlink()
    with pytest.raises(IntegrityError, match=f"{name}: cannot be read"):
        read_snapshot(kept)


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in FRAMES])
def test_a_changed_byte_is_noticed(kept: Path, name: str) -> None:
    content = bytearray((kept / name).read_bytes())
    content[len(content) // 2] ^= 1
    (kept / name).write_bytes(content)
    with pytest.raises(IntegrityError, match=f"{name}: is not the file that the run wrote"):
        read_snapshot(kept)


def test_a_cut_file_is_noticed(kept: Path) -> None:
    path = kept / "instances.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IntegrityError, match=r"instances\.parquet"):
        read_snapshot(kept)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "7", "\x00\xff", "[" * 100_000])
def test_a_manifest_that_is_not_whole_is_refused(kept: Path, content: str) -> None:
    (kept / MANIFEST).write_bytes(content.encode("latin-1"))
    with pytest.raises(IntegrityError, match="is not whole"):
        read_snapshot(kept)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-11-22T06:30:00+00:00", "2027-11-22T06:30:00+00:00"),
        ('"coverage": 0.8', '"coverage": 0.1'),
        ('"digest"', '"digests"'),
    ],
)
def test_a_change_in_the_manifest_is_noticed(kept: Path, old: str, new: str) -> None:
    text = (kept / MANIFEST).read_text()
    assert old in text
    (kept / MANIFEST).write_text(text.replace(old, new))
    with pytest.raises(IntegrityError, match="it was changed after the run"):
        read_snapshot(kept)


def test_a_frame_of_other_columns_is_refused(kept: Path) -> None:
    content = io.BytesIO()
    pd.DataFrame({"x": [1]}).to_parquet(content)
    (kept / "zones.parquet").write_bytes(content.getvalue())
    digests = json.loads((kept / MANIFEST).read_text())["files"]
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    change(kept, files=digests | {"zones.parquet": digest})
    with pytest.raises(
        IntegrityError, match=r"zones\.parquet: is not whole \(frame zones: no column"
    ):
        read_snapshot(kept)


def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(IntegrityError, match="is not whole"):
        read_snapshot(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["run", "as_of", "source", "endpoint", "caller_account_id", "settings", "files"],
)
def test_a_manifest_without_one_of_its_keys_is_refused(kept: Path, name: str) -> None:
    change(kept, **{name: None})
    with pytest.raises(IntegrityError, match="is not whole"):
        read_snapshot(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("as_of", "yesterday"),
        ("as_of", "2026-11-22T06:30:00"),
        ("as_of", 7),
        ("run", ["x"]),
        ("files", []),
        ("settings", "none"),
        ("endpoint", None),
    ],
)
def test_a_manifest_with_a_value_of_another_kind_is_refused(
    kept: Path, name: str, value: object
) -> None:
    change(kept, **{name: value})
    with pytest.raises(IntegrityError, match="is not whole"):
        read_snapshot(kept)


@pytest.mark.parametrize(
    "run", ["../elsewhere", "/elsewhere", "a/b", "..", "", ".hidden", "a\\b", "a\nb", "x" * 200]
)
def test_the_name_of_a_run_never_leads_elsewhere(kept: Path, run: str) -> None:
    """It becomes the name of the folder that the reports are written to."""
    change(kept, run=run)
    with pytest.raises(IntegrityError, match="is not whole"):
        read_snapshot(kept)


def test_an_older_snapshot_without_capacity_reservations_is_read(kept: Path) -> None:
    """They were not asked for then: there is no outcome of that kind."""
    name = "capacity_reservations.parquet"
    (kept / name).unlink()
    digests = json.loads((kept / MANIFEST).read_text())["files"]
    change(kept, files={other: digest for other, digest in digests.items() if other != name})
    after, _ = read_snapshot(kept)
    assert after.capacity_reservations.empty
    assert after.instances["instance_id"].tolist() == ["i-1"]


def test_an_older_snapshot_whose_capacity_reservations_name_no_other_owner_is_read(
    kept: Path,
) -> None:
    path = kept / "capacity_reservations.parquet"
    pd.read_parquet(path).drop(columns="owner_id").to_parquet(path)
    digests = json.loads((kept / MANIFEST).read_text())["files"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    change(kept, files=digests | {path.name: digest})
    after, _ = read_snapshot(kept)
    assert after.capacity_reservations["owner_id"].tolist() == [""]


def test_an_inventory_is_made_without_capacity_reservations_as_well() -> None:
    frames = {
        name: frame.of([]) for name, frame in FRAMES.items() if name != "capacity_reservations"
    }
    made = Inventory(
        as_of=AS_OF, run="x", source="aws", endpoint="", caller_account_id="", **frames
    )
    pd.testing.assert_frame_equal(made.capacity_reservations, CAPACITY_RESERVATIONS.of([]))


def test_an_empty_inventory_is_kept_as_well(tmp_path: Path) -> None:
    empty = Inventory(
        as_of=AS_OF,
        run="empty",
        source="dumps",
        endpoint="",
        caller_account_id="",
        **{name: frame.of([]) for name, frame in FRAMES.items()},
    )
    for name, content in snapshot_files(empty, {}).items():
        (tmp_path / name).write_bytes(content)
    after, _ = read_snapshot(tmp_path)
    pd.testing.assert_frame_equal(after.instances, empty.instances)
