"""The loopback HTTP server in front of the sandbox."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from ri_report.sandbox.dispatch import Sandbox
from ri_report.sandbox.wire import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ri_report.sandbox.call import CallRecord
    from ri_report.sandbox.identity import Identity
    from ri_report.sandbox.organization import Organization

HOST = "127.0.0.1"
HOME_REGION = "us-east-1"
LARGEST_BODY = 1 << 20


@dataclass(frozen=True)
class Endpoint:
    """A running sandbox.

    Attributes:
        url: Where it listens, for `AWS_ENDPOINT_URL`.
        environment: The environment variables with which any AWS tool talks to it in the name of
            the management account. AWS_PROFILE must not be set beside them, nor AWS_SESSION_TOKEN
            unless it is one of them.
        calls: Every authenticated call so far, granted or refused, in the order of arrival.
    """

    url: str
    environment: dict[str, str]
    calls: list[CallRecord]


@contextmanager
def serve(
    organization: Organization,
    *,
    port: int = 0,
    job_role: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Endpoint]:
    """Serve an organization on the loopback interface until the block ends.

    Args:
        organization: What to serve.
        port: The port; 0 takes a free one.
        job_role: The role of the management account whose session the environment is of; "" for
            the long-lived keys of a user there.
        clock: The sandbox's present moment, aware UTC: it dates the answers' expiry times and
            judges the requests' time stamps.

    Raises:
        OSError: the port is taken.
    """
    sandbox = Sandbox(organization, clock)
    server = _Server((HOST, port), sandbox)
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="sandbox", daemon=True
    )
    thread.start()
    try:
        url = f"http://{HOST}:{server.server_address[1]}"
        keys = sandbox.job(job_role) if job_role else sandbox.user()
        yield Endpoint(url, _environment(url, keys), sandbox.calls)
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()


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


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the answers under way
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as inherited
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as inherited
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep open for their next request."""
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # the head and the body leave together
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self.send_error(413 if length.isdigit() else 411)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        response = self.server.sandbox.answer(Request("POST", self.path, headers, body))
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def version_string(self) -> str:
        """Name the sandbox in the Server header, for whoever wonders who answered."""
        return "ri-report-sandbox"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Keep silent: what was called stands in `Endpoint.calls`."""
