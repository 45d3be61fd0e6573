"""Signature Version 4: what a request claims, and whether the claim is true.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from ri_report.sandbox.wire import Request

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<access_key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)"
    r"/(?P<service>[^/]+)/aws4_request, *SignedHeaders=(?P<headers>[^,]+),"
    r" *Signature=(?P<signature>[0-9a-f]{64})"
)


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
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    body_hash = hashlib.sha256(request.body).hexdigest()
    declared = request.headers.get("x-amz-content-sha256", body_hash)
    dated = request.headers.get("x-amz-date", "").startswith(claim.date)
    complete = needed <= claim.signed_headers <= request.headers.keys()
    if not (complete and declared == body_hash and dated):
        return False
    return hmac.compare_digest(_signature(request, claim, secret_key), claim.signature)


def _signature(request: Request, claim: Claim, secret_key: str) -> str:
    signed = {name: request.headers.get(name, "") for name in claim.signed_headers}
    again = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.path}",
        headers=signed,
        data=request.body,
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(claim.access_key, secret_key), claim.service, claim.region)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return signer.signature(text, again)
