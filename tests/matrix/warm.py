"""A process that has imported everything, and forks a child for each command that it is told.

Each line on stdin is one command, as JSON; the answers are lines of JSON too: first the child's
process id, and when the child has ended its status and the most memory that it held. A fork of a
process without threads is safe, and starts in no time.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from typing import Any

from botocore.loaders import Loader

from ri_report import cli

CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR


def main() -> None:
    """Fork a child for each line, and tell how it ended."""
    importlib.import_module("ri_report.pipeline")
    models = Loader()
    for service in ("ec2", "sts", "organizations"):
        models.load_service_model(service, "service-2")
        models.load_service_model(service, "endpoint-rule-set-1")
    # Reading EC2's service model takes longer than a run.
    sys.modules["botocore.session"].create_loader = lambda *_: models  # type: ignore[attr-defined]
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            run(told)
        print(child, flush=True)  # noqa: T201 - the answer
        _, status, usage = os.wait4(child, 0)
        print(json.dumps([status, usage.ru_maxrss]), flush=True)  # noqa: T201 - the answer


def run(told: dict[str, Any]) -> None:
    """Become the command; never returns."""
    os.chdir(told["folder"])
    for name in [name for name in os.environ if name.startswith(("AWS_", "RI_REPORT_"))]:
        del os.environ[name]
    os.environ.update(told["environment"])
    for number, name in ((0, os.devnull), (1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
    for name, value in told["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    if "RLIMIT_FSIZE" in told["limits"]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    count_changes(told["dies_at"])
    sys.argv = ["ri-report", *told["arguments"]]
    try:
        cli.main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
    os._exit(70)


def count_changes(dies_at: int) -> None:
    """Count every change of a file or folder in `changes`, and die before the one of a number."""
    counter = os.open("changes", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    seen = 0

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if event in CHANGES or opens:
            seen += 1
            os.write(counter, b".")
            if seen == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


if __name__ == "__main__":
    main()
