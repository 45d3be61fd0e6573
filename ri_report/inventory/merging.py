"""Merging: the parts of all accounts become one snapshot, account by account."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from itertools import groupby
from operator import attrgetter
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no types

from ri_report.inventory.gathering import check_keys, gather_account, in_order, seen_once
from ri_report.inventory.manifest import MANIFEST, Tally, manifest_bytes
from ri_report.inventory.outcomes import OUTCOMES, CellKind, Outcome, Status
from ri_report.inventory.part_file import outcomes_in, read_part
from ri_report.inventory.schema import ACCOUNTS, CAPACITY_RESERVATIONS, INSTANCES, RESERVATIONS
from ri_report.inventory.snapshot import FRAMES
from ri_report.inventory.tables import FrameFile, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from ri_report.inventory.frames import Frame
    from ri_report.inventory.tables import Table, Tables

Row = dict[str, Any]
Hashes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint64]]

UNIQUE = (INSTANCES, RESERVATIONS, CAPACITY_RESERVATIONS)
"""The frames whose key AWS gives out once, whatever the account and region."""
HASHES_AT_ONCE = 1 << 20


def merge_parts(
    parts: Path,
    place: Path,
    accounts: list[Row],
    outcomes: Sequence[Outcome],
    *,
    as_of: datetime,
    settings: Mapping[str, Any],
    **about: str,
) -> None:
    """Write the files that `snapshot_files` would make of what was gathered from all parts.

    One account is in memory at a time, and of each file a row group. An account that is listed but
    has neither a part nor an outcome becomes a gap.

    Args:
        parts: Where the parts lie; those of accounts that are not listed do not count.
        place: An empty folder for the files.
        accounts: Rows of the frame `ACCOUNTS`, in any order.
        outcomes: Those of accounts without a part; of a cell that a part tells of too, these count.
        as_of: Moment of observation, aware UTC.
        settings: What the report depends on besides; plain JSON, no secrets.
        about: run, source, endpoint and caller_account_id of the inventory.

    Raises:
        IntegrityError: an instance or something reserved was seen in two places.
        OSError: a file cannot be written.
        ValueError: an account is listed twice, or a cell has two outcomes: mistakes of the program.
    """
    rows = in_order(accounts, ACCOUNTS)
    check_keys(rows, ACCOUNTS)
    tally = _write_frames(parts, place, rows, outcomes)
    content = manifest_bytes(
        about | {"as_of": as_of.isoformat()},
        [row["account_id"] for row in rows],
        tally,
        settings=settings,
        digests={f"{name}.parquet": _digest(place / f"{name}.parquet") for name in FRAMES},
    )
    (place / MANIFEST).write_bytes(content)


def _write_frames(
    parts: Path, place: Path, accounts: list[Row], outcomes: Sequence[Outcome]
) -> Tally:
    """Write the file of each frame; return what the manifest tells of the outcomes."""
    account_ids, tally = [row["account_id"] for row in accounts], Tally()
    with ExitStack() as stack:
        ids = {frame.name: Ids(stack.enter_context(TemporaryFile(dir=place))) for frame in UNIQUE}
        files = {
            name: stack.enter_context(FrameFile(frame, place / f"{name}.parquet"))
            for name, frame in FRAMES.items()
        }
        files[ACCOUNTS.name].add(table_of(ACCOUNTS, accounts))
        for tables in _accounts(parts, account_ids, outcomes):
            tally.add(tables[OUTCOMES.name])
            for name, table in tables.items():
                files[name].add(table)
            for frame in UNIQUE:
                ids[frame.name].add(_ids_of(tables[frame.name], frame))
        for frame in UNIQUE:
            _check_seen_once(parts, account_ids, frame, ids[frame.name].twice())
    return tally


def _accounts(
    parts: Path, account_ids: Sequence[str], outcomes: Sequence[Outcome]
) -> Iterator[Tables]:
    """Yield what is known of each account, in order of their ids."""
    listed = set(account_ids)
    by_account = attrgetter("account_id")
    told = {
        account_id: list(group)
        for account_id, group in groupby(sorted(outcomes, key=by_account), by_account)
    }
    for account_id in sorted(listed | told.keys()):
        tables = read_part(parts, account_id) if account_id in listed else None
        more = told.get(account_id, [] if tables else [_nothing_known(account_id)])
        if tables is None:
            yield gather_account({}, more)
        elif more:
            cells = {(outcome.region, outcome.kind) for outcome in more}
            kept = [o for o in outcomes_in(tables) if (o.region, o.kind) not in cells]
            yield tables | {OUTCOMES.name: gather_account({}, [*kept, *more])[OUTCOMES.name]}
        else:
            yield tables


def _nothing_known(account_id: str) -> Outcome:
    return Outcome(
        account_id,
        "",
        CellKind.ACCOUNT,
        Status.MALFORMED,
        "part",
        "what was read of the account is not whole on disk",
        "Check the disk, then run again",
    )


def _ids_of(table: Table, frame: Frame) -> Table:
    """Return the ids of what the account has; of what it only pays for the owner tells too."""
    if "owner_id" in frame.names:
        table = table.filter(pc.equal(table["owner_id"], ""))
    return table[frame.key[-1]]


class Ids:
    """A hash of each id seen, in a file, to find those seen twice in little memory."""

    def __init__(self, file: BinaryIO) -> None:
        """Begin with none, in an empty file."""
        self._file = file
        self._count = 0

    def add(self, ids: Table) -> None:
        """Take in a column of ids."""
        found = hashes(ids)
        self._file.write(found.tobytes())
        self._count += len(found)

    def twice(self) -> frozenset[int]:
        """Return the hashes that were met more than once; call it when all ids are in."""
        shares = 1 + self._count // HASHES_AT_ONCE
        return frozenset().union(*(self._twice_in(share, shares) for share in range(shares)))

    def _twice_in(self, share: int, shares: int) -> list[int]:
        """Look at a share of all hashes, into which equal ones always fall together."""
        found = np.concatenate([some[some % shares == share] for some in self._all()])
        found.sort()
        again: list[int] = found[1:][found[1:] == found[:-1]].tolist()
        return again

    def _all(self) -> Iterator[Hashes]:
        self._file.seek(0)
        yield np.empty(0, dtype=np.uint64)
        while content := self._file.read(8 * HASHES_AT_ONCE):
            yield np.frombuffer(content, dtype=np.uint64)


def hashes(ids: Table) -> Hashes:
    """Return a 64-bit hash of each text of a column, the same for the same text."""
    return pd.util.hash_array(ids.to_numpy(), categorize=False)


def _check_seen_once(
    parts: Path, account_ids: Iterable[str], frame: Frame, suspects: frozenset[int]
) -> None:
    """Look at the ids themselves of those whose hashes are equal.

    Raises:
        IntegrityError: two ids are equal as well.
    """
    if not suspects:
        return
    key = frame.key[-1]
    rows: list[Row] = []
    for account_id in account_ids:
        table = (read_part(parts, account_id) or {}).get(frame.name)
        if table is not None:
            rows += table.filter(np.isin(hashes(table[key]), list(suspects))).to_pylist()
    seen_once(rows, frame)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
