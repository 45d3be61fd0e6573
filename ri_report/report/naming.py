"""Naming: beside each id of an account stands its name, in every table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ri_report.inventory.frames import Column, Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

ACCOUNT_IDS = frozenset(
    {"account_id", "reservation_account_id", "instance_account_id", "billed_account_id"}
)
"""The columns that hold the id of an account."""


def name_of(column: str) -> str:
    """Return which column holds the names of the accounts whose ids a column holds."""
    return f"{column.removesuffix('_id')}_name"


def with_name_columns(frame: Frame) -> Frame:
    """Return the declaration with a column of names behind each of ids that has none yet."""
    return replace(frame, columns=tuple(_columns(frame)))


def with_names(rows: pd.DataFrame, frame: Frame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a frame with the columns of `with_name_columns`.

    An account that is not listed has the name "".

    Args:
        rows: The rows as `frame` declares them.
        frame: The declaration without the names.
        accounts: Frame `ACCOUNTS`.
    """
    names = accounts.set_index("account_id")["account_name"]
    return rows.assign(
        **{
            name_of(column.name): rows[column.name].map(names).fillna("")
            for column in frame.columns
            if _is_nameless(column, frame)
        }
    )


def _columns(frame: Frame) -> Iterator[Column]:
    for column in frame.columns:
        yield column
        if _is_nameless(column, frame):
            text = "Name of this account in Organizations or the configuration"
            yield Column(name_of(column.name), "text", text, f"{column.heading} (name)")


def _is_nameless(column: Column, frame: Frame) -> bool:
    return column.name in ACCOUNT_IDS and name_of(column.name) not in frame.names
