"""Tables: the rows of a frame as Arrow columns, each value checked, and as Parquet files."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # the same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO, Self

    import pandas as pd

    from ri_report.inventory.frames import Column, Frame, Kind

Table: TypeAlias = pa.Table
Tables: TypeAlias = dict[str, pa.Table]
"""Tables by the names of their frames."""

TYPES: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "count": (int,),
    "days": (int,),
    "units": (int, float),
    "number": (int, float),
    "ratio": (int, float),
    "cost": (int, float),
    "time": (datetime,),
    "flag": (bool,),
}
ROW_GROUP_ROWS = 16_384
"""Rows of a row group; few enough that one is a small part of the memory of a run."""
MOST_WAITING = 64
"""Tables that wait for a row group; each costs some kilobytes, however few rows it has."""


@cache
def schema_of(frame: Frame) -> pa.Schema:
    """Return the Arrow schema that the checked frame of this declaration has."""
    return pa.Schema.from_pandas(frame.of([]), preserve_index=False)


def table_of(frame: Frame, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Make a table from rows as `Frame.of` would, without the search for rows that share a key.

    Raises:
        ValueError: a value is of another kind, or missing where none may be: a mistake of the
            program.
    """
    schema = schema_of(frame).remove_metadata()
    columns = [
        _array(frame, column, kind, rows)
        for column, kind in zip(frame.columns, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _array(
    frame: Frame, column: Column, kind: pa.DataType, rows: Sequence[Mapping[str, Any]]
) -> pa.Array:
    absent = "" if column.kind == "text" else None
    values = [row.get(column.name, absent) for row in rows]
    for found in set(map(type, values)) - {type(None)}:
        if not issubclass(found, TYPES[column.kind]) or (found is bool and column.kind != "flag"):
            raise ValueError(f"frame {frame.name}: {column.name} holds {found.__name__}")
    if column.kind == "time" and any(value and value.tzinfo is None for value in values):
        raise ValueError(f"frame {frame.name}: {column.name} holds a time without a zone")
    try:
        array = pa.array(values, kind, from_pandas=True)
    except (pa.ArrowException, OverflowError) as error:
        raise ValueError(f"frame {frame.name}: {column.name}: {error}") from error
    if array.null_count and not column.nullable:
        raise ValueError(f"frame {frame.name}: missing values in {column.name}")
    return array


def table_from(frame: Frame, checked: pd.DataFrame) -> Table:
    """Return the table of a frame that was checked."""
    return pa.Table.from_pandas(checked, schema=schema_of(frame), preserve_index=False)


def packed(tables: Iterable[Table]) -> memoryview:
    """Return tables as bytes.

    Of what Arrow offers, LZ4 costs a third of a millisecond for a thousand instances and leaves a
    quarter of the bytes; threads would triple that.
    """
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    for table in tables:
        with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
            stream.write_table(table)
    return memoryview(sink.getvalue())


def unpacked(content: memoryview, frames: Iterable[Frame]) -> Tables:
    """Return the tables of these frames that were packed in this order."""
    source, options = pa.BufferReader(content), pa.ipc.IpcReadOptions(use_threads=False)
    return {frame.name: pa.ipc.open_stream(source, options=options).read_all() for frame in frames}


class FrameFile:
    """A frame as one Parquet file, written row group by row group while its rows arrive.

    The bytes depend on the rows and their order only, never on how many arrived at a time.
    """

    def __init__(self, frame: Frame, sink: Path | BinaryIO) -> None:
        """Begin a file, which becomes whole when the block ends well."""
        self._schema = schema_of(frame)
        self._writer = pq.ParquetWriter(sink, self._schema, compression="zstd")
        self._waiting: list[Table] = []
        self._rows_waiting = 0
        self._is_empty = True

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Write what still waits, unless the block failed, and close the file."""
        if error is None and (self._rows_waiting or self._is_empty):
            self._write(self._taken())
        self._writer.close()

    def add(self, table: Table) -> None:
        """Append rows, which are written once they fill a row group."""
        self._waiting.append(table)
        self._rows_waiting += len(table)
        if len(self._waiting) > MOST_WAITING:
            self._waiting = [pa.concat_tables(self._waiting).combine_chunks()]
        if self._rows_waiting >= ROW_GROUP_ROWS:
            rows = self._taken()
            whole = len(rows) - len(rows) % ROW_GROUP_ROWS
            for start in range(0, whole, ROW_GROUP_ROWS):
                self._write(rows.slice(start, ROW_GROUP_ROWS))
            self._waiting = [rows.slice(whole)]
            self._rows_waiting = len(rows) - whole

    def _taken(self) -> Table:
        rows = pa.concat_tables([self._schema.empty_table(), *self._waiting])
        self._waiting, self._rows_waiting = [], 0
        return rows

    def _write(self, rows: Table) -> None:
        # Pages end where chunks do, so one chunk makes the bytes independent of how rows arrived.
        self._writer.write_table(rows.combine_chunks())
        self._is_empty = False
