"""Each mishap does to an answer what its name says, seen from the client."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import socket
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from lxml import etree

from ri_report.sandbox.faults import Script

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
run 12 m5.large us-east-1a
account 111122223333 web
account 222233334444 data
"""
DESCRIBE = b"Action=DescribeInstances&Version=2016-11-15&MaxResults=5"


class Raw:
    """A signed call, without any library's mending of what comes back."""

    def __init__(self, world: Any, mishap: str) -> None:  # noqa: ANN401 - see conftest
        self.running = world(WORLD, faults=Script(f"* * * always: {mishap}"))
        place = urllib.parse.urlsplit(self.running.endpoint.url).netloc
        self.connection = http.client.HTTPConnection(place, timeout=10)
        self.running.stack.callback(self.connection.close)

    def post(self, body: bytes = DESCRIBE) -> http.client.HTTPResponse:
        environment = self.running.endpoint.environment
        keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        request = AWSRequest("POST", self.running.endpoint.url + "/", {}, body)
        SigV4Auth(keys, "ec2", "us-east-1").add_auth(request)
        self.connection.request("POST", "/", body, dict(request.headers.items()))
        return self.connection.getresponse()


@pytest.fixture
def raw(world: Callable[..., Any]) -> Callable[[str], Raw]:
    return lambda mishap: Raw(world, mishap)


def _whole(raw: Callable[[str], Raw]) -> bytes:
    return raw("delay 0").post().read()


def _pages(client: Any) -> list[list[str]]:  # noqa: ANN401 - AWS clients
    """The ids of the pages that follow each other, at most ten."""
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while len(pages) < 10:
        answer = client.describe_instances(MaxResults=5, **token)
        pages.append([i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    return pages


def _tokens(client: Any) -> list[str]:  # noqa: ANN401 - AWS clients
    """The tokens of the first six answers."""
    tokens: list[str] = []
    for _ in range(6):
        following = {"NextToken": tokens[-1]} if tokens else {}
        tokens.append(client.describe_instances(MaxResults=5, **following)["NextToken"])
    return tokens


@pytest.mark.parametrize("status", [500, 502, 503, 504, 407])
def test_status_is_bare(raw: Callable[[str], Raw], status: int) -> None:
    answer = raw(f"status {status}").post()
    assert answer.status == status
    assert answer.getheader("Content-Type") == "text/html"
    assert answer.read().startswith(b"<html>")


@pytest.mark.parametrize(
    ("page", "start"),
    [("html", b"<html>"), ("empty", b""), ("json", b"{"), ("other-xml", b"<?xml")],
)
def test_another_body_comes_with_success(
    raw: Callable[[str], Raw], page: str, start: bytes
) -> None:
    answer = raw(f"body {page}").post()
    body = answer.read()
    assert answer.status == 200
    assert body[: len(start)] == start
    assert bool(body) == bool(start)
    assert b"reservationSet" not in body


def test_truncated_answer_claims_its_whole_length_and_ends(raw: Callable[[str], Raw]) -> None:
    whole = _whole(raw)
    answer = raw("truncate 100").post()
    assert answer.getheader("Content-Length") == str(len(whole))
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    assert caught.value.partial == whole[:100]


def test_cleanly_truncated_answer_is_short_and_keeps_the_connection(
    raw: Callable[[str], Raw],
) -> None:
    caller = raw("truncate 100 clean")
    for _ in range(2):
        answer = caller.post()
        assert answer.getheader("Content-Length") == "100"
        assert len(answer.read()) == 100
        assert caller.connection.sock is not None


def test_reset_comes_in_the_middle_of_the_body(raw: Callable[[str], Raw]) -> None:
    caller = raw("reset 50")
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)) as caught:
        caller.post().read()
    assert caught.type is ConnectionResetError


def test_delay_comes_before_the_first_byte(raw: Callable[[str], Raw]) -> None:
    caller = raw("delay 0.2")
    start = time.monotonic()
    assert caller.post().read()
    assert 0.2 <= time.monotonic() - start < 2


