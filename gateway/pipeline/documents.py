"""Our own stored JSON: fast to read and write, decimals exactly as they were written."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

from profiles.reading import read_json, write_json

#: Resources kept as read; a few kilobytes each.
LOOKED_AT = 4_096

# Numbers with a fraction or an exponent, as a member's value and in arrays. In a text they may hit
# by chance, which only costs time. Two patterns, because each begins with a literal to search for.
_MEMBER = re.compile(rb'":-?\d+[.eE]')
_ITEM = re.compile(rb"\[-?\d[\d.,eE+-]*[.eE]")


def load(body: bytes) -> dict[str, Any]:
    """Read a resource we wrote; numbers with a fraction keep their literal."""
    decimals = _MEMBER.search(body) or _ITEM.search(body)
    loaded: dict[str, Any] = read_json(body) if decimals else orjson.loads(body)
    return loaded


# What a message made is looked at when it is decided about and again when it is sent.
@lru_cache(maxsize=LOOKED_AT)
def look(body: bytes) -> dict[str, Any]:
    """Read a resource only to look at it, never to change it: 1.00 becomes 1.0."""
    seen: dict[str, Any] = orjson.loads(body)
    return seen


def dump(resource: Any) -> bytes:
    """Write a resource as compact JSON."""
    return write_json(resource)
