"""Collecting thousands of accounts: how near it comes to its bounds, its memory, its politeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.aws.collect import cores
from ri_report.aws.scope import Scope
from ri_report.sandbox.organization import DEFAULT_ROLE
from ri_report.sandbox.throttles import ORGANIZATIONS
from tests.benchmarks.collecting import collected
from tests.benchmarks.machine import CORES
from tests.benchmarks.served import LATENCY_SECONDS, REGIONS, served

if TYPE_CHECKING:
    from collections import Counter

    from tests.benchmarks.processes import Cost

LIST_ACCOUNTS = "organizations:ListAccounts"
OTHERS = 0.3
CONCURRENCY = Scope(DEFAULT_ROLE).concurrency


@dataclass(frozen=True)
class Run:
    """One collection and what the sandbox saw of it.

    Attributes:
        accounts: How many accounts were read.
        cost: What the job took.
        sandbox_seconds: What the sandbox took in the meantime [seconds of a processor].
        calls: How many calls of each action it was asked.
        refused: How many of them exceeded their rate.
    """

    accounts: int
    cost: Cost
    sandbox_seconds: float
    calls: Counter[str]
    refused: Counter[str]


def thousands() -> None:
    """Collect 1,000 accounts as they are, and with few instances 1,000 and 5,000."""
    _bounds(_run(1000, instances=60))
    small = _run(1000, instances=6, others=OTHERS)
    large = _run(5000, instances=6, others=OTHERS)
    for run in (small, large):
        _politeness(run)
    _memory(small, large)


def _run(accounts: int, instances: int, others: float = 0.0) -> Run:
    taken = f", {others:.0%} of every rate taken by others" if others else ""
    print(f"Collecting {accounts:,} accounts x {REGIONS} regions x {instances} instances{taken}")
    with served(accounts, instances, others) as sandbox:
        before = sandbox.cpu_seconds
        with collected(sandbox.environment) as (cost, snapshot):
            rows = len(pd.read_parquet(snapshot / "instances.parquet", columns=["region"]))
        spent = sandbox.cpu_seconds - before
        calls, refused = sandbox.counts()
    print(f"  {cost}; the sandbox's CPU {spent:.1f} s; {rows:,} running instances", flush=True)
    return Run(accounts, cost, spent, calls, refused)


def _bounds(run: Run) -> None:
    """Print how long the run took, over the time that it could not have taken less than."""
    wall = run.cost.wall_seconds
    at_once = cores() * CONCURRENCY
    calls = run.calls.total()
    latency = calls * LATENCY_SECONDS / at_once
    cpu = run.cost.cpu_seconds + run.sandbox_seconds
    # Processors that other work on this machine kept busy were not there for the run.
    left = CORES - max(0.0, run.cost.machine_seconds - cpu) / wall
    pages = run.calls[LIST_ACCOUNTS] - run.refused[LIST_ACCOUNTS]
    listing = max(0.0, pages - ORGANIZATIONS.size) / ORGANIZATIONS.refill
    print(
        f"  latency bound: {calls:,} calls x {LATENCY_SECONDS} s / {at_once} at once"
        f" = {latency:.1f} s"
    )
    for what, number in (("all processors", CORES), ("those left by other work", left)):
        bound = max(latency, cpu / number)
        print(
            f"  CPU bound: {cpu:.1f} s / {number:.1f} processors ({what}) = {cpu / number:.1f} s;"
            f" wall / larger bound = {wall / bound:.2f}"
        )
    print(f"  (the accounts could not be listed in less than {listing:.0f} s)\n")


def _politeness(run: Run) -> None:
    """Print how many calls were made, and how many of them exceeded a rate."""
    print(f"{run.accounts:,} accounts, {OTHERS:.0%} of every rate taken by others:")
    for service in ("ec2", "sts", "organizations"):
        made, refused = (
            sum(number for action, number in counted.items() if action.startswith(f"{service}:"))
            for counted in (run.calls, run.refused)
        )
        print(f"  {service:<14}{made:>9,} calls, {refused:,} refused for their rate")
    print()


def _memory(small: Run, large: Run) -> None:
    """Print the peak of every process, and how it grows with the number of accounts."""
    print("Peak memory of each process [MiB], the command first")
    highest = []
    for run in (small, large):
        first, *workers = run.cost.peaks
        highest.append((first, max(workers)))
        peaks = ", ".join(f"{peak:.0f}" for peak in run.cost.peaks)
        print(f"  {run.accounts:>6,} accounts: {peaks}")
    ratios = [many / few for few, many in zip(*highest, strict=True)]
    print("  ratio: command {:.2f}, largest worker {:.2f}\n".format(*ratios))
