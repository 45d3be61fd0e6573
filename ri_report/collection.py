"""From AWS to a snapshot: begin or resume a run, collect, and keep what was seen."""

from __future__ import annotations

import logging
import shlex
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ri_report.aws.collect import collect
from ri_report.aws.dispatch import Kept, ListCutError
from ri_report.delivery.files import fresh_folder
from ri_report.delivery.leftovers import SNAPSHOT
from ri_report.errors import ConfigError, IntegrityError, NoReportError
from ri_report.inventory.attempts import About, begin, parts_folder, read_about, resume, sweep
from ri_report.inventory.merging import merge_parts
from ri_report.inventory.names import RUN_NAME, run_name
from ri_report.inventory.parts import read_outcomes
from ri_report.inventory.snapshot import accounts_before

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from ri_report.aws.collect import Collected
    from ri_report.aws.dispatch import Progress
    from ri_report.aws.scope import Scope

log = logging.getLogger("ri_report")

ABOUT_NOW = timedelta(days=1)
"""How far the moment of observation may lie from now without a warning."""
NOTHING_TO_RESUME = ", so there is nothing to resume; run anew"
LOUD_SHRINKAGE = 0.20
"""The share of the accounts that may disappear between two runs without a warning."""


@dataclass(frozen=True)
class Run:
    """One run of the job.

    Attributes:
        name: Its name, and that of its folder.
        as_of: Moment of observation, aware UTC.
        begun_at: When it began, aware UTC.
        is_resumed: Whether it goes on with what an earlier attempt has read.
        is_resumable: Whether what an incomplete run has read is kept for `--resume`.
    """

    name: str
    as_of: datetime
    begun_at: datetime
    is_resumed: bool = False
    is_resumable: bool = True


def begun(as_of: datetime | None, now: datetime) -> Run:
    """Return a new run; a moment of observation that is not about now is pointed out.

    Args:
        as_of: The moment of observation, aware UTC; None for now.
        now: The present moment, aware UTC.
    """
    if as_of is not None and abs(as_of - now) > ABOUT_NOW:
        log.warning(
            "--as-of %s is not now, %s: what runs is read now, but reservations and their ends are"
            " judged at that other moment",
            as_of.isoformat(),
            now.isoformat(),
        )
    moment = as_of or now
    return Run(run_name(moment), moment, now)


def resumed(runs: Path, name: str, scope: Scope, now: datetime) -> Run:
    """Return the run of this name, to be gone on with.

    Args:
        runs: Where the folders of runs lie.
        name: Its name.
        scope: What is to be read; must be what it was.
        now: The present moment, aware UTC.

    Raises:
        ConfigError: there is nothing to resume, it began more than an hour ago, or its scope was
            another.
    """
    if not RUN_NAME.fullmatch(name):
        raise ConfigError(
            f"--resume {name!r} is not the name of a run, such as 2026-11-01T060000Z;"
            f" runs are the folders in {runs}"
        )
    snapshot = runs / name / SNAPSHOT
    try:
        about = read_about(parts_folder(runs, name), scope.fingerprint, now)
    except ConfigError as error:
        if not snapshot.exists():
            raise
        raise ConfigError(f"{error}, or {how_to_report(snapshot)}") from error
    return Run(about.run, about.as_of, about.begun_at, is_resumed=True)


