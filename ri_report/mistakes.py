"""Mistakes in the configuration, each as one line: where, what, and the nearest valid value."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

EMPTY = "must not be empty"
RATIO = "must be a number from 0 to 1"
PROBLEMS = {
    "string_type": "must be text: put it in quotes",
    "list_type": 'must be a list: ["...", "..."]',
    "model_type": "must be a table: [{table}]",
    "dict_type": "must be a table: [{table}]",
    "string_too_short": EMPTY,
    "too_short": EMPTY,
    "greater_than_equal": RATIO,
    "less_than_equal": RATIO,
    "float_type": RATIO,
    "finite_number": RATIO,
}
"""What is wrong, by pydantic's type of error; the value is not repeated, as it may be secret."""


def mistakes(
    errors: Sequence[ErrorDetails], path: str, given: Mapping[str, str], model: type[BaseModel]
) -> str:
    """Return all mistakes as one line, those of the file behind its name.

    Args:
        errors: What pydantic found.
        path: The file.
        given: The options that set values, by dotted key; mistakes in these name the option.
        model: The model of the whole configuration.
    """
    found = [(_dotted(error) in given, error) for error in errors]
    inside = "; ".join(_in_file(error, model) for in_option, error in found if not in_option)
    outside = [
        f"{given[_dotted(error)]}: {_problem(error)}" for in_option, error in found if in_option
    ]
    return "; ".join(([f"{path}: {inside}"] if inside else []) + outside)


def _dotted(error: ErrorDetails) -> str:
    return ".".join(str(part) for part in error["loc"][:2])


def _in_file(error: ErrorDetails, model: type[BaseModel]) -> str:
    location = [str(part) for part in error["loc"]]
    key = re.sub(r"\.(\d+)", r"[\1]", ".".join(location))
    if error["type"] == "extra_forbidden":
        return f"unknown key {key}{_nearest(location[-1], _siblings(location, model))}"
    joint = {"literal_error": " = ", "value_error": ": " if key else ""}.get(error["type"], " ")
    return f"{key}{joint}{_problem(error)}"


def _problem(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        choices = re.findall(r"'([^']+)'", error["ctx"]["expected"])
        near = _nearest(str(error["input"]), choices, otherwise="")
        return f"{error['input']!r} is not one of {', '.join(choices)}{near}"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if error["type"] == "list_type" and error["loc"] == ("account",):
        return "must be a list of tables: write [[account]]"
    table = ".".join(part for part in error["loc"] if isinstance(part, str))
    return PROBLEMS.get(error["type"], error["msg"]).format(table=table)


def _siblings(location: list[str], model: Any) -> list[str]:  # noqa: ANN401 - model or list of it
    """Return the keys that are valid where an unknown one stands."""
    for part in location[:-1]:
        if not part.isdigit():
            model = model.model_fields[part].annotation
            model = next(iter(getattr(model, "__args__", ())), model)
    return list(model.model_fields)


def _nearest(wrong: str, valid: list[str], otherwise: str = "; valid are {}") -> str:
    close = difflib.get_close_matches(wrong, valid, n=1, cutoff=0.4)
    return f"; did you mean {close[0]}?" if close else otherwise.format(", ".join(valid))
