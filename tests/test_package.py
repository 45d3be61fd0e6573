"""The package as others install it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent


def run(*command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), folder=TOP
    )
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_a_wheel_installed_elsewhere_renders_the_demo(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    installed = run(*pip, "--target", str(site), str(wheel), folder=elsewhere)
    assert installed.returncode == 0, installed.stderr
    python = (sys.executable, "-W", "error")
    where = run(
        *python,
        "-c",
        "import ri_report; print(ri_report.__file__)",
        folder=elsewhere,
        PYTHONPATH=str(site),
    )
    assert where.stdout.startswith(str(site))
    demo = run(*python, "-m", "ri_report", "demo", folder=elsewhere, PYTHONPATH=str(site))
    assert demo.returncode == 0, demo.stderr
    page = elsewhere / "reports" / "demo" / "ri-report.html"
    assert "</html>" in page.read_text(encoding="utf-8")
