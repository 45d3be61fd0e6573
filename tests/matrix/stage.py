"""A stage for faults: a small organization, served once, and read again for each script."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ri_report.aws import collect as collection
from ri_report.aws.clients import Clients
from ri_report.aws.scope import Scope
from ri_report.inventory.parts import write_part
from ri_report.inventory.snapshot import read_snapshot
from ri_report.progress import Quiet
from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.faults import Script
from ri_report.sandbox.server import serve
from tests.aws.conftest import MODELS, Hasty, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ri_report.aws.clock import Clock
    from ri_report.inventory.outcomes import Outcome
    from ri_report.inventory.schema import Inventory
    from ri_report.sandbox.call import CallRecord
    from ri_report.sandbox.server import Endpoint

IS_PROOF = "RI_REPORT_EXAMPLES" in os.environ
"""Whether there is time for a longer search."""
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
ROLE = "CrossAccountInstanceCounter"
PAYER, WEB, DATA = "111111111111", "222222222222", "333333333333"
ACCOUNTS = (PAYER, WEB, DATA)
HOME = "us-east-1"
REGIONS = (HOME, "eu-west-1")
KINDS = {
    "ec2:DescribeInstances": "instances",
    "ec2:DescribeReservedInstances": "reservations",
    "ec2:DescribeCapacityReservations": "capacity_reservations",
    "ec2:DescribeAvailabilityZones": "zones",
}
COMPANY = """
management 111111111111 payer
run 7 m5.large us-east-1a
run 1 m5.large eu-west-1a
buy 3 m5.large us-east-1
account 222222222222 web
hold 2 c5.xlarge us-east-1a name=one
hold 1 c5.large us-east-1a name=two
hold 1 m5.large us-east-1b name=three
hold 1 m5.large us-east-1b name=four
hold 1 r5.large us-east-1c name=five
hold 1 r5.large us-east-1c name=six
run 12 c5.xlarge us-east-1a
run 3 c5.xlarge eu-west-1b
buy 2 c5.xlarge us-east-1a
buy 1 c5.xlarge eu-west-1
account 333333333333 data
run 1 r5.large us-east-1a
run 4 r5.large eu-west-1a
buy 4 r5.large eu-west-1a
"""
"""Every cell of instances has a row; instances and capacity of web need more than one page."""
PAGE_SIZE = 5


@dataclass(frozen=True)
class Seen:
    """What one reading of the organization gave.

    Attributes:
        files: The files of the snapshot by name, byte for byte.
        calls: Every authenticated call that was made.
        seconds: How long it took by the clock that does not wait.
        done: By account, after how many of these seconds it was done.
    """

    files: dict[str, bytes]
    calls: list[CallRecord]
    seconds: float
    done: dict[str, float]

    @cached_property
    def inventory(self) -> Inventory:
        """What stands in the files."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.files.items():
                Path(folder, name).write_bytes(content)
            return read_snapshot(Path(folder))[0]

    def outcomes(self, **where: str) -> list[tuple[str, str]]:
        """Return (status, reason) of the cells of an account, region or kind, each once."""
        found = self.inventory.outcomes
        for name, value in where.items():
            found = found[found[name] == value]
        return sorted(set(zip(found["status"], found["reason"], strict=True)))

    @property
    def gaps(self) -> set[tuple[str, str, str]]:
        """Return (account id, region, kind) of what could not be read."""
        found = self.inventory.outcomes
        found = found[found["is_gap"]]
        return set(zip(found["account_id"], found["region"], found["kind"], strict=True))

    def rows(self, kind: str, **where: str) -> int:
        """Return how many rows there are of a kind, in an account or region."""
        found = getattr(self.inventory, kind)
        for name, value in where.items():
            found = found[found[name] == value]
        return len(found)

    def called(self, operation: str, **where: str) -> int:
        """Return how often an operation was called, in an account or region."""
        return sum(
            call.operation == operation
            and all(getattr(call, name) == value for name, value in where.items())
            for call in self.calls
        )


class Lasting(Clients):
    """Clients that stay for the next reading: making them takes longer than the reading."""

    def __exit__(self, *_: object) -> None:
        """Keep the connections."""


