"""Ranks: numbers that sort and group like the keys and texts they stand for, only faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

_LETTER_BITS = 7
_NUMBER_BITS = 63


def ranks(keys: Integers) -> Integers:
    """Return for each key its place among the distinct keys, from 0 without a gap."""
    order = np.argsort(keys)
    is_new = np.diff(keys[order], prepend=keys[order[:1]]) != 0
    return np.cumsum(is_new)[inverse(order)]


def numbered(keys: Integers) -> Integers:
    """Number the keys from 0 without a gap; what has none, a negative one, has -1."""
    return ranks(np.append(np.maximum(keys, -1), -1))[:-1] - 1


def inverse(order: Integers) -> Integers:
    """Return the place of each row from the rows in their order."""
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.arange(len(order))
    return found


def distinct(ascending: Integers) -> Integers:
    """Return each number once; none is below 0."""
    return ascending[np.diff(ascending, prepend=-1) > 0]


def totals(keys: Integers, amounts: Integers) -> tuple[Integers, Integers]:
    """Return the distinct keys, ascending, and the sum of the amounts of each."""
    order = np.argsort(keys)
    ascending = keys[order]
    first = np.flatnonzero(np.diff(ascending, prepend=ascending[:1] - 1))
    return ascending[first], np.add.reduceat(amounts[order], first, dtype=np.int64)


def text_order(texts: pd.Series[str]) -> Integers:
    """Return the rows in the order of their texts, code point by code point.

    Ids of one length, as AWS's are, are packed letter by letter into numbers; where a number is
    full, its rank among all of them takes its place and leaves room for more letters.
    """
    lengths = texts.str.len()
    if not texts.str.isascii().all() or lengths.min() != lengths.max():
        return np.asarray(texts.array.argsort(), dtype=np.int64)
    letters = np.frombuffer("".join(texts.tolist()).encode(), dtype=np.uint8)
    packed, bits = np.zeros(len(texts), dtype=np.int64), 0
    for letter in letters.reshape(len(texts), -1).T:
        if (letter == letter[0]).all():
            continue
        if bits + _LETTER_BITS > _NUMBER_BITS:
            packed, bits = ranks(packed), len(texts).bit_length()
        packed, bits = packed << _LETTER_BITS | letter, bits + _LETTER_BITS
    return np.argsort(packed)
