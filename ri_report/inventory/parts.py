"""Parts: what was read of each account, on disk while a run is under way, whole or not at all.

about.json               what the run is, so that it can be resumed
source.json              whose answers the parts hold
<account id>.part        rows of every kind and outcomes of one account, after a digest of them
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ri_report.errors import ConfigError, explained
from ri_report.inventory.gathering import KINDS, gather_account
from ri_report.inventory.names import ACCOUNT_ID, RUN_NAME
from ri_report.inventory.outcomes import READ, CellKind, Outcome, Status
from ri_report.inventory.part_file import keep_part, outcomes_in, read_part, write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ri_report.inventory.tables import Tables

Row = dict[str, Any]

ABOUT = "about.json"
SOURCE = "source.json"
FOLDER = re.compile(rf"\.{RUN_NAME.pattern}\.parts")
FOLDER_MODE = 0o700
LONGEST_PAUSE = timedelta(minutes=60)
"""From when a run began to when it can last be resumed: what was read then is of that moment."""
ENTRY = frozenset({CellKind.ACCOUNT, CellKind.REGIONS})
"""Kinds that stand for every cell of an account that was not reached because of them."""


@dataclass(frozen=True)
class About:
    """What a run is, for the one that resumes it.

    Attributes:
        run: Its name.
        as_of: Its moment of observation, aware UTC.
        fingerprint: A text that is equal for equal scopes; another scope is another run.
        begun_at: When it began, aware UTC.
    """

    run: str
    as_of: datetime
    fingerprint: str
    begun_at: datetime

    def may_resume(self, now: datetime) -> bool:
        """Whether it began no longer ago than `LONGEST_PAUSE`, also by a clock that jumped back."""
        return abs(now - self.begun_at) <= LONGEST_PAUSE


def parts_folder(runs: Path, run: str) -> Path:
    """Return where the parts of a run lie, beside the folders of runs."""
    return runs / f".{run}.parts"


def begin(folder: Path, about: About) -> None:
    """Make the folder for the parts of a new run, empty but for what the run is.

    Raises:
        ConfigError: it cannot be written.
    """
    values = asdict(about) | {
        "as_of": about.as_of.isoformat(),
        "begun_at": about.begun_at.isoformat(),
    }
    with explained(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(FOLDER_MODE)
    write_file(folder / ABOUT, json.dumps(values, indent=2).encode())


def read_about(folder: Path, fingerprint: str, now: datetime) -> About:
    """Return what the run is whose parts lie in the folder.

    Args:
        folder: Where the parts lie.
        fingerprint: That of the scope with which the run is to be resumed.
        now: The present moment, aware UTC.

    Raises:
        ConfigError: there is no such folder, it is damaged, its run had another scope, or it began
            too long ago.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"folder {folder}: does not exist, so there is nothing to resume; run anew"
        )
    about = _about(folder)
    if about is None:
        raise ConfigError(f"folder {folder}: is damaged and cannot be resumed; run anew")
    if about.fingerprint != fingerprint:
        raise ConfigError(
            f"folder {folder}: run {about.run} was begun with another scope; resume it with the"
            " options and the configuration that it was begun with, or run anew"
        )
    if not about.may_resume(now):
        raise ConfigError(
            f"folder {folder}: run {about.run} began at {about.begun_at:%Y-%m-%d %H:%M} UTC, more"
            f" than {LONGEST_PAUSE // timedelta(minutes=1)} minutes ago; run anew"
        )
    return about


def check_source(folder: Path, source: Mapping[str, str]) -> None:
    """Note whose answers the parts hold, or refuse to mix them with those of somebody else.

    Args:
        folder: Where the parts lie.
        source: What tells one source from another: account, partition and endpoint.

    Raises:
        ConfigError: the parts are of another source, or the note cannot be written.
    """
    path, noted = folder / SOURCE, json.dumps(dict(source), sort_keys=True).encode()
    if not path.exists():
        write_file(path, noted)
    elif path.read_bytes() != noted:
        raise ConfigError(
            f"folder {folder}: what it holds was read in another account, partition or endpoint"
            " than now; resume with the credentials and the endpoint of then, or run anew"
        )


def _about(folder: Path) -> About | None:
    try:
        values = json.loads((folder / ABOUT).read_bytes())
        about = About(
            **values
            | {name: datetime.fromisoformat(values[name]) for name in ("as_of", "begun_at")}
        )
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
    has_zones = all(moment.tzinfo is not None for moment in (about.as_of, about.begun_at))
    return about if has_zones and RUN_NAME.fullmatch(str(about.run)) else None


