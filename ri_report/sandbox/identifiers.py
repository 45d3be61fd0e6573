"""Ids, keys and other values that look drawn but follow from what they belong to."""

from __future__ import annotations

import hashlib
import uuid


def digest(*parts: object) -> bytes:
    """32 bytes that are the same for the same parts, in every run."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).digest()


def identifier(prefix: str, *parts: object) -> str:
    """An id as EC2 writes it: the prefix and 16 hexadecimal digits."""
    return prefix + digest(prefix, *parts).hex()[:16]


def uuid_of(*parts: object) -> str:
    """An id as DescribeReservedInstances writes it."""
    return str(uuid.UUID(bytes=digest(*parts)[:16], version=4))


def letters(*parts: object) -> str:
    """64 digits and capital letters, for keys and tokens."""
    return digest(*parts).hex().upper()
