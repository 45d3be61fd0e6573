"""A folder of files is there whole, old or new, and for its owner's eyes only."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from ri_report.delivery.files import check_writable, fresh_folder, replace_folder
from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD = {"page.html": b"old page", "tables/coverage.csv": b"old rows", "book.xlsx": b"old book"}
NEW = {"page.html": b"new page", "tables/pools.csv": b"new rows"}
OWNED = {"page.html", "book.xlsx", "tables"}

WRITE_WITH_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from ri_report.delivery.files import replace_folder
from ri_report.errors import ConfigError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_folder(Path(sys.argv[1]), {"page.html": b"new page", "tables/pools.csv": b"x" * 5000})
except ConfigError as error:
    print(error)
    sys.exit(error.exit_code)
"""
"""A limit on the size of a file stands in for a full disk: the kernel refuses the write midway."""


class KilledError(BaseException):
    """Stands in for a kill: nothing catches it but `finally`."""


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    replace_folder(folder, OLD)
    assert contents(folder) == OLD
    written = replace_folder(folder, NEW)
    assert written == [folder / "page.html", folder / "tables/pools.csv"]
    assert contents(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_owned_is_replaced_as_a_set_and_all_else_is_carried_over(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    replace_folder(folder, OLD)
    replace_folder(folder / "snapshot", {"manifest.json": b"{}"})
    (folder / "notes.txt").write_bytes(b"mine")
    (folder / "link").symlink_to(tmp_path / "absent")
    (folder / ".notes.old").mkdir()
    (folder / ".my.new.idea").write_bytes(b"mine too")
    replace_folder(folder, NEW, owned=OWNED)
    carried_over = {
        "snapshot/manifest.json": b"{}",
        "notes.txt": b"mine",
        ".my.new.idea": b"mine too",
    }
    assert contents(folder) == NEW | carried_over
    assert (folder / "link").readlink() == tmp_path / "absent"
    assert (folder / ".notes.old").is_dir()
    assert mode(folder / "snapshot" / "manifest.json") == 0o600


@pytest.mark.usefixtures("_open_umask")
def test_files_and_all_folders_that_are_made_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "run"
    written = replace_folder(folder, NEW)
    assert [mode(path) for path in written] == [0o600, 0o600]
    assert [mode(each) for each in (folder, folder / "tables", folder.parent)] == [0o700] * 3


def test_a_folder_above_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    replace_folder(tmp_path / "run", OLD)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("owned", [None, OWNED])
@pytest.mark.parametrize("moment", ["fsync", "rename", "rename of the new", "rename back"])
def test_a_stop_at_any_moment_leaves_a_whole_folder(
    moment: str, owned: set[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
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
            replace_folder(folder, NEW, owned=owned)
    if moment == "rename back":  # as after a power cut: the next write finds the old one aside
        assert not folder.exists()
        assert contents(tmp_path / ".run.old") == OLD
    else:
        assert contents(folder) == OLD
    replace_folder(folder, NEW, owned=owned)
    assert contents(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_leftovers_of_a_kill_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    replace_folder(folder, OLD)
    for name in (".run.new.abc_1234", ".run.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.html").write_bytes(b"half a pa")
    replace_folder(folder, NEW)
    assert contents(folder) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_only_looks_like_a_leftover_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    replace_folder(folder, OLD)
    for name in (".run.new.mine", ".run.new.TOO_LOUD", ".other.new.abc_1234", ".run.older"):
        (tmp_path / name).mkdir()
    (tmp_path / ".run.new.abc_1234").write_bytes(b"a file")
    before = {path.name for path in tmp_path.iterdir()}
    replace_folder(folder / "snapshot", NEW)
    with fresh_folder(folder, owned=OWNED):
        pass
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_the_old_folder_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    replace_folder(folder, OLD)
    command = [sys.executable, "-c", WRITE_WITH_A_FULL_DISK, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "run: cannot be written (File too large)" in done.stdout
    assert contents(folder) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_that_can_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path)
    check_writable(tmp_path / "reports")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("refuse", [check_writable, lambda folder: replace_folder(folder, NEW)])
def test_a_symbolic_link_is_refused_and_what_it_leads_to_untouched(
    tmp_path: Path, refuse: Callable[[Path], object]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"reports is a symbolic link to .*elsewhere"):
        refuse(tmp_path / "reports")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_above_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "reports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symbolic link"):
        replace_folder(tmp_path / "reports" / "run", NEW)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["page.html", "tables"])
def test_an_old_output_that_is_a_link_is_replaced_and_what_it_leads_to_untouched(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "precious").mkdir()
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / name).symlink_to(tmp_path / "precious")
    replace_folder(folder, NEW, owned=OWNED)
    assert list((tmp_path / "precious").iterdir()) == []
    assert contents(folder) == NEW


def test_a_missing_parent_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"disk does not exist"):
        check_writable(tmp_path / "disk" / "reports")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("refuse", [check_writable, lambda folder: replace_folder(folder, NEW)])
def test_a_file_in_the_place_of_the_folder_is_refused(
    tmp_path: Path, refuse: Callable[[Path], object]
) -> None:
    (tmp_path / "reports").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="reports is a file"):
        refuse(tmp_path / "reports")
    with pytest.raises(ConfigError, match="reports"):
        refuse(tmp_path / "reports" / "run")
    assert (tmp_path / "reports").read_bytes() == b"mine"


