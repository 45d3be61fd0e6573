"""The errors that end a run, each with the exit code that a scheduler sees.

    RiReportError
    ├── ConfigError       2   an option, the configuration file or the environment is wrong
    ├── NoReportError     4   nothing could be read, so there is nothing to report
    ├── AnotherRunError   6   another run writes into the same folder
    └── IntegrityError    7   what was read contradicts itself

What AWS refused for one account is not an error but an outcome (`inventory.outcomes`).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXIT_COMPLETE = 0
EXIT_INCOMPLETE = 3
EXIT_INTEGRITY = 7
EXIT_THRESHOLD = 8


class RiReportError(Exception):
    """Raised as one of its subclasses; its text says what, where and what to do."""

    exit_code = 1


class ConfigError(RiReportError):
    """Raised when an option, a configuration key or the environment is wrong."""

    exit_code = 2


class NoReportError(RiReportError):
    """Raised when no report is possible: no credentials, no account list, or no account read."""

    exit_code = 4


class AnotherRunError(RiReportError):
    """Raised when another run is writing into the folder that this one would write into."""

    exit_code = 6


class IntegrityError(RiReportError):
    """Raised when what was read contradicts itself, so that no number can be trusted."""

    exit_code = EXIT_INTEGRITY


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Tell what the system refuses in this block as a mistake in the choice of the folder.

    Raises:
        ConfigError: instead of any OSError.
    """
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise ConfigError(
            f"folder {folder}: cannot be written ({why}); free space or allow writing,"
            " or choose another folder"
        ) from error
