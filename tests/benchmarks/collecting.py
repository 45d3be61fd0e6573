"""What collecting an account takes: the job, a naive loop and c7n-org, as whole processes.

Each is measured against the same sandbox, which waits 50 ms before every answer, in turns, so that
whatever else this machine does weighs on all of them. The parallel ones get enough accounts that
their start weighs little in an account.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from ri_report.sandbox.organization import DEFAULT_ROLE
from ri_report.sandbox.population import id_at
from tests.benchmarks import c7n
from tests.benchmarks.processes import Cost, cost_of
from tests.benchmarks.served import LATENCY_SECONDS, REGIONS, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.benchmarks.served import Served

RUNS = 3
ACCOUNTS = 480
INSTANCES = 60
NAIVE_ACCOUNTS = 2
C7N_ACCOUNTS = 12
KINDS = ("instances", "reservations", "capacity_reservations", "zones")


def collecting() -> None:
    """Time the three in turns, hold what they found against each other, and print the ratios."""
    print(
        f"Collecting {ACCOUNTS} accounts x {REGIONS} regions x {INSTANCES} instances"
        f" at {LATENCY_SECONDS * 1000:.0f} ms latency, whole processes"
    )
    costs: dict[str, list[Cost]] = {"ri-report": [], "naive loop": []}
    numbers = {"ri-report": ACCOUNTS, "naive loop": NAIVE_ACCOUNTS, "c7n-org": C7N_ACCOUNTS}
    if c7n.is_installed():
        print(f"  c7n-org lists running instances only: {', '.join(c7n.PACKAGES)}")
        costs["c7n-org"] = []
    with served(ACCOUNTS, INSTANCES) as sandbox:
        for _ in range(RUNS):
            for name, cost in _in_turn(sandbox, with_c7n="c7n-org" in costs):
                costs[name].append(cost)
                print(f"  {name:<11}{numbers[name]:>4} accounts: {cost}")
    _compare(costs, numbers)


def _in_turn(sandbox: Served, *, with_c7n: bool) -> Iterator[tuple[str, Cost]]:
    """Yield what each of them took, once it has found what the others found."""
    with collected(sandbox.environment) as (ours, snapshot):
        held = counts(snapshot)
    yield "ri-report", ours
    loop = naive(sandbox.environment)
    found = json.loads(loop.output.splitlines()[-1])
    assert found == {account_id: held[account_id] for account_id in found}, "the results differ"
    yield "naive loop", loop
    if with_c7n:
        account_ids = linked(C7N_ACCOUNTS)
        sandbox.counts()
        listing, instances = c7n.listing(account_ids, DEFAULT_ROLE, sandbox.environment)
        assert instances == sum(held[one]["instances"] for one in account_ids), "the results differ"
        asked = sandbox.counts()[0]["ec2:DescribeInstances"]
        assert asked == C7N_ACCOUNTS * REGIONS, "not everything was read anew"
        yield "c7n-org", listing


def linked(number: int) -> list[str]:
    """Return the ids of the first linked accounts."""
    return [id_at(place) for place in range(1, number + 1)]


@contextmanager
def collected(environment: Mapping[str, str]) -> Iterator[tuple[Cost, Path]]:
    """Collect everything; give what it took, and the snapshot until the block ends.

    Raises:
        RuntimeError: something was not read.
    """
    with TemporaryDirectory() as there:
        manners = ["--no-progress", "--quiet", "--output-dir", there]
        cost = cost_of([sys.executable, "-m", "ri_report", "collect", *manners], environment)
        yield cost, Path(cost.output.splitlines()[-1])


def naive(environment: Mapping[str, str]) -> Cost:
    """Read a few accounts in a loop."""
    module = [sys.executable, "-m", "tests.benchmarks.naive"]
    return cost_of([*module, DEFAULT_ROLE, *linked(NAIVE_ACCOUNTS)], environment)


def counts(snapshot: Path) -> dict[str, dict[str, int]]:
    """Return how many rows of each kind a snapshot holds of each account."""
    held: dict[str, dict[str, int]] = {}
    for kind in KINDS:
        rows = pd.read_parquet(snapshot / f"{kind}.parquet", columns=["account_id"])
        for account_id, number in rows["account_id"].value_counts().items():
            held.setdefault(str(account_id), dict.fromkeys(KINDS, 0))[kind] = number
    return held


def _compare(costs: Mapping[str, list[Cost]], numbers: Mapping[str, int]) -> None:
    """Print what one account takes, and how many times that of the job."""
    print(
        f"  {'an account takes':<18}{'wall: min':>12}{'median':>10}{'CPU: min':>13}{'median':>10}"
    )
    per_account = {}
    for name, runs in costs.items():
        wall = [cost.wall_seconds / numbers[name] for cost in runs]
        cpu = [cost.cpu_seconds / numbers[name] for cost in runs]
        figures = (min(wall), median(wall), min(cpu), median(cpu))
        per_account[name] = figures
        print(f"  {name:<18}" + _columns([f"{figure:.3f} s" for figure in figures]))
    ours = per_account.pop("ri-report")
    for name, others in per_account.items():
        ratios = [other / own for other, own in zip(others, ours, strict=True)]
        print(f"  {f'{name}, ratio':<18}" + _columns([f"{ratio:.1f}" for ratio in ratios]))
    print()


def _columns(texts: list[str]) -> str:
    return "".join(f"{text:>{width}}" for text, width in zip(texts, (12, 10, 13, 10), strict=True))
