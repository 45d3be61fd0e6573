"""Every error of the AWS SDK and every code of AWS has a meaning."""

from __future__ import annotations

import inspect
from getpass import GetPassWarning
from typing import Any

import boto3.exceptions
import botocore.exceptions
import pytest
from botocore.parsers import ResponseParserError
from botocore.retries.standard import ThrottledRetryableChecker

from ri_report.aws.codes import CODES, FAMILIES
from ri_report.aws.faults import Asked, base_error, fault_of, one_line
from ri_report.errors import ConfigError, NoReportError
from ri_report.inventory.outcomes import Status

ROLE = "arn:aws:iam::222222222222:role/R"
JOB = "arn:aws:iam::111111111111:role/Job"
READ = Asked("ec2:DescribeInstances", ROLE)
ASSUME = Asked("sts:AssumeRole", JOB, ROLE)
SDK_ERRORS = [
    kind
    for module in (botocore.exceptions, boto3.exceptions)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Exception) and not issubclass(kind, Warning)
]
# Answered by code, or the roots of the two trees.
BY_CODE = {botocore.exceptions.ClientError, botocore.exceptions.EventStreamError}
ROOTS = {botocore.exceptions.BotoCoreError}


def refused(code: str, message: str = "No.", status: int = 400) -> botocore.exceptions.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return botocore.exceptions.ClientError(response, "DescribeInstances")


def raised(kind: type[Exception]) -> Exception:
    error: Exception = kind.__new__(kind)
    error.args = ("cause",)
    return error