def test_nothing_ever_comes_from_what_hangs(raw: Callable[[str], Raw]) -> None:
    caller = raw("hang")
    caller.connection.timeout = 0.2
    with pytest.raises(TimeoutError):
        caller.post()


def test_body_drips(raw: Callable[[str], Raw]) -> None:
    length = len(_whole(raw))
    start = time.monotonic()
    answer = raw(f"drip {length * 5}").post()
    assert len(answer.read()) == length
    assert 0.15 < time.monotonic() - start < 2


def test_truncation_and_drip_go_together(world: Callable[..., Any]) -> None:
    script = Script("* * * always: drip 1000\n* * * always: truncate 100")
    caller = Raw(world, "delay 0")
    caller.running.endpoint.faults = script
    with pytest.raises(http.client.IncompleteRead) as caught:
        caller.post().read()
    assert len(caught.value.partial) == 100


@pytest.mark.parametrize(
    ("shift", "offset"),
    [("+20m", timedelta(minutes=20)), ("-1h", -timedelta(hours=1)), ("+1d", timedelta(days=1))],
)
def test_date_is_off(raw: Callable[[str], Raw], shift: str, offset: timedelta) -> None:
    answer = raw(f"date {shift}").post()
    answer.read()
    said = parsedate_to_datetime(answer.getheader("Date") or "")
    assert abs(said - datetime.now(UTC) - offset) < timedelta(seconds=30)


def test_inflated_body_is_white_space_behind_the_truth(raw: Callable[[str], Raw]) -> None:
    whole = _whole(raw)
    answer = raw("inflate 3").post()
    assert answer.getheader("Content-Length") == str(3 << 20)
    body = answer.read()
    assert len(body) == 3 << 20
    assert body[: len(whole) - 200] == whole[: len(whole) - 200]
    assert body.strip().endswith(b"</DescribeInstancesResponse>")


def test_inflated_body_waits_for_a_client_that_does_not_read(raw: Callable[[str], Raw]) -> None:
    answer = raw("inflate 500").post()
    assert len(answer.read(1000)) == 1000


def test_gzip_bomb_is_small_and_expands_to_a_gigabyte(raw: Callable[[str], Raw]) -> None:
    answer = raw("gzip bomb").post()
    assert answer.getheader("Content-Encoding") == "gzip"
    body = answer.read()
    assert len(body) < 2 << 20
    with gzip.open(io.BytesIO(body)) as expanded:
        assert expanded.read(5) == b"<?xml"


def test_entities_expand_without_end(raw: Callable[[str], Raw]) -> None:
    body = raw("entities").post().read()
    assert len(body) < 2000
    with pytest.raises(etree.XMLSyntaxError, match=r"(?i)entity|amplification"):
        etree.fromstring(body)


def test_text_of_a_field_is_replaced_everywhere(raw: Callable[[str], Raw]) -> None:
    body = raw("field instanceType 'a & <b>'").post().read()
    assert body.count(b"<instanceType>a &amp; &lt;b&gt;</instanceType>") == 5


def test_dropped_element_is_gone_with_what_it_held(raw: Callable[[str], Raw]) -> None:
    body = raw("drop reservationSet").post().read()
    assert b"reservationSet" not in body
    assert b"instanceId" not in body
    assert b"requestId" in body


def test_fields_of_json_are_dropped_and_replaced(world: Callable[..., Any]) -> None:
    script = "* * * always: drop Status\n* * * always: field State PENDING_ACTIVATION"
    accounts = world(WORLD, faults=Script(script)).client("organizations").list_accounts()
    assert {account["State"] for account in accounts["Accounts"]} == {"PENDING_ACTIVATION"}
    assert not any("Status" in account for account in accounts["Accounts"])
    assert json.dumps(accounts["Accounts"][0]["Id"]) == '"999988887777"'


def test_foreign_owner_stands_in_every_launch(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("ec2:* * * always: foreign owner 012345678901"))
    answer = running.client("ec2").describe_instances()
    assert {launch["OwnerId"] for launch in answer["Reservations"]} == {"012345678901"}


