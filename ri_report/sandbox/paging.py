"""Pages and the opaque tokens that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")

TWISTS = ("duplicate page", "same token", "token cycle", "empty page", "ignore MaxResults")
"""What can be wrong with a page that is well-formed."""


def page(
    items: Sequence[Item], size: int, token: str, question: object, *, twist: str = ""
) -> tuple[list[Item], dict[str, str]]:
    """One page of the items, and `{"NextToken": ...}` where there are more, else `{}`.

    Args:
        items: All of them, in the same order at every call.
        size: How many a page holds.
        token: The token of the page, "" for the first.
        question: What was asked; a token is valid for the question that it was given for.
        twist: What is wrong with the page, one of `TWISTS`; "" is nothing.

    Raises:
        ValueError: the token was never given for this question.
    """
    start, turn = read_token(token, question) if token else (0, 0)
    again = {"NextToken": write_token(start, question, turn + 1)}
    here = list(items[start : start + size])
    if twist == "empty page":
        return [], again
    if twist == "duplicate page":
        before = max(start - size, 0)
        return list(items[before : before + size]), again
    if twist == "same token":
        return here, {"NextToken": token} if token else again
    if twist == "token cycle":
        return here, {"NextToken": write_token(start, question, 2 if turn == 1 else 1)}
    if twist == "ignore MaxResults":
        return list(items[start:]), {}
    return here, following(start + size, len(items), question)


def following(end: int, total: int, question: object) -> dict[str, str]:
    """`{"NextToken": ...}` of the page that starts at `end`, or `{}` where all were sent."""
    return {"NextToken": write_token(end, question)} if end < total else {}


def write_token(offset: int, question: object, turn: int = 0) -> str:
    """The token of the page that starts at an offset.

    Args:
        offset: How many items stand before the page.
        question: What was asked.
        turn: Tells apart tokens of the same page.
    """
    seal = hashlib.sha256(f"{offset}.{turn}|{question!r}".encode()).hexdigest()
    return base64.urlsafe_b64encode(f"{offset}.{turn}.{seal}".encode()).decode()


def read_token(token: str, question: object) -> tuple[int, int]:
    """The offset and the turn that a token was written with.

    Raises:
        ValueError: the token was never given for this question.
    """
    try:
        offset, turn, _ = base64.urlsafe_b64decode(token).split(b".")
        place = int(offset), int(turn)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a token") from error
    if token != write_token(place[0], question, place[1]):
        raise ValueError("not a token of this question")
    return place
