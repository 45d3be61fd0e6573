"""One HTTP/1.1 connection: requests read by hand, answered one after the other.

https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ri_report.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ri_report.sandbox.dispatch import Sandbox

LARGEST_HEAD = 1 << 16
LARGEST_BODY = 1 << 20
END_OF_HEAD = b"\r\n\r\n"
CHUNK_BYTES = 1 << 18
DRIPS_PER_SECOND = 10


@dataclass
class Service:
    """What all connections of one server share.

    Attributes:
        sandbox: Answers the requests.
        clock: The moment for the Date header, aware UTC.
        latency_seconds: How long every answer waits before its first byte.
        connections: Those that are open.
        connecting: What makes connections of clients that have just arrived.
    """

    sandbox: Sandbox
    clock: Callable[[], datetime]
    latency_seconds: float = 0.0
    connections: set[Connection] = field(default_factory=set)
    connecting: set[asyncio.Task[Any]] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """One client's connection, kept open for further requests.

    Attributes:
        has_ended: Set when the connection is gone.
    """

    def __init__(self, service: Service) -> None:
        """Serve one client."""
        self.has_ended = asyncio.Event()
        self._service = service
        self._buffer = bytearray()
        self._is_busy = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the client."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a TCP server makes
        self._transport = transport
        self._service.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as inherited
        """Forget the client and what was under way to it."""
        self._service.connections.discard(self)
        self.has_ended.set()
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """Wait with what is not sent yet."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Go on with what is not sent yet."""
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, and answer when a request is whole."""
        self._buffer += data
        if not self._is_busy:
            self._read()

    def hang_up(self) -> None:
        """End the connection, whatever is under way."""
        if self._task is not None:
            self._task.cancel()
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        self._transport.close()

    def _read(self) -> None:
        end = self._buffer.find(END_OF_HEAD)
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD:
                self._refuse(431)
            return
        request, status = _head(bytes(self._buffer[:end]))
        if status:
            self._refuse(status)
            return
        start = end + len(END_OF_HEAD)
        length = int(request.headers["content-length"])
        if len(self._buffer) >= start + length:
            body = bytes(self._buffer[start : start + length])
            del self._buffer[: start + length]
            self._answer(Request(request.method, request.path, request.headers, body))

    def _answer(self, request: Request) -> None:
        self._is_busy = True
        response = self._service.sandbox.answer(request)
        delivery = response.delivery
        if delivery.hangs:
            return
        wait = self._service.latency_seconds + delivery.delay_seconds
        stays = request.headers.get("connection", "").lower() != "close"
        loop = asyncio.get_running_loop()
        if wait:
            self._timer = loop.call_later(wait, self._send, response, stays)
        else:
            self._send(response, stays)

    def _send(self, response: Response, stays: bool) -> None:  # noqa: FBT001 - call_later passes by position
        delivery = response.delivery
        head = self._head_of(response)
        if delivery.is_slow:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._send_slowly(head, response, stays=stays))
            return
        self._transport.write(head + response.body[: delivery.cut_at])
        if delivery.is_reset:
            self._reset()
        else:
            self._end(stays=stays and delivery.cut_at is None)

    async def _send_slowly(self, head: bytes, response: Response, *, stays: bool) -> None:
        delivery = response.delivery
        self._transport.write(head)
        rate = delivery.bytes_per_second
        size = max(1, rate // DRIPS_PER_SECOND) if rate else CHUNK_BYTES
        end = len(response.body) + delivery.padding_bytes
        end = end if delivery.cut_at is None else min(end, delivery.cut_at)
        for start in range(0, end, size):
            piece = response.body[start : min(start + size, end)]
            self._transport.write(piece.ljust(min(size, end - start)))
            await self._may_write.wait()
            if rate:
                await asyncio.sleep(size / rate)
        self._task = None
        if delivery.is_reset:
            self._reset()
        else:
            self._end(stays=stays and delivery.cut_at is None)

    def _end(self, *, stays: bool) -> None:
        if not stays:
            self._transport.close()
            return
        self._is_busy = False
        if self._buffer:
            self._read()

    def _reset(self) -> None:
        # Closing a socket that does not linger sends RST:
        # https://man7.org/linux/man-pages/man7/socket.7.html
        connected = self._transport.get_extra_info("socket")
        with suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _refuse(self, status: int) -> None:
        self._is_busy = True
        page = f"<html><body><h1>{status} {HTTPStatus(status).phrase}</h1></body></html>"
        self._send(Response(status, {"Content-Type": "text/html"}, page.encode()), stays=False)

    def _head_of(self, response: Response) -> bytes:
        delivery = response.delivery
        moment = self._service.clock() + delivery.clock_offset
        length = len(response.body) + delivery.padding_bytes
        lines = [
            f"HTTP/1.1 {response.status} {_phrase(response.status)}",
            "Server: ri-report-sandbox",
            f"Date: {format_datetime(moment, usegmt=True)}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
            f"Content-Length: {length}\r\n\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _head(head: bytes) -> tuple[Request, int]:
    """The request without its body, and the status that refuses it, 0 where none does."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    method, _, rest = first.partition(" ")
    path, _, version = rest.partition(" ")
    request = Request(method, path, headers, b"")
    length = headers.get("content-length", "")
    if not version.startswith("HTTP/1."):
        return request, 400
    if method != "POST":
        return request, 501
    if not length.isdigit():
        return request, 411
    return request, 413 if int(length) > LARGEST_BODY else 0
