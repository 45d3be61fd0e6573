"""Outside text made safe to read: names, tags and answers that strangers wrote."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"

_UNSEEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, line breaks and tabs included
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # format
    "\ud800-\udfff"  # lone surrogates, which no encoding can write
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters
    "\U000e0000-\U000e0fff"  # tags and variation selectors
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)
    )
    + "]"
)
"""What a reader cannot see or what changes the order in which the rest is read. The joiners
U+200C and U+200D are not in it: several scripts cannot be written without them."""


def visible(text: str, limit: int) -> str:
    """Return the text with nothing hidden in it, cut to a length that fits.

    Control and format characters (NUL, ESC, line breaks, U+202E, ...), noncharacters and lone
    surrogates become U+FFFD each. A text longer than `limit` is cut and says how long it was.
    The result still needs the escaping of whatever it is written into.

    Args:
        text: Any text.
        limit: Most characters of the result [characters]; at least 40.
    """
    shown = _UNSEEN.sub(REPLACEMENT, text[:limit])
    if len(text) <= limit:
        return shown
    mark = f" … ({len(text):,} characters)"
    return shown[: limit - len(mark)] + mark
