"""The one boundary where the errors of AWS and its SDK become outcomes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from getpass import GetPassWarning
from typing import TYPE_CHECKING, Any, Final, cast

import boto3.exceptions as boto3_errors
import botocore.exceptions as sdk
from botocore.parsers import ResponseParserError

from ri_report.aws.clock import skew
from ri_report.aws.codes import CODES, FAMILIES, Family
from ri_report.errors import ConfigError, NoReportError, RiReportError
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a call of the SDK raises: the first two of Python where it asks for a code that nobody is
# there to type, the others out of its parsers when an answer holds something of another type than
# documented.
FOREIGN: Final = (
    sdk.BotoCoreError,
    sdk.ClientError,
    boto3_errors.Boto3Error,
    ResponseParserError,
    GetPassWarning,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    OverflowError,
    RuntimeError,
)

SERVER_ERROR = 500
DETAIL_LENGTH = 400
BLOB_LENGTH = 80
FAMILY_STATUS: Final[dict[Family, Status]] = {
    "credentials": Status.EXPIRED,
    "timeout": Status.TIMEOUT,
    "network": Status.NETWORK,
    "throttled": Status.THROTTLED,
    "malformed": Status.MALFORMED,
}
FIXES: Final[dict[Status, str]] = {
    Status.THROTTLED: "Run again later; other programs share this account's request quota",
    Status.TIMEOUT: "Run again; if it stays, check the network path from this machine to AWS",
    Status.NETWORK: "Check DNS, proxy, certificates and the route to AWS, then run again",
    Status.MALFORMED: "Run again; if it stays, check what stands between this machine and AWS",
    Status.EXPIRED: "Renew the job's credentials, check this machine's clock, then run again",
}


@dataclass(frozen=True)
class Asked:
    """What was asked of AWS, by whom: what the text of a fault is made from.

    Attributes:
        action: The IAM action, such as `ec2:DescribeInstances`.
        principal: ARN of the role or user whose permission the call needs.
        role_arn: The role to be assumed, for `sts:AssumeRole` only.
        condition: What the trust policy must additionally accept, for `sts:AssumeRole` only.
    """

    action: str
    principal: str = "the job's role"
    role_arn: str = ""
    condition: str = ""


@dataclass(frozen=True)
class Fault:
    """Why a question to AWS has no answer: the parts of an outcome."""

    status: Status
    reason: str
    detail: str
    fix: str


class FaultError(Exception):
    """Raised when a question to AWS has no usable answer; carries no text of foreign errors."""

    def __init__(self, fault: Fault) -> None:
        """Keep the fault; the message is its detail."""
        super().__init__(fault.detail)
        self.fault = fault


def fault_of(error: Exception, asked: Asked) -> Fault:
    """Say what a foreign error means.

    Raises:
        ConfigError: the AWS configuration of this machine is wrong.
        Exception: the error itself, where it shows a mistake of the program.
    """
    if isinstance(error, sdk.ClientError):
        return _fault_of_code(cast("Mapping[str, Any]", error.response), asked)
    family = family_of(error)
    if family == "program":
        raise error
    if family == "configuration":
        raise base_error(error)
    status = FAMILY_STATUS[family]
    reason = type(error).__name__
    return Fault(status, reason, f"{asked.action}: {_said(error, family)}", FIXES[status])


def family_of(error: Exception) -> Family:
    """The family of the nearest ancestor that has one; an unheard-of SDK error is `malformed`."""
    known = (FAMILIES[kind] for kind in type(error).__mro__ if kind in FAMILIES)
    return next(known, "malformed")


def base_error(error: Exception) -> RiReportError:
    """The end of the run for want of a session: wrong configuration, or no credentials."""
    detail = one_line(str(error))
    match family_of(error):
        case "configuration":
            return ConfigError(
                f"AWS configuration: {detail}. Check --profile, --region, AWS_* and ~/.aws/config"
            )
        case "credentials" | "malformed":
            return no_credentials(detail)
        case _:
            raise error


def no_credentials(cause: str) -> NoReportError:
    """The end of the run when the job itself has no credentials that AWS accepts."""
    return NoReportError(
        f"no usable AWS credentials: {cause}. Give the job a role, set AWS_PROFILE or "
        "AWS_ACCESS_KEY_ID, or sign in again (aws sso login), then run again"
    )


def _fault_of_code(response: Mapping[str, Any], asked: Asked) -> Fault:
    said = response.get("Error", {})
    code, message = str(said.get("Code", "")), one_line(str(said.get("Message", "")))
    http_status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    fallback = Status.NETWORK if http_status >= SERVER_ERROR else Status.MALFORMED
    status = CODES.get(code, fallback)
    if status is Status.DENIED:
        return _denied(code, message, asked)
    if status is Status.EXPIRED:
        # AWS repeats the canonical request here, session token included.
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        message = "AWS did not accept the credentials or the time of the request"
        message += f"; {off}" if (off := skew(headers)) else ""
    return Fault(status, code, f"{asked.action}: {code}: {message}", FIXES[status])


def _denied(code: str, message: str, asked: Asked) -> Fault:
    detail = f"{asked.action}: {code}: {message}"
    if "control policy" in message:
        fix = (
            f"Have {asked.principal} excepted from the service control policy that denies "
            f"{asked.action}, or leave the account or region out of the run (AWS_REGION too)"
        )
        return Fault(Status.DENIED, "scp", detail, fix)
    if asked.role_arn:
        return Fault(Status.DENIED, "role", detail, trust_fix(asked))
    fix = f"Allow {asked.action} to {asked.principal}; `ri-report iam` prints the policy"
    return Fault(Status.DENIED, "iam", detail, fix)


def trust_fix(asked: Asked) -> str:
    """How to make a role assumable: the role, its trust statement, and the caller's permission."""
    return (
        f"Create {asked.role_arn} or add to its trust policy "
        f'{{"Effect": "Allow", "Principal": {{"AWS": "{asked.principal}"}}, '
        f'"Action": "{asked.action}"}}{asked.condition}, and allow {asked.principal} '
        f"{asked.action} on it; `ri-report iam` prints both"
    )


def _said(error: Exception, family: Family) -> str:
    if isinstance(error, GetPassWarning | EOFError):
        return (
            "the AWS profile asks for an MFA code (mfa_serial), and nobody typed it at a terminal"
        )
    if family == "malformed":
        # The parser quotes the answer, which may hold keys.
        return f"the answer could not be read ({type(error).__name__})"
    return one_line(str(error))


def one_line(text: str) -> str:
    """Text of AWS or its SDK on one line of bounded length, without keys, tokens or passwords."""
    text = text.split("Encoded authorization failure message", maxsplit=1)[0]
    text = re.sub(r"//[^/@\s]*@", "//", text)
    text = re.sub(r"\b(?:AKIA|ASIA)[A-Z0-9]{8,}", "(key)", text)
    text = re.sub(rf"[A-Za-z0-9+/=_-]{{{BLOB_LENGTH},}}", "(...)", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.rstrip(". ") if len(line) <= DETAIL_LENGTH else line[: DETAIL_LENGTH - 3] + "..."
