"""Ids that a snapshot does not hold: which of those that it holds was meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

PREFIXES = ("i-", "cr-")
"""How ids of instances and of capacity reservations begin; those of reservations are UUIDs."""
LIKENESS = 0.8
"""How alike an id must be to be named: random ones of 17 digits stay below, two slips above."""
WHERE = (
    "ids of reservations stand in tables/utilization.csv and reservations_other_states.csv, of"
    " instances in uncovered.csv, allocations.csv and not_eligible.csv, of capacity reservations in"
    " capacity_reservations.csv"
)


def meant(wrong: str, known: Collection[str]) -> str:
    """Return which id may have been meant, or where ids stand when none is near.

    Args:
        wrong: What was given.
        known: The ids that there are. Those that begin with what was given come first, then the
            nearest of the same kind.
    """
    begun = sorted({each for each in known if wrong and each.startswith(wrong)})
    if len(begun) > 1:
        return f"{len(begun):,} ids begin with it, such as {begun[0]}"
    near = begun or get_close_matches(wrong, _of_kind(wrong, known), n=1, cutoff=LIKENESS)
    return f"did you mean {near[0]}?" if near else WHERE


def _of_kind(wrong: str, known: Collection[str]) -> list[str]:
    kind = _prefix(wrong)
    return sorted(each for each in known if _prefix(each) == kind)


def _prefix(identifier: str) -> str:
    return next((prefix for prefix in PREFIXES if identifier.startswith(prefix)), "")
