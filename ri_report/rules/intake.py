"""Intake: what the engine takes as a library, refused where it would give a wrong number.

Hours that are no number would count as some, what has no region would match nothing, an id that
stands twice would count for both. Every error is a `ValueError` that names the first row that is
wrong, how many more there are, and what to do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.rules.matching import IDLE_SLOT, INSTANCE, REGIONAL, ZONAL
from ri_report.rules.ranks import inverse

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from numpy.typing import NDArray

    from ri_report.rules.matching import Integers

    Flags = NDArray[np.bool_]

TRAITS = ("account_id", "region", "instance_type", "platform", "tenancy")
"""What is known of every row."""
ZONES = ("availability_zone", "availability_zone_id")
"""What may be unknown."""
INSTANCE_TYPE = re.compile(r"[^.]+\..+", re.DOTALL)
"""A family and a size (EC2 User Guide, "Instance type naming conventions"). Without a size the name
would be that of the pool in which all sizes of the family meet."""
SECONDS_PER_HOUR = 3600
LARGEST_TOTAL_HOURS = 10**10
"""Instance-hours of one side, all periods together, that still are exact as 64-bit integers."""


def check_sides(usage: pd.DataFrame, reservations: pd.DataFrame) -> None:
    """Refuse usage or reservations of which `allocation.allocate` would make a wrong number.

    Args:
        usage: What `allocation.allocate` takes.
        reservations: What `allocation.allocate` takes.

    Raises:
        ValueError: a column is missing; an id, account, region, type, platform, tenancy or period
            is missing or no text, or a type has no size; hours or counts are negative, missing,
            infinite or too many; a count is no whole number; a kind or scope is unknown; a zonal
            reservation has no zone; only one side has periods.
    """
    _check_usage(usage)
    _check_reservations(reservations)
    if ("period" in usage) != ("period" in reservations):
        raise ValueError("usage and reservations: either both or neither have a period")


def check_runs(runs: pd.DataFrame) -> None:
    """Refuse runs of which `hours.by_hour` would make a wrong number.

    Args:
        runs: What `hours.by_hour` takes.

    Raises:
        ValueError: a column is missing; an account, region, type, platform or tenancy is missing
            or no text, a type has no size, or a zone is missing; a kind is unknown; a time is
            missing or without a time zone; a run ends before it begins.
    """
    _check_columns("runs", runs, (*TRAITS, *ZONES, "start", "end"))
    _check_texts("runs", runs, TRAITS)
    _check_types("runs", runs)
    _check_choice("runs", runs, "kind", (INSTANCE, IDLE_SLOT))
    for name in ZONES:
        _refuse("runs", runs, runs[name].isna(), f'{name} is missing; give "" for an unknown one')
    _check_span("runs", runs)


def check_terms(reservations: pd.DataFrame) -> None:
    """Refuse reservations of which `hours.by_hour` would make a wrong number.

    Args:
        reservations: What `hours.by_hour` takes.

    Raises:
        ValueError: as `check_sides`, without hours; an id stands twice; a start or end is missing
            or without a time zone, or a term ends before it begins.
    """
    _check_columns("reservations", reservations, ("start", "end"))
    _check_purchases(reservations)
    again = reservations["reservation_id"].duplicated()
    why = "stands twice; give each row its own reservation_id"
    _refuse("reservations", reservations, again, why)
    _check_span("reservations", reservations)


def check_window(start: datetime, end: datetime) -> None:
    """Refuse a window that is not made of clock hours.

    Raises:
        ValueError: a moment has no time zone or is not on the hour, or the end is not after the
            start.
    """
    for name, moment in (("start", start), ("end", end)):
        if moment.tzinfo is None:
            raise ValueError(f"{name} {moment} has no time zone; give an aware moment in UTC")
        if moment.timestamp() % SECONDS_PER_HOUR:
            raise ValueError(f"{name} {moment} is not on the hour; reservations apply by the hour")
    if end <= start:
        raise ValueError(f"end {end} is not after start {start}; give the start of the first hour")


def check_distinct(frame: pd.DataFrame, key: str, places: Integers) -> None:
    """Refuse an id that stands twice within a period: each of its rows would count what both do.

    Args:
        frame: One of the two sides.
        key: Its id, `usage_id` or `reservation_id`.
        places: Place of each row by period and id, which spares sorting a million ids again.
    """
    order = inverse(places)
    ids = frame[key].array.take(order)
    rows = np.flatnonzero(ids[1:] == ids[:-1])
    if "period" in frame:
        periods = frame["period"].array
        rows = rows[periods.take(order[rows]) == periods.take(order[rows + 1])]
    for name in ids[rows[:1]]:
        side = "usage" if key == "usage_id" else "reservations"
        raise ValueError(f"{side}: {name!r} stands twice; give each row its own {key}")


def _check_usage(usage: pd.DataFrame) -> None:
    _check_columns("usage", usage, ("usage_id", *TRAITS, *ZONES, "hours"))
    _check_texts("usage", usage, ("usage_id", *TRAITS))
    _check_types("usage", usage)
    _check_amounts("usage", usage, "hours")
    _check_choice("usage", usage, "kind", (INSTANCE, IDLE_SLOT))
    _check_total("usage", usage["hours"].to_numpy(dtype="float64"))


def _check_reservations(reservations: pd.DataFrame) -> None:
    _check_columns("reservations", reservations, ("hours",))
    _check_purchases(reservations)
    _check_amounts("reservations", reservations, "hours")
    counts, hours = (
        reservations[name].to_numpy(dtype="float64") for name in ("instance_count", "hours")
    )
    _check_total("reservations", counts * hours)


def _check_purchases(reservations: pd.DataFrame) -> None:
    side, key = "reservations", "reservation_id"
    _check_columns(side, reservations, (key, *TRAITS, *ZONES, "scope", "instance_count"))
    _check_texts(side, reservations, (key, *TRAITS))
    _check_types(side, reservations)
    _check_choice(side, reservations, "scope", (ZONAL, REGIONAL))
    _check_amounts(side, reservations, "instance_count")
    fractions = reservations["instance_count"].to_numpy(dtype="float64") % 1 != 0
    _refuse(side, reservations, fractions, "instance_count is no whole number; give one")
    zone = reservations["availability_zone"]
    lost = (reservations["scope"] == ZONAL) & (zone.isna() | (zone == ""))
    _refuse(side, reservations, lost, "zonal, but availability_zone is missing; name the zone")


def _check_columns(side: str, frame: pd.DataFrame, names: Iterable[str]) -> None:
    absent = [name for name in names if name not in frame]
    if absent:
        raise ValueError(f"{side}: no column {', '.join(absent)}; add it")


def _check_texts(side: str, frame: pd.DataFrame, names: Iterable[str]) -> None:
    for name in names:
        missing = frame[name].isna() | (frame[name] == "")
        _refuse(side, frame, missing, f"{name} is missing; give one or leave the row out")
        _check_text(side, frame, name)
    if "period" in frame:
        _refuse(side, frame, frame["period"].isna(), 'period is missing; give one, "" for the same')
        _check_text(side, frame, "period")


def _check_text(side: str, frame: pd.DataFrame, name: str) -> None:
    """Refuse what is no text: as a number or a time it would be equal to no text."""
    values = frame[name]
    if pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"{side}: {name} holds numbers; give text, account ids of 12 digits")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if not pd.api.types.is_string_dtype(values):
        wrong = np.array([not isinstance(value, str) for value in values], dtype=bool)
        _refuse(side, frame, wrong, f"{name} is no text; give text, account ids of 12 digits")


def _check_types(side: str, frame: pd.DataFrame) -> None:
    types = frame["instance_type"]
    wrong = [name for name in types.unique() if not INSTANCE_TYPE.fullmatch(name)]
    for name in wrong[:1]:
        why = f"{name!r} is no instance_type; give family and size, like m5.large"
        _refuse(side, frame, types.isin(wrong), why)


def _check_amounts(side: str, frame: pd.DataFrame, name: str) -> None:
    if not pd.api.types.is_numeric_dtype(frame[name]):
        raise ValueError(f"{side}: {name} holds no numbers but {frame[name].dtype}; convert it")
    amounts = frame[name].to_numpy(dtype="float64", na_value=np.nan)
    wrong = ~((amounts >= 0) & (amounts < np.inf))
    _refuse(side, frame, wrong, f"{name} is negative, missing or infinite; give 0 or more")


def _check_choice(side: str, frame: pd.DataFrame, name: str, choices: Iterable[str]) -> None:
    if name not in frame:
        return
    known = np.zeros(len(frame), dtype=bool)
    for choice in choices:
        known |= (frame[name] == choice).to_numpy(dtype=bool, na_value=False)
    for value in frame.loc[~known, name].head(1):
        why = f"no {name} {value!r}; it is {' or '.join(choices)}"
        _refuse(side, frame, ~known, why)


def _check_total(side: str, hours: NDArray[np.float64]) -> None:
    if hours.sum() > LARGEST_TOTAL_HOURS:
        raise ValueError(
            f"{side}: {hours.sum():.3g} instance-hours in all are more than can be added up"
            " exactly; check hours and counts"
        )


def _check_span(side: str, frame: pd.DataFrame) -> None:
    for name in ("start", "end"):
        dtype = frame[name].dtype
        if not isinstance(dtype, pd.DatetimeTZDtype):
            why = f"{name} is no time with a time zone but {dtype}; give aware moments"
            raise ValueError(f"{side}: {why}")  # noqa: TRY004 - a value of the frame, as the others
        _refuse(side, frame, frame[name].isna(), f"{name} is missing; give one")
    _refuse(side, frame, frame["end"] < frame["start"], "ends before it begins; check both")


def _refuse(side: str, frame: pd.DataFrame, wrong: pd.Series[bool] | Flags, why: str) -> None:
    """Raise where any row is wrong; names the first by its id or, without one, by its number."""
    if not wrong.any():
        return
    rows = np.flatnonzero(wrong)
    first = int(rows[0])
    key = {"usage": "usage_id", "reservations": "reservation_id"}.get(side, "")
    name = frame[key].iloc[first] if key else ""
    row = repr(name) if isinstance(name, str) and name else f"row {first:,}"
    more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    raise ValueError(f"{side}: {row}{more}: {why}")
