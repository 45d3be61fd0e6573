"""The layout of saved answers: which folders are accounts and regions, and how a file is read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ri_report.errors import ConfigError
from ri_report.inventory.fields import MalformedRecordError
from ri_report.inventory.names import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIKE_AN_ACCOUNT_ID = re.compile(r"[\d-]+")


def account_ids(folder: Path, files: Iterable[str]) -> list[str]:
    """Return the ids of the accounts that have a folder, sorted.

    Args:
        folder: Where the folders of accounts lie.
        files: Names of the files that a region's folder holds.

    Raises:
        ConfigError: there is no such folder, it holds no folder of an account, or one is named
            otherwise; leaving that one out would be a silent zero.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder; name one with --from-dumps")
    names = list(files)
    found = []
    for each in _folders(folder):
        if ACCOUNT_ID.fullmatch(each.name):
            found.append(each.name)
        elif LIKE_AN_ACCOUNT_ID.fullmatch(each.name) or any(
            next(each.glob(f"*/{name}"), None) for name in names
        ):
            raise ConfigError(f"{each}: is not named by an account id; use the account's 12 digits")
    if not found:
        raise ConfigError(
            f"{folder}: holds no <12-digit account id>/<region>/ folders; "
            "save answers as <account id>/<region>/instances.json"
        )
    return found


def regions(folder: Path, account_id: str) -> list[str]:
    """Return the regions that an account has a folder of, sorted.

    Raises:
        ConfigError: a folder's name is not that of a region.
    """
    names = [each.name for each in _folders(folder / account_id)]
    for name in names:
        if not REGION.fullmatch(name):
            place = folder / account_id / name
            raise ConfigError(f"{place}: is not named by a region, such as us-east-1; rename it")
    return names


def newest(folder: Path, files: Iterable[str]) -> datetime:
    """Return the time, aware UTC, of the newest file of these names; 1970 if there is none."""
    times = [path.stat().st_mtime for name in files for path in folder.glob(f"*/*/{name}")]
    return datetime.fromtimestamp(int(max(times, default=0)), tz=UTC)


def load(path: Path, key: str) -> Any:  # noqa: ANN401 - JSON holds any type
    """Return one key of a saved answer.

    Raises:
        MalformedRecordError: it is not JSON, not whole, or not the answer that holds the key.
    """
    try:
        answer = json.loads(path.read_bytes())
    except OSError as error:
        # Its text holds the whole path, which is of this machine.
        raise MalformedRecordError(f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise MalformedRecordError(f"cannot be read as JSON ({error})") from error
    if not isinstance(answer, dict) or key not in answer:
        raise MalformedRecordError(f"has no {key}; save the whole answer with --output json")
    if answer.get("NextToken"):
        raise MalformedRecordError("is one page of several; save it without --max-items")
    return answer[key]


def load_records(path: Path, key: str) -> list[dict[str, Any]]:
    """Return the records under one key of a saved answer.

    Raises:
        MalformedRecordError: as `load`, or the key does not hold a list of objects.
    """
    records = load(path, key)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise MalformedRecordError(f"{key} is not a list of objects")
    return records


def _folders(folder: Path) -> list[Path]:
    return sorted(
        each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
