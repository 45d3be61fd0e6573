"""A stage for every module of the matrix, and the clean reading that faults are held against."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.matrix.runs import warmed
from tests.matrix.stage import COMPANY, staged
from tests.matrix.theater import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.matrix.runs import Runs
    from tests.matrix.stage import Seen, Stage
    from tests.matrix.theater import Theater


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


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Warm up what starts runs."""
    with warmed() as made:
        yield made


@pytest.fixture(scope="module")
def theater(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theater]:
    """Let one organization follow another, for all tests of a module."""
    with opened(tmp_path_factory.mktemp("theater")) as made:
        yield made
