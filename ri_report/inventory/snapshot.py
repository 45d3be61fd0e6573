"""Snapshots: one folder holds what a run saw, so that its report can be made again for ever.

manifest.json            schema version, as-of, scope, settings, outcomes, and a digest a file
accounts.parquet ...     one Parquet file for each frame of the inventory
"""

from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from ri_report.errors import IntegrityError
from ri_report.inventory.manifest import (
    MANIFEST,
    Tally,
    manifest_bytes,
    not_whole,
    read_manifest,
)
from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    ZONES,
    Inventory,
)
from ri_report.inventory.tables import FrameFile, table_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ri_report.inventory.frames import Frame
    from ri_report.inventory.tables import Table

FRAMES: dict[str, Frame] = {
    frame.name: frame
    for frame in (
        ACCOUNTS,
        INSTANCES,
        RESERVATIONS,
        CAPACITY_RESERVATIONS,
        ZONES,
        OUTCOMES,
    )
}
ADDED = frozenset({CAPACITY_RESERVATIONS.name})
"""Frames that an older snapshot of the same schema version does not have: they were not read."""
ADDED_TEXTS = ("owner_id",)
"""Columns that one may lack: the text was "" in all rows."""


def snapshot_files(inventory: Inventory, settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a snapshot by name; equal input gives equal bytes.

    Args:
        inventory: What was seen.
        settings: What the report depends on besides (sharing, targets); plain JSON, no secrets.
    """
    tables = {name: table_from(frame, getattr(inventory, name)) for name, frame in FRAMES.items()}
    files = {f"{name}.parquet": _parquet(FRAMES[name], table) for name, table in tables.items()}
    tally = Tally()
    tally.add(tables[OUTCOMES.name])
    manifest = manifest_bytes(
        vars(inventory) | {"as_of": inventory.as_of.isoformat()},
        inventory.accounts["account_id"].tolist(),
        tally,
        settings=settings,
        digests={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    return files | {MANIFEST: manifest}


def read_snapshot(folder: Path) -> tuple[Inventory, dict[str, Any]]:
    """Read a folder that holds `snapshot_files`, and the settings stored with it.

    Raises:
        ConfigError: there is no snapshot, or one of a newer version.
        IntegrityError: a file is missing, or is not the one that was written.
    """
    manifest = read_manifest(folder)
    frames = {
        name: _read_frame(folder / f"{name}.parquet", frame, manifest["files"])
        for name, frame in FRAMES.items()
    }
    inventory = Inventory(
        as_of=datetime.fromisoformat(manifest["as_of"]),
        run=manifest["run"],
        source=manifest["source"],
        endpoint=manifest["endpoint"],
        caller_account_id=manifest["caller_account_id"],
        **frames,
    )
    return inventory, manifest["settings"]


def read_gaps(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the accounts of a snapshot and the outcomes that are gaps, and nothing that is large.

    Returns:
        Frame `ACCOUNTS`, and the rows of frame `OUTCOMES` that are gaps.

    Raises:
        ConfigError: there is no snapshot, or one of a newer version.
        IntegrityError: a file is missing, or is not the one that was written.
    """
    digests = read_manifest(folder)["files"]
    accounts = _read_frame(folder / f"{ACCOUNTS.name}.parquet", ACCOUNTS, digests)
    path, is_gap = folder / f"{OUTCOMES.name}.parquet", [("is_gap", "==", True)]
    return accounts, _read_frame(path, OUTCOMES, digests, is_gap)


def accounts_before(folder: Path, as_of: datetime) -> int:
    """Return how many accounts the newest earlier run below a folder listed; 0 where there is none.

    A snapshot that cannot be read is passed over, as it is not what this run rests on, and so is
    one of a run that was stopped before all accounts were listed.

    Args:
        folder: Where the folders of runs lie.
        as_of: Moment of observation of this run, aware UTC.
    """
    counts = {}
    for path in folder.glob(f"*/*/{MANIFEST}"):
        try:
            manifest = json.loads(path.read_bytes())
            moment = datetime.fromisoformat(manifest["as_of"])
            listed = len(manifest["scope"]["accounts"])
            is_whole = all(gap["account_id"] for gap in manifest["gaps"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if is_whole and manifest.get("source") == "aws" and moment < as_of:
            counts[moment] = listed
    return counts[max(counts)] if counts else 0


def _parquet(frame: Frame, table: Table) -> bytes:
    buffer = io.BytesIO()
    with FrameFile(frame, buffer) as file:
        file.add(table)
    return buffer.getvalue()


def _read_frame(
    path: Path,
    frame: Frame,
    digests: Mapping[str, str],
    only: list[tuple[str, str, bool]] | None = None,
) -> pd.DataFrame:
    if frame.name in ADDED and path.name not in digests:
        return frame.of([])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read ({error}); use another snapshot") from error
    if hashlib.sha256(content).hexdigest() != digests.get(path.name):
        raise IntegrityError(f"{path}: is not the file that the run wrote; use another snapshot")
    try:
        found = pd.read_parquet(io.BytesIO(content), engine="pyarrow", filters=only)
        lacking = [name for name in ADDED_TEXTS if name in frame.names and name not in found]
        return frame.check(found.assign(**dict.fromkeys(lacking, "")))
    except ValueError as error:
        raise not_whole(path, str(error)) from error