def test_a_read_only_folder_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(**_: object) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    with pytest.raises(ConfigError, match=r"Read-only file system.*choose another") as caught:
        check_writable(tmp_path)
    assert caught.value.exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="Permission denied"):
        check_writable(tmp_path / "reports")


@pytest.mark.parametrize("name", ["../outside", "/outside", "tables/../../outside", "", "a\\b"])
def test_a_name_that_leads_out_of_the_folder_is_a_mistake_of_the_program(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="not a name inside a folder"):
        replace_folder(tmp_path / "run", {name: b""})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_filled_and_then_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "run"
    replace_folder(folder, OLD)
    with fresh_folder(folder) as fresh:
        assert fresh.parent == folder.parent
        assert list(fresh.iterdir()) == []
        (fresh / "page.html").write_bytes(b"new page")
        assert contents(folder) == OLD
    assert contents(folder) == {"page.html": b"new page"}
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


@pytest.mark.usefixtures("_open_umask")
def test_what_others_wrote_into_the_folder_ends_private(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"")
    (tmp_path / "precious").chmod(0o644)
    with fresh_folder(tmp_path / "run") as fresh:
        assert mode(fresh) == 0o700
        (fresh / "tables").mkdir()
        for name in ("page.html", "tables/pools.csv"):
            (fresh / name).write_bytes(b"rows")
            (fresh / name).chmod(0o777)
        (fresh / "link").symlink_to(tmp_path / "precious")
    run = tmp_path / "run"
    assert [mode(run / name) for name in ("page.html", "tables/pools.csv")] == [0o600, 0o600]
    assert [mode(run), mode(run / "tables")] == [0o700, 0o700]
    assert mode(tmp_path / "precious") == 0o644


def test_what_is_carried_over_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    replace_folder(folder, OLD)
    (folder / "notes.sh").write_bytes(b"mine")
    (folder / "notes.sh").chmod(0o755)
    with fresh_folder(folder, owned=OWNED) as fresh:
        assert contents(fresh) == {"notes.sh": b"mine"}
    assert contents(folder) == {"notes.sh": b"mine"}
    assert mode(folder / "notes.sh") == 0o755


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), KilledError()])
def test_nothing_changes_when_filling_the_folder_fails(
    tmp_path: Path, error: BaseException
) -> None:
    def fill() -> None:
        with fresh_folder(tmp_path / "run") as fresh:
            (fresh / "page.html").write_bytes(b"half a pa")
            raise error

    replace_folder(tmp_path / "run", OLD)
    with pytest.raises(type(error)):
        fill()
    assert contents(tmp_path / "run") == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_disk_that_fails_while_the_folder_is_filled_is_told_in_one_line(tmp_path: Path) -> None:
    def fill() -> None:
        with fresh_folder(tmp_path / "run"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ConfigError, match=r"run: cannot be written \(No space left on device\)"):
        fill()
    assert list(tmp_path.iterdir()) == []
