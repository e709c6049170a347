"""Page links of searches: where to go on, sealed for one caller and one search."""

from __future__ import annotations

import binascii
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from profiles.issue import NotConformant

_NONCE = 12
_WIDTH = 8


def seal(after: int, key: bytes, scope: bytes) -> str:
    """Make the token of a page that starts after store number `after`."""
    return seal_bytes(after.to_bytes(_WIDTH, "big"), key, scope)


def open_(token: str, key: bytes, scope: bytes) -> int:
    """Read a token. Raises NotConformant for one we did not make for this caller and search."""
    return int.from_bytes(open_bytes(token, key, scope), "big")


def seal_bytes(place: bytes, key: bytes, scope: bytes) -> str:
    """Make the token of a page that starts after a place."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, place, scope)
    return urlsafe_b64encode(nonce + sealed).decode("ascii").rstrip("=")


def open_bytes(token: str, key: bytes, scope: bytes) -> bytes:
    """Read a token. Raises NotConformant for one we did not make for this caller and search."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], scope)
    except (InvalidTag, ValueError, UnicodeEncodeError, binascii.Error):
        raise NotConformant("The page link is not one of this search.") from None
