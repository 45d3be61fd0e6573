from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ri_report.report import templates

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty folder that stands for the installed package."""
    folder = tmp_path / "ri_report"
    folder.mkdir()
    monkeypatch.setattr(templates, "files", lambda _: folder)
    return folder


def put(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "page.html").write_text(text, encoding="utf-8")


def test_wheel_brings_its_templates_inside_the_package(package: Path) -> None:
    put(package / "templates", "inside")
    put(package.parent / "templates", "beside")
    assert templates.read("page.html") == "inside"


def test_checkout_has_them_beside_the_package(package: Path) -> None:
    put(package.parent / "templates", "beside")
    (package.parent / "pyproject.toml").touch()
    assert templates.read("page.html") == "beside"


def test_folder_that_happens_to_lie_beside_the_package_is_not_read(package: Path) -> None:
    put(package.parent / "templates", "of another program")
    with pytest.raises(FileNotFoundError, match="templates are not installed"):
        templates.read("page.html")
