from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ri_report.report.text import visible

HIDDEN = {
    "NUL": "\x00",
    "ESC": "\x1b",
    "tab": "\t",
    "carriage return": "\r",
    "line break": "\n",
    "C1 control": "\x85",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "zero-width space": "\u200b",
    "byte order mark": "\ufeff",
    "noncharacter": "\ufffe",
    "noncharacter of another plane": "\U0001ffff",
    "lone surrogate": "\ud83d",
    "tag": "\U000e0041",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN.keys())
def test_hidden_character_is_replaced_where_it_stood(hidden: str) -> None:
    assert visible(f"web{hidden}prod", 100) == "web\ufffdprod"


@pytest.mark.parametrize("name", ["Größe & <b>", "データ", "می‌خواهم", "=cmd()", "👩‍💻", "a  b"])
def test_text_that_can_be_read_stays_as_it_is(name: str) -> None:
    assert visible(name, 100) == name


def test_long_text_is_cut_and_says_how_long_it_was() -> None:
    shown = visible("x" * 40_000, 100)
    assert shown == "x" * 78 + " … (40,000 characters)"
    assert len(shown) == 100


def test_text_of_exactly_the_limit_is_not_cut() -> None:
    assert visible("x" * 100, 100) == "x" * 100


@given(st.text(st.characters(codec=None)), st.integers(40, 200))
def test_result_fits_and_can_be_encoded(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert shown.encode().decode() == shown
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
