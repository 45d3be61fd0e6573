"""The end of the process: its exit code, and the one line that says why."""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, NoReturn

import click

from ri_report.errors import EXIT_COMPLETE, RiReportError
from ri_report.logs import configure

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("ri_report")

SAME_STOP_SECONDS = 1.0
"""Signals that come within so long of the first are the same stop, which a wrapper passed on."""
AS_JSON = re.compile(r"\0--log-format[=\0]json\0")


def end_with(command: Callable[[], int | None]) -> NoReturn:
    """Run a command of click's to the end of the process.

    SIGINT and SIGTERM clean up what is under way and end the process, with 130 and 143; told again
    after a second, it ends at once.
    A traceback is shown for mistakes of the program alone, and only with --debug: as lines of the
    log, because what an error quotes may be from a stranger.
    """
    if "--debug" in sys.argv:
        # Where the processes of the collection see it too.
        os.environ["RI_REPORT_DEBUG"] = "1"
    stop = _Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        sys.exit(command() or EXIT_COMPLETE)
    except _Stopped as stopped:
        _leave(stopped.code)
    except RiReportError as error:
        _end(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _end(_usage(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the end of the process: it ends in one line
        _end(_mistake(error), 4)


class _Stopped(SystemExit):
    """Raised where a signal arrives, so that everything under way is cleaned up."""

    code: int


class _Stop:
    """What a signal does: it stops the run; whatever comes within a second says the same again."""

    def __init__(self) -> None:
        self._told_at = -math.inf

    def __call__(self, number: int, _: object) -> None:
        now = time.monotonic()
        if now - self._told_at >= SAME_STOP_SECONDS:
            self._told_at = now
            # What a shell says of a command that a signal ended.
            raise _Stopped(128 + number)


def _leave(code: int) -> NoReturn:
    """End without waiting for the threads of calls that nobody answers."""
    try:
        _say("stopped before the end; every file that is there is whole")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _end(message: str, code: int) -> NoReturn:
    _say(message)
    sys.exit(code)


def _mistake(error: Exception) -> str:
    what = f"unexpected {type(error).__name__}; this is a bug"
    if not os.environ.get("RI_REPORT_DEBUG"):
        return f"{what}: run again with --debug and report it"
    for line in "".join(traceback.format_exception(error)).splitlines():
        _say(line)
    return f"{what}: report it with the lines above"


def _usage(error: click.ClickException) -> str:
    context: click.Context | None = getattr(error, "ctx", None)
    name = context.command_path if context else "ri-report"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see `{name} --help`"


def _say(message: str) -> None:
    if not log.handlers:
        # Before the options are read, or because they cannot be.
        by_option = AS_JSON.search("\0".join([*sys.argv, ""]))
        as_json = by_option or os.environ.get("RI_REPORT_LOG_FORMAT") == "json"
        configure(verbose=0, quiet=False, log_format="json" if as_json else "text")
    log.error("%s", message)
