"""The example in reports/ is what the demo makes today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Ended

EXAMPLE = Path(__file__).resolve().parent.parent / "reports" / "example"


@pytest.mark.parametrize("name", ["ri-report.html", "report.json"])
def test_the_example_is_what_the_demo_makes(
    name: str, command: Callable[..., Ended], tmp_path: Path
) -> None:
    ended = command("demo", "--output-dir", str(tmp_path), "--format", "html,json")
    assert ended.code == 0
    made = (tmp_path / "demo" / name).read_text(encoding="utf-8")
    kept = (EXAMPLE / name).read_text(encoding="utf-8")
    assert made == kept, "make the example anew: make example"
