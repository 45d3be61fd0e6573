"""The environment of the process, as far as AWS's tools and this program read it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

OWN = "RI_REPORT_"


def refuse_unknown(valid: Collection[str]) -> None:
    """Refuse variables that are named as this program's and set nothing.

    Args:
        valid: The names of those that do.

    Raises:
        ConfigError: with each unknown one and the nearest valid one.
    """
    unknown = sorted(name for name in os.environ if name.startswith(OWN) and name not in valid)
    if unknown:
        told = (
            f"{each}: no option is set by this variable; {_near(each, valid)}" for each in unknown
        )
        raise ConfigError("; ".join(told))


def _near(wrong: str, valid: Collection[str]) -> str:
    # What all names begin with would make every two of them alike.
    nouns = sorted(name.removeprefix(OWN) for name in valid)
    close = get_close_matches(wrong.removeprefix(OWN), nouns, n=1)
    return f"did you mean {OWN}{close[0]}?" if close else f"valid are {', '.join(sorted(valid))}"


@contextmanager
def only_aws(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables for a while, and none of AWS's besides.

    Nor is the user's own configuration of AWS read, which may lead elsewhere or be broken.
    """
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    os.environ.update({**variables, **files})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