@dataclass
class Stage:
    """A served organization, and a clock that only passes while nothing is under way.

    Attributes:
        endpoint: Where it is served.
        folder: Where the files of each reading go; they are removed afterwards.
        clock: The clock of the reading under way; that of the sandbox goes with it where it is one
            that does not wait.
        environment: The variables with which the job is pointed at it.
        ahead: How far the sandbox's clock is ahead of this machine's.
        hits: How many calls each line of the last script struck.
    """

    folder: Path
    clock: Clock = field(default_factory=Hasty)
    environment: dict[str, str] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)
    endpoint: Endpoint = field(init=False)
    hits: Counter[str] = field(default_factory=Counter)
    _clients: list[Lasting] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the moment of the sandbox."""
        return self.signed() + self.ahead

    def signed(self) -> datetime:
        """Return the moment at which the job signs its calls."""
        passed = self.clock.now() if isinstance(self.clock, Hasty) else 0.0
        return datetime.now(UTC) + timedelta(seconds=passed)

    def clients(self, *, clock: Clock, **options: Any) -> Lasting:  # noqa: ANN401 - options of Clients
        """Return the clients of all readings, with the clock of this one."""
        if not self._clients:
            self._clients.append(Lasting(clock=clock, **options))
        self._clients[0].clock = clock
        return self._clients[0]

    def close(self) -> None:
        """Close the connections."""
        for clients in self._clients:
            super(Lasting, clients).__exit__(None, None, None)
        self._clients.clear()

    def read(self, script: str = "", *, clock: Clock | None = None, **scope: Any) -> Seen:  # noqa: ANN401 - fields of Scope
        """Read the organization while a script of faults strikes, in a time that does not wait."""
        self.clock = clock or Hasty()
        faults = Script(script)
        self.endpoint.faults, self.hits = faults, faults.hits
        self.endpoint.calls.clear()
        wanted = Scope(**{"role_name": ROLE, "regions": REGIONS} | scope)
        try:
            with self.surroundings(), tempfile.TemporaryDirectory(dir=self.folder) as folder:
                return self._read(wanted, Path(folder))
        finally:
            self.endpoint.faults = None

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """Let the job see this organization and nothing else, in small pages."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
                patch.setenv(name, str(self.folder / "nonexistent"))
            for name, value in self.environment.items():
                patch.setenv(name, value)
            # Reading EC2's service model takes longer than a test.
            patch.setattr("botocore.session.create_loader", lambda *_: MODELS)
            patch.setattr("ri_report.aws.cells.PAGE_SIZE", PAGE_SIZE)
            patch.setattr("ri_report.aws.accounts.PAGE_SIZE", 2)
            patch.setattr(collection, "Clients", self.clients)
            # Signatures would be out of date after minutes that nobody waited for.
            patch.setattr("botocore.auth.get_current_datetime", self.signed)
            yield

    def _read(self, scope: Scope, folder: Path) -> Seen:
        done: dict[str, float] = {}

        def noted(place: Path, account_id: str, *rest: Any) -> list[Outcome]:  # noqa: ANN401 - passed on
            # Here, in the thread that moves the clock: whoever is told of it reads it later.
            done[account_id] = self.clock.now()
            return write_part(place, account_id, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ri_report.aws.worker.write_part", noted)
            snapshot = snapshot_of(scope, folder, Quiet(), self.clock)
        files = {path.name: path.read_bytes() for path in sorted(snapshot.iterdir())}
        calls = list(self.endpoint.calls)
        return Seen(files, calls, self.clock.now(), done)


@contextmanager
def staged(text: str, folder: Path) -> Iterator[Stage]:
    """Serve an organization that stands as text."""
    stage = Stage(folder)
    with serve(organization_from(text, AS_OF), clock=stage.now) as stage.endpoint:
        stage.environment = dict(stage.endpoint.environment)
        yield stage
        stage.close()


def cells(accounts: tuple[str, ...] = ACCOUNTS) -> set[tuple[str, str, str]]:
    """Return every (account id, region, kind) of these accounts."""
    return set(itertools.product(accounts, REGIONS, KINDS.values()))
