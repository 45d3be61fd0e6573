"""Known vulnerabilities of the locked packages, looked up where the database can be reached.

    python -m tests.dependencies.audit [URL]

Where it cannot be reached, this says so and succeeds: no network is not a vulnerability, and
nothing that was not looked at is called clean.
"""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
PROGRAM = Path(sys.executable).with_name("pip-audit")
DATABASE = "https://api.osv.dev/v1/query"
KNOWN = {"package": {"name": "jinja2", "ecosystem": "PyPI"}, "version": "2.4.1"}
"""What the database documents as an example of a question that has an answer
(https://google.github.io/osv.dev/post-v1-query/)."""
TIMEOUT_SECONDS = 15


class UnreachableError(Exception):
    """Raised when the database does not answer."""


def knows_anything(url: str) -> bool:
    """Return whether a database answers its own example with a vulnerability.

    Raises:
        UnreachableError: nobody answers there, or somebody else.
    """
    headers = {"Content-Type": "application/json"}
    question = Request(url, json.dumps(KNOWN).encode(), headers)  # noqa: S310 - the caller's address
    try:
        with urlopen(question, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310 - as above
            answer = json.load(reply)
    except (OSError, HTTPException, ValueError) as error:
        raise UnreachableError(" ".join(f"{type(error).__name__}: {error}".split())) from error
    return isinstance(answer, dict) and bool(answer.get("vulns"))


def audit(url: str, program: Path = PROGRAM, lock: Path = LOCK) -> int:
    """Look up every locked package that is installed on this platform, and say what was found.

    Args:
        url: The database, which speaks the protocol of OSV.
        program: pip-audit.
        lock: The locked packages, with hashes.

    Returns:
        The exit code: 0 where nothing is known against the packages or the database cannot be
        reached; otherwise another, also where the database answers but knows nothing.
    """
    try:
        if not knows_anything(url):
            print_line(
                "error: the vulnerability database does not know its own example: not audited"
            )
            return 2
    except UnreachableError as error:
        print_line(f"not audited: the vulnerability database cannot be reached ({error})")
        return 0
    options = ("--disable-pip", "--strict", "--progress-spinner=off", "--desc=off")
    service = ("--vulnerability-service=osv", f"--osv-url={url}")
    return subprocess.run([program, *options, *service, "-r", lock], check=False).returncode


def print_line(text: str) -> None:
    """Write a line to stdout at once, before those of the program that is started."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1] if len(sys.argv) > 1 else DATABASE))
