"""The bill of materials names what is locked, no less and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ri_report import __version__
from tests.dependencies import sbom

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCK = """
boto3==1.2 \\
    --hash=sha256:00
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:00
"""


def bill(*packages: tuple[str, str]) -> dict[str, Any]:
    return {"components": [{"name": name, "version": version} for name, version in packages]}


def test_a_bill_that_names_all_has_no_differences() -> None:
    full = bill(("numpy", "2.5.5"), ("boto3", "1.2"), ("numpy", "2.4.6"))
    assert sbom.differences(full, LOCK) == []


def test_each_difference_is_named() -> None:
    assert sbom.differences(bill(("numpy", "2.5.5"), ("boto3", "1.3")), LOCK) == [
        "boto3 1.2 is locked but not in the bill",
        "boto3 1.3 is in the bill but not locked",
        "numpy 2.4.6 is locked but not in the bill",
    ]


def test_the_bill_of_this_project_is_whole_and_the_same_twice(
    audit_program: Callable[[str], Path],
) -> None:
    program = audit_program("cyclonedx-py")
    made = sbom.bill(program)
    assert sbom.differences(made, sbom.LOCK.read_text(encoding="utf-8")) == []
    assert made == sbom.bill(program)
    assert made["bomFormat"] == "CycloneDX"
    about = made["metadata"]["component"]
    assert (about["name"], about["version"]) == ("ri-report", __version__)
    assert all(each["purl"].startswith("pkg:pypi/") for each in made["components"])
