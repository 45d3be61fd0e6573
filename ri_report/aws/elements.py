"""Readers of XML elements, made from botocore's shapes and from what is kept of them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.model import ListShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape
    from lxml import etree

    from ri_report.aws.kept import Fields

    Element = etree._Element  # noqa: SLF001 - lxml has no other name for it
    Read = Callable[[Element], Any]
    Table = Mapping[str, tuple[str, Read]]

# EC2's form of a moment. In any other, botocore's dateutil and the standard library may differ.
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d{3})?Z", re.ASCII)


class UnusualError(Exception):
    """Raised when a shape or an element has a form that is left to botocore's parser."""


def table(shape: Shape, fields: Fields, namespace: str) -> Table:
    """Return the name and the reader of each kept member of a structure, by the tag of its element.

    Args:
        shape: A structure of botocore's service model, which tells names and types.
        fields: What is kept of it; what an older model does not know is left out.
        namespace: In braces, as tags begin with it.

    Raises:
        UnusualError: the model has something for which there is no reader here.
    """
    if not isinstance(shape, StructureShape):
        raise UnusualError
    return {
        namespace + member.serialization.get("name", name): (
            name,
            _reader(member, fields[name], namespace),
        )
        for name, member in shape.members.items()
        if name in fields
    }


def _reader(shape: Shape, fields: Fields, namespace: str) -> Read:
    # Flattened lists, attributes, other moments: EC2 has none.
    if shape.serialization.keys() - {"name"}:
        raise UnusualError
    if isinstance(shape, ListShape):
        read_member = _reader(shape.member, fields, namespace)
        return lambda element: [read_member(child) for child in element]
    if fields or isinstance(shape, StructureShape):
        return structure(table(shape, fields, namespace), namespace)
    if shape.type_name == "string":
        return text
    if shape.type_name not in CONVERSIONS:
        raise UnusualError
    return _converted(CONVERSIONS[shape.type_name])


def structure(members: Table, namespace: str) -> Read:
    """Return a reader of elements whose children are these members or not kept.

    It raises `UnusualError` where one comes twice or a child has another namespace.
    """
    find = members.get

    def read(element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in element:
            member = find(child.tag)
            if member is not None:
                name, read_value = member
                if name in found:
                    raise UnusualError
                found[name] = read_value(child)
            elif not child.tag.startswith(namespace):
                raise UnusualError
        return found

    return read


def text(element: Element) -> str:
    """Return the text of an element, "" where there is none.

    Raises:
        UnusualError: it has parts instead; blank text before the first may have been left out.
    """
    said = element.text
    if said is not None:
        return said
    if len(element):
        raise UnusualError
    return ""


def _converted(convert: Callable[[str], Any]) -> Read:
    def read(element: Element) -> Any:  # noqa: ANN401 - what the shape says
        try:
            return convert(text(element))
        except ValueError:
            raise UnusualError from None

    return read


def _moment(said: str) -> datetime:
    if not MOMENT.fullmatch(said):
        raise UnusualError
    return datetime.fromisoformat(said)


CONVERSIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "boolean": "true".__eq__,
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "timestamp": _moment,
}
"""By a shape's type, what makes the value of its text, as botocore's XML parsers do."""
