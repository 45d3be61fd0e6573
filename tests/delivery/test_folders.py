"""A folder is there whole, old or new, and for its owner's eyes only."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from ri_report.delivery.folders import replace_folder
from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = {"a": b"old a", "b": b"old b"}
NEW = {"a": b"new a", "c": b"new c"}


class KilledError(BaseException):
    """Stands in for a kill: nothing catches it but `finally`."""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    replace_folder(folder, OLD)
    assert contents(folder) == OLD
    replace_folder(folder, NEW)
    assert contents(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]


@pytest.mark.usefixtures("_open_umask")
def test_files_and_all_folders_that_are_made_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "run" / "snapshot"
    replace_folder(folder, OLD)
    assert [mode(folder / name) for name in OLD] == [0o600, 0o600]
    assert [mode(each) for each in (folder, *folder.parents[:2])] == [0o700] * 3


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    replace_folder(tmp_path / "snapshot", OLD)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("moment", ["fsync", "rename", "rename of the new", "rename back"])
def test_a_stop_at_any_moment_leaves_a_whole_folder(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "snapshot"
    replace_folder(folder, OLD)
    renames = {"rename": 1, "rename of the new": 2, "rename back": 2}.get(moment, 99)
    count = 0
    rename = Path.rename

    def stop(*_: object) -> NoReturn:
        raise KilledError

    def rename_until(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == renames or (count > renames and moment == "rename back"):
            raise KilledError
        return rename(self, target)

    with monkeypatch.context() as patch:
        if moment == "fsync":
            patch.setattr(os, "fsync", stop)
        patch.setattr(Path, "rename", rename_until)
        with pytest.raises(KilledError):
            replace_folder(folder, NEW)
    if moment == "rename back":  # as after a power cut: the next write finds the old one aside
        assert not folder.exists()
        assert contents(tmp_path / ".snapshot.old") == OLD
    else:
        assert contents(folder) == OLD
    replace_folder(folder, NEW)
    assert contents(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]


def test_leftovers_of_a_kill_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    replace_folder(folder, OLD)
    for name in (".snapshot.new.abc", ".snapshot.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(b"half")
    replace_folder(folder, NEW)
    assert contents(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]


def test_a_full_disk_is_said_and_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "snapshot"
    replace_folder(folder, OLD)

    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"snapshot: cannot be written \(No space left on device"):
        replace_folder(folder, NEW)
    assert contents(folder) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    for folder in (tmp_path / "link", tmp_path / "link" / "snapshot"):
        with pytest.raises(ConfigError, match="symbolic link"):
            replace_folder(folder, NEW)
    assert contents(target) == {}


def test_a_file_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "snapshot").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="is a file"):
        replace_folder(tmp_path / "snapshot", NEW)
    with pytest.raises(ConfigError, match="Not a directory"):
        replace_folder(tmp_path / "snapshot" / "below", NEW)
    assert (tmp_path / "snapshot").read_bytes() == b"mine"
