"""A kill at any moment, a full disk, a folder that cannot be written: old or new, always whole."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.delivery.files import fresh_folder
from ri_report.errors import ConfigError
from ri_report.inventory.attempts import About, begin, parts_folder, sweep
from ri_report.inventory.merging import merge_parts
from ri_report.inventory.outcomes import CellKind
from ri_report.inventory.part_file import part_path, read_part
from ri_report.inventory.parts import write_part
from ri_report.inventory.snapshot import FRAMES, read_snapshot
from tests.inventory.readings import AS_OF, account, cells_read, instance, read_ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from ri_report.inventory.schema import Inventory

WEB, DATA = "111122223333", "012345678901"
EAST, WEST, INSTANCES = "us-east-1", "us-west-2", CellKind.INSTANCES
WATCHED = ("ri_report", "shutil.py", "tempfile.py", "pathlib")
"""Where a line is a moment to be killed at: the package, and what removes and moves files."""
POINTS = 50
LARGEST = 1 << 40

# Python 3.12 warns of forks while threads run; what the children do waits for none of them.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def in_child(work: Callable[[], object]) -> int:
    """Do something in a child of this process; return the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child tells by its code, and ends here
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def killed_at(moment: int, work: Callable[[], object]) -> Callable[[], None]:
    """Do something until so many lines of it have run, then die as of `kill -9`."""
    lines = 0

    def local(_frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - of sys
        nonlocal lines
        lines += event == "line"
        if lines == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return local

    def trace(frame: FrameType, *_: object) -> Any:  # noqa: ANN401 - of sys
        is_watched = any(name in frame.f_code.co_filename for name in WATCHED)
        return local if is_watched else None

    def run() -> None:
        sys.settrace(trace)
        work()

    return run


def moments_of(work: Callable[[], object]) -> list[int]:
    """Return moments spread over all lines that something runs, the last after its end."""
    low, high = 1, 1 << 20
    while low < high:
        middle = (low + high) // 2
        if in_child(killed_at(middle, work)):
            low = middle + 1
        else:
            high = middle
    return sorted({1 + (low - 1) * point // POINTS for point in range(POINTS + 1)})


def killed_while_writing(byte: int, work: Callable[[], object]) -> Callable[[], None]:
    """Do something until a file grows beyond so many bytes, then die in the middle of the write."""

    def run() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (byte, LARGEST))
        work()

    return run


def parts_of(folder: Path, *instance_ids: str) -> Path:
    """Write the part of one account that runs these instances."""
    rows = {INSTANCES: [instance(WEB, EAST, instance_id) for instance_id in instance_ids]}
    write_part(folder, WEB, rows, [read_ok(WEB, EAST, INSTANCES, len(instance_ids))])
    return folder


def instances_in(folder: Path) -> list[str]:
    tables = read_part(folder, WEB)
    assert tables is not None
    found: list[str] = tables["instances"]["instance_id"].to_pylist()
    return found


def keep(parts: Path, folder: Path) -> None:
    with fresh_folder(folder) as place:
        about = {"run": "r", "source": "aws", "endpoint": "", "caller_account_id": WEB}
        merge_parts(parts, place, [account(WEB)], [], as_of=AS_OF, settings={}, **about)


def kept(folder: Path) -> list[str]:
    inventory: Inventory = read_snapshot(folder)[0]
    return inventory.instances["instance_id"].tolist()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    program = shutil.which("mount")
    if program is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no byte free on the disk of a folder."""
    with (folder / "large").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            return


def test_a_kill_at_any_moment_leaves_the_old_part_or_the_new_one(tmp_path: Path) -> None:
    seen = set()

    def write() -> None:
        parts_of(tmp_path / "parts", "i-2", "i-3")

    def prepared() -> Path:
        shutil.rmtree(tmp_path / "parts", ignore_errors=True)
        (tmp_path / "parts").mkdir()
        return parts_of(tmp_path / "parts", "i-1")

    prepared()
    for moment in moments_of(write):
        folder = prepared()
        ended_by = in_child(killed_at(moment, write))
        left = instances_in(folder)
        assert left in (["i-1"], ["i-2", "i-3"])
        seen.add((ended_by, len(left)))
        write()
        assert instances_in(folder) == ["i-2", "i-3"]
        assert names_in(folder) == [f"{WEB}.part"]
    assert {(signal.SIGKILL, 1), (signal.SIGKILL, 2), (0, 2)} <= seen


@pytest.mark.parametrize("byte", [0, 1, 64, 500])
def test_a_kill_in_the_middle_of_a_write_leaves_the_old_part(tmp_path: Path, byte: int) -> None:
    folder = parts_of(tmp_path, "i-1")
    ended_by = in_child(killed_while_writing(byte, lambda: parts_of(folder, "i-2")))
    assert ended_by == signal.SIGXFSZ
    assert instances_in(folder) == ["i-1"]
    parts_of(folder, "i-2")
    assert names_in(folder) == [f"{WEB}.part"]


def test_a_kill_at_any_moment_of_a_merge_leaves_the_old_snapshot_or_the_new_one(
    tmp_path: Path,
) -> None:
    """Or the old one aside for one moment, which the next write puts back."""
    parts, run = tmp_path / "parts", tmp_path / "runs" / "run"
    parts.mkdir()
    seen = set()

    def prepare() -> None:
        shutil.rmtree(run.parent, ignore_errors=True)
        keep(parts_of(parts, "i-1"), run)
        parts_of(parts, "i-2", "i-3")

    def merge() -> None:
        keep(parts, run)

    prepare()
    for moment in moments_of(merge):
        prepare()
        ended_by = in_child(killed_at(moment, merge))
        left = kept(run if run.exists() else run.with_name(".run.old"))
        assert left in (["i-1"], ["i-2", "i-3"])
        seen.add((ended_by, len(left)))
        merge()
        assert kept(run) == ["i-2", "i-3"]
        assert names_in(run.parent) == ["run"]
        assert names_in(run) == sorted(["manifest.json", *(f"{name}.parquet" for name in FRAMES)])
    assert {(signal.SIGKILL, 1), (signal.SIGKILL, 2), (0, 2)} <= seen


@pytest.mark.parametrize("byte", [0, 4, 1000, 5000])
def test_a_kill_in_the_middle_of_a_file_leaves_the_old_snapshot(tmp_path: Path, byte: int) -> None:
    parts, run = tmp_path / "parts", tmp_path / "runs" / "run"
    parts.mkdir()
    keep(parts_of(parts, "i-1"), run)
    parts_of(parts, "i-2")
    assert in_child(killed_while_writing(byte, lambda: keep(parts, run))) == signal.SIGXFSZ
    assert kept(run) == ["i-1"]
    keep(parts, run)
    assert kept(run) == ["i-2"]
    assert names_in(run.parent) == ["run"]


def test_a_run_that_is_killed_while_it_begins_is_begun_anew_or_swept(tmp_path: Path) -> None:
    about = About("r", AS_OF, "", AS_OF)

    def start() -> None:
        begin(tmp_path, about)

    for moment in moments_of(start):
        shutil.rmtree(parts_folder(tmp_path, "r"), ignore_errors=True)
        in_child(killed_at(moment, start))
        start()
        assert names_in(parts_folder(tmp_path, "r")) == ["about.json"]
        assert len(names_in(tmp_path)) == 1
        shutil.rmtree(parts_folder(tmp_path, "r"))
        in_child(killed_at(moment, start))
        if parts_folder(tmp_path, "r").exists():
            os.utime(parts_folder(tmp_path, "r"), (0, 0))
        sweep(tmp_path, AS_OF.replace(year=AS_OF.year + 1))
        assert list(tmp_path.iterdir()) == []


def test_processes_write_parts_of_different_accounts_at_once(tmp_path: Path) -> None:
    def write(share: int) -> None:
        for number in range(share, 40, 4):
            account_id = f"{number:012d}"
            rows = {INSTANCES: [instance(account_id, WEST, f"i-{number}")]}
            write_part(tmp_path, account_id, rows, [read_ok(account_id, WEST, INSTANCES)])

    children = []
    for share in range(4):
        child = os.fork()
        if child == 0:
            write(share)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    cells = frozenset({(WEST, INSTANCES)})
    assert cells_read(tmp_path) == {f"{number:012d}": cells for number in range(40)}
    assert len(names_in(tmp_path)) == 40


def test_a_full_disk_leaves_the_old_part_and_says_so(small_disk: Path) -> None:
    folder = parts_of(small_disk, "i-1")
    fill(folder)
    many = [f"i-{number}" for number in range(500)]
    with pytest.raises(ConfigError, match=r"cannot be written \(No space left on device\); free"):
        parts_of(folder, *many)
    assert instances_in(folder) == ["i-1"]
    assert names_in(folder) == [part_path(folder, WEB).name, "large"]
    (folder / "large").unlink()
    parts_of(folder, *many)
    assert len(instances_in(folder)) == 500


def test_a_full_disk_leaves_the_old_snapshot_and_says_so(small_disk: Path, tmp_path: Path) -> None:
    parts, run = tmp_path / "parts", small_disk / "run"
    parts.mkdir()
    keep(parts_of(parts, "i-1"), run)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    parts_of(parts, *(f"i-{number}" for number in range(500)))
    fill(small_disk)
    with pytest.raises(ConfigError, match=r"run: cannot be written \(No space left on device\)"):
        keep(parts, run)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert names_in(small_disk) == ["large", "run"]
    (small_disk / "large").unlink()
    keep(parts, run)
    assert len(kept(run)) == 500


def test_a_disk_that_is_read_only_is_told_in_one_line(small_disk: Path) -> None:
    folder = parts_of(small_disk, "i-1")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    with pytest.raises(ConfigError, match=r"cannot be written \(Read-only file system\); free"):
        parts_of(folder, "i-2")
    assert instances_in(folder) == ["i-1"]
    with pytest.raises(ConfigError, match=r"cannot be written \(Read-only file system\)"):
        keep(folder, folder / "run")
    with pytest.raises(ConfigError, match=r"cannot be written \(Read-only file system\)"):
        begin(folder, About("r", AS_OF, "", AS_OF))