@pytest.mark.parametrize("kind", SDK_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_sdk_has_a_family_of_its_own_tree(kind: type[Exception]) -> None:
    if kind in BY_CODE | ROOTS:
        return
    tree = [ancestor for ancestor in kind.__mro__ if ancestor in FAMILIES]
    named_by_the_sdk = [a for a in tree if a.__module__.startswith(("boto3", "botocore"))]
    assert named_by_the_sdk, f"{kind.__name__} is not in codes.FAMILIES"
    assert tree[0] is named_by_the_sdk[0]


def family(kind: type[Exception]) -> str:
    return next((FAMILIES[a] for a in kind.__mro__ if a in FAMILIES), "malformed")


def of_family(*families: str) -> list[type[Exception]]:
    return [kind for kind in SDK_ERRORS if kind not in BY_CODE and family(kind) in families]


@pytest.mark.parametrize("kind", of_family("configuration"), ids=lambda kind: kind.__name__)
def test_a_wrong_aws_configuration_is_a_configuration_error(kind: type[Exception]) -> None:
    with pytest.raises(ConfigError, match=r"AWS configuration: cause\. Check --profile"):
        fault_of(raised(kind), READ)


@pytest.mark.parametrize("kind", of_family("program"), ids=lambda kind: kind.__name__)
def test_a_mistake_of_the_program_is_not_hidden(kind: type[Exception]) -> None:
    with pytest.raises(kind):
        fault_of(raised(kind), READ)


@pytest.mark.parametrize(
    "kind",
    of_family("credentials", "timeout", "network", "throttled", "malformed"),
    ids=lambda kind: kind.__name__,
)
def test_every_other_error_of_the_sdk_is_an_outcome_with_a_fix(kind: type[Exception]) -> None:
    fault = fault_of(raised(kind), READ)
    assert fault.status not in {Status.OK, Status.EMPTY, Status.SKIPPED}
    assert fault.reason == kind.__name__
    assert fault.fix
    assert fault.detail.startswith("ec2:DescribeInstances: ")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="https://x"), Status.TIMEOUT),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="https://x"), Status.TIMEOUT),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="https://x", error="dns"),
            Status.NETWORK,
        ),
        (
            botocore.exceptions.SSLError(endpoint_url="https://x", error=OSError("unknown CA")),
            Status.NETWORK,
        ),
        (
            botocore.exceptions.ProxyConnectionError(proxy_url="http://p", error="refused"),
            Status.NETWORK,
        ),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="https://x"), Status.NETWORK),
        (
            botocore.exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
            Status.MALFORMED,
        ),
        (ResponseParserError("<Secret>canary</Secret>"), Status.MALFORMED),
        (ValueError("canary"), Status.MALFORMED),
        (botocore.exceptions.UnauthorizedSSOTokenError(), Status.EXPIRED),
        (botocore.exceptions.CapacityNotAvailableError(), Status.THROTTLED),
        (EOFError(), Status.EXPIRED),
        (GetPassWarning(), Status.EXPIRED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_on_the_way_has_its_status_and_quotes_no_answer(
    error: Exception, status: Status
) -> None:
    fault = fault_of(error, READ)
    assert fault.status is status
    assert fault.reason == type(error).__name__
    assert "canary" not in repr(fault)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_its_status(code: str) -> None:
    fault = fault_of(refused(code), READ)
    assert fault.status is CODES[code]
    assert code in fault.detail
    assert fault.fix


def test_every_code_that_the_sdk_takes_for_throttling_is_throttled() -> None:
    known = set(getattr(ThrottledRetryableChecker, "_THROTTLED_ERROR_CODES"))  # noqa: B009 - private to botocore
    services_of_this_job = {
        code for code in known if not code.startswith(("Provisioned", "Transaction", "LimitExc"))
    }
    assert {
        code for code in services_of_this_job if CODES.get(code) is not Status.THROTTLED
    } == set()


@pytest.mark.parametrize(("status", "meant"), [(500, Status.NETWORK), (400, Status.MALFORMED)])
def test_a_code_nobody_knows_is_judged_by_its_http_status(status: int, meant: Status) -> None:
    fault = fault_of(refused("BrandNewCode", status=status), READ)
    assert (fault.status, fault.reason) == (meant, "BrandNewCode")


def test_a_denied_role_names_the_role_the_principal_and_the_statement() -> None:
    fault = fault_of(refused("AccessDenied", "not authorized to perform: sts:AssumeRole"), ASSUME)
    assert (fault.status, fault.reason) == (Status.DENIED, "role")
    statement = (
        '{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:role/Job"}, '
        '"Action": "sts:AssumeRole"}'
    )
    assert statement in fault.fix
    assert ROLE in fault.fix


def test_a_denied_action_names_the_action_and_the_role() -> None:
    fault = fault_of(refused("UnauthorizedOperation"), READ)
    assert (fault.status, fault.reason) == (Status.DENIED, "iam")
    assert "ec2:DescribeInstances" in fault.fix
    assert ROLE in fault.fix


@pytest.mark.parametrize("asked", [READ, ASSUME])
def test_a_service_control_policy_is_told_from_a_missing_permission(asked: Asked) -> None:
    message = "You are not authorized: with an explicit deny in a service control policy"
    fault = fault_of(refused("UnauthorizedOperation", message), asked)
    assert (fault.status, fault.reason) == (Status.DENIED, "scp")
    assert "service control policy" in fault.fix


def test_a_refused_signature_does_not_repeat_the_canonical_request() -> None:
    message = "The Canonical String should have been 'POST x-amz-security-token:canary'"
    fault = fault_of(refused("SignatureDoesNotMatch", message), READ)
    assert fault.status is Status.EXPIRED
    assert "canary" not in repr(fault)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\r\n\tthree", "one two three"),
        ("tail\x1b[31m\x00\u202e", "tail [31m"),
        ("key ASIAIOSFODNN7EXAMPLE is bad", "key (key) is bad"),
        ("token " + "Ab1/" * 30, "token (...)"),
        ("at http://me:secret@proxy:3128/", "at http://proxy:3128/"),
        ("No. Encoded authorization failure message: abc", "No"),
    ],
)
def test_a_detail_is_one_line_without_secrets(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_detail_has_a_bounded_length() -> None:
    assert len(one_line("word " * 1000)) == 400


def test_a_run_without_credentials_ends_with_a_fix_and_not_with_an_outcome() -> None:
    error = base_error(botocore.exceptions.NoCredentialsError())
    assert isinstance(error, NoReportError)
    assert "AWS_PROFILE" in str(error)
