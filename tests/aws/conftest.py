"""An organization that stands as text in the test, served with AWS's wire protocols on loopback."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from botocore.loaders import Loader

from ri_report.aws.clients import Clients
from ri_report.aws.clock import Clock
from ri_report.aws.collect import collect
from ri_report.aws.scope import Scope
from ri_report.inventory.merging import merge_parts
from ri_report.inventory.snapshot import read_snapshot
from ri_report.progress import Quiet
from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.server import serve
from ri_report.sandbox.signature import claim_of
from ri_report.sandbox.wire import Request, Response, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from queue import SimpleQueue

    from ri_report.aws.dispatch import Progress
    from ri_report.inventory.schema import Inventory
    from ri_report.sandbox.call import CallRecord

AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
ROLE = "CrossAccountInstanceCounter"
MODELS = Loader()


@dataclass
class Fault:
    """What is answered to a call instead of the truth, the first `times` times."""

    operation: str
    answer: Callable[[bytes], Response]
    region: str = ""
    times: int = 1_000_000
    asked: int = 0


@dataclass
class World:
    """A running organization whose answers a test may spoil."""

    calls: list[CallRecord]
    url: str
    faults: list[Fault] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def spoil(self, operation: str, answer: Callable[[bytes], Response], **options: Any) -> Fault:  # noqa: ANN401 - fields of Fault
        """Answer an operation otherwise; the function gets the true answer's body."""
        self.faults.append(Fault(operation, answer, **options))
        return self.faults[-1]

    def refuse(self, operation: str, code: str, message: str = "No.", **options: Any) -> Fault:  # noqa: ANN401 - fields of Fault
        """Refuse an operation with one of AWS's codes."""
        status = options.pop("status", 400)
        service = {"AssumeRole": "sts", "GetCallerIdentity": "sts"}.get(operation, "ec2")
        service = (
            "organizations" if operation in {"ListAccounts", "DescribeOrganization"} else service
        )
        error = ApiError(code, message, status)
        return self.spoil(operation, lambda _: refusal(service, error, "r-1"), **options)

    def called(self, operation: str) -> Counter[tuple[str, str]]:
        """How often an operation was called, by account and region."""
        return Counter((c.account_id, c.region) for c in self.calls if c.operation == operation)

    def spoiled(self, request: Request, truth: Response) -> Response:
        """The answer that is sent."""
        target = request.headers.get("x-amz-target", "").split(".")[-1]
        form = parse_qs(request.body.decode())
        operation = target or form["Action"][0]
        self.bodies.append(request.body.decode())
        claim = claim_of(request)
        for fault in self.faults:
            here = not fault.region or (claim is not None and claim.region == fault.region)
            if fault.operation == operation and here and fault.asked < fault.times:
                fault.asked += 1
                return fault.answer(truth.body)
        return truth


@pytest.fixture(autouse=True)
def _only_the_test_speaks_to_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # Reading EC2's service model takes longer than a test.
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: MODELS)
    level = logging.getLogger("botocore").level
    yield
    logging.getLogger("botocore").setLevel(level)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Serve an organization, and point the environment at it."""
    with ExitStack() as stack:

        def start(text: str, **options: Any) -> World:  # noqa: ANN401 - options of serve
            endpoint = stack.enter_context(serve(organization_from(text, AS_OF), **options))
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            there = World(endpoint.calls, endpoint.url)
            answer = Sandbox.answer

            def spoiled(sandbox: Sandbox, request: Request) -> Response:
                return there.spoiled(request, answer(sandbox, request))

            monkeypatch.setattr(Sandbox, "answer", spoiled)
            return there

        yield start


class Hasty(Clock):
    """Time that passes only while nothing is under way: no test waits for a back-off."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds

    def take(self, events: SimpleQueue[Any], until: float, *, busy: bool) -> Any:  # noqa: ANN401 - as inherited
        try:
            return events.get(block=busy, timeout=60)
        except Empty:
            # As any clock it moves on, so that a wait too short to be told from none ends too.
            self._seconds = max(self._seconds + 1e-6, until)
            return None


def snapshot_of(scope: Scope, folder: Path, progress: Progress, clock: Clock) -> Path:
    """Collect into a folder, and return the snapshot in it."""
    parts, snapshot = folder / "parts", folder / "snapshot"
    for each in (parts, snapshot):
        each.mkdir(parents=True)
    found = collect(scope, parts, progress=progress, clock=clock)
    merge_parts(
        parts,
        snapshot,
        found.accounts,
        found.outcomes,
        as_of=AS_OF,
        settings={},
        run="test",
        source="aws",
        endpoint=found.endpoint,
        caller_account_id=found.caller_account_id,
    )
    return snapshot


@pytest.fixture
def gather(tmp_path: Path) -> Callable[..., Inventory]:
    """Collect with the role of the tests, in a time that does not wait."""
    numbers = itertools.count()

    def run(**scope: Any) -> Inventory:  # noqa: ANN401 - fields of Scope
        progress = scope.pop("progress", None) or Quiet()
        clock = scope.pop("clock", None) or Hasty()
        wanted = Scope(role_name=scope.pop("role_name", ROLE), **scope)
        folder = tmp_path / f"gathered-{next(numbers)}"
        return read_snapshot(snapshot_of(wanted, folder, progress, clock))[0]

    return run


@pytest.fixture
def _short_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call take half a second at most, and be made again almost at once."""
    for module in ("patience", "schedule"):
        monkeypatch.setattr(f"ri_report.aws.{module}.CALL_SECONDS", 0.5)
    monkeypatch.setattr("ri_report.aws.patience.WAITS", (0.01,))


@pytest.fixture
def clients() -> Iterator[Callable[..., Clients]]:
    """Make clients that are closed when the test ends."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Clients(**{"clock": Hasty()} | options))
