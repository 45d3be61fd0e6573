"""A question to AWS, and what makes its answer whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore import xform_name

from ri_report.aws.faults import FIXES, FOREIGN, Asked, Fault, FaultError, fault_of
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ri_report.aws.clients import Clients

Answer = dict[str, Any]


def answer(clients: Clients, asked: Asked, region: str, **parameters: object) -> Answer:
    """Ask once, with the SDK's retries, signed with the credentials at hand.

    Raises:
        FaultError: AWS refused, could not be reached, or answered something else than asked.
        ConfigError: the AWS configuration of this machine is wrong.
    """
    service, operation = asked.action.split(":")
    try:
        ask = getattr(clients.client(service, region), xform_name(operation))
        reply = cast("Answer", ask(**parameters))
    except FOREIGN as error:
        fault = fault_of(error, asked)
    else:
        return _with_request_id(reply, asked)
    # Outside the handler, so that no traceback leads to the foreign error: it may quote keys.
    raise FaultError(fault)


def pages(clients: Clients, asked: Asked, region: str, **parameters: object) -> Iterator[Answer]:
    """Ask until no token comes back; an empty page with a token is a page like any other.

    Raises:
        FaultError: as `answer`, or when a token comes back a second time.
    """
    seen: set[str] = set()
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        page = answer(clients, asked, region, **parameters, **more)
        yield page
        token = str(page.get("NextToken") or "")
        if not token:
            return
        if token in seen:
            raise malformed(asked, "token_cycle", "a paging token came back a second time")
        seen.add(token)


def part(page: Answer, name: str, asked: Asked) -> Any:  # noqa: ANN401 - what EC2 put there
    """The part of an answer that was asked for; its absence is never taken for "none".

    A page of a proxy parses to an answer without parts.
    """
    if page.get(name) is None:
        raise malformed(asked, f"no_{name}", f"the answer has no {name}")
    return page[name]


def malformed(asked: Asked, reason: str, detail: str) -> FaultError:
    """An answer that cannot be used."""
    fault = Fault(Status.MALFORMED, reason, f"{asked.action}: {detail}", FIXES[Status.MALFORMED])
    return FaultError(fault)


def _with_request_id(reply: Answer, asked: Asked) -> Answer:
    if not reply.get("ResponseMetadata", {}).get("RequestId"):
        raise malformed(asked, "no_RequestId", "the answer has no RequestId, so it is not AWS's")
    return reply
