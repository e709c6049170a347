"""Our own stored JSON: fast to read and write, decimals exactly as they were written."""

from __future__ import annotations

import re
from typing import Any

import orjson

from profiles.reading import read_json, write_json

# A number with a fraction or an exponent, as a member's value or in an array. In a text it may hit
# by chance; that only costs time.
_DECIMAL = re.compile(rb'":-?\d+[.eE]|[\[\d],?-?\d+\.\d')


def load(body: bytes) -> dict[str, Any]:
    """Read a resource we wrote; numbers with a fraction keep their literal."""
    loaded: dict[str, Any] = read_json(body) if _DECIMAL.search(body) else orjson.loads(body)
    return loaded


def dump(resource: Any) -> bytes:
    """Write a resource as compact JSON."""
    return write_json(resource)
