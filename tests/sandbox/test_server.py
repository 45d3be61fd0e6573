"""The server listens on loopback, keeps connections, remembers calls, and stops whole."""

from __future__ import annotations

import gc
import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest

from ri_report.sandbox.declaration import organization_from
from ri_report.sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
account 111122223333 web
run 30 m5.large us-east-1a
"""
AS_OF = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)


def test_environment_alone_is_enough_for_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(organization_from(WORLD, AS_OF)) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        client = boto3.session.Session().client("sts")
        assert client.get_caller_identity()["Account"] == "999988887777"
        client.close()


def test_answer_carries_its_date_and_request_number(world: Callable[..., Any]) -> None:
    answer = world(WORLD).client("sts").get_caller_identity()
    metadata = answer["ResponseMetadata"]
    age = datetime.now(UTC) - parsedate_to_datetime(metadata["HTTPHeaders"]["date"])
    assert abs(age.total_seconds()) < 60
    assert metadata["RequestId"] == "00000000-0000-0000-0000-000000000001"


def test_calls_are_remembered_with_account_and_region(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    keys = running.assume("111122223333")
    running.client("ec2", "eu-west-1", **keys).describe_instances()
    assert running.endpoint.calls == [
        ("sts", "AssumeRole", "999988887777", "us-east-1"),
        ("ec2", "DescribeInstances", "111122223333", "eu-west-1"),
    ]


def test_many_threads_are_answered_at_once(world: Callable[..., Any]) -> None:
    running = world(WORLD)
    client = running.client("ec2", **running.assume("111122223333"))

    def count(_: int) -> int:
        answer = client.describe_instances()
        return sum(len(launch["Instances"]) for launch in answer["Reservations"])

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(count, range(64))) == [30] * 64
    assert len(running.endpoint.calls) == 65


def test_one_connection_carries_many_requests() -> None:
    with serve(organization_from(WORLD, AS_OF)) as endpoint:
        connection = _connection(endpoint.url)
        for _ in range(3):
            connection.request("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15")
            answer = connection.getresponse()
            assert answer.status == 403
            assert b"MissingAuthenticationToken" in answer.read()
            assert connection.sock is not None
        connection.close()


@pytest.mark.parametrize(("length", "status"), [(None, 411), (str(2 << 20), 413)])
def test_body_without_or_with_too_great_a_length_is_refused(
    length: str | None, status: int
) -> None:
    with serve(organization_from(WORLD, AS_OF)) as endpoint:
        connection = _connection(endpoint.url)
        connection.putrequest("POST", "/")
        if length:
            connection.putheader("Content-Length", length)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == status


def test_end_of_the_block_closes_the_port_and_open_connections() -> None:
    before = threading.active_count()
    with serve(organization_from(WORLD, AS_OF)) as endpoint:
        place = urlsplit(endpoint.url)
        idle = socket.create_connection((place.hostname, place.port or 0), timeout=10)
        connection = _connection(endpoint.url)
        connection.request("POST", "/", b"")
        connection.getresponse().read()
    assert idle.recv(1) == b""
    idle.close()
    connection.close()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname, place.port or 0), timeout=10)


def test_end_of_the_block_closes_what_is_just_being_accepted() -> None:
    """A connection that is left open would be a warning, and so an error, when it is collected."""
    with serve(organization_from(WORLD, AS_OF)) as endpoint:
        place = urlsplit(endpoint.url)
        clients = [
            socket.create_connection((place.hostname, place.port or 0), timeout=10)
            for _ in range(300)
        ]
    for client in clients:
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        client.close()
    gc.collect()


def test_port_can_be_chosen() -> None:
    with serve(organization_from(WORLD, AS_OF)) as endpoint:
        port = urlsplit(endpoint.url).port or 0
    with serve(organization_from(WORLD, AS_OF), port=port) as endpoint:
        assert endpoint.url == f"http://127.0.0.1:{port}"
