"""A stage for every module of the matrix, and the clean reading that faults are held against."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.matrix.stage import COMPANY, staged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.matrix.stage import Seen, Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Serve the company of three accounts for all tests of a module."""
    level = logging.getLogger("botocore").level
    with staged(COMPANY, tmp_path_factory.mktemp("stage")) as there:
        yield there
    logging.getLogger("botocore").setLevel(level)


@pytest.fixture(scope="module")
def clean(stage: Stage) -> Seen:
    """Read the company without any fault."""
    return stage.read()
