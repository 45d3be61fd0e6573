"""The index of the matrix names tests that exist, and every test of this folder."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDEX = Path(__file__).with_name("rows.txt")
FAULT = re.compile(r"(?P<number>\d+)  (?P<what>[^|]+) \| (?P<expected>[^|]+)")
TEST = re.compile(r" {3}(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)")
NUMBERS = {*range(1, 41)} - {32, 33, 34}
"""32 and 33 are about a history of runs, and 34 about mail: there are neither."""


def named() -> dict[int, list[tuple[str, str]]]:
    """Return the tests, as (file, name), that each fault has."""
    found: dict[int, list[tuple[str, str]]] = {}
    for line in INDEX.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if fault := FAULT.fullmatch(line):
            tests = found[int(fault["number"])] = []
            continue
        test = TEST.fullmatch(line)
        assert test, line
        tests.append((test["file"], test["name"]))
    return found


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests of a module."""
    content = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        each.name
        for each in content.body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    )


def test_every_fault_has_tests_and_each_of_them_exists() -> None:
    found = named()
    assert found.keys() == NUMBERS
    assert [number for number, tests in found.items() if not tests] == []
    missing = [
        f"{file}::{name}"
        for tests in found.values()
        for file, name in tests
        if name not in names_in(file)
    ]
    assert missing == []


def test_every_test_of_the_matrix_is_in_the_index() -> None:
    indexed = {test for tests in named().values() for test in tests}
    modules = sorted(Path(__file__).parent.glob("test_*.py"))
    files = [str(path.relative_to(ROOT)) for path in modules if path.name != Path(__file__).name]
    here = {(file, name) for file in files for name in names_in(file)}
    assert here - indexed == {
        ("tests/matrix/test_fields.py", "test_every_kind_of_row_has_fields_to_lose")
    }
