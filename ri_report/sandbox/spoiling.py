"""True answers, spoiled: other bodies, other texts, bombs."""

from __future__ import annotations

import functools
import json
import re
import zlib
from dataclasses import replace
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable

    from ri_report.sandbox.wire import Response

HTML = {"Content-Type": "text/html"}
PAGES: dict[str, tuple[str, bytes]] = {
    "html": ("text/html", b"<html><body><h1>Sign in to the network</h1></body></html>"),
    "empty": ("text/xml;charset=UTF-8", b""),
    "json": ("application/json", b'{"message": "all is well"}'),
    "other-xml": (
        "text/xml;charset=UTF-8",
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Notice><Text>All is well.</Text></Notice>',
    ),
}
"""Bodies that no service sends: the content type and the bytes."""

ROLE_OF_ARN = re.compile(rb"(<Arn>arn:[\w-]+:sts::)\d{12}(:assumed-role/)")
LAUGHS = 10
BOMB_PART_BYTES = 1 << 24
BOMB_PARTS = 64


def bare(response: Response, status: str) -> Response:
    """An HTTP status with an HTML page that says no more, as a proxy answers."""
    page = f"<html><body><h1>{status} {_phrase(int(status))}</h1></body></html>"
    return replace(response, status=int(status), headers=HTML, body=page.encode())


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


def other_body(response: Response, page: str) -> Response:
    """Success with one of `PAGES`."""
    kind, body = PAGES[page]
    return replace(response, status=200, headers={"Content-Type": kind}, body=body)


def entities(response: Response) -> Response:
    """Success with XML of a few hundred bytes that expands to gigabytes (billion laughs)."""
    names = [f"e{number}" for number in range(LAUGHS)]
    nested = "".join(f'<!ENTITY {name} "{f"&{one};" * 10}">' for one, name in pairwise(names))
    text = f'<!DOCTYPE a [<!ENTITY e0 "ha">{nested}]><a>&{names[-1]};</a>'
    return replace(response, status=200, body=f'<?xml version="1.0"?>\n{text}'.encode())


def gzip_bomb(response: Response) -> Response:
    """The answer compressed, followed by 1 MiB that expands to 1 GiB of white space."""
    body = _gzipped(response.body) + _gzipped(b" " * BOMB_PART_BYTES) * BOMB_PARTS
    return replace(response, headers={**response.headers, "Content-Encoding": "gzip"}, body=body)


@functools.lru_cache(maxsize=4)
def _gzipped(body: bytes) -> bytes:
    compressor = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def foreign_role(response: Response, account_id: str) -> Response:
    """Another account in the ARN of the assumed role."""
    text = rb"\g<1>" + account_id.encode() + rb"\g<2>"
    return replace(response, body=ROLE_OF_ARN.sub(text, response.body))


def with_text(response: Response, name: str, text: str) -> Response:
    """Another text in every element, or JSON key, of a name."""

    def change(element: etree._Element) -> None:
        del element[:]
        element.text = text

    return _changed(response, name, change, lambda found: {**found, name: text})


def without(response: Response, name: str) -> Response:
    """The answer without the elements, or JSON keys, of a name."""

    def remove(element: etree._Element) -> None:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)

    return _changed(
        response, name, remove, lambda found: {key: found[key] for key in found if key != name}
    )


Object = dict[str, object]


def _changed(
    response: Response,
    name: str,
    in_xml: Callable[[etree._Element], None],
    in_json: Callable[[Object], Object],
) -> Response:
    """The answer with each element, or object that has the key, changed; other bodies stay."""
    if response.body.startswith(b"{"):
        changed = _json(json.loads(response.body), name, in_json)
        return replace(response, body=json.dumps(changed).encode())
    try:
        root = etree.fromstring(response.body)
    except etree.XMLSyntaxError:
        return response
    for element in [*root.iter(f"{{*}}{name}")]:
        in_xml(element)
    return replace(response, body=etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _json(value: object, name: str, change: Callable[[Object], Object]) -> object:
    if isinstance(value, list):
        return [_json(one, name, change) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _json(one, name, change) for key, one in value.items()}
    return change(found) if name in found else found
