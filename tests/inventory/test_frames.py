"""A frame is what its declaration says, or a mistake of the program is shown at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd
import pytest

from ri_report.inventory import outcomes, schema
from ri_report.inventory.frames import DTYPES, NULLABLE_DTYPES, Column, Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

FLEET = Frame(
    "fleet",
    ("id",),
    (
        Column("id", "text", "Id"),
        Column("count", "count", "How many"),
        Column("seen", "count", "How many were seen", nullable=True),
        Column("share", "ratio", "Seen / count", nullable=True, ratio_of=("seen", "count")),
        Column("end", "time", "End", nullable=True),
        Column("open", "flag", "Whether", nullable=True),
        Column("left", "days", "Days left", nullable=True),
    ),
)


def test_rows_become_the_declared_columns_in_order() -> None:
    made = FLEET.of([{"count": 2, "id": "a", "seen": 1, "share": 0.5, "open": True, "extra": 1}])
    assert made.columns.tolist() == ["id", "count", "seen", "share", "end", "open", "left"]
    assert [str(dtype) for dtype in made.dtypes] == [
        "str",
        "int64",
        "Int64",
        "float64",
        "datetime64[us, UTC]",
        "boolean",
        "Int64",
    ]


def test_no_rows_give_an_empty_frame_of_the_same_types() -> None:
    empty, full = FLEET.of([]), FLEET.of([{"id": "a", "count": 1}])
    assert len(empty) == 0
    assert empty.dtypes.tolist() == full.dtypes.tolist()


def test_absent_text_is_empty_and_other_absent_values_are_unknown() -> None:
    text = Frame("t", (), (Column("name", "text", "Name"), *FLEET.columns[2:]))
    made = text.of([{}])
    assert made["name"].tolist() == [""]
    for name in ("seen", "share", "end", "open", "left"):
        assert made[name].isna().all()


def test_moments_are_kept_in_utc() -> None:
    moment = datetime(2026, 11, 22, 6, 30, 1, 250, tzinfo=UTC)
    made = FLEET.of([{"id": "a", "count": 1, "end": moment}])
    assert made["end"].tolist() == [pd.Timestamp(moment)]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"id": "a"}], "missing values in count"),
        ([{"id": "a", "count": "many"}], "invalid literal"),
        ([{"id": "a", "count": 1.5}], "fractions in count"),
        ([{"id": "a", "count": 1, "left": 0.5}], "fractions in left"),
        ([{"id": "a", "count": 1}, {"id": "a", "count": 2}], "two rows share id"),
        ([{"id": None, "count": 1}], "missing values in id"),
    ],
)
def test_a_value_that_is_not_as_declared_is_refused(rows: list[dict[str, Any]], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        FLEET.of(rows)


def test_a_flag_that_is_missing_is_not_taken_as_false() -> None:
    strict = Frame("strict", (), (Column("open", "flag", "Whether"),))
    with pytest.raises(ValueError, match="missing values in open"):
        strict.of([{}])


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="frame fleet: no column share, end, open, left"):
        FLEET.check(pd.DataFrame({"id": ["a"], "count": [1], "seen": [1]}))


def test_checking_drops_other_columns_and_numbers_the_rows_anew() -> None:
    rows = FLEET.of([{"id": "a", "count": 1}, {"id": "b", "count": 2}]).assign(other=1)
    checked = FLEET.check(rows[rows["id"] == "b"])
    assert checked.index.tolist() == [0]
    assert "other" not in checked


def test_a_heading_is_the_label_or_the_name_in_words() -> None:
    assert Column("used_units", "units", "").heading == "Used units"
    assert Column("used_units", "units", "", "In use").heading == "In use"


def test_every_kind_has_a_type() -> None:
    assert set(DTYPES) == set(NULLABLE_DTYPES) == set(get_args(Kind))


@pytest.fixture(
    params=[
        "ACCOUNTS",
        "INSTANCES",
        "RESERVATIONS",
        "CAPACITY_RESERVATIONS",
        "ZONES",
        "OUTCOMES",
    ]
)
def frame(request: pytest.FixtureRequest) -> Frame:
    found: Callable[..., Frame] = getattr(
        outcomes if request.param == "OUTCOMES" else schema, request.param
    )
    assert isinstance(found, Frame)
    return found


def test_the_key_of_a_stored_frame_is_of_text_columns_that_it_has(frame: Frame) -> None:
    kinds = {column.name: column.kind for column in frame.columns}
    assert frame.key
    assert {kinds[name] for name in frame.key} == {"text"}
    assert len(kinds) == len(frame.columns)


def test_the_columns_of_a_stored_frame_are_described(frame: Frame) -> None:
    assert all(column.description for column in frame.columns)
