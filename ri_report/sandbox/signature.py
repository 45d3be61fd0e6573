"""Signature Version 4: what a request claims, and whether the claim is true.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ri_report.sandbox.wire import Request

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<access_key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)"
    r"/(?P<service>[^/]+)/aws4_request, *SignedHeaders=(?P<headers>[^,]+),"
    r" *Signature=(?P<signature>[0-9a-f]{64})"
)
KEYS_KEPT = 8192


@dataclass(frozen=True)
class Claim:
    """What an Authorization header says; service and Region come from its credential scope."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: frozenset[str]
    signature: str


def claim_of(request: Request) -> Claim | None:
    """The claim of a signed request, or None where there is no such header or it is incomplete."""
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        return None
    part = found.groupdict()
    return Claim(
        access_key=part["access_key"],
        date=part["date"],
        region=part["region"],
        service=part["service"],
        signed_headers=frozenset(part["headers"].split(";")),
        signature=part["signature"],
    )


def is_genuine(request: Request, claim: Claim, secret_key: str) -> bool:
    """Whether the signature is the one that the secret key gives for exactly this request.

    The host, the date and, where there is one, the session token must be among what is signed,
    and a declared hash of the body must be the body's.
    """
    headers = request.headers
    needed = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    body_hash = hashlib.sha256(request.body).hexdigest()
    declared = headers.get("x-amz-content-sha256", body_hash)
    dated = headers.get("x-amz-date", "").startswith(claim.date)
    complete = needed <= claim.signed_headers <= headers.keys()
    if not (complete and declared == body_hash and dated):
        return False
    key = _signing_key(secret_key, claim.date, claim.region, claim.service)
    text = _string_to_sign(headers["x-amz-date"], claim, _canonical(request, claim, body_hash))
    return hmac.compare_digest(hmac.digest(key, text, "sha256").hex(), claim.signature)


def _canonical(request: Request, claim: Claim, body_hash: str) -> str:
    """The canonical request; a sandbox has only the path `/`, whose query is empty."""
    names = sorted(claim.signed_headers)
    signed = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
    return f"{request.method}\n{request.path}\n\n{signed}\n{';'.join(names)}\n{body_hash}"


def _string_to_sign(stamp: str, claim: Claim, canonical: str) -> bytes:
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode()


@functools.lru_cache(maxsize=KEYS_KEPT)
def _signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
