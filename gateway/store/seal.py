"""Envelopes for everything readable about a person, and packs of parts inside one envelope.

AES-256-GCM (NIST SP 800-38D), Zstandard (RFC 8878). An envelope is

    version (1) | codec (1) | key id (4) | nonce (12) | ciphertext and tag

and its associated data names the header, what it holds, whose it is and which row it is, so that
a ciphertext moved to another row does not open.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from profiles.issue import Unavailable

VERSION = 1
RAW = 0
ZSTD = 1
#: Below this nothing is gained by compressing.
COMPRESS_FROM = 128
#: Largest body opened; frames are limited to 50 MB long before.
MAX_BODY = 1 << 30
NONCE_BYTES = 12
_HEADER = struct.Struct(">BB4s")
_PREFIX = _HEADER.size + NONCE_BYTES
_CONTEXT = struct.Struct(">BQQ")


class Kind(IntEnum):
    """What an envelope holds; part of the associated data, so numbers are never reused."""

    MESSAGE = 1
    RESOURCES = 2
    DECISIONS = 3
    OUTGOING = 4
    ANSWER = 5
    AUDIT = 6
    REPORT = 7


class BodyUnreadable(Unavailable):
    """A stored body does not open: wrong key, destroyed key, or altered bytes."""


class Envelope:
    """Seals and opens bodies; not thread-safe, one per thread (compressors are reused)."""

    def __init__(self, key_id: str, *, level: int = 1) -> None:
        """Name the wrapping key in every envelope."""
        self._key_id = bytes.fromhex(key_id)
        self._zstd = _HEADER.pack(VERSION, ZSTD, self._key_id)
        self._raw = _HEADER.pack(VERSION, RAW, self._key_id)
        self._compress = ZstdCompressor(level=level, write_checksum=False).compress
        self._decompress = ZstdDecompressor().decompress

    def seal(self, key: AESGCM, kind: Kind, subject: int, body: int, data: bytes) -> bytes:
        """Return the envelope of `data`."""
        header = self._raw
        if len(data) >= COMPRESS_FROM:
            packed = self._compress(data)
            if len(packed) < len(data):
                header, data = self._zstd, packed
        nonce = os.urandom(NONCE_BYTES)
        context = header + _CONTEXT.pack(kind, subject, body)
        return header + nonce + key.encrypt(nonce, data, context)

    def open(self, key: AESGCM, kind: Kind, subject: int, body: int, content: bytes) -> bytes:
        """Return the sealed data; BodyUnreadable when it does not open."""
        header, nonce = content[: _HEADER.size], content[_HEADER.size : _PREFIX]
        try:
            version, codec, _ = _HEADER.unpack(header)
            data = key.decrypt(
                nonce, content[_PREFIX:], header + _CONTEXT.pack(kind, subject, body)
            )
            if version != VERSION or codec not in (RAW, ZSTD):
                raise BodyUnreadable
            return self._decompress(data, max_output_size=MAX_BODY) if codec == ZSTD else data
        except (InvalidTag, ZstdError, struct.error, ValueError) as error:
            raise BodyUnreadable from error


def wrap(wrapping: AESGCM, subject: int, key: bytes) -> bytes:
    """Wrap a data key so that only this subject's row opens it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + wrapping.encrypt(nonce, key, b"data key %d" % subject)


def unwrap(wrapping: AESGCM, subject: int, wrapped: bytes) -> bytes:
    """Open a wrapped data key; BodyUnreadable when the wrapping key is another one."""
    try:
        return wrapping.decrypt(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], b"data key %d" % subject
        )
    except (InvalidTag, ValueError) as error:
        raise BodyUnreadable("the data key was wrapped with another key file") from error


def pack(parts: Sequence[bytes]) -> bytes:
    """Join parts behind a table of their lengths."""
    lengths = [len(part) for part in parts]
    return struct.pack(f">I{len(lengths)}I", len(lengths), *lengths) + b"".join(parts)


def unpack(data: bytes) -> list[bytes]:
    """Split a pack into its parts."""
    (count,) = struct.unpack_from(">I", data)
    lengths = struct.unpack_from(f">{count}I", data, 4)
    parts, start = [], 4 + 4 * count
    for length in lengths:
        parts.append(data[start : start + length])
        start += length
    return parts
