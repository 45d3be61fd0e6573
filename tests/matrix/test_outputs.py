"""Row 30: disks that are full or can only be read, before the run or in the middle of it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ri_report.inventory.attempts import parts_folder
from tests.matrix.runs import tree
from tests.matrix.theater import NAME, RESUME, RUN, assert_old_or_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.matrix.theater import Theater


@pytest.fixture
def disk(theater: Theater) -> Iterator[Path]:
    """Return a folder with the outputs of the run before, which lie on a disk of 2 MiB."""
    folder = theater.place()
    reports = folder / "reports"
    kept = tree(reports)
    program = shutil.which("mount")
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(reports)]
    if program is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    for name, content in kept.items():
        (reports / name).parent.mkdir(parents=True, exist_ok=True)
        (reports / name).write_bytes(content)
    yield folder
    subprocess.run(["umount", str(reports)], check=True)


def fill(reports: Path, *, free_bytes: int) -> None:
    """Leave so much free on the disk, and no more."""
    filler = reports / "large"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - free_bytes)


def test_a_disk_that_is_full_is_refused_before_anything_is_asked(
    theater: Theater, disk: Path
) -> None:
    reports = disk / "reports"
    fill(reports, free_bytes=0)
    ended = theater.run(disk, *RUN)
    assert ended.code == 2
    assert "No space left on device" in ended.err.splitlines()[-1]
    assert theater.now.calls == []
    (reports / "large").unlink()
    assert tree(reports) == theater.old


def test_a_disk_that_can_only_be_read_is_refused_before_anything_is_asked(
    theater: Theater, disk: Path
) -> None:
    reports = disk / "reports"
    subprocess.run(["mount", "-o", "remount,ro", str(reports)], check=True)
    ended = theater.run(disk, *RUN)
    assert ended.code == 2
    assert "Read-only file system" in ended.err.splitlines()[-1]
    assert theater.now.calls == []
    assert tree(reports) == theater.old


@pytest.mark.parametrize("free_kib", [4, 8, 16, 32, 64, 96, 128, 160])
def test_a_disk_that_fills_up_in_the_middle_leaves_old_or_new_and_says_so_in_one_line(
    theater: Theater, disk: Path, free_kib: int
) -> None:
    reports = disk / "reports"
    fill(reports, free_bytes=free_kib * 1024)
    ended = theater.run(disk, *RUN)
    assert ended.code == 2
    assert "No space left on device" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    (reports / "large").unlink()
    assert_old_or_new(theater, reports)
    is_begun = parts_folder(reports, NAME).exists()
    again = theater.run(disk, *(RESUME if is_begun else RUN))
    assert again.code == 0, again.err
    assert tree(reports) == theater.new
