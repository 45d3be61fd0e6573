"""The manifest of a snapshot: what the run was, what it could not see, and a digest a file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ri_report.errors import ConfigError, IntegrityError
from ri_report.inventory.names import RUN_NAME
from ri_report.inventory.outcomes import OUTCOMES
from ri_report.inventory.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ri_report.inventory.tables import Table

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


@dataclass
class Tally:
    """What a manifest tells of the outcomes, counted while they pass by.

    Attributes:
        statuses: Outcomes by status.
        regions: Every region that an outcome is about.
        gaps: The first columns of the outcomes that are gaps, in the order in which they passed.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    regions: set[str] = field(default_factory=set)
    gaps: list[dict[str, Any]] = field(default_factory=list)

    def add(self, outcomes: Table) -> None:
        """Count the outcomes of a table of the frame `OUTCOMES`."""
        self.statuses.update(outcomes["status"].to_pylist())
        self.regions.update(outcomes["region"].to_pylist())
        self.gaps += outcomes.filter(outcomes["is_gap"]).select(OUTCOMES.names[:5]).to_pylist()


def manifest_bytes(
    about: Mapping[str, str],
    account_ids: Sequence[str],
    tally: Tally,
    *,
    settings: Mapping[str, Any],
    digests: Mapping[str, str],
) -> bytes:
    """Return the manifest; equal input gives equal bytes.

    Args:
        about: run, as_of, source, endpoint and caller_account_id of the inventory.
        account_ids: Every account of the inventory, in order.
        tally: What became of the cells.
        settings: What the report depends on besides; plain JSON, no secrets.
        digests: SHA-256 of each other file by its name.
    """
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run": about["run"],
        "as_of": about["as_of"],
        "source": about["source"],
        "endpoint": about["endpoint"],
        "caller_account_id": about["caller_account_id"],
        "scope": {"accounts": list(account_ids), "regions": sorted(tally.regions - {""})},
        "outcomes": dict(sorted(tally.statuses.items())),
        "gaps": tally.gaps,
        "settings": dict(settings),
        "files": dict(digests),
    }
    return json.dumps(sealed(manifest), indent=2, ensure_ascii=False).encode()


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest with a digest of itself, so that a change in it shows as well."""
    content = {name: value for name, value in manifest.items() if name != "digest"}
    text = json.dumps(content, sort_keys=True)
    return content | {"digest": hashlib.sha256(text.encode()).hexdigest()}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a snapshot.

    Raises:
        ConfigError: there is no snapshot, or one of a newer version.
        IntegrityError: the manifest is not the one that was written.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"{folder}: is not a snapshot, as it has no {MANIFEST}; "
            f"name the folder `snapshot` inside the folder of a run"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise not_whole(path, str(error)) from error
    if not isinstance(manifest, dict):
        raise not_whole(path, "it holds no object")
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"{path}: schema version {manifest.get('schema_version')} is not the version "
            f"{SCHEMA_VERSION} that this ri-report reads; use the version that wrote it"
        )
    _check(path, manifest)
    return manifest


def _check(path: Path, manifest: dict[str, Any]) -> None:
    if manifest != sealed(manifest):
        raise not_whole(path, "it was changed after the run")
    wrong = [name for name, kind in KEYS.items() if not isinstance(manifest.get(name), kind)]
    if wrong:
        raise not_whole(path, f"{', '.join(wrong)} is missing or of another type")
    if not RUN_NAME.fullmatch(manifest["run"]):
        raise not_whole(path, "run is not the name of a folder")
    try:
        as_of = datetime.fromisoformat(manifest["as_of"])
    except ValueError as error:
        raise not_whole(path, str(error)) from error
    if as_of.tzinfo is None:
        raise not_whole(path, "as_of has no time zone")


def not_whole(path: Path, why: str) -> IntegrityError:
    """Return the error about a file that is not what the run wrote."""
    return IntegrityError(f"{path}: is not whole ({why}); use another snapshot")
