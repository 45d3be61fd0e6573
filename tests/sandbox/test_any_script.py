"""Whatever a script does to the calls, the sandbox itself stays well."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ri_report.sandbox.faults import Script
from ri_report.sandbox.mishaps import FORMS, KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = "management 999988887777 org-management\nrun 12 m5.large us-east-1a"
CALLS = {
    "ec2": (
        b"Action=DescribeInstances&Version=2016-11-15&MaxResults=5",
        b"Action=DescribeReservedInstances&Version=2016-11-15",
        b"Action=NoSuchThing&Version=2016-11-15",
    ),
    "sts": (b"Action=GetCallerIdentity&Version=2011-06-15",),
}
# Those that take their time would make the search slow, as would bombs.
SLOW = {"hang", "delay", "drip", "inflate", "gzip bomb"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn")), max_size=6)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _argument(slot: str) -> st.SearchStrategy[str]:
    name = slot.strip("[]")
    texts = TEXT if name in {"VALUE", "MESSAGE"} else st.from_regex(KINDS[name], fullmatch=True)
    given_text = texts.map(_quoted)
    return st.one_of(st.just(""), given_text) if slot.startswith("[") else given_text


def _mishap(name: str) -> st.SearchStrategy[str]:
    return st.tuples(st.just(name), *map(_argument, FORMS[name])).map(" ".join)


MISHAPS = st.sampled_from(sorted(FORMS.keys() - SLOW)).flatmap(_mishap)
WHEN = st.sampled_from(("always", "call 1", "call 2-3", "call 2-", "for 1 s"))
ACTION = st.sampled_from(("*", "ec2:*", "sts:GetCallerIdentity", "ec2:DescribeInstances"))
LINES = st.builds("{} * * {}: {}".format, ACTION, WHEN, MISHAPS)


def _request(endpoint: Any, service: str, body: bytes) -> bytes:  # noqa: ANN401 - an Endpoint
    environment = endpoint.environment
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("POST", endpoint.url + "/", {}, body)
    SigV4Auth(keys, service, "us-east-1").add_auth(request)
    headers = {
        **request.headers,
        "Host": urlsplit(endpoint.url).netloc,
        "Content-Length": len(body),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return b"POST / HTTP/1.1\r\n" + lines.encode() + b"\r\n" + body


def _answer(endpoint: Any, request: bytes) -> bytes:  # noqa: ANN401 - an Endpoint
    """All that arrives until the sandbox closes the connection."""
    place = urlsplit(endpoint.url)
    received = b""
    with socket.create_connection((place.hostname, place.port), timeout=5) as client:
        client.sendall(request)
        try:
            while piece := client.recv(1 << 16):
                received += piece
        except ConnectionResetError:
            pass
    return received


@pytest.fixture
def endpoint(world: Callable[..., Any]) -> Any:  # noqa: ANN401 - see conftest
    return world(WORLD).endpoint


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(LINES, max_size=4))
def test_after_any_script_a_clean_call_is_answered(endpoint: Any, lines: list[str]) -> None:  # noqa: ANN401 - see conftest
    script = Script("\n".join(lines))
    assert [fault.line for fault in script.faults] == [line.strip() for line in lines]
    requests = [_request(endpoint, service, body) for service in CALLS for body in CALLS[service]]
    endpoint.faults = None
    clean = [_answer(endpoint, request) for request in requests]
    endpoint.faults = script
    for _ in range(3):
        for request in requests:
            answer = _answer(endpoint, request)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    endpoint.faults = None
    again = [_answer(endpoint, request) for request in requests]
    assert [len(answer) for answer in again] == [len(answer) for answer in clean]
