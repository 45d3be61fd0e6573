"""The fields of a record of AWS: text, numbers, moments and parts, each checked as it is taken.

Whatever is there but of another type raises `MalformedFieldError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from math import isfinite
from typing import Any, TypeVar

Record = Mapping[str, Any]
T = TypeVar("T")

LARGEST_COUNT = 10_000_000
"""More instances than any record stands for; within it sums of units stay exact."""


class MalformedRecordError(ValueError):
    """Raised when a record lacks what makes it one, or holds a value of another type."""


class MalformedFieldError(MalformedRecordError):
    """Raised when a field holds a value of another type; does not say yet of which record."""


def naming(what: str, key: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Make the errors of what makes a row of a record say of which record they are.

    Args:
        what: What the record is of.
        key: The field that holds its id.
    """

    def decorate(make: Callable[..., T]) -> Callable[..., T]:
        @wraps(make)
        def made(record: Record, *place: str) -> T:
            try:
                return make(record, *place)
            except MalformedFieldError as error:
                raise MalformedRecordError(f"{what} {record.get(key)}: {error}") from error

        return made

    return decorate


def required(record: Record, name: str, what: str) -> str:
    """Return a text that the record must have; `what` names the record in the error."""
    value = text(record, name)
    if not value:
        raise MalformedRecordError(f"{what} has no {name}")
    return value


def text(record: Record, name: str) -> str:
    """Return a text, "" where there is none."""
    value = record.get(name)
    # Nearly all of a fleet's texts: no need to look further.
    if isinstance(value, str) and value.isascii():
        return value
    if isinstance(value, (dict, list)):
        raise MalformedFieldError(f"{name} is no text but {type(value).__name__}")
    if value is None:
        return ""
    # Half a surrogate pair is valid in JSON but no text: no frame or file can hold it.
    return str(value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_object(value: object, name: str) -> Record:
    """Return the value, which must be an object."""
    if not isinstance(value, dict):
        raise MalformedFieldError(f"{name} is no object but {type(value).__name__}")
    return value


def part(record: Record, name: str) -> Record:
    """Return an object inside the record, an empty one where there is none."""
    return {} if record.get(name) is None else as_object(record[name], name)


def parts(record: Record, name: str) -> list[Record]:
    """Return the objects of a list inside the record, none where there is no list."""
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedFieldError(f"{name} is no list but {type(value).__name__}")
    return as_objects(value, name)


def as_objects(items: Iterable[object], name: str) -> list[Record]:
    """Return the items, each of which must be an object."""
    return [as_object(item, name) for item in items]


def tag(record: Record, key: str) -> str:
    """Return the value of a tag, "" where there is none."""
    tags = parts(record, "Tags")
    return next((text(one, "Value") for one in tags if text(one, "Key") == key), "")


def number(record: Record, name: str) -> float | None:
    """Return a finite number, None where there is none."""
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise MalformedFieldError(f"{name} is no number: {value!r}")
    return value


def count(record: Record, name: str) -> int | None:
    """Return a whole number from 0 to `LARGEST_COUNT`, None where there is none."""
    value = number(record, name)
    if value is None:
        return None
    if not 0 <= value <= LARGEST_COUNT or value != int(value):
        raise MalformedFieldError(f"{name} is no count: {value!r}")
    return int(value)


def time(record: Record, name: str) -> datetime | None:
    """Return a moment, aware UTC, None where there is none."""
    value = record.get(name)
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        # The AWS CLI writes UTC with an offset; a time without one is UTC as well.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedFieldError(f"{name} is no time: {value!r}") from error
