"""The audit fails on what it finds, and says so where it could not look."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.dependencies import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLE = ("jinja2", "2.4.1")
NEVER = Path("/nonexistent/pip-audit")
WEAK = {
    "id": "PYSEC-0-1",
    "summary": "made up",
    "affected": [{"package": {"name": "weak", "ecosystem": "PyPI"}}],
}


def answered(known: dict[tuple[str, str], Any]) -> Callable[[bytes], tuple[int, bytes]]:
    """How a database answers that knows of these packages; an empty object is "nothing known"."""

    def reply(question: bytes) -> tuple[int, bytes]:
        asked = json.loads(question)
        vulns = known.get((asked["package"]["name"], asked["version"]))
        return 200, json.dumps({"vulns": [vulns]} if vulns else {}).encode()

    return reply


@contextmanager
def database(reply: Callable[[bytes], tuple[int, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_proxy_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


def locked(folder: Path, *names: str) -> Path:
    lines = [f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in names]
    (folder / "requirements.lock").write_text("".join(lines))
    return folder / "requirements.lock"


def test_no_network_is_said_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert audit.audit(audit.DATABASE, NEVER) == 0
    said = capsys.readouterr().out
    assert said.startswith("not audited: the vulnerability database cannot be reached (")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: (200, b"<html>Sign in to this network</html>"),
        lambda _: (200, b"\xff\xfe"),
        lambda _: (403, b"{}"),
        lambda _: (503, b"{}"),
    ],
)
def test_an_answer_of_somebody_else_is_no_answer(
    reply: Callable[[bytes], tuple[int, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    with database(reply) as url:
        assert audit.audit(url, NEVER) == 0
    assert "not audited: the vulnerability database cannot be reached" in capsys.readouterr().out


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"vulns": []}'])
def test_a_database_that_knows_nothing_is_not_believed(
    body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with database(lambda _: (200, body)) as url:
        assert audit.audit(url, NEVER) == 2
    assert "does not know its own example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (("sound",), 0, "No known vulnerabilities found"),
        (("sound", "weak"), 1, "PYSEC-0-1"),
    ],
)
def test_what_the_database_knows_decides(
    names: tuple[str, ...],
    code: int,
    said: str,
    tmp_path: Path,
    audit_program: Callable[[str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    program = audit_program("pip-audit")
    with database(answered({EXAMPLE: WEAK, ("weak", "1.0"): WEAK})) as url:
        assert audit.audit(url, program, locked(tmp_path, *names)) == code
    assert said in "".join(capfd.readouterr())


def test_every_package_that_is_installed_here_is_asked_about(
    audit_program: Callable[[str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    program = audit_program("pip-audit")
    asked: list[str] = []
    known = answered({EXAMPLE: WEAK})

    def noted(question: bytes) -> tuple[int, bytes]:
        asked.append(json.loads(question)["package"]["name"])
        return known(question)

    with database(noted) as url:
        assert audit.audit(url, program) == 0
    assert "No known vulnerabilities found" in "".join(capfd.readouterr())
    assert {"boto3", "numpy", "pandas", "pyarrow", "lxml", "pydantic-core"} <= set(asked)
