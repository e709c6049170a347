"""Logical ids: the same key always gives the same UUID, and nobody without the key can compute it.

RFC 9562 section 5.8 (UUID version 8) over HMAC-SHA-256 (RFC 2104). An unkeyed hash of a KVNR could
be reversed by trying all of them.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from mappers.base import Key

#: Separates the parts of a key; no identifier system or value contains it.
_SEPARATOR = "\x1f"
#: The digit that tells the variant, by the digit of the digest in its place.
_VARIANTS = dict(zip("0123456789abcdef", 4 * "89ab", strict=True))
#: Bytes of a block of SHA-256.
_BLOCK = 64


def logical_id(region_key: bytes, key: Key) -> str:
    """Mint the logical id of the resource a business identifier names."""
    return mint(region_key, key.type, key.system, key.value)


def mint(region_key: bytes, *parts: str) -> str:
    """Mint a UUID from any parts that name one thing."""
    begun, ending = _keyed(region_key)
    inner, outer = begun.copy(), ending.copy()
    inner.update(_SEPARATOR.join(parts).encode())
    outer.update(inner.digest())
    made = outer.hexdigest()
    variant = _VARIANTS[made[16]]
    return f"{made[:8]}-{made[8:12]}-8{made[13:16]}-{variant}{made[17:20]}-{made[20:32]}"


@lru_cache(maxsize=8)
def _keyed(region_key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Both hashes of an HMAC after the key (RFC 2104 section 2), to be copied: half of its work."""
    block = hashlib.sha256(region_key).digest() if len(region_key) > _BLOCK else region_key
    padded = block.ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)
