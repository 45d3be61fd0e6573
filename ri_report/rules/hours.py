"""Hours: from when instances ran to what ran, and what was offered, in each clock hour.

Reservations apply by the clock hour, hh:00:00 to hh:59:59, and each unit gives at most 3600
instance-seconds in it, to any number of instances (EC2 User Guide, "How billing works with
Reserved Instances"). So a bill pools what a snapshot cannot see: four instances that run for a
quarter of an hour each use one reservation.

A month is swept by its events, not by its hours: instances that no rule can tell apart are added
up, and hours in a row in which nothing of a pool changed share one period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ri_report.inventory.frames import Column, Frame
from ri_report.rules.intake import check_runs, check_terms, check_window
from ri_report.rules.ranks import distinct, totals
from ri_report.rules.sizes import pool_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ri_report.rules.matching import Integers

SECONDS = 3600
NEVER = 1 << 20
"""An hour after every window: more than a century."""
KIND = (
    "account_id",
    "region",
    "availability_zone",
    "availability_zone_id",
    "instance_type",
    "platform",
    "tenancy",
)
"""What is known of every run, by which rules can tell instances apart."""
CAPACITY = ("kind", "capacity_reservation_id")
"""What else they can, where it is given."""
POOL = ("region", "pool", "platform", "tenancy")
"""What meets in an allocation: what happens in one pool changes nothing in another."""

PERIODS = Frame(
    "periods",
    ("period",),
    (
        Column("period", "text", "Number of the pool and of the first hour"),
        Column("start", "time", "Start of the first hour"),
        Column("hours", "count", "How many hours in a row are alike"),
        *(Column(name, "text", f"{name} of the pool") for name in POOL),
    ),
)


@dataclass(frozen=True)
class Hourly:
    """What `allocation.allocate` takes, for many periods at once.

    Attributes:
        usage: One row for each period and kind of instance; `usage_id` numbers the kind and
            `hours` are its instance-hours in each hour of the period.
        reservations: One row for each period and reservation that offers hours in it.
        periods: Frame `PERIODS`; multiply what is allocated in a period by its `hours`.
    """

    usage: pd.DataFrame
    reservations: pd.DataFrame
    periods: pd.DataFrame


def by_hour(
    runs: pd.DataFrame, reservations: pd.DataFrame, start: datetime, end: datetime
) -> Hourly:
    """Return what ran and what was offered in the hours of [start, end), both on the hour.

    Args:
        runs: A row for each time that an instance ran: the columns of `KIND`, start and end
            [aware UTC, the end exclusive, whole seconds]; where given, `kind` and
            `capacity_reservation_id`, as `allocation.allocate` takes them. Seconds count as they
            ran. AWS bills at least 60 of them for each run, and SUSE by the full hour (EC2
            On-Demand pricing, "Per-second billing"), so runs of which that is to count are given
            as long as they are billed.
        reservations: What `allocation.allocate` takes, without period and hours, with start and
            end of the term. The hour of the purchase counts in full, the hour in which the term
            ends does not count (Cost Explorer's PurchasedHours are whole hours).
        start: Start of the first hour, aware UTC.
        end: End of the last hour, aware UTC.

    Raises:
        ValueError: a row or the window makes no sense (see `intake.check_runs`, `check_terms` and
            `check_window`).
    """
    check_window(start, end)
    check_runs(runs)
    check_terms(reservations)
    traits = [*KIND, *(name for name in CAPACITY if name in runs)]
    kinds, kind = _numbered(runs.fillna({"capacity_reservation_id": ""}), traits)
    kinds, reservations = (side.assign(pool=pool_names(side)) for side in (kinds, reservations))
    both = pd.concat([kinds[list(POOL)], reservations[list(POOL)]], ignore_index=True)
    pools, pool = _numbered(both, POOL)
    pool_of_kind, pool_of_offer = pool[: len(kinds)], pool[len(kinds) :]
    window = _Window(int(start.timestamp()), int(end.timestamp()))
    changes = _changes(kind, *(window.seconds(runs[name]) for name in ("start", "end")))
    terms = _terms(reservations, window)
    events = _events(changes, pool_of_kind, terms, pool_of_offer)
    periods = _periods(events, window.hours)
    return Hourly(
        _usage(kinds, pool_of_kind, changes, periods),
        _offers(reservations, pool_of_offer, terms, periods),
        _described(periods, pools, start),
    )


def over_hours(allocations: pd.DataFrame, periods: pd.DataFrame) -> pd.Series[float]:
    """Return the units of each allocation over all hours of its period, aligned with the rows.

    Args:
        allocations: Frame `allocation.ALLOCATIONS`.
        periods: Frame `PERIODS`.
    """
    repeats = periods.set_index("period")["hours"].reindex(allocations["period"])
    return allocations["units"] * np.asarray(repeats, dtype=np.float64)


def purchased_hours(reservations: pd.DataFrame, start: datetime, end: datetime) -> pd.Series[float]:
    """Return the hours of one unit of each reservation that are billed in [start, end).

    The hour of the purchase is billed pro rata, although the reservation applies to all of it;
    the hour in which the term ends is not counted (GetReservationUtilization, PurchasedHours).

    Args:
        reservations: start and end of the term, aware UTC.
        start: Aware UTC, on the hour.
        end: Aware UTC, on the hour.
    """
    begun, ended = reservations["start"], reservations["end"].dt.floor("h")
    begun = begun.where(begun > pd.Timestamp(start), pd.Timestamp(start))
    ended = ended.where(ended < pd.Timestamp(end), pd.Timestamp(end))
    hours: pd.Series[float] = (ended - begun) / pd.Timedelta(hours=1)
    return hours.clip(lower=0.0)


@dataclass(frozen=True)
class _Window:
    first: int
    last: int

    @property
    def hours(self) -> int:
        return (self.last - self.first) // SECONDS

    def seconds(self, moments: pd.Series[pd.Timestamp]) -> Integers:
        """Return seconds after the start of the window, cut to the window."""
        since = (moments - pd.Timestamp(self.first, unit="s", tz="UTC")) // pd.Timedelta(seconds=1)
        return np.clip(np.asarray(since, dtype=np.int64), 0, self.last - self.first)


def _numbered(frame: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, Integers]:
    """Return the distinct combinations and, for each row, the number of its own."""
    groups = frame.groupby(list(by), sort=True)
    numbers = np.asarray(groups.ngroup(), dtype=np.int64)
    return groups.size().reset_index()[list(by)], numbers


def _changes(kind: Integers, begun: Integers, ended: Integers) -> pd.DataFrame:
    """Return the hours in which a kind runs more or less than before, and its seconds from then on.

    A run of several hours adds a part of its first hour, then whole hours, then a part of its
    last; a run within one hour adds its length and takes it away again.
    """
    kind, begun, ended = (column[ended > begun] for column in (kind, begun, ended))
    first, last = begun // SECONDS, (ended - 1) // SECONDS
    head, tail = np.minimum(ended, (first + 1) * SECONDS) - begun, ended - last * SECONDS
    single = first == last
    steps = (
        (first, head),
        (first + 1, np.where(single, -head, SECONDS - head)),
        (last, np.where(single, 0, tail - SECONDS)),
        (last + 1, np.where(single, 0, -tail)),
    )
    hour, step = (np.concatenate(column) for column in zip(*steps, strict=True))
    places, step = totals(np.tile(kind, len(steps)) * NEVER + hour, step)
    places, step = places[step != 0], step[step != 0]
    # The steps of a kind add up to nothing, so one sum over all kinds begins anew with each.
    return pd.DataFrame(
        {"kind": places // NEVER, "hour": places % NEVER, "seconds": np.cumsum(step)}
    )


def _terms(reservations: pd.DataFrame, window: _Window) -> pd.DataFrame:
    """Return the hours [from, to) in which each reservation offers."""
    begun, ended = (window.seconds(reservations[name]) for name in ("start", "end"))
    return pd.DataFrame({"from": begun // SECONDS, "to": ended // SECONDS})


def _events(
    changes: pd.DataFrame, pool_of_kind: Integers, terms: pd.DataFrame, pool_of_offer: Integers
) -> pd.DataFrame:
    """Return the (pool, hour) at which usage or offer of a pool changes."""
    used = pool_of_kind[changes["kind"]] * NEVER + changes["hour"]
    ends = [pool_of_offer * NEVER + terms[name] for name in ("from", "to")]
    places = distinct(np.sort(np.concatenate([used, *ends])))
    return pd.DataFrame({"pool": places // NEVER, "hour": places % NEVER})


def _periods(events: pd.DataFrame, hours: int) -> pd.DataFrame:
    """Return the periods between the events of each pool that lie within the window."""
    following = events.groupby("pool")["hour"].shift(-1, fill_value=hours)
    periods = events.assign(count=following.clip(upper=hours) - events["hour"])
    return periods[periods["count"] > 0].reset_index(drop=True)


def _usage(
    kinds: pd.DataFrame, pool_of_kind: Integers, changes: pd.DataFrame, periods: pd.DataFrame
) -> pd.DataFrame:
    """Return each kind's instance-hours in each period of its pool in which it ran."""
    until = changes["hour"].shift(-1, fill_value=NEVER)  # what runs has a next change: its end
    ran = changes.assign(until=until)[changes["seconds"] > 0]
    row, period = _spread(pool_of_kind[ran["kind"]], ran["hour"], ran["until"], periods)
    kind, hours = np.asarray(ran["kind"])[row], np.asarray(ran["seconds"])[row] / SECONDS
    return _labelled(kinds, kind, period).assign(hours=hours, usage_id=_texts(kind))


def _offers(
    reservations: pd.DataFrame, pool: Integers, terms: pd.DataFrame, periods: pd.DataFrame
) -> pd.DataFrame:
    """Return each reservation in each period of its pool that lies within its term."""
    row, period = _spread(pool, terms["from"], terms["to"], periods)
    return _labelled(reservations, row, period).assign(hours=1.0)


def _spread(
    pool: Integers, since: pd.Series[int], until: pd.Series[int], periods: pd.DataFrame
) -> tuple[Integers, Integers]:
    """Return each row once for each period of its pool in [since, until), and the periods."""
    places = np.asarray(periods["pool"] * NEVER + periods["hour"])
    first = np.searchsorted(places, pool * NEVER + np.asarray(since))
    count = np.searchsorted(places, pool * NEVER + np.asarray(until).clip(max=NEVER)) - first
    row = np.repeat(np.arange(len(pool)), count)
    return row, np.arange(len(row)) + np.repeat(first - np.cumsum(count) + count, count)


def _labelled(frame: pd.DataFrame, row: Integers, period: Integers) -> pd.DataFrame:
    return frame.iloc[row].reset_index(drop=True).assign(period=_texts(period))


def _texts(numbers: Integers) -> pd.Series[str]:
    """Return numbers as text, each of which is made only once."""
    codes, names = pd.factorize(numbers)
    return pd.Series(names.astype("str"), dtype="str").take(codes).reset_index(drop=True)


def _described(periods: pd.DataFrame, pools: pd.DataFrame, start: datetime) -> pd.DataFrame:
    starts = pd.Timestamp(start) + pd.to_timedelta(periods["hour"], unit="h")
    named = pools.iloc[np.asarray(periods["pool"])].reset_index(drop=True)
    return PERIODS.check(
        named.assign(
            period=_texts(np.asarray(periods.index)),
            start=starts,
            hours=periods["count"],
        )
    )
