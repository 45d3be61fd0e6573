"""A question to AWS, and what makes its answer whole."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore import xform_name

from ri_report.aws.clients import using
from ri_report.aws.faults import FIXES, FOREIGN, Asked, Fault, FaultError, fault_of
from ri_report.inventory.outcomes import Status

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from ri_report.aws.clients import Clients

T = TypeVar("T")
Answer = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One question to AWS.

    Attributes:
        asked: What is asked, by whom.
        region: Where.
        holds: The part that an answer must have; the page of a proxy parses to one without parts.
        parameters: With what.
    """

    asked: Asked
    region: str
    holds: str
    parameters: Mapping[str, object] = field(default_factory=dict)


Reading = Generator[Call, Answer, T]
"""A reading yields the calls that it needs, is sent the answer to each, and returns what it read.
It knows nothing of credentials, rates and repetition: whoever makes the calls does."""


def ask(clients: Clients, call: Call) -> Answer:
    """Make a call once, signed with the credentials at hand.

    Raises:
        FaultError: AWS refused, could not be reached, or answered something else than asked.
        ConfigError: the AWS configuration of this machine is wrong.
    """
    service, operation = call.asked.action.split(":")
    try:
        method = getattr(clients.client(service, call.region), xform_name(operation))
        reply = cast("Answer", method(**call.parameters))
    except FOREIGN as error:
        fault = fault_of(error, call.asked)
    else:
        part(_with_request_id(reply, call.asked), call.holds, call.asked)
        return reply
    # Outside the handler, so that no traceback leads to the foreign error: it may quote keys.
    raise FaultError(fault)


def ask_as(credentials: Credentials, clients: Clients, call: Call) -> Answer:
    """Make a call once, signed with these credentials.

    Raises:
        FaultError: as `ask`.
    """
    with using(credentials):
        return ask(clients, call)


def pages(call: Call, keep: Callable[[Answer], None]) -> Reading[None]:
    """Ask until no token comes back; an empty page with a token is a page like any other.

    Args:
        call: The question for the first page.
        keep: Is given each page.

    Raises:
        FaultError: a token came back a second time.
    """
    seen: set[str] = set()
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        page = yield Call(call.asked, call.region, call.holds, {**call.parameters, **more})
        keep(page)
        token = str(page.get("NextToken") or "")
        if not token:
            return
        if token in seen:
            detail = "a paging token came back a second time"
            raise malformed(call.asked, "token_cycle", detail)
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
