"""Whoever stops a run does not wait: not even for calls that nobody answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ri_report import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]
    Serve = Callable[[str], Any]

SIGNALS = pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
COMPANY = """
management 111111111111 payer
run 1 m5.large us-east-1a
account 222222222222 web
run 1 m5.large us-east-1a
"""


@pytest.fixture
def black_hole() -> Iterator[socket.socket]:
    """Return a socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        server.settimeout(30)
        yield server


@SIGNALS
def test_a_run_ends_at_once_although_calls_hang(
    organization_served: Serve,
    monkeypatch: pytest.MonkeyPatch,
    black_hole: socket.socket,
    sent: signal.Signals,
    code: int,
) -> None:
    organization_served(COMPANY)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", f"http://127.0.0.1:{black_hole.getsockname()[1]}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    command = [sys.executable, "-m", "ri_report", "run", "--no-progress"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        calls = [black_hole.accept()[0] for _ in range(2)]
        process.send_signal(sent)
        try:
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
            for call in calls:
                call.close()
    assert process.returncode == code
    assert out == ""
    assert err.splitlines() == [
        "warning: nothing was read, so there is nothing to resume; run anew",
        "error: stopped before the end; every file that is there is whole",
    ]
    assert [path for path in Path().rglob("*") if path.is_file()] == []


@SIGNALS
def test_a_signal_has_its_own_exit_code(
    command: Command, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, code: int
) -> None:
    monkeypatch.setattr(pipeline, "read_dumps", lambda *_: os.kill(os.getpid(), sent))
    ended = command("report", "--from-dumps", "dumps", "--log-format", "json")
    assert ended.code == code
    (line,) = ended.err.splitlines()
    assert "stopped" in line
