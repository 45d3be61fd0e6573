"""Wording: counts, codes and lists of names as a line of text has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMED = 5
"""How many accounts, types or ids a line names before it says how many more there are."""


UNLISTED = "accounts that were not listed"
"""What stands where an outcome has no account, as the run was stopped before all were listed."""


def quantity(count: int, noun: str) -> str:
    """Return `1 reservation` or `2 reservations`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def words(code: str) -> str:
    """Return a reason of a closed list as words: `capacity block`."""
    return code.replace("_", " ")


def named(values: Iterable[str]) -> str:
    """Return the distinct values in order, the first few by name: `a, b and 3 more`."""
    distinct = sorted(set(values))
    more = len(distinct) - NAMED
    head = ", ".join(distinct[:NAMED])
    return f"{head} and {more:,} more" if more > 0 else head
