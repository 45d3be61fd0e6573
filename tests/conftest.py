"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ri_report.sandbox.server import Endpoint

DEBIAN_PACKAGES = {
    "chromium": "chromium",
    "soffice": "libreoffice-calc",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "pdfinfo": "poppler-utils",
}


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Return a function that finds a program, or skips the test; in CI it fails instead."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing = f"{name} is not installed (Debian package {DEBIAN_PACKAGES.get(name, name)})"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        return path

    return find


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def paths(self) -> list[Path]:
        """What stdout names, one path a line."""
        return [Path(line) for line in self.out.splitlines()]


@pytest.fixture(autouse=True, scope="session")
def _no_variable_of_the_tests() -> Iterator[None]:
    """Take away what tells the tests how much to try: the program knows no such variable."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RI_REPORT_EXAMPLES", raising=False)
        yield


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty folder, with nothing of the surroundings in the environment."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "RI_REPORT_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nonexistent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    own_environment: None,  # noqa: ARG001 - prepares the process
) -> Iterator[Callable[..., Ended]]:
    """Return a function that runs `ri-report` with these arguments, inside this process."""
    from ri_report import cli  # noqa: PLC0415 - few tests need it
    from ri_report.aws import patience  # noqa: PLC0415 - few tests need it

    for name in ("WAITS", "TRUST_WAITS"):
        waits = getattr(patience, name)
        monkeypatch.setattr(patience, name, tuple(0.0 for _ in waits))
    log, botocore = logging.getLogger("ri_report"), logging.getLogger("botocore")
    before = log.level, log.propagate, botocore.level
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(cli, "_now", lambda: datetime(2026, 11, 22, 6, 30, tzinfo=UTC))

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["ri-report", *map(str, arguments)])
        log.handlers.clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    log.handlers.clear()
    log.setLevel(before[0])
    log.propagate = before[1]
    botocore.setLevel(before[2])


@pytest.fixture
def organization_served(
    monkeypatch: pytest.MonkeyPatch,
    own_environment: None,  # noqa: ARG001 - this comes on top of it
) -> Iterator[Callable[..., Endpoint]]:
    """Return a function that serves an organization and points the environment at it."""
    from ri_report.sandbox.declaration import organization_from  # noqa: PLC0415 - few need it
    from ri_report.sandbox.server import serve  # noqa: PLC0415 - few tests need it

    as_of = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    with ExitStack() as stack:

        def start(text: str, job_role: str = "") -> Endpoint:
            serving = serve(organization_from(text, as_of), job_role=job_role)
            endpoint = stack.enter_context(serving)
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            return endpoint

        yield start
