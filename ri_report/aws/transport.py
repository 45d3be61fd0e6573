"""The way to AWS and back: botocore's, with a bound on how much an answer may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import HTTPClientError, ReadTimeoutError
from urllib3.exceptions import ReadTimeoutError as NothingMoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest
    from botocore.client import BaseClient

LARGEST_BODY = 64 << 20
"""Bytes; several times the largest page that EC2 sends, a thousand instances."""
CHUNK = 1 << 16


class BodyTooLargeError(HTTPClientError):
    """Raised when an answer is larger than any of AWS's."""

    fmt = "the answer holds more than {largest} bytes"


def bound(client: BaseClient) -> None:
    """Let a client read no more than `LARGEST_BODY` of any answer."""
    # botocore hands the sender of a client out nowhere else.
    endpoint = getattr(client, "_endpoint")  # noqa: B009 - the type stubs leave it out
    endpoint.http_session = BoundedSession(endpoint.http_session)


@dataclass(frozen=True)
class BoundedSession:
    """Sends as botocore's HTTP session does, but reads the body in pieces and counts."""

    session: Any

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request and read its whole answer.

        Raises:
            BodyTooLargeError: the answer holds more than `LARGEST_BODY`.
            HTTPClientError: as of botocore's session.
        """
        request.stream_output = True
        response = self.session.send(request)
        body = _Body(_read(response))
        return AWSResponse(response.url, response.status_code, response.headers, body)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


@dataclass(frozen=True)
class _Body:
    """A body that is read already, in the form in which botocore asks for it."""

    content: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.content


def _read(response: AWSResponse) -> bytes:
    try:
        return b"".join(_pieces(response.raw))
    except BodyTooLargeError:
        response.raw.close()
        raise
    except NothingMoreError as error:
        raise ReadTimeoutError(endpoint_url=response.url, error=error) from error
    except Exception as error:
        raise HTTPClientError(error=error) from error


def _pieces(raw: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's response
    size = 0
    for piece in raw.stream(CHUNK):
        size += len(piece)
        if size > LARGEST_BODY:
            raise BodyTooLargeError(largest=LARGEST_BODY)
        yield piece
