"""Attempts at a run: each has a folder of its own for its parts, which says what the run is.

about.json               what the run is, so that it can be resumed
source.json              whose answers the parts hold
<account id>.part        what was read of one account (`inventory.parts`)

A process of an attempt that was killed may go on for a moment. It finds nothing any more to write
into: whoever begins the run anew or resumes it takes the folder to a name that nobody knows.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ri_report.errors import ConfigError, explained
from ri_report.inventory.names import RUN_NAME
from ri_report.inventory.part_file import write_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT = "about.json"
SOURCE = "source.json"
FOLDER = re.compile(rf"\.(?P<run>{RUN_NAME.pattern})\.[0-9a-f]{{16}}\.parts")
FOLDER_MODE = 0o700
LONGEST_PAUSE = timedelta(minutes=60)
"""From when a run began to when it can last be resumed: what was read then is of that moment."""


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
    """Return where the parts of a run lie, beside the folders of runs; one that left none has none.

    Args:
        runs: Where the folders of runs lie.
        run: Its name.
    """
    return next(iter(_left(runs, run)), runs / f".{run}.parts")


def _left(runs: Path, run: str) -> list[Path]:
    return [
        path
        for path in sorted(runs.glob(f".{run}.*.parts"))
        if (match := FOLDER.fullmatch(path.name)) and match["run"] == run and _is_own(path)
    ]


def _is_own(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()


def _unheard_of(runs: Path, run: str) -> Path:
    return runs / f".{run}.{secrets.token_hex(8)}.parts"


def begin(runs: Path, about: About) -> Path:
    """Make a folder for the parts of a new run, empty but for what the run is, and return it.

    Args:
        runs: Where the folders of runs lie.
        about: What the run is; whatever another of that name has left is removed.

    Raises:
        ConfigError: it cannot be written.
    """
    folder = _unheard_of(runs, about.run)
    with explained(folder):
        for left in _left(runs, about.run):
            shutil.rmtree(_taken_over(left, about.run))
        folder.mkdir(FOLDER_MODE)
    written = json.dumps(asdict(about), indent=2, default=datetime.isoformat)
    write_file(folder / ABOUT, written.encode())
    return folder


def resume(runs: Path, run: str) -> Path:
    """Take over the parts of a run for another attempt at it, and return their new folder.

    Args:
        runs: Where the folders of runs lie.
        run: Its name.

    Raises:
        ConfigError: there are none, or the folder cannot be written.
    """
    folder = parts_folder(runs, run)
    with explained(folder):
        return _taken_over(folder, run)


def _taken_over(folder: Path, run: str) -> Path:
    taken = folder.rename(_unheard_of(folder.parent, run))
    # Into one that is half written whoever has opened it still may write.
    for unfinished in taken.glob(".*.new"):
        unfinished.unlink()
    return taken


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
        if FOLDER.fullmatch(folder.name) and _is_own(folder):
            about = _about(folder)
            changed = datetime.fromtimestamp(folder.stat().st_mtime, tz=UTC)
            if now - (about.begun_at if about else changed) > LONGEST_PAUSE:
                shutil.rmtree(folder, ignore_errors=True)
