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
from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import (
    ACCOUNTS,
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
FRAMES: dict[str, Frame] = {
    frame.name: frame for frame in (ACCOUNTS, INSTANCES, RESERVATIONS, ZONES, OUTCOMES)
}


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
        name: frame.check(_read_frame(folder / f"{name}.parquet", manifest))
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
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            f"{folder}: is not a snapshot, as it has no {MANIFEST}; "
            f"name the folder `snapshot` inside the folder of a run"
        ) from None
    except ValueError as error:
        raise IntegrityError(f"{path}: is not whole ({error}); use another snapshot") from error
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"{path}: schema version {manifest.get('schema_version')} is not the version "
            f"{SCHEMA_VERSION} that this ri-report reads; use the version that wrote it"
        )
    return manifest


def _read_frame(path: Path, manifest: Mapping[str, Any]) -> pd.DataFrame:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read ({error}); use another snapshot") from error
    if hashlib.sha256(content).hexdigest() != manifest["files"].get(path.name):
        raise IntegrityError(f"{path}: is not the file that the run wrote; use another snapshot")
    return pd.read_parquet(io.BytesIO(content), engine="pyarrow")
