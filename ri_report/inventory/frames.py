"""How a frame is declared: its columns once, for the check, the page, the workbook and the CSV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["text", "count", "units", "number", "ratio", "cost", "time", "days", "flag"]

DTYPES: dict[Kind, str] = {
    "text": "str",
    "count": "int64",
    "units": "float64",
    "number": "float64",
    "ratio": "float64",
    "cost": "float64",
    "time": "datetime64[us, UTC]",
    "days": "int64",
    "flag": "bool",
}
NULLABLE_DTYPES: dict[Kind, str] = DTYPES | {"count": "Int64", "days": "Int64", "flag": "boolean"}
WHOLE: frozenset[Kind] = frozenset({"count", "days"})


@dataclass(frozen=True)
class Column:
    """One column: its name, what kind of value it holds, and how a reader is told about it.

    `kind` decides the dtype here and the format in every output: `units` are normalized units,
    `ratio` is 0..1, `time` is UTC, `days` are whole days. Text is never missing: absent text is
    `""`, so that grouping and merging treat it as a value. Any other kind may be missing only
    where `nullable` says so, and missing means *unknown*; in a column that `is_sparse` it means
    that there is nothing to tell. `ratio_of` names the columns whose quotient a ratio is, so that
    its total is a ratio of sums and never a mean of ratios.
    """

    name: str
    kind: Kind
    description: str
    label: str = ""
    nullable: bool = False
    ratio_of: tuple[str, str] | None = None
    is_sparse: bool = False

    @property
    def dtype(self) -> str:
        """The pandas dtype that a checked frame has in this column."""
        return (NULLABLE_DTYPES if self.nullable else DTYPES)[self.kind]

    @property
    def heading(self) -> str:
        """What a reader sees above the column."""
        return self.label or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Frame:
    """The declaration of one frame: its columns in order and the columns that identify a row."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [column.name for column in self.columns]

    def of(self, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Make a checked frame from rows; a missing key becomes the empty text or *unknown*."""
        records = list(rows)
        values = {
            column.name: [
                row.get(column.name, "" if column.kind == "text" else None) for row in records
            ]
            for column in self.columns
        }
        return self.check(pd.DataFrame(values, columns=self.names))

    def check(self, frame: pd.DataFrame, *, known_unique: bool = False) -> pd.DataFrame:
        """Return the frame with exactly the declared columns and dtypes, in order.

        `known_unique` spares a large frame the search for rows that share a key.

        Raises:
            ValueError: a column is missing or holds a value of another kind, a value is missing
                where none may be, or two rows share a key. All are mistakes of the program.
        """
        absent = [name for name in self.names if name not in frame.columns]
        if absent:
            raise ValueError(f"frame {self.name}: no column {', '.join(absent)}")
        required = [column.name for column in self.columns if not column.nullable]
        holes = [name for name in required if frame[name].isna().any()]
        if holes:
            raise ValueError(f"frame {self.name}: missing values in {', '.join(holes)}")
        broken = [c.name for c in self.columns if c.kind in WHOLE and _is_broken(frame[c.name])]
        if broken:
            raise ValueError(f"frame {self.name}: fractions in {', '.join(broken)}")
        try:
            checked = frame.loc[:, self.names].astype({c.name: c.dtype for c in self.columns})
        except (TypeError, ValueError) as error:
            raise ValueError(f"frame {self.name}: {error}") from error
        if self.key and not known_unique and checked.duplicated(list(self.key)).any():
            raise ValueError(f"frame {self.name}: two rows share {', '.join(self.key)}")
        return checked.reset_index(drop=True)


def _is_broken(values: pd.Series[float]) -> bool:
    """Whether a number is no whole one; a cast to integers would cut it without a word."""
    if not pd.api.types.is_float_dtype(values):
        return False
    known = values.dropna()
    return bool((known % 1 != 0).any())
