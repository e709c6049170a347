"""Logical ids: the same key always gives the same UUID, and nobody without the key can compute it.

RFC 9562 section 5.8 (UUID version 8) over HMAC-SHA-256 (RFC 2104). An unkeyed hash of a KVNR could
be reversed by trying all of them.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

from mappers.base import Key

#: Separates the parts of a key; no identifier system or value contains it.
_SEPARATOR = "\x1f"
_VARIANTS = "89ab"


def logical_id(region_key: bytes, key: Key) -> str:
    """Mint the logical id of the resource a business identifier names."""
    return mint(region_key, key.type, key.system, key.value)


def mint(region_key: bytes, *parts: str) -> str:
    """Mint a UUID from any parts that name one thing."""
    keyed = _keyed(region_key).copy()
    keyed.update(_SEPARATOR.join(parts).encode())
    digest = keyed.hexdigest()
    variant = _VARIANTS[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


@lru_cache(maxsize=8)
def _keyed(region_key: bytes) -> hmac.HMAC:
    """An HMAC that has taken in the key, to be copied: half of its work is the key."""
    return hmac.new(region_key, digestmod="sha256")
