"""The environment of the process, as far as AWS's tools read it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
