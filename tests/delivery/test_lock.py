"""Two runs never write into one folder at once, and no crash leaves a lock behind."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ri_report.delivery.lock import LOCK, only_writer
from ri_report.errors import AnotherRunError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]
    Serve = Callable[[str], Any]

US = ("--region", "us-east-1", "--as-of", "2026-11-22T06:30Z", "--no-progress")
COMPANY = """
management 111111111111 payer
run 1 m5.large us-east-1a
account 222222222222 web
run 1 m5.large us-east-1a
"""
INSTANCES = '{"Reservations": []}'

COUNT_UNDER_THE_LOCK = """
import sys
from pathlib import Path
from ri_report.delivery.lock import only_writer
from ri_report.errors import AnotherRunError
folder, counter, done = Path(sys.argv[1]), Path(sys.argv[2]), 0
while done < 10:
    try:
        with only_writer(folder):
            counter.write_text(str(int(counter.read_text()) + 1))
            done += 1
    except AnotherRunError:
        pass
"""
"""Reading, adding and writing in three steps loses counts wherever two do it at once."""


def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )


@contextmanager
def run_that_hangs() -> Iterator[subprocess.Popen[str]]:
    """A run in the middle of its collection: its calls to EC2 are taken and never answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as black_hole:
        black_hole.settimeout(30)
        address = f"http://127.0.0.1:{black_hole.getsockname()[1]}"
        process = started("-m", "ri_report", "run", *US, AWS_ENDPOINT_URL_EC2=address)
        with process, black_hole.accept()[0]:
            try:
                yield process
            finally:
                process.kill()


def identified(endpoint: Any) -> int:  # noqa: ANN401 - a running sandbox
    """How many runs have asked AWS anything: each asks who it is, first and once."""
    return [call.operation for call in endpoint.calls].count("GetCallerIdentity")


def test_the_file_is_hidden_private_and_gone_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    with only_writer(folder):
        (file,) = folder.iterdir()
        assert file.name == LOCK
        assert file.name.startswith(".")
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() == f"{os.getpid()} on {os.uname().nodename}"
    assert list(folder.iterdir()) == []


def test_a_folder_that_was_made_for_nothing_is_gone_again(tmp_path: Path) -> None:
    with only_writer(tmp_path / "reports"):
        assert (tmp_path / "reports").stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_written_to_stays(tmp_path: Path) -> None:
    with only_writer(tmp_path / "reports"):
        (tmp_path / "reports" / "page.html").touch()
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["page.html"]


def test_the_second_is_refused_with_who_the_first_is_and_the_first_keeps_its_lock(
    tmp_path: Path,
) -> None:
    with only_writer(tmp_path):
        for _ in range(2):
            with pytest.raises(AnotherRunError) as caught, only_writer(tmp_path):
                pytest.fail("two writers at once")
            assert str(caught.value) == (
                f"folder {tmp_path}: another run (process {os.getpid()} on {os.uname().nodename})"
                " is writing there; wait until it has ended, or choose another folder with"
                " --output-dir"
            )
        assert (tmp_path / LOCK).exists()
    with only_writer(tmp_path):
        pass


@pytest.mark.parametrize("note", ["", "7", "\x1b[2J on x", "1 on a b", "x" * 9000])
def test_a_note_that_no_run_writes_is_not_repeated(note: str, tmp_path: Path) -> None:
    with only_writer(tmp_path):
        (tmp_path / LOCK).write_text(note)
        with pytest.raises(AnotherRunError, match=r": another run is writing there; "):
            only_writer(tmp_path).__enter__()


def test_two_folders_have_two_writers(tmp_path: Path) -> None:
    with only_writer(tmp_path / "one"), only_writer(tmp_path / "two"):
        pass


def test_an_unlocked_file_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("1 on elsewhere")
    with only_writer(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"{os.getpid()} ")


def test_an_error_in_the_block_is_passed_on_and_unlocks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), only_writer(tmp_path):
        (tmp_path / "absent").read_text()
    with only_writer(tmp_path):
        pass


def test_a_lock_on_a_file_that_was_taken_away_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run before ends between the two steps of this one: opening the file and locking it."""
    opened, count = os.open, 0

    def ended_meanwhile(path: Any, *more: int) -> int:  # noqa: ANN401 - as os.open
        nonlocal count
        descriptor = opened(path, *more)
        if path == tmp_path / LOCK:
            count += 1
            if count == 1:
                path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", ended_meanwhile)
    with only_writer(tmp_path):
        monkeypatch.undo()
        assert count == 2
        assert (tmp_path / LOCK).exists()


def test_processes_that_race_for_a_folder_never_meet_in_it(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    counter.write_text("0")
    racing = [
        started("-c", COUNT_UNDER_THE_LOCK, str(tmp_path / "reports"), str(counter))
        for _ in range(3)
    ]
    ended = [(process.communicate(timeout=60), process.returncode) for process in racing]
    assert ended == [(("", ""), 0)] * 3
    assert counter.read_text() == "30"
    assert not list(tmp_path.glob("reports/*"))


@pytest.mark.parametrize("kind", ["symbolic link", "folder"])
def test_a_lock_that_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    folder, outside = tmp_path / "reports", tmp_path / "outside"
    folder.mkdir()
    if kind == "folder":
        (folder / LOCK).mkdir()
    else:
        (folder / LOCK).symlink_to(outside)
    with pytest.raises(ConfigError, match=r"reports: cannot be written"):
        only_writer(folder).__enter__()
    assert not outside.exists()


def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(ConfigError, match=r"No locks available.* choose another folder"):
        only_writer(tmp_path).__enter__()


def test_a_second_run_ends_at_once_with_6_and_one_line(
    command: Command, organization_served: Serve
) -> None:
    endpoint = organization_served(COMPANY)
    answers = Path("dumps/222222222222/us-east-1")
    answers.mkdir(parents=True)
    (answers / "instances.json").write_text(INSTANCES)
    kept = command("collect", *US, "--output-dir", "kept").paths[0]
    with run_that_hangs() as first:
        asked, there = identified(endpoint), set(Path("reports").iterdir())
        for arguments in (
            ("run", *US),
            ("collect", *US),
            ("report", "--snapshot", kept, "--output-dir", "reports"),
            ("report", "--from-dumps", "dumps"),
            ("demo", "--output-dir", "reports"),
        ):
            began = time.monotonic()
            ended = command(*arguments)
            assert time.monotonic() - began < 5
            assert (ended.code, ended.out) == (6, "")
            (line,) = ended.err.splitlines()
            assert line.startswith(f"error: folder reports: another run (process {first.pid} on ")
        assert identified(endpoint) == asked
        assert Path("reports", LOCK) in there
        assert set(Path("reports").iterdir()) == there
        assert command("run", *US, "--output-dir", "elsewhere").code == 0


def test_a_crash_leaves_no_lock(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY)
    with run_that_hangs() as first:
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        assert Path("reports", LOCK).read_text().startswith(f"{first.pid} ")
        assert command("run", *US).code == 0
    assert [path.name for path in Path("reports").iterdir()] == ["2026-11-22T063000Z"]


def test_what_writes_nothing_needs_no_lock(command: Command, organization_served: Serve) -> None:
    organization_served(COMPANY)
    command("run", *US)
    kept = Path("reports/2026-11-22T063000Z/snapshot")
    with only_writer(Path("reports")):
        assert command("run", "--dry-run").code == 0
        assert command("explain", "i-0", "--snapshot", kept).code == 2
