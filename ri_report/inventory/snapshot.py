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

from ri_report.errors import ConfigError, IntegrityError
from ri_report.inventory.names import RUN_NAME
from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import (
    ACCOUNTS,
    CAPACITY_RESERVATIONS,
    INSTANCES,
    RESERVATIONS,
    SCHEMA_VERSION,
    ZONES,
    Inventory,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ri_report.inventory.frames import Frame

MANIFEST = "manifest.json"
KEYS: dict[str, type] = {
    "run": str,
    "as_of": str,
    "source": str,
    "endpoint": str,
    "caller_account_id": str,
    "settings": dict,
    "files": dict,
}
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


def snapshot_files(inventory: Inventory, settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a snapshot by name; equal input gives equal bytes.

    Args:
        inventory: What was seen.
        settings: What the report depends on besides (sharing, targets); plain JSON, no secrets.
    """
    files = {f"{name}.parquet": _parquet(getattr(inventory, name)) for name in FRAMES}
    return files | {MANIFEST: _manifest(inventory, settings, files)}


def read_snapshot(folder: Path) -> tuple[Inventory, dict[str, Any]]:
    """Read a folder that holds `snapshot_files`, and the settings stored with it.

    Raises:
        ConfigError: there is no snapshot, or one of a newer version.
        IntegrityError: a file is missing, or is not the one that was written.
    """
    manifest = _read_manifest(folder)
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


def accounts_before(folder: Path, as_of: datetime) -> int:
    """Return how many accounts the newest earlier run below a folder listed; 0 where there is none.

    A snapshot that cannot be read is passed over: it is not what this run rests on.

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
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if manifest.get("source") == "aws" and moment < as_of:
            counts[moment] = listed
    return counts[max(counts)] if counts else 0


def _manifest(
    inventory: Inventory, settings: Mapping[str, Any], files: Mapping[str, bytes]
) -> bytes:
    outcomes = inventory.outcomes
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run": inventory.run,
        "as_of": inventory.as_of.isoformat(),
        "source": inventory.source,
        "endpoint": inventory.endpoint,
        "caller_account_id": inventory.caller_account_id,
        "scope": {
            "accounts": inventory.accounts["account_id"].tolist(),
            "regions": sorted(set(outcomes["region"]) - {""}),
        },
        "outcomes": outcomes["status"].value_counts().sort_index().to_dict(),
        "gaps": outcomes.loc[outcomes["is_gap"], list(OUTCOMES.names[:5])].to_dict("records"),
        "settings": dict(settings),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return json.dumps(_sealed(manifest), indent=2, ensure_ascii=False).encode()


def _sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest with a digest of itself, so that a change in it shows as well."""
    content = {name: value for name, value in manifest.items() if name != "digest"}
    text = json.dumps(content, sort_keys=True)
    return content | {"digest": hashlib.sha256(text.encode()).hexdigest()}


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"{folder}: is not a snapshot, as it has no {MANIFEST}; "
            f"name the folder `snapshot` inside the folder of a run"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _not_whole(path, str(error)) from error
    if not isinstance(manifest, dict):
        raise _not_whole(path, "it holds no object")
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"{path}: schema version {manifest.get('schema_version')} is not the version "
            f"{SCHEMA_VERSION} that this ri-report reads; use the version that wrote it"
        )
    _check_manifest(path, manifest)
    return manifest


def _check_manifest(path: Path, manifest: dict[str, Any]) -> None:
    if manifest != _sealed(manifest):
        raise _not_whole(path, "it was changed after the run")
    wrong = [name for name, kind in KEYS.items() if not isinstance(manifest.get(name), kind)]
    if wrong:
        raise _not_whole(path, f"{', '.join(wrong)} is missing or of another type")
    if not RUN_NAME.fullmatch(manifest["run"]):
        raise _not_whole(path, "run is not the name of a folder")
    try:
        as_of = datetime.fromisoformat(manifest["as_of"])
    except ValueError as error:
        raise _not_whole(path, str(error)) from error
    if as_of.tzinfo is None:
        raise _not_whole(path, "as_of has no time zone")


def _not_whole(path: Path, why: str) -> IntegrityError:
    return IntegrityError(f"{path}: is not whole ({why}); use another snapshot")


def _read_frame(path: Path, frame: Frame, digests: Mapping[str, str]) -> pd.DataFrame:
    if frame.name in ADDED and path.name not in digests:
        return frame.of([])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read ({error}); use another snapshot") from error
    if hashlib.sha256(content).hexdigest() != digests.get(path.name):
        raise IntegrityError(f"{path}: is not the file that the run wrote; use another snapshot")
    try:
        return frame.check(pd.read_parquet(io.BytesIO(content), engine="pyarrow"))
    except ValueError as error:
        raise _not_whole(path, str(error)) from error