def collect_into(
    snapshot: Path,
    runs: Path,
    run: Run,
    scope: Scope,
    *,
    settings: Mapping[str, object],
    progress: Progress,
) -> None:
    """Collect, and write the snapshot; what is not read is told in it.

    Args:
        snapshot: The folder of the snapshot; an older one gives way when the new one is whole.
        runs: Where the folders of runs lie.
        run: A new run, or one that is resumed.
        scope: What to read and how to get there.
        settings: What the report depends on besides; plain JSON, no secrets.
        progress: Who is told how far the collection is.

    Raises:
        RiReportError: nothing could be collected; what lay there before is untouched.
        KeyboardInterrupt, SystemExit: stopped; the snapshot says what was read until then, unless
            there was one already, which is then untouched.
    """
    sweep(runs, run.begun_at)
    parts = _parts(runs, run, scope)
    is_needed = True
    try:
        found = collect(scope, parts, progress=progress, kept=_kept(parts))
        _warn_if_shrunk(accounts_before(runs, run.as_of), found)
        # On one that is there a report may rest.
        is_put = not (found.interrupt and snapshot.exists())
        if is_put:
            _merge(parts, snapshot, found, run, settings)
        is_needed = not (is_put and found.is_whole)
        if found.interrupt:
            log.warning("%s %s", snapshot, _after_stop(snapshot, found, is_put=is_put))
            raise found.interrupt
    except ListCutError as error:
        if not _is_anything_read(parts):
            raise NoReportError(f"{error}. Nothing was read{NOTHING_TO_RESUME}") from error
        if not run.is_resumable:
            raise
        what = f"{error}. What was read is kept: run again within the hour with --resume {run.name}"
        raise NoReportError(what) from error
    except (KeyboardInterrupt, SystemExit):
        if not _is_anything_read(parts):
            log.warning("nothing was read%s", NOTHING_TO_RESUME)
        raise
    except (NoReportError, IntegrityError):
        # Nothing can come of what such a run has read.
        is_needed = run.is_resumed
        raise
    finally:
        _tidy(parts, run, is_needed=is_needed)


def _parts(runs: Path, run: Run, scope: Scope) -> Path:
    """Return the folder for the parts of this attempt, with those of the one that it resumes."""
    if run.is_resumed:
        return resume(runs, run.name)
    return begin(runs, About(run.name, run.as_of, scope.fingerprint, run.begun_at))


def how_to_report(snapshot: Path, settings: str = "") -> str:
    """Say how the report of a snapshot is made in the folder of its run.

    Args:
        snapshot: The snapshot.
        settings: The file with the settings to use; "" for those of the run.
    """
    runs = snapshot.parent.parent
    places = ["--snapshot", str(snapshot), "--output-dir", str(runs)]
    places += ["--config", settings] if settings else []
    return f"make its report with `ri-report report {shlex.join(places)}`"


def _after_stop(snapshot: Path, found: Collected, *, is_put: bool) -> str:
    """Say what a stop made of the snapshot."""
    if not is_put:
        return "stays as it was"
    if found.is_whole:
        return f"is whole; {how_to_report(snapshot)}"
    return "holds what was read until the stop"


def _kept(parts: Path) -> dict[str, Kept]:
    """Return what an earlier attempt at the run has read."""
    return {
        account_id: Kept(
            frozenset((o.region, o.kind) for o in outcomes if not o.is_gap),
            is_whole=not any(outcome.is_gap for outcome in outcomes),
        )
        for account_id, outcomes in read_outcomes(parts)
    }


def _merge(
    parts: Path, snapshot: Path, found: Collected, run: Run, settings: Mapping[str, object]
) -> None:
    with fresh_folder(snapshot) as place:
        merge_parts(
            parts,
            place,
            found.accounts,
            found.outcomes,
            as_of=run.as_of,
            settings=settings,
            run=run.name,
            source="aws",
            endpoint=found.endpoint,
            caller_account_id=found.caller_account_id,
        )


def _tidy(parts: Path, run: Run, *, is_needed: bool) -> None:
    """Remove the parts, unless they spare another attempt what was read."""
    if is_needed and run.is_resumable and _is_anything_read(parts):
        log.info("to go on, run again within the hour with --resume %s", run.name)
    else:
        shutil.rmtree(parts, ignore_errors=True)


def _is_anything_read(parts: Path) -> bool:
    return any(not o.is_gap for _, outcomes in read_outcomes(parts) for o in outcomes)


def _warn_if_shrunk(before: int, found: Collected) -> None:
    if found.is_all_listed and len(found.accounts) < before * (1 - LOUD_SHRINKAGE):
        log.warning(
            "the list of accounts shrank from %d to %d since the last run: what is no longer listed"
            " is in no number; check Organizations and the configured accounts",
            before,
            len(found.accounts),
        )
