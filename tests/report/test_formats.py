"""How a raw value reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pandas as pd
import pytest

from ri_report.inventory.frames import Column, Kind
from ri_report.report.formats import WRITERS, cell_text, moment, number, percent, text_of

MOMENT = datetime(2026, 11, 1, 6, 0, 59, tzinfo=UTC)
RATIO = Column("share", "ratio", "", nullable=True, ratio_of=("used", "bought"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (2.5, "2.5"),
        (10, "10"),
        (1234, "1,234"),
        (1_000_000.0, "1,000,000"),
        (0.125, "0.13"),
        (-3.75, "-3.75"),
        (-0.001, "0"),
        (0.0, "0"),
        (-0.0, "0"),
    ],
)
def test_a_number_has_up_to_two_decimals_and_no_empty_ones(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.0 %"), (0.931, "93.1 %"), (1, "100.0 %"), (0.00049, "0.0 %"), (0.8455, "84.6 %")],
)
def test_a_ratio_is_a_percentage_with_one_decimal(value: float, text: str) -> None:
    assert percent(value) == text


def test_a_moment_names_its_zone() -> None:
    assert moment(MOMENT) == "2026-11-01 06:00 UTC"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("=1+1", "text", "=1+1"),
        ("", "text", ""),
        (1234, "count", "1,234"),
        (12.0, "units", "12"),
        (0.5, "ratio", "50.0 %"),
        (0.0312, "cost", "0.0312"),
        (pd.Timestamp(MOMENT), "time", "2026-11-01"),
        (-3, "days", "-3"),
        (True, "flag", "yes"),
        (False, "flag", "no"),
        (0, "count", "0"),
    ],
)
def test_a_value_reads_as_its_kind_says(value: Any, kind: Kind, text: str) -> None:  # noqa: ANN401 - cells hold any kind
    assert text_of(value, kind) == text


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"text"}))
@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_a_missing_value_is_unknown_and_never_0(missing: Any, kind: Kind) -> None:  # noqa: ANN401 - missing values have many types
    assert text_of(missing, kind) == "unknown"


def test_every_kind_can_be_written() -> None:
    assert set(WRITERS) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("share", "used", "bought", "text"),
    [
        (0.5, 1.0, 2.0, "50.0 %"),
        (None, 0.0, 0.0, "n/a"),
        (float("nan"), 0.0, 0.0, "n/a"),
        (None, None, 2.0, "unknown"),
        (None, None, None, "unknown"),
        (float("nan"), float("nan"), float("nan"), "unknown"),
        (pd.NA, pd.NA, pd.NA, "unknown"),
        (0.0, 0.0, 2.0, "0.0 %"),
    ],
)
def test_a_ratio_over_nothing_is_not_applicable_and_one_over_the_unknown_is_unknown(
    share: object, used: object, bought: object, text: str
) -> None:
    assert cell_text({"share": share, "used": used, "bought": bought}, RATIO) == text
