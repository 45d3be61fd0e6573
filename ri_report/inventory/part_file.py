"""The file of a part: the tables of one account behind a digest of them, written at once."""

from __future__ import annotations

import hashlib
import logging
import os
from typing import TYPE_CHECKING

from ri_report.errors import explained
from ri_report.inventory.gathering import KINDS
from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.tables import packed, unpacked

if TYPE_CHECKING:
    from pathlib import Path

    from ri_report.inventory.tables import Tables

log = logging.getLogger("ri_report")

FILE_MODE = 0o600
MAGIC = b"ri-report part, version 2\n".ljust(32)
FRAMES = (*KINDS.values(), OUTCOMES)
"""The frames of a part, in the order in which they stand in the file."""


def part_path(folder: Path, account_id: str) -> Path:
    """Return where the part of an account lies."""
    return folder / f"{account_id}.part"


def keep_part(folder: Path, account_id: str, tables: Tables) -> None:
    """Write the part of an account, in the place of an older one.

    Raises:
        ConfigError: the disk is full or fails; an older part is then as it was.
    """
    body = packed(tables[frame.name] for frame in FRAMES)
    write_file(part_path(folder, account_id), MAGIC, _digest(account_id, body), body)


def _digest(account_id: str, body: memoryview) -> bytes:
    digest = hashlib.sha256(account_id.encode())
    digest.update(body)
    return digest.digest()


def write_file(path: Path, *content: bytes | memoryview) -> None:
    """Write a private file that is there whole or not at all.

    Raises:
        ConfigError: the disk is full or fails; an older file is then as it was.
    """
    # A name of its own for each file: what a kill leaves, the next write of it overwrites.
    # Nothing is flushed: what a power cut damages counts as not read.
    fresh = path.with_name(f".{path.name}.new")
    with explained(path.parent):
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(content)
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def read_part(folder: Path, account_id: str) -> Tables | None:
    """Return the tables of an account, None where it has no part or one that is damaged."""
    path = part_path(folder, account_id)
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        _tell_damaged(account_id, error.strerror or type(error).__name__)
        return None
    body = content[64:]
    if content[:64] != MAGIC + _digest(account_id, body):
        _tell_damaged(account_id, "it is not what was written")
        return None
    return unpacked(body, FRAMES)


def _tell_damaged(account_id: str, why: str) -> None:
    log.warning(
        "what was read of account %s is damaged on disk (%s): it counts as not read",
        account_id,
        why,
    )


def outcomes_in(tables: Tables) -> list[Outcome]:
    """Return the outcomes of a part, in order."""
    return [
        Outcome(
            **{name: value for name, value in row.items() if name != "is_gap"}
            | {"kind": CellKind(row["kind"]), "status": Status(row["status"])}
        )
        for row in tables[OUTCOMES.name].to_pylist()
    ]