def test_foreign_role_is_of_another_account(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("sts:AssumeRole * * always: foreign role 222233334444"))
    arn = "arn:aws:iam::111122223333:role/CrossAccountInstanceCounter"
    answer = running.client("sts").assume_role(RoleArn=arn, RoleSessionName="ri-report")
    name = "assumed-role/CrossAccountInstanceCounter/ri-report"
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::222233334444:{name}"


def test_duplicate_page_is_sent_again_and_everything_still_comes(
    world: Callable[..., Any],
) -> None:
    truth = _pages(world(WORLD).client("ec2"))
    assert [len(page) for page in truth] == [5, 5, 2]
    running = world(WORLD, faults=Script("ec2:* * * call 3: duplicate page"))
    assert _pages(running.client("ec2")) == [truth[0], truth[1], truth[1], truth[2]]
    running.endpoint.faults = Script("ec2:* * * call 1: duplicate page")
    assert _pages(running.client("ec2")) == [truth[0], *truth]


def test_empty_page_carries_a_token_that_continues(world: Callable[..., Any]) -> None:
    truth = _pages(world(WORLD).client("ec2"))
    running = world(WORLD, faults=Script("ec2:* * * call 2-4: empty page"))
    assert _pages(running.client("ec2")) == [truth[0], [], [], [], truth[1], truth[2]]


def test_empty_pages_of_accounts_carry_tokens_too(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("organizations:ListAccounts * * call 1-2: empty page"))
    pages = running.client("organizations").get_paginator("list_accounts").paginate()
    assert [len(page["Accounts"]) for page in pages] == [0, 0, 3]


def test_empty_pages_never_repeat_a_token(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("ec2:* * * always: empty page"))
    tokens = _tokens(running.client("ec2"))
    assert len(set(tokens)) == len(tokens)


def test_same_token_comes_back_for_ever(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("ec2:* * * call 3-: same token"))
    tokens = _tokens(running.client("ec2"))
    assert len(set(tokens)) == 2
    assert tokens[1:] == [tokens[1]] * 5


def test_tokens_run_in_a_circle(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("ec2:* * * always: token cycle"))
    one, other, *rest = _tokens(running.client("ec2"))
    assert one != other
    assert rest == [one, other, one, other]


def test_invalid_token_is_refused_in_the_middle(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("ec2:* * * call 2: invalid token"))
    client = running.client("ec2")
    with pytest.raises(ClientError, match="InvalidNextToken"):
        _pages(client)
    assert [len(page) for page in _pages(client)] == [5, 5, 2]


def test_max_results_is_ignored(world: Callable[..., Any]) -> None:
    running = world(WORLD, faults=Script("ec2:* * * always: ignore MaxResults"))
    assert [len(page) for page in _pages(running.client("ec2"))] == [12]


def test_what_is_under_way_does_not_hold_up_the_end(world: Callable[..., Any]) -> None:
    """The sandbox ends at once, though one answer hangs, one drips and one is late."""
    running = world(WORLD)
    place = urllib.parse.urlsplit(running.endpoint.url)
    for mishap in ("hang", "drip 1", "delay 60", "inflate 500"):
        running.endpoint.faults = Script(f"* * * always: {mishap}")
        waiting = socket.create_connection((place.hostname, place.port), timeout=10)
        running.stack.callback(waiting.close)
        environment = running.endpoint.environment
        keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        request = AWSRequest("POST", running.endpoint.url + "/", {}, DESCRIBE)
        SigV4Auth(keys, "ec2", "us-east-1").add_auth(request)
        headers = {**request.headers, "Host": place.netloc, "Content-Length": str(len(DESCRIBE))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        waiting.sendall(b"POST / HTTP/1.1\r\n" + head.encode() + b"\r\n" + DESCRIBE)
        while len(running.endpoint.calls) == 0:
            time.sleep(0.001)
        running.endpoint.calls.clear()
    start = time.monotonic()
    running.stack.close()
    assert time.monotonic() - start < 2
