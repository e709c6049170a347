"""The region's secret keys and the files they come from.

BLAKE2 (RFC 7693) in keyed mode for terms, HMAC-SHA-256 (RFC 2104) for digests. Terms are keyed
because an unkeyed hash of a KVNR is reversed by trying all of them.
"""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from gateway.store.index_key import IndexKey
from profiles.issue import Unavailable

KEY_BYTES = 32
#: Files of a key folder, by field of `Keys`.
FILES = {"data": "data.key", "region": "region.key", "index": "index.key"}
_GROUP_OR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFileUnusable(Unavailable):
    """A key file is missing, too short, or readable by others."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The three keys of a region."""

    #: Wraps the data keys of patients and messages.
    data: bytes
    #: Mints logical ids.
    region: bytes
    #: Keys identifier and search terms and digests.
    index: bytes
    #: Names `data` in envelopes and wrapped keys; derived from it one way.
    key_id: str

    @property
    def coder(self) -> IndexKey:
        """What worker processes get: the index key only."""
        return IndexKey(self.index)

    def digest(self, data: bytes) -> bytes:
        """Return the keyed digest (32 bytes) that tells inputs apart."""
        return hmac.digest(self.index, data, "sha256")


def make(data: bytes, region: bytes, index: bytes) -> Keys:
    """Make keys from their bytes; KeyFileUnusable unless each has 32."""
    if any(len(key) != KEY_BYTES for key in (data, region, index)):
        raise KeyFileUnusable("every key has 32 bytes")
    key_id = blake2b(b"key id", key=data, digest_size=4).hexdigest()
    return Keys(data=data, region=region, index=index, key_id=key_id)


def load(folder: Path) -> Keys:
    """Read the key files of a folder (hexadecimal, mode 0400 or 0600)."""
    data, region, index = (_read(folder / FILES[name]) for name in ("data", "region", "index"))
    return make(data, region, index)


def create(folder: Path, *, random: Callable[[int], bytes] = os.urandom) -> Keys:
    """Write new key files (mode 0400) and return the keys; never overwrites a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES.values():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(random(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    return load(folder)


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
        key = bytes.fromhex(text.strip())
    except (OSError, ValueError) as error:
        raise KeyFileUnusable(f"the key file {path.name} cannot be read") from error
    if mode & _GROUP_OR_OTHERS:
        raise KeyFileUnusable(f"the key file {path.name} is readable by others: chmod 0400")
    return key
