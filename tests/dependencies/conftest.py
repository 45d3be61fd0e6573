"""The programs that look at the dependencies, in their own environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(__file__).parents[2] / ".venv-audit" / "bin"


@pytest.fixture
def audit_program() -> Callable[[str], Path]:
    """Return a function that finds a program, or skips the test; in CI it fails instead."""

    def find(name: str) -> Path:
        if not (PROGRAMS / name).exists():
            missing = f"{name} is not set up; `make audit` does it"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        return PROGRAMS / name

    return find
