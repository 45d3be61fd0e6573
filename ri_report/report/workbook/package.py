"""The finished file: computed values beside the formulas, and the same bytes for the same input.

openpyxl writes formulas without the values they compute to, so that totals look empty in
Protected View and in previews; and it writes the time of saving into the file.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import IO

Computed = dict[str, dict[str, float | str]]
"""What each formula computes to: by name of the sheet's part, then by coordinate."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""
CHUNK_BYTES = 1 << 20
PROPERTIES = "docProps/core.xml"

_FORMULA = re.compile(rb'<c r="([A-Z]+[0-9]+)"([^>]*)><f>([^<]*)</f><v\s*/?>(?:</v>)?</c>')
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def finish(saved: bytes, computed: Computed, as_of: datetime) -> bytes:
    """Return the workbook as it is delivered; equal input gives equal bytes.

    Args:
        saved: What openpyxl saved.
        computed: The value of every formula.
        as_of: Aware UTC moment that the file says it was made at.
    """
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist()):
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with source.open(name) as old, target.open(entry, "w", force_zip64=True) as new:
                new.writelines(_part(old, name, computed, as_of))
    return out.getvalue()


def _part(old: IO[bytes], name: str, computed: Computed, as_of: datetime) -> Iterable[bytes]:
    if name == PROPERTIES:
        stamp = f"{as_of:%Y-%m-%dT%H:%M:%SZ}".encode()
        return [_STAMP.sub(rb"\g<1>" + stamp, old.read())]
    return _with_values(old, computed[name]) if name in computed else _chunks(old)


def _chunks(old: IO[bytes]) -> Iterator[bytes]:
    while chunk := old.read(CHUNK_BYTES):
        yield chunk


def _with_values(old: IO[bytes], values: Mapping[str, float | str]) -> Iterator[bytes]:
    """Yield the sheet with its values; only whole rows are searched, so that no cell is cut."""
    rest = b""
    for chunk in _chunks(old):
        rows, end, rest = (rest + chunk).rpartition(b"</row>")
        yield _filled(rows + end, values)
    yield _filled(rest, values)


def _filled(xml: bytes, values: Mapping[str, float | str]) -> bytes:
    def filled(cell: re.Match[bytes]) -> bytes:
        coordinate, attributes, formula = cell.groups()
        value = values[coordinate.decode()]
        kind = b' t="str"' if isinstance(value, str) else b""
        content = str(value).encode()
        return b'<c r="%b"%b%b><f>%b</f><v>%b</v></c>' % (
            coordinate,
            attributes,
            kind,
            formula,
            content,
        )

    return _FORMULA.sub(filled, xml)
