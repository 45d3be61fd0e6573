"""Logs on stderr: one line an event, as text or JSON, with nothing that could act on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from ri_report.report.text import visible

LONGEST_LINE = 2000


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {visible(record.getMessage(), LONGEST_LINE)}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        # JSON leaves one character as it is that a terminal acts on: DEL.
        return json.dumps(line).replace("\x7f", "\\u007f")


def configure(*, verbose: int, quiet: bool, log_format: str) -> None:
    """Send this program's own log to stderr.

    Only its own: botocore's debug log holds credentials, so it is never switched on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    log = logging.getLogger("ri_report")
    log.handlers[:] = [handler]
    log.propagate = False
    level = logging.DEBUG if verbose else logging.INFO
    log.setLevel(logging.WARNING if quiet else level)
