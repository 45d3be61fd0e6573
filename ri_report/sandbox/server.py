"""The loopback HTTP server in front of the sandbox."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from ri_report.sandbox.connection import Connection, Service
from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.throttles import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ri_report.sandbox.call import CallRecord
    from ri_report.sandbox.faults import Script
    from ri_report.sandbox.identity import Identity
    from ri_report.sandbox.organization import Organization
    from ri_report.sandbox.throttles import Throttles

HOST = "127.0.0.1"
HOME_REGION = "us-east-1"
LONGEST_QUEUE = 1024


class Endpoint:
    """A running sandbox.

    Attributes:
        url: Where it listens, for `AWS_ENDPOINT_URL`.
        environment: The environment variables with which any AWS tool talks to it in the name of
            the management account. AWS_PROFILE must not be set beside them, nor AWS_SESSION_TOKEN
            unless it is one of them.
        calls: Every authenticated call so far, granted or refused, in the order of arrival.
    """

    def __init__(self, sandbox: Sandbox, url: str, environment: dict[str, str]) -> None:
        """Show a sandbox that is served at a URL."""
        self._sandbox = sandbox
        self.url = url
        self.environment = environment
        self.calls: list[CallRecord] = sandbox.calls

    @property
    def faults(self) -> Script | None:
        """What goes wrong; may be replaced at any time, for the calls that arrive from then on."""
        return self._sandbox.faults

    @faults.setter
    def faults(self, script: Script | None) -> None:
        self._sandbox.faults = script

    @property
    def refused(self) -> Counter[str]:
        """How many calls of each action exceeded their rate."""
        throttles = self._sandbox.throttles
        return throttles.refused if throttles is not None else Counter()

    def summary(self) -> list[str]:
        """Say in a few lines how many calls arrived and how many exceeded their rate."""
        made = Counter(f"{call.service}:{call.operation}" for call in tuple(self.calls))
        refused = self.refused
        total = f"{made.total()} calls, {refused.total()} refused for their rate"
        codes = sorted({REFUSALS[action.partition(":")[0]][0] for action in refused})
        return [
            f"{total} ({', '.join(codes)})" if codes else total,
            *(f"  {made[action]} {action}, {refused[action]} refused" for action in sorted(made)),
        ]


@contextmanager
def serve(  # noqa: PLR0913 - each says one thing about what is served, and has a default
    organization: Organization,
    *,
    port: int = 0,
    job_role: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    faults: Script | None = None,
    throttles: Throttles | None = None,
    latency_seconds: float = 0.0,
) -> Iterator[Endpoint]:
    """Serve an organization on the loopback interface until the block ends.

    Args:
        organization: What to serve.
        port: The port; 0 takes a free one.
        job_role: The role of the management account whose session the environment is of; "" for
            the long-lived keys of a user there.
        clock: The sandbox's present moment, aware UTC: it dates the answers and their expiry times
            and judges the requests' time stamps.
        faults: What goes wrong; see `faults.Script`.
        throttles: What bounds the rate of calls; None bounds nothing.
        latency_seconds: How long every answer waits before its first byte.

    Raises:
        OSError: the port is taken.
    """
    sandbox = Sandbox(organization, clock)
    sandbox.faults = faults
    sandbox.throttles = throttles
    listening = socket.create_server((HOST, port), backlog=LONGEST_QUEUE)
    listening.settimeout(0)
    service = Service(sandbox, clock, latency_seconds)
    with _running(listening, service):
        url = f"http://{HOST}:{listening.getsockname()[1]}"
        keys = sandbox.job(job_role) if job_role else sandbox.user()
        yield Endpoint(sandbox, url, _environment(url, keys))


@contextmanager
def _running(listening: socket.socket, service: Service) -> Iterator[None]:
    """Accept connections in a thread of its own until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    accept = partial(_accept, loop, listening, service)
    loop.call_soon_threadsafe(loop.add_reader, listening, accept)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_close(listening, service), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# asyncio's own server loses connections that it accepts while it is closed:
# https://github.com/python/cpython/issues/109564
def _accept(loop: asyncio.AbstractEventLoop, listening: socket.socket, service: Service) -> None:
    with suppress(BlockingIOError):
        while True:
            client, _ = listening.accept()
            client.settimeout(0)
            connecting = loop.connect_accepted_socket(lambda: Connection(service), client)
            task = loop.create_task(connecting)
            service.connecting.add(task)
            task.add_done_callback(service.connecting.discard)


async def _close(listening: socket.socket, service: Service) -> None:
    """Stop listening and end the connections, those included that are just being accepted."""
    asyncio.get_running_loop().remove_reader(listening)
    listening.close()
    await asyncio.gather(*service.connecting, return_exceptions=True)
    for connection in tuple(service.connections):
        connection.hang_up()
        await connection.has_ended.wait()


def _environment(url: str, keys: Identity) -> dict[str, str]:
    token = {"AWS_SESSION_TOKEN": keys.session_token} if keys.session_token else {}
    return token | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_REGION": HOME_REGION,
        "AWS_DEFAULT_REGION": HOME_REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A proxy of the surroundings would be asked even for the loopback interface.
        "NO_PROXY": HOST,
        "no_proxy": HOST,
    }
