"""Whoever is the only writer finds a folder of runs as if none of them had ever been killed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ri_report.delivery.leftovers import RUN
from ri_report.delivery.lock import LOCK, only_writer
from ri_report.errors import AnotherRunError
from ri_report.inventory.names import run_name

if TYPE_CHECKING:
    from pathlib import Path

OCTOBER, NOVEMBER = "2026-10-01T060000Z", "2026-11-01T060000Z"
FRESH = "new.k3v_9x0a"


def made(folder: Path, *names: str) -> None:
    """Make files, each of which holds its own path."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def tree(folder: Path) -> dict[str, str]:
    """Return every file and every empty folder but the lock."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in folder.rglob("*")
        if path.name != LOCK and (path.is_file() or not any(path.iterdir()))
    }


def swept(folder: Path) -> dict[str, str]:
    """Return what the only writer finds."""
    with only_writer(folder):
        return tree(folder)


def test_folders_of_runs_are_called_so() -> None:
    assert RUN.fullmatch(run_name(datetime(2026, 11, 1, 6, tzinfo=UTC)))
    assert RUN.fullmatch("demo")


@pytest.mark.parametrize("run", [OCTOBER, "demo"])
def test_what_was_being_written_is_removed(tmp_path: Path, run: str) -> None:
    made(tmp_path, f"{run}/page.html", f"{run}/snapshot/manifest.json")
    before = tree(tmp_path)
    made(tmp_path, f".{run}.{FRESH}/half a page", f"{run}/.snapshot.{FRESH}/half a manifest")
    made(tmp_path, f".{NOVEMBER}.{FRESH}/tables/half a table")
    assert swept(tmp_path) == before


def test_an_old_folder_is_put_back_where_no_new_one_stands(tmp_path: Path) -> None:
    made(tmp_path, f".{OCTOBER}.old/page.html", f".{OCTOBER}.old/.snapshot.old/manifest.json")
    made(tmp_path, f".{OCTOBER}.{FRESH}/page.html")
    assert swept(tmp_path) == {
        f"{OCTOBER}/page.html": f".{OCTOBER}.old/page.html",
        f"{OCTOBER}/snapshot/manifest.json": f".{OCTOBER}.old/.snapshot.old/manifest.json",
    }


def test_an_old_folder_gives_way_to_a_new_one(tmp_path: Path) -> None:
    made(tmp_path, f"{OCTOBER}/page.html", f"{OCTOBER}/snapshot/manifest.json")
    before = tree(tmp_path)
    made(tmp_path, f".{OCTOBER}.old/page.html", f"{OCTOBER}/.snapshot.old/manifest.json")
    assert swept(tmp_path) == before


@pytest.mark.parametrize("left", [[], [f".snapshot.{FRESH}/half a manifest"]])
def test_the_folder_of_a_run_that_wrote_nothing_is_removed(tmp_path: Path, left: list[str]) -> None:
    (tmp_path / NOVEMBER).mkdir()
    made(tmp_path / NOVEMBER, *left)
    assert swept(tmp_path) == {}


def test_nothing_of_a_stranger_is_touched(tmp_path: Path) -> None:
    made(
        tmp_path,
        f".notes.{FRESH}/idea",
        ".notes.old/idea",
        f"{OCTOBER} copy/.snapshot.old/manifest.json",
        f"notes/.snapshot.{FRESH}/manifest.json",
        f"{OCTOBER}/.mine.{FRESH}/idea",
        f"{OCTOBER}/.mine.old/idea",
        f"{OCTOBER}/tables/.snapshot.{FRESH}/idea",
        f".{OCTOBER}.new.mine/idea",
        f".{OCTOBER}.old.zip/idea",
        f".{NOVEMBER}.{FRESH}",
        f".{NOVEMBER}.0123456789abcdef.parts/about.json",
    )
    (tmp_path / "empty").mkdir()
    before = tree(tmp_path)
    assert swept(tmp_path) == before


def test_what_a_link_leads_to_is_not_touched(tmp_path: Path) -> None:
    made(tmp_path, f"precious/.snapshot.{FRESH}/manifest.json", "precious/page.html")
    runs = tmp_path / "reports"
    runs.mkdir()
    for name in (OCTOBER, f".{NOVEMBER}.old", f".{NOVEMBER}.{FRESH}"):
        (runs / name).symlink_to(tmp_path / "precious")
    before = tree(tmp_path)
    swept(runs)
    assert tree(tmp_path) == before
    assert len([*runs.iterdir()]) == 3


def test_who_is_not_the_only_writer_sweeps_nothing(tmp_path: Path) -> None:
    with only_writer(tmp_path):
        made(tmp_path, f".{OCTOBER}.{FRESH}/half a page")
        with pytest.raises(AnotherRunError), only_writer(tmp_path):
            pass
        assert tree(tmp_path) == {
            f".{OCTOBER}.{FRESH}/half a page": f".{OCTOBER}.{FRESH}/half a page"
        }
