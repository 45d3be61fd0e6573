"""What can happen to a call: refusals, wrong pages, spoiled answers, and ways that lose them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ri_report.sandbox import spoiling
from ri_report.sandbox.authentication import refused
from ri_report.sandbox.errors import ApiError
from ri_report.sandbox.paging import TWISTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.sandbox.call import Call
    from ri_report.sandbox.wire import Response

FORMS: dict[str, tuple[str, ...]] = {
    # refused, and not done
    "error": ("CODE", "STATUS", "[MESSAGE]"),  # in the form of the service's protocol
    "invalid token": (),  # the service's word for a NextToken that it does not know
    "expire": (),  # all temporary keys of the account are worthless from this call on
    # a page that is well-formed and wrong, of the operations that page
    **dict.fromkeys(TWISTS, ()),
    # the true answer, spoiled
    "status": ("STATUS",),  # a bare HTTP status with an HTML page, as a proxy sends it
    "body": ("PAGE",),  # status 200 with another body: html, empty, json or other-xml
    "entities": (),  # status 200 with XML whose entities expand to gigabytes
    "field": ("NAME", "VALUE"),  # another text in every element or JSON key of this name
    "drop": ("NAME",),  # without the elements or JSON keys of this name
    "foreign owner": ("ID",),  # another account in every ownerId
    "foreign role": ("ID",),  # another account in the assumed role's ARN
    "gzip bomb": (),  # Content-Encoding gzip, 1 MiB that expands to 1 GiB
    "inflate": ("COUNT",),  # followed by white space up to this many MiB
    # the true answer, lost or slow on its way
    "hang": (),  # nothing ever comes; the connection stays open
    "truncate": ("COUNT", "[clean]"),  # cut at a byte; clean: Content-Length is the cut one's
    "reset": ("COUNT",),  # RST after so many bytes of the body
    "delay": ("SECONDS",),
    "drip": ("RATE",),  # bytes a second
    "date": ("SHIFT",),  # +20m, -1h, +90s, +1d: the Date header is off
}
"""Every mishap, and what follows its name; what stands in brackets may be left out."""

KINDS: dict[str, str] = {
    "CODE": "[A-Za-z0-9_.]+",
    "STATUS": "[2-5][0-9][0-9]",
    "MESSAGE": r"(?s:.*)",
    "PAGE": "|".join(spoiling.PAGES),
    "NAME": "[A-Za-z0-9_]+",
    # What XML can hold: https://www.w3.org/TR/xml/#charsets
    "VALUE": "[\\t -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]*",
    "ID": "[0-9]{12}",
    "COUNT": "[0-9]{1,9}",
    "clean": "clean",
    "SECONDS": r"[0-9]{1,6}(\.[0-9]{1,6})?",
    "RATE": "[1-9][0-9]{0,8}",
    "SHIFT": "[+-][0-9]{1,4}[smhd]",
}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NOT_A_TOKEN = {
    "ec2": ("InvalidNextToken", "The specified NextToken is not valid"),
    "sts": ("ValidationError", "The specified NextToken is not valid"),
    "organizations": ("InvalidInputException", "You specified an invalid value: NextToken"),
}
MIB = 1 << 20


@dataclass(frozen=True)
class Mishap:
    """What happens to a call: a name of `FORMS` and what follows it."""

    name: str
    arguments: tuple[str, ...] = ()


def mishap_from(text: str) -> Mishap:
    """Read a mishap.

    Raises:
        ValueError: no mishap has such a name, or what follows it is not of its form.
    """
    words = shlex.split(text, comments=True)
    name = next((n for n in FORMS if words[: len(n.split())] == n.split()), None)
    if name is None:
        raise ValueError(f"a mishap is one of {', '.join(FORMS)}")
    arguments = tuple(words[len(name.split()) :])
    slots = FORMS[name]
    needed = sum(not slot.startswith("[") for slot in slots)
    kinds = [KINDS[slot.strip("[]")] for slot in slots]
    fits = all(map(re.fullmatch, kinds, arguments))
    if not needed <= len(arguments) <= len(slots) or not fits:
        raise ValueError(f"the form is `{' '.join((name, *slots))}`")
    return Mishap(name, arguments)


def refuse(call: Call, mishaps: list[Mishap]) -> None:
    """Let a call pass that no mishap refuses.

    Raises:
        ApiError: the first refusal among the mishaps.
    """
    for mishap in mishaps:
        if mishap.name == "error":
            code, status, *message = mishap.arguments
            raise ApiError(code, message[0] if message else "By script.", int(status))
        if mishap.name == "invalid token":
            raise ApiError(*NOT_A_TOKEN[call.service])
        if mishap.name == "expire":
            raise refused(call.service, "expired token")


def twisted(call: Call, mishaps: list[Mishap]) -> Call:
    """The call, with the first wrong page among the mishaps."""
    twist = next((mishap.name for mishap in mishaps if mishap.name in TWISTS), "")
    return replace(call, twist=twist)


def spoiled(response: Response, mishaps: list[Mishap]) -> Response:
    """The answer after what the mishaps do to it and to its way, in their order."""
    for mishap in mishaps:
        if mishap.name in SPOILERS:
            response = SPOILERS[mishap.name](response, *mishap.arguments)
    return response


def _truncated(response: Response, count: str, clean: str = "") -> Response:
    if clean:
        return replace(response, body=response.body[: int(count)])
    return _sent(response, cut_at=int(count))


def _shift(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def _sent(response: Response, **changes: Any) -> Response:  # noqa: ANN401 - fields of Delivery
    return replace(response, delivery=replace(response.delivery, **changes))


SPOILERS: dict[str, Callable[..., Response]] = {
    "status": spoiling.bare,
    "body": spoiling.other_body,
    "entities": spoiling.entities,
    "field": spoiling.with_text,
    "drop": spoiling.without,
    "foreign owner": lambda answer, account_id: spoiling.with_text(answer, "ownerId", account_id),
    "foreign role": spoiling.foreign_role,
    "gzip bomb": spoiling.gzip_bomb,
    "inflate": lambda answer, count: _sent(
        answer, padding_bytes=max(0, int(count) * MIB - len(answer.body))
    ),
    "hang": lambda answer: _sent(answer, hangs=True),
    "truncate": _truncated,
    "reset": lambda answer, count: _sent(answer, cut_at=int(count), is_reset=True),
    "delay": lambda answer, seconds: _sent(answer, delay_seconds=float(seconds)),
    "drip": lambda answer, rate: _sent(answer, bytes_per_second=int(rate)),
    "date": lambda answer, shift: _sent(answer, clock_offset=_shift(shift)),
}
