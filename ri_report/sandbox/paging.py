"""Pages and the opaque tokens that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


def page(
    items: Sequence[Item], size: int, token: str, question: object
) -> tuple[list[Item], dict[str, str]]:
    """One page of the items, and `{"NextToken": ...}` where there are more, else `{}`.

    Args:
        items: All of them, in the same order at every call.
        size: How many a page holds.
        token: The token of the page, "" for the first.
        question: What was asked; a token is valid for the question that it was given for.

    Raises:
        ValueError: the token was never given for this question.
    """
    start = _offset(token, question) if token else 0
    end = start + size
    following = {"NextToken": _token(end, question)} if end < len(items) else {}
    return list(items[start:end]), following


def _token(offset: int, question: object) -> str:
    seal = hashlib.sha256(f"{offset}|{question!r}".encode()).hexdigest()
    return base64.urlsafe_b64encode(f"{offset}.{seal}".encode()).decode()


def _offset(token: str, question: object) -> int:
    try:
        offset = int(base64.urlsafe_b64decode(token).split(b".")[0])
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a token") from error
    if token != _token(offset, question):
        raise ValueError("not a token of this question")
    return offset
