"""Templates: where their text is found, in an installed package and in a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def read(name: str) -> str:
    """Return the text of a template, a style sheet or a script.

    Raises:
        FileNotFoundError: there is no such file; a mistake of the program or of its packaging.
    """
    return _folder().joinpath(name).read_text(encoding="utf-8")


def _folder() -> Traversable:
    """Return `templates` inside the package (a wheel), else beside it (a checkout)."""
    package = files("ri_report")
    inside = package / "templates"
    if inside.is_dir():
        return inside
    project = Path(str(package)).parent
    if not (project / "pyproject.toml").is_file():
        raise FileNotFoundError(
            f"{inside}: the templates are not installed; install ri-report again"
        )
    return project / "templates"
