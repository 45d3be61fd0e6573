"""A parser of EC2's Describe answers that keeps only what the inventory is made of.

It gives what botocore's own parser gives, less the fields that nobody reads, for a small part of
its time and memory. Names and types are those of botocore's service model. Whatever is out of the
ordinary is left to botocore's parser: errors, other operations, damaged XML, and XML in a form
that EC2 does not use.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from html import escape
from threading import local
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError, ResponseParserFactory
from lxml import etree

from ri_report.aws.elements import UnusualError, structure, table, text
from ri_report.aws.kept import KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape
    from botocore.parsers import ResponseParser
    from botocore.session import Session

    from ri_report.aws.elements import Element, Read

log = logging.getLogger(__name__)

OK: Final = 200
REQUEST_ID: Final = "requestId"


def install(session: Session) -> None:
    """Let the session's EC2 clients use `SlimParser`, if it fits the installed botocore."""
    if fits():
        session.register_component("response_parser_factory", SlimParserFactory())
    else:
        log.debug("botocore's own parser is used: the slim one does not fit this version of it")


class SlimParserFactory(ResponseParserFactory):
    """Makes botocore's parsers, and a slim one for EC2."""

    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401 - of botocore's, only `parse`
        """Return the parser of a protocol."""
        stock = super().create_parser(protocol_name)
        return SlimParser(stock) if protocol_name == "ec2" else stock


class SlimParser:
    """Parses answers of EC2, and of those in `KEPT` only what is named there."""

    def __init__(self, stock: ResponseParser) -> None:
        """Leave to `stock` what is out of the ordinary."""
        self._stock = stock

    def parse(self, response: Mapping[str, Any], shape: Shape | None) -> Any:  # noqa: ANN401 - as botocore's
        """Return the answer as botocore's parsers do, with its `ResponseMetadata`.

        Args:
            response: `body`, `headers` and `status_code` of an HTTP response.
            shape: What the operation returns.

        Raises:
            ResponseParserError: the body is no XML, or has a document type. The message does not
                quote the body.
        """
        if shape is None or shape.name not in KEPT or response["status_code"] != OK:
            return self._stock.parse(response, cast("Shape", shape))
        try:
            return self._slim(response, shape)
        except UnusualError:
            pass
        try:
            return self._unusual(response, shape)
        except ResponseParserError:
            pass
        # Outside the handler, so that no traceback leads to an error that quotes the body.
        raise ResponseParserError(f"{shape.name}: the answer is not whole XML")

    def _slim(self, response: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        root = _root(response["body"])
        parsed: dict[str, Any] = _reader(shape, _namespace(root))(root)
        about = _only_request_id(parsed.pop(REQUEST_ID, None))
        # Without a shape it parses the metadata only, which the type stubs do not know.
        parsed |= self._stock.parse({**response, "body": about}, cast("Shape", None))
        return parsed

    def _unusual(self, response: Mapping[str, Any], shape: Shape) -> Any:  # noqa: ANN401 - as botocore's
        # Entities of one's own making can grow without bound, and are in no answer of AWS. UTF-8
        # holds no NUL, so the second test leaves no encoding in which the first is blind.
        if b"<!DOCTYPE" in response["body"] or b"\0" in response["body"]:
            raise ResponseParserError
        return self._stock.parse(response, shape)


class _Parser(local):
    """One parser a thread: threads that share one wait for each other."""

    def __init__(self) -> None:
        self.xml = etree.XMLParser(
            encoding="utf-8",
            remove_blank_text=True,
            resolve_entities=False,
            no_network=True,
            huge_tree=False,
        )


_parser = _Parser()


def _root(body: bytes) -> Element:
    if not _is_plain(body):
        raise UnusualError
    try:
        return etree.fromstring(body, _parser.xml)
    except etree.XMLSyntaxError:
        raise UnusualError from None


def _is_plain(body: bytes) -> bool:
    """Whether blank text stands between elements only, so that no value changes without it.

    Inside a value it may stand next to a comment, CDATA, a carriage return, or a processing
    instruction other than the first line. Looking for one byte is many times faster than for two.
    """
    return (
        body.startswith(b"<?xml ")
        and b"\r" not in body
        and (b"!" not in body or b"<!" not in body)
        and (body.count(b"?") == len("??") or body.count(b"<?") == 1)
    )


def _namespace(root: Element) -> str:
    namespace, brace, _ = root.tag.rpartition("}")
    if not brace:
        raise UnusualError
    return namespace + brace


# One for each kind of answer of each client; a process has a client for each region.
@lru_cache(maxsize=512)
def _reader(shape: Shape, namespace: str) -> Read:
    members = table(shape, KEPT[shape.name], namespace)
    return structure({**members, namespace + REQUEST_ID: (REQUEST_ID, text)}, namespace)


def _only_request_id(request_id: str | None) -> bytes:
    """Return the least answer from which botocore's parser makes the metadata of this one."""
    if request_id is None:
        return b"<r/>"
    said = escape(request_id, quote=False).replace("\r", "&#13;")
    return f"<r><{REQUEST_ID}>{said}</{REQUEST_ID}></r>".encode()


SAMPLE_MODEL: Final = {
    "metadata": {"protocol": "ec2", "apiVersion": "2016-11-15"},
    "operations": {},
    "shapes": {
        "DescribeRegionsResult": {
            "type": "structure",
            "members": {"Regions": {"shape": "RegionList", "locationName": "regionInfo"}},
        },
        "RegionList": {"type": "list", "member": {"shape": "Region", "locationName": "item"}},
        "Region": {
            "type": "structure",
            "members": {
                "RegionName": {"shape": "String", "locationName": "regionName"},
                "Endpoint": {"shape": "String", "locationName": "regionEndpoint"},
            },
        },
        "String": {"type": "string"},
    },
}
SAMPLE_BODY: Final = b"""<?xml version="1.0"?><A xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>1</requestId><regionInfo><item><regionName>a</regionName><regionEndpoint>b</regionEndpoint>
</item></regionInfo></A>"""
SAMPLE_ANSWER: Final = {
    "Regions": [{"RegionName": "a"}],
    "ResponseMetadata": {"RequestId": "1", "HTTPStatusCode": 200, "HTTPHeaders": {"date": "now"}},
}


def fits() -> bool:
    """Whether models and parsers of the installed botocore make of a sample what they should."""
    try:
        shape = ServiceModel(SAMPLE_MODEL, "ec2").shape_for("DescribeRegionsResult")
        response = {"body": SAMPLE_BODY, "headers": {"Date": "now"}, "status_code": OK}
        answer = SlimParserFactory().create_parser("ec2").parse(response, shape)
    except Exception:  # noqa: BLE001 - whatever is new in botocore
        return False
    return bool(answer == SAMPLE_ANSWER)