def sweep(folder_of_runs: Path, now: datetime) -> None:
    """Remove the folders of parts that can no longer be resumed.

    One that does not tell when it was begun is as old as its last change. What cannot be removed
    is left.

    Args:
        folder_of_runs: Where the folders of runs lie.
        now: The present moment, aware UTC.
    """
    for folder in folder_of_runs.glob(".*.parts"):
        if FOLDER.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            about = _about(folder)
            changed = datetime.fromtimestamp(folder.stat().st_mtime, tz=UTC)
            if now - (about.begun_at if about else changed) > LONGEST_PAUSE:
                shutil.rmtree(folder, ignore_errors=True)


def write_part(
    folder: Path,
    account_id: str,
    rows: Mapping[CellKind, Sequence[Row]],
    outcomes: Sequence[Outcome],
    kept: Iterable[tuple[str, CellKind]] = (),
) -> list[Outcome]:
    """Keep what was read of an account; processes may do so at once for different accounts.

    Where the account has a part already, what the outcomes say about a cell takes the place of
    what the part says; all else in it is kept, but a gap that stood for the whole account.

    Args:
        folder: Where the parts lie.
        account_id: The 12-digit account.
        rows: Rows of the kinds `KINDS`, in any order; a kind may be missing.
        outcomes: How the reading of each cell ended, in any order.
        kept: The (region, kind) cells that were not read again, because the part has them.

    Returns:
        The gaps of those: what the part no longer has, as when it was damaged since.

    Raises:
        ConfigError: the disk is full or fails; an older part is then as it was.
        ValueError: a row or an outcome is not of this account, is of a cell that was not read or
            stands twice, or holds a value of another kind: mistakes of the program.
    """
    _check_account(account_id, rows, outcomes)
    before = read_part(folder, account_id)
    if before is not None:
        rows, outcomes = _merged(before, rows, outcomes)
    lost = _lost(account_id, outcomes, kept)
    keep_part(folder, account_id, gather_account(rows, [*outcomes, *lost]))
    return lost


def _lost(
    account_id: str, outcomes: Sequence[Outcome], kept: Iterable[tuple[str, CellKind]]
) -> list[Outcome]:
    there = {(outcome.region, outcome.kind) for outcome in outcomes}
    detail = "not whole on disk any more when the run was resumed"
    fix = "Check the disk of this machine, then run again"
    return [
        Outcome(account_id, region, kind, Status.MALFORMED, "part", detail, fix)
        for region, kind in sorted(set(kept) - there)
    ]


def _check_account(
    account_id: str, rows: Mapping[CellKind, Sequence[Row]], outcomes: Sequence[Outcome]
) -> None:
    if not ACCOUNT_ID.fullmatch(account_id):
        raise ValueError(f"not the id of an account: {account_id!r}")
    if any(outcome.account_id != account_id for outcome in outcomes):
        raise ValueError(f"account {account_id}: an outcome of another account")
    read = {(account_id, o.region, o.kind) for o in outcomes if o.status in READ}
    for kind, found in rows.items():
        cells = {(row["account_id"], row["region"], kind) for row in found}
        if kind not in KINDS or not cells <= read:
            raise ValueError(f"account {account_id}: rows of {kind} in a cell that was not read")


def _merged(
    before: Tables, rows: Mapping[CellKind, Sequence[Row]], outcomes: Sequence[Outcome]
) -> tuple[dict[CellKind, list[Row]], list[Outcome]]:
    """Return what is true of the account now: what was said anew, and all else that was said."""
    told = {(outcome.region, outcome.kind) for outcome in outcomes}
    kept = [
        outcome
        for outcome in outcomes_in(before)
        if (outcome.region, outcome.kind) not in told
        and not (outcomes and outcome.kind in ENTRY and outcome.is_gap)
    ]
    merged = {
        kind: [row for row in before[frame.name].to_pylist() if (row["region"], kind) not in told]
        + list(rows.get(kind, ()))
        for kind, frame in KINDS.items()
    }
    return merged, [*kept, *outcomes]


def read_outcomes(folder: Path) -> Iterator[tuple[str, list[Outcome]]]:
    """Yield each account that has a part, in order, with its outcomes."""
    for path in sorted(folder.glob("*.part")):
        account_id = path.name.removesuffix(".part")
        tables = read_part(folder, account_id)
        if tables is not None:
            yield account_id, outcomes_in(tables)
