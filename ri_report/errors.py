"""The errors that end a run, each with the exit code that a scheduler sees.

    RiReportError
    ├── ConfigError       2   an option, the configuration file or the environment is wrong
    ├── NoReportError     4   nothing could be read, so there is nothing to report
    ├── AnotherRunError   6   another run writes into the same folder
    └── IntegrityError    7   what was read contradicts itself

What AWS refused for one account is not an error but an outcome (`inventory.outcomes`).
"""

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
