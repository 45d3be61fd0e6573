"""What an attempt at a run leaves goes to the one that resumes it, whole, and to no other."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ri_report.errors import ConfigError
from ri_report.inventory.attempts import (
    ABOUT,
    About,
    begin,
    parts_folder,
    read_about,
    resume,
    sweep,
)
from ri_report.inventory.outcomes import CellKind
from ri_report.inventory.part_file import part_path
from ri_report.inventory.parts import write_part
from tests.inventory.readings import AS_OF, cells_read, instance, read_ok

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB, EAST, INSTANCES = "111122223333", "us-east-1", CellKind.INSTANCES
ID = "0123456789abcdef"
ABOUT_RUN = About(
    run="2026-11-22T063000Z",
    as_of=AS_OF,
    fingerprint="all accounts",
    begun_at=AS_OF + timedelta(seconds=2),
)


def keep_web(folder: Path) -> None:
    """Write the part of an account."""
    rows = {INSTANCES: [instance(WEB, EAST, "i-1")]}
    write_part(folder, WEB, rows, [read_ok(WEB, EAST, INSTANCES)])


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_parts_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = begin(tmp_path, ABOUT_RUN)
    keep_web(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        ABOUT: 0o600,
        f"{WEB}.part": 0o600,
    }


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        begin(tmp_path / "gone", ABOUT_RUN)


def test_what_a_killed_attempt_still_writes_is_in_no_run_that_begins_anew(tmp_path: Path) -> None:
    killed = begin(tmp_path, ABOUT_RUN)
    again = begin(tmp_path, ABOUT_RUN)
    with pytest.raises(ConfigError, match="No such file or directory"):
        keep_web(killed)
    assert cells_read(again) == {}


def test_what_a_killed_attempt_still_writes_is_not_in_the_one_that_resumes_it(
    tmp_path: Path,
) -> None:
    killed = begin(tmp_path, ABOUT_RUN)
    keep_web(killed)
    half_written = killed / f".{WEB}.part.new"
    with half_written.open("wb") as opened_before:
        resumed = resume(tmp_path, ABOUT_RUN.run)
        (resumed / half_written.name).write_bytes(b"of the resumed run")
        opened_before.write(b"late")
    assert (resumed / half_written.name).read_bytes() == b"of the resumed run"
    part_path(resumed, WEB).unlink()
    with pytest.raises(ConfigError, match="No such file or directory"):
        keep_web(killed)
    assert cells_read(resumed) == {}


def test_an_attempt_takes_over_all_that_the_one_before_it_had_read(tmp_path: Path) -> None:
    killed = begin(tmp_path, ABOUT_RUN)
    keep_web(killed)
    before = {path.name: path.read_bytes() for path in killed.iterdir()}
    resumed = resume(tmp_path, ABOUT_RUN.run)
    assert {path.name: path.read_bytes() for path in resumed.iterdir()} == before
    assert [*tmp_path.iterdir()] == [resumed] == [parts_folder(tmp_path, ABOUT_RUN.run)]


def test_a_run_whose_name_begins_as_another_ends_has_parts_of_its_own(tmp_path: Path) -> None:
    folders = [begin(tmp_path, About(run, AS_OF, "", AS_OF)) for run in ("a", f"a.{ID}", "a.b")]
    begin(tmp_path, About("a", AS_OF, "", AS_OF))
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_what_a_run_is_comes_back(tmp_path: Path) -> None:
    folder = begin(tmp_path, ABOUT_RUN)
    assert folder == parts_folder(tmp_path, ABOUT_RUN.run)
    assert read_about(folder, "all accounts", AS_OF + timedelta(minutes=60)) == ABOUT_RUN


def test_a_run_that_begins_anew_knows_nothing_of_parts_before_it(tmp_path: Path) -> None:
    keep_web(begin(tmp_path, ABOUT_RUN))
    folder = begin(tmp_path, ABOUT_RUN)
    assert cells_read(folder) == {}
    assert list(tmp_path.iterdir()) == [folder]


def test_another_scope_is_refused(tmp_path: Path) -> None:
    folder = begin(tmp_path, ABOUT_RUN)
    with pytest.raises(ConfigError, match=r"begun with another scope; resume it with") as caught:
        read_about(folder, "one account", AS_OF)
    assert "\n" not in str(caught.value)


def test_a_run_is_resumed_within_an_hour(tmp_path: Path) -> None:
    folder = begin(tmp_path, ABOUT_RUN)
    begun = ABOUT_RUN.begun_at
    for now in (begun, begun + timedelta(minutes=60), begun - timedelta(seconds=1)):
        assert read_about(folder, "all accounts", now) == ABOUT_RUN
    late = begun + timedelta(minutes=60, seconds=1)
    expected = "began at 2026-11-22 06:30 UTC, more than 60 minutes ago; run anew"
    with pytest.raises(ConfigError, match=expected):
        read_about(folder, "all accounts", late)


def test_a_run_that_left_no_parts_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist, so there is nothing to resume"):
        read_about(parts_folder(tmp_path, "r"), "", AS_OF)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 100_000,
        "{}",
        json.dumps({"run": "r", "as_of": 7, "fingerprint": "", "begun_at": AS_OF.isoformat()}),
        json.dumps({"run": "r", "as_of": "x", "fingerprint": "", "begun_at": AS_OF.isoformat()}),
        json.dumps(
            {"run": "../r", "as_of": AS_OF.isoformat(), "fingerprint": ""}
            | {"begun_at": AS_OF.isoformat()}
        ),
        json.dumps(
            {"run": "r", "as_of": "2026-11-22T06:30:00", "fingerprint": ""}
            | {"begun_at": AS_OF.isoformat()}
        ),
    ],
)
def test_a_damaged_folder_is_not_resumed(tmp_path: Path, content: str) -> None:
    (tmp_path / ABOUT).write_text(content)
    with pytest.raises(ConfigError, match="is damaged and cannot be resumed; run anew"):
        read_about(tmp_path, "", AS_OF)


def test_parts_that_can_no_longer_be_resumed_are_swept_and_nothing_else(tmp_path: Path) -> None:
    now = datetime.now(tz=UTC)
    for name, minutes in {"old": 61, "young": 59}.items():
        begun = About(name, AS_OF, "", now - timedelta(minutes=minutes))
        begin(tmp_path, begun)
    young = parts_folder(tmp_path, "young").name
    others = (f".a b.{ID}.parts", f"mine.{ID}.parts", ".mine.parts", f".mine.{ID}")
    for name in (f".empty.{ID}.parts", f".stale.{ID}.parts", *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(b"")
    (tmp_path / f".file.{ID}.parts").write_bytes(b"")
    (tmp_path / f".link.{ID}.parts").symlink_to(tmp_path / ".mine.parts")
    two_hours_ago = now.timestamp() - 7200
    for path in tmp_path.iterdir():
        if path.name != f".empty.{ID}.parts" and not path.is_symlink():
            os.utime(path, (two_hours_ago, two_hours_ago))
    sweep(tmp_path, now)
    assert {path.name for path in tmp_path.iterdir()} == {
        *others,
        young,
        f".empty.{ID}.parts",
        f".file.{ID}.parts",
        f".link.{ID}.parts",
    }


def test_there_is_nothing_to_sweep_where_no_run_was(tmp_path: Path) -> None:
    sweep(tmp_path / "reports", AS_OF)
    assert list(tmp_path.iterdir()) == []
