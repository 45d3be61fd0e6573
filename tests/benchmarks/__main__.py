"""Measures that print ratios within one run: `make bench`. They assert equality, never speed.

`python -m tests.benchmarks collecting thousands` prints these parts only; see `PARTS`.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from ri_report import __version__
from ri_report.rules.allocation import allocate
from ri_report.rules.firmness import firmness
from ri_report.rules.hours import KIND, by_hour, over_hours
from ri_report.rules.sharing import Sharing
from ri_report.rules.sizes import QUARTERS, quarter_units
from tests.benchmarks import fleets, loop
from tests.benchmarks.collecting import collecting
from tests.benchmarks.machine import about
from tests.benchmarks.parsing import parsing
from tests.benchmarks.thousands import thousands

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.rules.firmness import Firmness

START = pd.Timestamp("2026-10-01", tz="UTC")
HOURS = 730


def timed(name: str, work: Callable[[], Any], runs: int = 1) -> tuple[float, Any]:
    """Return the shortest processor time of some runs [seconds], and the last result."""
    seconds = []
    for _ in range(runs):
        begun = time.process_time()
        result = work()
        seconds.append(time.process_time() - begun)
    print(f"  {name:<28}", "  ".join(f"{second:7.2f} s" for second in seconds))
    return min(seconds), result


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the frame as rows."""
    return cast("list[dict[str, Any]]", frame.to_dict("records"))


def looped(usage: pd.DataFrame, reservations: pd.DataFrame) -> pd.DataFrame:
    """Allocate by dictionaries and loops, from the same frames to the same frame."""
    given = loop.allocate(rows_of(usage), rows_of(reservations))
    columns = ["period", "usage_id", "reservation_id", "tier", "units"]
    rows = pd.DataFrame([(*where, units) for where, units in given.items()], columns=columns)
    return rows.sort_values(columns[:3], ignore_index=True)


def allocation(instances: int, reservations: int) -> None:
    """Time the engine against the loop, and compare them row by row."""
    print(f"Allocation of {instances:,} instances x {reservations:,} reservations")
    usage, bought = fleets.fleet(instances, reservations, accounts=1000)
    fast, found = timed("engine", lambda: allocate(usage, bought), runs=3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slow, expected = timed("dictionaries and loops", lambda: looped(usage, bought))
    assert found.astype(object).equals(expected.astype(object)), "the results differ"
    print(f"  equal in all {len(found):,} rows; ratio {slow / fast:.1f}; peak {peak:,.0f} MiB")
    judged = timed("firm or convention", lambda: judge(usage, bought, found))[0]
    print(f"  judging costs {judged / fast:.1f} times the allocation\n")


def judge(usage: pd.DataFrame, bought: pd.DataFrame, found: pd.DataFrame) -> Firmness:
    """Tell which rows of the allocation rest on a convention."""
    usage, bought = (
        side.assign(units=quarter_units(side["instance_type"]) / QUARTERS)
        for side in (usage, bought)
    )
    return firmness(usage, bought, found, Sharing())


def month(runs: int, reservations: int) -> None:
    """Time the sweep over events against a scan of the hours, and compare their totals."""
    print(
        f"A month of {HOURS} hours with {runs:,} runs of instances x {reservations:,} reservations"
    )
    ran, bought = fleets.month(runs, reservations, accounts=50, start=START, hours=HOURS)
    fast, swept = timed("sweep over events", lambda: sweep(ran, bought))
    slow, scanned = timed("hour-by-hour scan", lambda: scan(ran, bought))
    difference = (swept - scanned).abs().max()
    assert difference < 1e-3, f"the results differ by {difference} units"
    print(f"  equal for all {len(swept):,} reservations; sweep / scan = {fast / slow:.3f}\n")


def sweep(ran: pd.DataFrame, bought: pd.DataFrame) -> pd.Series[float]:
    """Return the used unit-hours of each reservation, swept."""
    hourly = by_hour(ran, bought, START, START + pd.Timedelta(hours=HOURS))
    found = allocate(hourly.usage, hourly.reservations)
    return over_hours(found, hourly.periods).groupby(found["reservation_id"]).sum()


def scan(ran: pd.DataFrame, bought: pd.DataFrame) -> pd.Series[float]:
    """Return the used unit-hours of each reservation, hour by hour."""
    used = []
    begun, ended = (ran[name].to_numpy(dtype="datetime64[us]") for name in ("start", "end"))
    offered = bought.assign(hours=1.0)
    for hour in range(HOURS):
        low = (START + pd.Timedelta(hours=hour)).to_datetime64()
        high = low + np.timedelta64(1, "h")
        rows = np.flatnonzero((begun < high) & (ended > low))
        seconds = np.minimum(ended[rows], high) - np.maximum(begun[rows], low)
        usage = ran.iloc[rows].assign(hours=seconds / np.timedelta64(1, "h"))
        kinds = usage.groupby(list(KIND), as_index=False)["hours"].sum()
        found = allocate(kinds.assign(usage_id=kinds.index.astype("str")), offered)
        used.append(found.groupby("reservation_id")["units"].sum())
    totals: pd.Series[float] = pd.concat(used).groupby(level=0).sum()
    return totals


PARTS: dict[str, Callable[[], None]] = {
    "allocation": lambda: allocation(instances=1_000_000, reservations=100_000),
    "month": lambda: month(runs=1_000_000, reservations=2_000),
    "parsing": parsing,
    "collecting": collecting,
    "thousands": thousands,
}


def main(names: list[str]) -> None:
    """Print the parts of these names, or all."""
    if unknown := set(names) - PARTS.keys():
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(f"ri-report {__version__}, {about()}\n")
    for name in names or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
