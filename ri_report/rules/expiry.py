"""Expiry: what ends when, and what queued purchases will replace it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ri_report.inventory.frames import Column, Frame

if TYPE_CHECKING:
    from datetime import datetime

HORIZONS_DAYS = (30, 60, 90)
EXPIRIES = Frame(
    "expiries",
    ("month",),
    (
        Column("month", "text", "Calendar month (UTC)"),
        Column("ending_reservations", "count", "Reservations whose term ends in the month"),
        Column("ending_instances", "count", "Instances that they were bought for"),
        Column("ending_units", "units", "Their normalized units"),
        Column(
            "ending_used_units",
            "units",
            "Of these, in use now: coverage that will be lost",
            nullable=True,
        ),
        Column("starting_instances", "count", "Instances of purchases that start then"),
    ),
)


def expiries(utilization: pd.DataFrame, other_states: pd.DataFrame) -> pd.DataFrame:
    """Return frame `EXPIRIES`, one row for each month in which something ends or starts, sorted.

    A reservation without an end, or a purchase without a start, belongs to no month.

    Args:
        utilization: Frame `utilization.UTILIZATION`.
        other_states: Frame `eligibility.OTHER_STATES`; what is queued or not yet started is
            counted where it starts.
    """
    dated = utilization[utilization["end"].notna()]
    ending = dated.assign(month=month_of(dated["end"]), ending_reservations=1).rename(
        columns={
            "instance_count": "ending_instances",
            "purchased_units": "ending_units",
            "used_units": "ending_used_units",
        }
    )
    ahead = other_states["reason"].isin(["queued", "not_started"])
    queued = other_states[ahead & other_states["start"].notna()]
    starting = queued.assign(
        month=month_of(queued["start"]), starting_instances=queued["instance_count"]
    )
    measures = [name for name in EXPIRIES.names if name != "month"]
    rows = pd.concat([ending, starting[["month", "starting_instances"]]])
    return EXPIRIES.check(
        rows.groupby("month", as_index=False)[measures].sum().sort_values("month")
    )


def ending_within(utilization: pd.DataFrame, days: int, as_of: datetime) -> pd.DataFrame:
    """Return the rows of reservations whose term ends within so many days after `as_of`.

    Args:
        utilization: Frame `utilization.UTILIZATION`.
        days: Days of 24 hours; a term that ends in that very moment is within them.
        as_of: Aware UTC moment of observation.
    """
    end = utilization["end"]
    return utilization[end.notna() & (end <= pd.Timestamp(as_of) + pd.Timedelta(days=days))]


def month_of(moments: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    """Return the calendar month of each moment, aware UTC: `2026-11`."""
    return moments.dt.strftime("%Y-%m").astype("str")
