"""How an answer travels: at once and whole, unless a fault says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Delivery:
    """The way of one answer to the client.

    Attributes:
        delay_seconds: How long the answer waits before its first byte.
        hangs: Whether it never comes, while the connection stays open.
        cut_at: After how many bytes of the body the connection ends; None sends all of them.
        is_reset: Whether the cut is a reset (RST) and not an ordinary end (FIN).
        bytes_per_second: How fast the body drips; 0 is at once.
        padding_bytes: How much white space follows the body, counted in Content-Length.
        clock_offset: What the Date header is off by.
    """

    delay_seconds: float = 0.0
    hangs: bool = False
    cut_at: int | None = None
    is_reset: bool = False
    bytes_per_second: int = 0
    padding_bytes: int = 0
    clock_offset: timedelta = timedelta(0)

    @property
    def is_slow(self) -> bool:
        """Whether the body needs more than one write."""
        return bool(self.bytes_per_second or self.padding_bytes)


AT_ONCE = Delivery()
