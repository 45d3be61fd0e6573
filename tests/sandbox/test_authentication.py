"""Requests count only when signed with keys that the sandbox has given out."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from ri_report.sandbox.identity import Keyring

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = """
management 999988887777 org-management
account 111122223333 web
account 012345678901 data
run 2 m5.large us-east-1a
"""
BODY = b"Action=DescribeInstances&Version=2016-11-15"
CODES = {
    "ec2": ("AuthFailure", "AuthFailure"),
    "sts": ("InvalidClientTokenId", "SignatureDoesNotMatch"),
    "organizations": ("UnrecognizedClientException", "InvalidSignatureException"),
}
FIRST_CALL = {
    "ec2": "describe_regions",
    "sts": "get_caller_identity",
    "organizations": "list_accounts",
}


def _code(client: Any, operation: str, **parameters: Any) -> str:  # noqa: ANN401 - AWS clients
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    return str(caught.value.response["Error"]["Code"])


def _post(url: str, headers: dict[str, str], body: bytes = BODY) -> tuple[int, str]:
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - the sandbox's own URL
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _signed(world: Any, monkeypatch: pytest.MonkeyPatch, moment: datetime) -> dict[str, str]:  # noqa: ANN401 - see conftest
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    environment = world.endpoint.environment
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("POST", world.endpoint.url + "/", {"X-Amz-Extra": "kept"}, BODY)
    SigV4Auth(keys, "ec2", "us-east-1").add_auth(request)
    return dict(request.headers.items())


@pytest.mark.parametrize("service", CODES)
def test_unknown_key_is_refused_in_the_words_of_the_service(
    world: Callable[..., Any], service: str
) -> None:
    client = world(WORLD).client(service, aws_access_key_id="AKIAUNKNOWNEXAMPLE")
    assert _code(client, FIRST_CALL[service]) == CODES[service][0]


@pytest.mark.parametrize("service", CODES)
def test_wrong_secret_is_refused_in_the_words_of_the_service(
    world: Callable[..., Any], service: str
) -> None:
    client = world(WORLD).client(service, aws_secret_access_key="wrong")  # noqa: S106 - wrong by intent
    assert _code(client, FIRST_CALL[service]) == CODES[service][1]


@pytest.mark.parametrize("service", CODES)
def test_temporary_keys_without_their_token_are_refused(
    world: Callable[..., Any], service: str
) -> None:
    running = world(WORLD)
    keys = running.assume("111122223333") | {"aws_session_token": ""}
    assert _code(running.client(service, **keys), FIRST_CALL[service]) == CODES[service][0]


@pytest.mark.parametrize("service", CODES)
def test_another_sessions_token_is_refused(world: Callable[..., Any], service: str) -> None:
    running = world(WORLD)
    other = running.assume("012345678901")["aws_session_token"]
    keys = running.assume("111122223333") | {"aws_session_token": other}
    assert _code(running.client(service, **keys), FIRST_CALL[service]) == CODES[service][0]


def test_unsigned_request_is_refused(world: Callable[..., Any]) -> None:
    status, text = _post(world(WORLD).endpoint.url, {})
    assert status == 401
    assert "<Response><Errors><Error><Code>AuthFailure</Code>" in text


def test_signed_request_is_answered(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = world(WORLD)
    headers = _signed(running, monkeypatch, datetime.now(UTC))
    status, text = _post(running.endpoint.url, headers)
    assert status == 200
    assert 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"' in text


def test_body_changed_after_signing_is_refused(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = world(WORLD)
    headers = _signed(running, monkeypatch, datetime.now(UTC))
    changed = BODY.replace(b"Instances", b"Regions")
    assert _post(running.endpoint.url, headers, changed)[0] == 401


def test_header_changed_after_signing_is_refused(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = world(WORLD)
    headers = _signed(running, monkeypatch, datetime.now(UTC)) | {"X-Amz-Extra": "changed"}
    assert _post(running.endpoint.url, headers)[0] == 401


def test_amazon_header_that_is_not_signed_is_refused(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = world(WORLD)
    headers = _signed(running, monkeypatch, datetime.now(UTC)) | {"X-Amz-Target": "added"}
    assert _post(running.endpoint.url, headers)[0] == 401


@pytest.mark.parametrize(("minutes", "status"), [(-6, 400), (-4, 200), (4, 200), (6, 400)])
def test_request_is_accepted_within_five_minutes_of_its_time_stamp(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, minutes: int, status: int
) -> None:
    running = world(WORLD)
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    answered, text = _post(running.endpoint.url, _signed(running, monkeypatch, moment))
    assert answered == status
    assert ("RequestExpired" in text) == (status != 200)


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("ec2", "RequestExpired"),
        ("sts", "ExpiredToken"),
        ("organizations", "ExpiredTokenException"),
    ],
)
def test_temporary_keys_end_when_the_answer_said_so(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, service: str, code: str
) -> None:
    late = timedelta(0)
    running = world(WORLD, clock=lambda: datetime.now(UTC) + late)
    keys = running.assume("111122223333", DurationSeconds=900)
    late = timedelta(seconds=901)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime.now(UTC) + late)
    assert _code(running.client(service, **keys), FIRST_CALL[service]) == code


def test_credential_scope_of_another_service_is_refused(
    world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = world(WORLD)
    headers = _signed(running, monkeypatch, datetime.now(UTC))
    headers["Authorization"] = headers["Authorization"].replace("/ec2/", "/s3/")
    status, text = _post(running.endpoint.url, headers)
    assert status == 403
    assert "SignatureDoesNotMatch" in text


def test_key_is_worth_nothing_in_a_region_that_its_account_has_not_enabled(
    world: Callable[..., Any],
) -> None:
    running = world(WORLD + "account 222233334444 mobile\nenable ap-east-1")
    data = running.assume("012345678901")
    mobile = running.assume("222233334444")
    assert _code(running.client("ec2", "ap-east-1", **data), "describe_instances") == "AuthFailure"
    code = _code(running.client("sts", "ap-east-1", **data), "get_caller_identity")
    assert code == "InvalidClientTokenId"
    answer = running.client("ec2", "ap-east-1", **mobile).describe_instances()
    assert answer["Reservations"] == []


@pytest.mark.parametrize(("minutes", "said"), [(20, "expired"), (-20, "not yet current")])
def test_clock_that_is_off_is_told_from_the_answer(
    world: Callable[..., Any], minutes: int, said: str
) -> None:
    off = timedelta(minutes=minutes)
    running = world(WORLD, clock=lambda: datetime.now(UTC) + off)
    with pytest.raises(ClientError, match=f"Signature {said}: 2") as caught:
        running.client("sts").get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert _code(running.client("ec2"), "describe_regions") == "RequestExpired"


def test_secrets_are_not_in_the_representation_of_an_identity() -> None:
    assert "wJalrXUtnFEMI" not in repr(Keyring("999988887777").find("AKIAIOSFODNN7EXAMPLE"))
