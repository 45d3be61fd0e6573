"""Who signed a request; every doubt is answered with the code that the service uses for it.

EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
STS and Organizations: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import functools
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.signature import Claim, is_genuine

if TYPE_CHECKING:
    from ri_report.sandbox.identity import Identity, Keyring
    from ri_report.sandbox.wire import Request

# A request must arrive within five minutes of its time stamp:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
CLOCK_TOLERANCE = timedelta(minutes=5)
TIME_STAMP = "%Y%m%dT%H%M%SZ"
STAMPS_KEPT = 64

NOT_VALIDATED = "AWS was not able to validate the provided access credentials"
TOKEN_INVALID = "The security token included in the request is invalid."  # noqa: S105 - a message
TOKEN_EXPIRED = "The security token included in the request is expired"  # noqa: S105 - a message
NO_TOKEN = "Request is missing Authentication Token"  # noqa: S105 - a message
OTHER_SERVICE = "Credential should be scoped to correct service: 'sts'."
NO_MATCH = (
    "The request signature we calculated does not match the signature you provided. Check your"
    " AWS Secret Access Key and signing method. Consult the service documentation for details."
)

REFUSALS = {
    "ec2": {
        "unsigned": ("AuthFailure", NOT_VALIDATED, 401),
        "unknown key": ("AuthFailure", NOT_VALIDATED, 401),
        "bad signature": ("AuthFailure", NOT_VALIDATED, 401),
        "expired token": ("RequestExpired", "Request has expired.", 400),
        "expired request": ("RequestExpired", "Request has expired.", 400),
    },
    "sts": {
        "unsigned": ("MissingAuthenticationToken", NO_TOKEN, 403),
        "other service": ("SignatureDoesNotMatch", OTHER_SERVICE, 403),
        "unknown key": ("InvalidClientTokenId", TOKEN_INVALID, 403),
        "bad signature": ("SignatureDoesNotMatch", NO_MATCH, 403),
        "expired token": ("ExpiredToken", TOKEN_EXPIRED, 403),
        "expired request": ("SignatureDoesNotMatch", "Signature {said}", 403),
    },
    "organizations": {
        "unsigned": ("MissingAuthenticationTokenException", NO_TOKEN, 400),
        "unknown key": ("UnrecognizedClientException", TOKEN_INVALID, 400),
        "bad signature": ("InvalidSignatureException", NO_MATCH, 400),
        "expired token": ("ExpiredTokenException", TOKEN_EXPIRED, 400),
        "expired request": ("InvalidSignatureException", "Signature {said}", 400),
    },
}


def refused(service: str, cause: str) -> ApiError:
    """The error with which a service answers one of the causes of `REFUSALS`."""
    code, message, status = REFUSALS[service][cause]
    return ApiError(code, message, status)


def authenticate(request: Request, claim: Claim, keyring: Keyring, now: datetime) -> Identity:
    """The holder of the key that signed the request.

    Raises:
        ApiError: the key is unknown, its session token missing or wrong, the signature not the
            key's, or the request or the key is out of date.
    """
    identity = keyring.find(claim.access_key)
    token = request.headers.get("x-amz-security-token", "")
    if identity is None or not _same(token, identity.session_token):
        raise refused(claim.service, "unknown key")
    if not _is_timely(request, now):
        raise _late(request, claim, now)
    if not is_genuine(request, claim, identity.secret_key):
        raise refused(claim.service, "bad signature")
    if identity.expires is not None and identity.expires <= now:
        raise refused(claim.service, "expired token")
    return identity


def _is_timely(request: Request, now: datetime) -> bool:
    try:
        return abs(_moment(request.headers["x-amz-date"]) - now) <= CLOCK_TOLERANCE
    except (KeyError, ValueError):
        return False


@functools.lru_cache(maxsize=STAMPS_KEPT)
def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, TIME_STAMP).replace(tzinfo=UTC)


def _late(request: Request, claim: Claim, now: datetime) -> ApiError:
    code, message, status = REFUSALS[claim.service]["expired request"]
    stamp = request.headers.get("x-amz-date", "")
    early, late = now - CLOCK_TOLERANCE, now + CLOCK_TOLERANCE
    if stamp > f"{now:{TIME_STAMP}}":
        said = f"not yet current: {stamp} is still later than {late:{TIME_STAMP}}"
    else:
        said = f"expired: {stamp} is now earlier than {early:{TIME_STAMP}}"
    return ApiError(code, message.format(said=said), status)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
