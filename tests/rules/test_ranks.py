"""Ranks: numbers sort and group as the keys and texts that they stand for."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ri_report.rules.ranks import distinct, inverse, numbered, ranks, text_order, totals

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
any_texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=9)


def ordered(texts: list[str]) -> list[str]:
    series = pd.Series(texts, dtype="str")
    return series.iloc[text_order(series)].tolist()


@quick
@given(any_texts)
def test_any_texts_are_in_the_order_of_their_code_points(texts: list[str]) -> None:
    assert ordered(texts) == sorted(texts)


@quick
@given(st.lists(st.text("01aZ-~\0", min_size=25, max_size=25), max_size=9))
def test_ids_longer_than_one_number_holds_are_in_the_order_of_all_their_letters(
    ids: list[str],
) -> None:
    assert ordered(ids) == sorted(ids)


def test_ids_that_differ_in_their_last_letter_alone_are_told_apart() -> None:
    ids = [f"8a3c9e04-77d1-4c52-9b6f-0e1d2c3b4a5{letter}" for letter in "f0c1"]
    assert ordered(ids) == [ids[1], ids[3], ids[2], ids[0]]


def test_letters_beyond_ascii_are_ordered_among_ids_of_one_length() -> None:
    assert ordered(["i-\u00e9", "i-z", "i-\u4e2d", "i-A"]) == ["i-A", "i-z", "i-\u00e9", "i-\u4e2d"]


def test_a_rank_is_the_place_among_the_distinct_keys() -> None:
    assert ranks(np.array([40, -7, 40, 0])).tolist() == [2, 0, 2, 1]
    assert ranks(np.array([], dtype=np.int64)).tolist() == []


def test_what_has_no_key_gets_no_number() -> None:
    assert numbered(np.array([40, -7, 40, 0, -1])).tolist() == [1, -1, 1, 0, -1]
    assert numbered(np.array([5, 3])).tolist() == [1, 0]
    assert numbered(np.array([], dtype=np.int64)).tolist() == []


def test_amounts_are_added_up_by_key() -> None:
    keys, sums = totals(np.array([9, 2, 9, 0]), np.array([1, 5, -3, 7]))
    assert keys.tolist() == [0, 2, 9]
    assert sums.tolist() == [7, 5, -2]


def test_nothing_has_no_totals() -> None:
    nothing = np.array([], dtype=np.int64)
    assert [part.tolist() for part in totals(nothing, nothing)] == [[], []]


def test_the_inverse_tells_the_place_of_each_row() -> None:
    assert inverse(np.array([2, 0, 1])).tolist() == [1, 2, 0]


def test_of_equal_neighbors_the_first_is_kept() -> None:
    assert distinct(np.array([0, 0, 3, 3, 4])).tolist() == [0, 3, 4]
