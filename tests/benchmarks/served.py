"""What `ri-report sandbox --accounts` serves, in a process of its own that tells what it did.

    python -m tests.benchmarks.served ACCOUNTS REGIONS INSTANCES_PER_REGION LATENCY_MS OTHERS

OTHERS is the share of every rate that somebody else uses up. It serves until its input ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from ri_report.sandbox.population import generated_organization
from ri_report.sandbox.server import serve
from ri_report.sandbox.throttles import Throttles
from tests.benchmarks.machine import processor_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

REGIONS = 17
LATENCY_SECONDS = 0.050


@dataclass(frozen=True)
class Served:
    """A sandbox in another process.

    Attributes:
        environment: That of this process, changed so that any AWS tool talks to the sandbox.
    """

    environment: dict[str, str]
    _process: subprocess.Popen[str]

    @property
    def cpu_seconds(self) -> float:
        """Return the processor time that it has spent so far [seconds]."""
        return processor_seconds(self._process.pid)

    def counts(self) -> tuple[Counter[str], Counter[str]]:
        """Return how many calls of each action came since the last time, and how many of them
        were refused for their rate."""
        print("count", file=self._process.stdin, flush=True)
        said = json.loads(_line(self._process.stdout))
        return Counter(said["calls"]), Counter(said["refused"])


@contextmanager
def served(accounts: int, instances_per_region: int, others: float = 0.0) -> Iterator[Served]:
    """Serve an organization in 17 regions at 50 ms latency until the block ends."""
    figures = (accounts, REGIONS, instances_per_region, LATENCY_SECONDS * 1000, others)
    command = [sys.executable, "-m", "tests.benchmarks.served", *map(str, figures)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Served(_clean() | json.loads(_line(process.stdout)), process)


def _line(pipe: IO[str] | None) -> str:
    assert pipe is not None
    return pipe.readline()


def _clean() -> dict[str, str]:
    """Return this process's environment without what it says of AWS and of proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }


def main(accounts: str, regions: str, instances: str, latency_ms: str, others: str) -> None:
    """Serve until the input ends; count calls whenever a line comes."""
    organization = generated_organization(
        int(accounts), int(regions), int(instances), datetime.now(UTC).replace(microsecond=0)
    )
    throttles = Throttles(others=float(others))
    latency = float(latency_ms) / 1000
    with serve(organization, throttles=throttles, latency_seconds=latency) as endpoint:
        _say(endpoint.environment)
        for _ in sys.stdin:
            calls = Counter(f"{call.service}:{call.operation}" for call in endpoint.calls)
            _say({"calls": calls, "refused": endpoint.refused})
            endpoint.calls.clear()
            endpoint.refused.clear()


def _say(what: Any) -> None:  # noqa: ANN401 - plain JSON
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
