"""Bounds: the least and the most that may be left of rows, whatever AWS leaves open.

AWS says in which order tiers are served, and that nothing idles in a tier while something waits
there. It does not say which of several waiting rows gets what, and which of several reservations
gives it. So of what waits and what is offered under one key only the total is known that passes
from one side to the other: the smaller of the two sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.ranks import distinct, ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ri_report.rules.matching import Integers

    Flags = NDArray[np.bool_]


@dataclass
class Parts:
    """Rows of one side taken together, and bounds of what is left of each such part.

    Attributes:
        part: Number of the part of each row.
        first: One row of each part, to look up what its rows have in common.
        least: At least so much is left of the part.
        most: At most so much is left of it.
        own_least: At least so much of it went to, or came from, its own account.
        own_most: At most so much.
    """

    part: Integers
    first: Integers
    least: Integers
    most: Integers
    own_least: Integers
    own_most: Integers

    @property
    def is_settled(self) -> Flags:
        """For each row, whether nothing open can change what is left of its part."""
        return np.asarray((self.least == self.most)[self.part])

    @property
    def is_own_settled(self) -> Flags:
        """For each row, whether nothing open can change how much of it stays in the account."""
        return np.asarray((self.own_least == self.own_most)[self.part])


def parts(part_of_row: Integers, amounts: Integers) -> Parts:
    """Return parts of which nothing has been given yet."""
    part, first = _numbered(part_of_row)
    whole = sums(part, amounts, len(first))
    nothing = np.zeros_like(whole)
    return Parts(part, first, whole, whole.copy(), nothing, nothing.copy())


def joined(small: Parts, part_of_row: Integers) -> Parts:
    """Return larger parts, each of whole small ones, with the bounds that follow from theirs."""
    part, first = _numbered(part_of_row)
    of_small = part[small.first]
    bounds = (small.least, small.most, small.own_least, small.own_most)
    return Parts(part, first, *(sums(of_small, bound, len(first)) for bound in bounds))


def _numbered(part_of_row: Integers) -> tuple[Integers, Integers]:
    """Number the parts from 0; return the number of each row and one row of each part."""
    part = ranks(part_of_row)
    first = np.empty(part.max(initial=-1) + 1, dtype=np.int64)
    first[part] = np.arange(len(part))
    return part, first


@dataclass(frozen=True)
class Meeting:
    """What may wait, be offered and pass over under each key of one tier.

    Attributes:
        keys: Number of the key of each row from 0; -1 where a row takes no part, or meets nothing.
        side: 0 for each row of usage, 1 for each row of reservations.
        whole_most: At most so much waits (first row) and is offered (second row).
        left_most: At most so much is left of either side.
        given_most: At most so much passes over.
    """

    keys: Integers
    side: Integers
    whole_most: Integers
    left_most: Integers
    given_most: Integers


def meet(whole: Parts, keys: Integers, side: Integers) -> Meeting:
    """Return what may happen under each key between parts of which each lies under one key.

    Args:
        whole: The parts; the larger they are, the closer the bounds.
        keys: Of each row; negative where it takes no part. Usage and reservations meet where
            their keys are equal.
        side: 0 for each row of usage, 1 for each row of reservations.
    """
    # A key under which nothing is offered narrows nothing.
    offered = pd.Index(distinct(np.sort(keys[(side == 1) & (keys >= 0)])))
    met = offered.get_indexer(pd.Index(keys)).astype(np.int64)
    there = np.flatnonzero(met[whole.first] >= 0)
    row = whole.first[there]
    place, count = side[row] * len(offered) + met[row], 2 * len(offered)
    least, most = (
        sums(place, bound[there], count).reshape(2, -1) for bound in (whole.least, whole.most)
    )
    left_most = np.maximum(most - least[::-1], 0)
    return Meeting(met, side, most, left_most, most.min(axis=0))


def narrow(level: Parts, meeting: Meeting, *, own: bool) -> None:
    """Take from each part what it may give or get.

    A part gives no more than passes over under its key, and keeps no more than is left there.

    Args:
        level: The parts; each lies under one key.
        meeting: What may happen there.
        own: Whether both sides are of one account in this tier.
    """
    key, side = meeting.keys[level.first], meeting.side[level.first]
    rows = np.flatnonzero(key >= 0)
    least, most = level.least[rows], level.most[rows]
    left, given = meeting.left_most[side[rows], key[rows]], meeting.given_most[key[rows]]
    if own:
        level.own_least[rows] += np.maximum(least - left, 0)
        level.own_most[rows] += np.minimum(most, given)
    level.least[rows] = np.maximum(least - given, 0)
    level.most[rows] = np.minimum(most, left)


def settle(level: Parts, classes: Integers, left: Integers) -> None:
    """Narrow the bounds by what is left in all of each class, which is known.

    A part has the rest of its class at most where the others have their least, and the other way
    round.

    Args:
        level: The parts; each lies in one class and on one side.
        classes: Number of class and side of each row; -1 where the rest of a class is not known.
        left: What is left of each row after the allocation at hand; of a class the sum is the
            same after any other.
    """
    class_of_part = classes[level.first]
    known, is_known = np.flatnonzero(class_of_part >= 0), classes >= 0
    class_, least, most = class_of_part[known], level.least[known], level.most[known]
    count = int(classes.max(initial=-1)) + 1
    rest = sums(classes[is_known], left[is_known], count)[class_]
    others_least = sums(class_, least, count)[class_] - least
    others_most = sums(class_, most, count)[class_] - most
    level.least[known] = np.maximum(least, rest - others_most)
    level.most[known] = np.minimum(most, rest - others_least)


def sums(group: Integers, amounts: Integers, count: int) -> Integers:
    """Return the exact sum of the amounts of each group from 0 to below `count`."""
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, group, amounts)
    return total
