"""Imports point one way: each part of the package imports only what the table allows it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ri_report"

ALLOWED = {
    "ri_report": {"ri_report", "ri_report.errors", "ri_report.cli"},
    "ri_report.cli": {"*"},
    "ri_report.options": set(),
    "ri_report.ending": {"ri_report.errors", "ri_report.logs"},
    "ri_report.verdict": {"ri_report.errors", "ri_report.report.model"},
    "ri_report.environment": {"ri_report.errors"},
    "ri_report.config": {
        "ri_report.errors",
        "ri_report.inventory.names",
        "ri_report.mistakes",
        "ri_report.rules.sharing",
    },
    "ri_report.mistakes": set(),
    "ri_report.errors": set(),
    "ri_report.logs": {"ri_report.report.text"},
    "ri_report.progress": set(),
    "ri_report.collection": {
        "ri_report.aws",
        "ri_report.delivery",
        "ri_report.errors",
        "ri_report.inventory",
    },
    "ri_report.pipeline": {
        "ri_report.aws",
        "ri_report.collection",
        "ri_report.config",
        "ri_report.delivery",
        "ri_report.errors",
        "ri_report.inventory",
        "ri_report.preferences",
        "ri_report.report",
        "ri_report.rules",
    },
    "ri_report.preferences": {
        "ri_report.config",
        "ri_report.errors",
        "ri_report.inventory",
        "ri_report.rules.sharing",
    },
    "ri_report.inventory": {"ri_report.errors", "ri_report.inventory"},
    "ri_report.rules": {"ri_report.errors", "ri_report.inventory", "ri_report.rules"},
    "ri_report.report": {
        "ri_report",
        "ri_report.errors",
        "ri_report.inventory",
        "ri_report.report",
        "ri_report.rules",
    },
    "ri_report.aws": {"ri_report", "ri_report.aws", "ri_report.errors", "ri_report.inventory"},
    "ri_report.delivery": {"ri_report.delivery", "ri_report.errors"},
    "ri_report.sandbox": {"ri_report", "ri_report.sandbox"},
}
"""By the longest name that a module begins with: what of the package it may import. `ri_report`
stands for the package's own front, which holds the version; `*` for everything."""

PLACES = {
    "boto3": {"ri_report.aws"},
    "botocore": {"ri_report.aws", "ri_report.sandbox"},
    "jinja2": {"ri_report.report.page", "ri_report.report.templates"},
    "openpyxl": {"ri_report.report.workbook"},
    "click": {"ri_report.cli", "ri_report.ending", "ri_report.options"},
    "rich": {"ri_report.progress"},
    "pydantic": {"ri_report.config", "ri_report.mistakes"},
    "pydantic_core": {"ri_report.mistakes"},
}
"""What of others may be imported where."""

IMPURE = {
    "asyncio",
    "datetime",
    "http",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "requests",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
}
CALLS_OF_A_CLOCK = {"now", "today", "utcnow", "getenv", "open", "read_csv", "read_parquet"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path, *, with_types: bool = True) -> set[str]:
    """The full names of what a module imports; without `if TYPE_CHECKING` where so asked."""
    tree = parsed(path)
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typing_only |= {inner for each in node.body for inner in ast.walk(each)}
    found = set()
    for node in ast.walk(tree):
        if node in typing_only and not with_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def begins_with(name: str, start: str) -> bool:
    return name == start or name.startswith(f"{start}.")


def allowed_for(module: str) -> set[str]:
    return ALLOWED[max((key for key in ALLOWED if begins_with(module, key)), key=len)]


def is_allowed(imported: str, allowed: set[str]) -> bool:
    if imported == "ri_report.__version__":
        return bool({"*", "ri_report"} & allowed)
    return "*" in allowed or any(begins_with(imported, a) for a in allowed if a != "ri_report")


def ids(path: Path) -> str:
    return name_of(path)


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_module_imports_only_what_the_table_allows(path: Path) -> None:
    module = name_of(path)
    own = {name for name in imports_of(path) if begins_with(name, "ri_report")}
    assert {name for name in own if not is_allowed(name, allowed_for(module))} == set()


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_library_is_imported_only_in_its_place(path: Path) -> None:
    module = name_of(path)
    strays = {
        name
        for name in imports_of(path)
        for library, places in PLACES.items()
        if begins_with(name, library) and not any(begins_with(module, p) for p in places)
    }
    assert strays == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "rules").glob("*.py")), ids=ids)
def test_rules_know_no_clock_file_network_or_environment(path: Path) -> None:
    """A moment is an argument; its type may be imported for checking types only."""
    imported = {name.partition(".")[0] for name in imports_of(path, with_types=False)}
    assert imported & IMPURE == set()
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
    }
    assert called & CALLS_OF_A_CLOCK == set()


def test_only_the_demo_and_the_sandbox_command_know_the_sandbox() -> None:
    """No other code of the product can tell that it talks to a sandbox."""
    knowing = {
        name_of(path)
        for path in MODULES
        if not begins_with(name_of(path), "ri_report.sandbox")
        and any(begins_with(name, "ri_report.sandbox") for name in imports_of(path))
    }
    assert knowing == {"ri_report.cli"}
    tree = parsed(PACKAGE / "cli.py")
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(inner, ast.ImportFrom)
            and (inner.module or "").startswith("ri_report.sandbox")
            for inner in ast.walk(node)
        )
    }
    assert functions == {"demo", "sandbox"}


def test_every_line_of_the_table_is_about_something() -> None:
    modules = {name_of(path) for path in MODULES}
    for name in ALLOWED.keys() | set().union(*PLACES.values()):
        assert any(begins_with(module, name) for module in modules), name


def test_no_module_is_named_for_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
    assert {path.stem for path in MODULES} & nothing == set()
