from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from ri_report.delivery.files import check_writable, write
from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = {"ri-report.html": b"old page", "tables/coverage.csv": b"old rows"}
NEW = {"ri-report.html": b"new page", "tables/coverage.csv": b"new rows"}

WRITE_WITH_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from ri_report.delivery.files import write
from ri_report.errors import ConfigError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write(Path(sys.argv[1]), {"ri-report.html": b"new page", "tables/coverage.csv": b"x" * 5000})
except ConfigError as error:
    print(error)
    sys.exit(error.exit_code)
"""
"""A limit on the size of a file stands in for a full disk: the kernel refuses the write midway."""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_files_are_written_and_their_paths_returned_in_order(tmp_path: Path) -> None:
    written = write(tmp_path / "run", NEW)
    assert written == [tmp_path / "run/ri-report.html", tmp_path / "run/tables/coverage.csv"]
    assert contents(tmp_path / "run") == NEW


def test_files_and_the_folders_made_for_them_are_private(tmp_path: Path) -> None:
    written = write(tmp_path / "reports" / "run", NEW)
    assert [mode(path) for path in written] == [0o600, 0o600]
    made = [tmp_path / "reports", tmp_path / "reports/run", tmp_path / "reports/run/tables"]
    assert [mode(folder) for folder in made] == [0o700] * 3


def test_files_are_private_even_where_the_old_ones_were_not(tmp_path: Path) -> None:
    (tmp_path / "ri-report.html").write_bytes(b"old")
    (tmp_path / "ri-report.html").chmod(0o644)
    (written,) = write(tmp_path, {"ri-report.html": b"new"})
    assert mode(written) == 0o600


def test_old_files_give_way_to_new_ones_and_others_stay(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    (tmp_path / "notes.txt").write_bytes(b"mine")
    write(tmp_path, NEW)
    assert contents(tmp_path) == NEW | {"notes.txt": b"mine"}


def test_leftovers_of_a_killed_write_are_swept(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    (tmp_path / ".ri-report-abc.tmp").write_bytes(b"half a pa")
    (tmp_path / "tables" / ".ri-report-def.tmp").write_bytes(b"half a ro")
    write(tmp_path, NEW)
    assert contents(tmp_path) == NEW


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4, 5, 6, 7, 8])
def test_killed_at_any_step_every_file_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    write(tmp_path, OLD)
    steps = iter(range(1, 100))

    def killed(real: str, *args: object) -> object:
        if next(steps) == fails_at:
            raise KeyboardInterrupt
        return originals[real](*args)

    originals: dict[str, Callable[..., object]] = {"fsync": os.fsync, "rename": os.replace}
    monkeypatch.setattr(os, "fsync", lambda *a: killed("fsync", *a))
    monkeypatch.setattr(os, "replace", lambda *a: killed("rename", *a))
    try:
        write(tmp_path, NEW)
    except KeyboardInterrupt:
        left = contents(tmp_path)
        assert left.keys() == OLD.keys()
        assert all(left[name] in (OLD[name], NEW[name]) for name in OLD)
    monkeypatch.undo()
    write(tmp_path, NEW)
    assert contents(tmp_path) == NEW


def test_full_disk_leaves_every_old_file_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    command = [sys.executable, "-c", WRITE_WITH_A_FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stdout
    assert contents(tmp_path) == OLD


def test_folder_that_can_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path)
    check_writable(tmp_path / "reports")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("refuse", [check_writable, lambda folder: write(folder, NEW)])
def test_symbolic_link_is_refused_and_what_it_leads_to_untouched(
    tmp_path: Path, refuse: Callable[[Path], object]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"reports is a symbolic link to .*elsewhere"):
        refuse(tmp_path / "reports")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_folder_of_tables_that_is_a_link_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tables").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symbolic link"):
        write(tmp_path / "run", NEW)
    assert contents(tmp_path) == {}


def test_old_file_that_is_a_link_is_replaced_and_what_it_leads_to_untouched(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "ri-report.html").symlink_to(tmp_path / "precious")
    write(tmp_path / "run", NEW)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert contents(tmp_path / "run") == NEW


def test_missing_parent_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"disk does not exist"):
        check_writable(tmp_path / "disk" / "reports")
    with pytest.raises(ConfigError, match=r"disk does not exist"):
        write(tmp_path / "disk" / "reports" / "run", NEW)
    assert list(tmp_path.iterdir()) == []


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="reports is a file"):
        check_writable(tmp_path / "reports")
    with pytest.raises(ConfigError, match="reports is a file"):
        write(tmp_path / "reports" / "run", NEW)


def test_read_only_folder_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    with pytest.raises(ConfigError, match=r"Read-only file system.*choose another") as caught:
        check_writable(tmp_path)
    assert caught.value.exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="Permission denied"):
        check_writable(tmp_path / "reports")


@pytest.mark.parametrize("name", ["../outside", "/outside", "tables/../../outside", "", "a\\b"])
def test_name_that_leads_out_of_the_folder_is_a_mistake_of_the_program(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="not a name inside a folder"):
        write(tmp_path / "run", {name: b""})
    assert list(tmp_path.iterdir()) == []
