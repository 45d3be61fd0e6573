"""A table holds what the checked frame of its rows holds, and its file depends on its rows only."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ri_report.inventory import tables
from ri_report.inventory.frames import Column, Frame
from ri_report.inventory.snapshot import FRAMES
from ri_report.inventory.tables import FrameFile, packed, schema_of, table_from, table_of, unpacked

MOMENT = datetime(2026, 11, 22, 6, 30, 0, 123456, tzinfo=UTC)
THINGS = Frame(
    "things",
    ("id",),
    (
        Column("id", "text", "Id"),
        Column("count", "count", "Count"),
        Column("slots", "count", "Slots", nullable=True),
        Column("price", "cost", "Price", nullable=True),
        Column("at", "time", "When", nullable=True),
        Column("is_large", "flag", "Large", nullable=True),
    ),
)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "count": 1, "slots": 2, "price": 0.1, "at": MOMENT, "is_large": True},
    {"count": 2},
    {"id": "naïve\0", "count": 3, "slots": None, "price": 4, "at": None, "is_large": False},
    {"id": "c", "count": 4, "at": MOMENT.astimezone(timezone(timedelta(hours=-8)))},
]


def written(frame: Frame, rows: list[dict[str, Any]], at_a_time: int = 1 << 20) -> bytes:
    sink = io.BytesIO()
    with FrameFile(frame, sink) as file:
        for start in range(0, len(rows), at_a_time):
            file.add(table_of(frame, rows[start : start + at_a_time]))
    return sink.getvalue()


def test_a_table_holds_what_the_checked_frame_of_its_rows_holds() -> None:
    frame = THINGS.of(ROWS)
    assert table_of(THINGS, ROWS).equals(table_from(THINGS, frame))
    content = io.BytesIO(written(THINGS, ROWS))
    pd.testing.assert_frame_equal(THINGS.check(pd.read_parquet(content)), frame)


@pytest.mark.parametrize("frame", [THINGS, *FRAMES.values()], ids=lambda frame: frame.name)
def test_a_file_is_the_one_that_pandas_writes(frame: Frame) -> None:
    expected = io.BytesIO()
    rows = ROWS if frame is THINGS else []
    frame.of(rows).to_parquet(expected, engine="pyarrow", compression="zstd", index=False)
    assert written(frame, rows) == expected.getvalue()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("id", 7, "id holds int"),
        ("id", b"x", "id holds bytes"),
        ("id", None, "missing values in id"),
        ("id", "\ud800", "surrogates not allowed"),
        ("count", None, "missing values in count"),
        ("count", 1.0, "count holds float"),
        ("count", True, "count holds bool"),
        ("count", "1", "count holds str"),
        ("count", 2**70, "too large"),
        ("price", "1", "price holds str"),
        ("price", True, "price holds bool"),
        ("at", "2026-11-22", "at holds str"),
        ("at", MOMENT.replace(tzinfo=None), "at holds a time without a zone"),
        ("is_large", 1, "is_large holds int"),
    ],
)
def test_a_value_of_another_kind_is_a_mistake_of_the_program(
    name: str, value: object, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        table_of(THINGS, [*ROWS, ROWS[0] | {name: value}])


def test_a_number_that_is_none_is_missing() -> None:
    table = table_of(THINGS, [ROWS[0] | {"price": float("nan")}])
    assert table["price"].to_pylist() == [None]


@given(
    texts=st.lists(st.text(max_size=3), max_size=40),
    at_a_time=st.integers(1, 41),
    row_group=st.integers(1, 9),
    waiting=st.integers(1, 5),
)
def test_the_bytes_of_a_file_do_not_depend_on_how_many_rows_arrive_at_a_time(
    texts: list[str], at_a_time: int, row_group: int, waiting: int
) -> None:
    rows = [{"id": text, "count": number} for number, text in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP_ROWS", row_group)
        patch.setattr(tables, "MOST_WAITING", waiting)
        content = written(THINGS, rows, at_a_time)
        assert content == written(THINGS, rows)
    assert pd.read_parquet(io.BytesIO(content))["id"].tolist() == texts


def test_a_file_whose_rows_fail_to_come_is_closed_and_the_error_goes_on() -> None:
    sink = io.BytesIO()

    def fail() -> None:
        with FrameFile(THINGS, sink) as file:
            file.add(table_of(THINGS, ROWS))
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert pd.read_parquet(io.BytesIO(sink.getvalue())).empty


def test_packed_tables_come_back() -> None:
    frames = [THINGS, *FRAMES.values()]
    before = [table_of(frame, ROWS if frame is THINGS else []) for frame in frames]
    after = unpacked(packed(before), frames)
    assert list(after) == [frame.name for frame in frames]
    assert all(one.equals(two) for one, two in zip(before, after.values(), strict=True))


def test_the_schema_is_that_of_the_checked_frame() -> None:
    names = {"id": "large_string", "count": "int64", "price": "double", "is_large": "bool"}
    schema = schema_of(THINGS)
    assert {name: str(schema.field(name).type) for name in names} == names
    assert str(schema.field("at").type) == "timestamp[us, tz=UTC]"


def test_pages_of_a_file_do_not_depend_on_how_many_rows_arrive_at_a_time() -> None:
    """Texts that fill more than a page of one mebibyte, each of them another."""
    rows = [{"id": f"{number:08d}" * 125, "count": number} for number in range(5000)]
    assert written(THINGS, rows, at_a_time=777) == written(THINGS, rows)
