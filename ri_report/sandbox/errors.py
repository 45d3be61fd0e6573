"""What the sandbox refuses, in the terms in which AWS refuses it."""

from __future__ import annotations


class ApiError(Exception):
    """Raised when AWS would answer a request with an error.

    Attributes:
        code: AWS's error code, for example `UnauthorizedOperation`.
        message: AWS's words.
        status: The HTTP status of the answer.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Take AWS's code, words and HTTP status."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
