"""Sealed bodies and the data keys they are sealed with.

A body is a pack of parts for one subject. Subject 0 is the store itself (audit events); its key is
derived from the key file. Every other subject's key lies wrapped in `data_key`, and destroying
that row erases all its bodies, in backups too once the key file there is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain.time import DAY, Instant
from gateway.store.database import Database, Insert
from gateway.store.keys import KEY_BYTES, Keys
from gateway.store.numbers import Numbers
from gateway.store.opened import Opened
from gateway.store.seal import BodyUnreadable, Envelope, Kind, pack, unpack, unwrap, wrap

#: Data keys kept unwrapped in memory.
CACHED_KEYS = 8_192
STORE_SUBJECT = 0
#: What a later message or a delivery reads again.
_READ_AGAIN = frozenset({Kind.MESSAGE, Kind.RESOURCES})
_BODY = Insert("body", ("body", "subject", "retain_until", "content"))
_DATA_KEY = Insert("data_key", ("subject", "key_id", "retain_until", "wrapped"))


def whole_days(at: Instant) -> Instant:
    """Round up to whole days (UTC): neighbours in the retention indexes stay neighbours."""
    return -(-at // DAY) * DAY


@dataclass(slots=True)
class _DataKey:
    key: AESGCM
    retain_until: Instant


class Parts(NamedTuple):
    """One body to write."""

    kind: Kind
    subject: int
    parts: Sequence[bytes]
    retain_until: Instant


class Bodies:
    """Writes and reads bodies through one connection."""

    def __init__(self, db: Database, keys: Keys, numbers: Numbers | None = None) -> None:
        """Without `numbers` it only reads."""
        self._db = db
        self._key_id = keys.key_id
        self._wrapping = AESGCM(keys.data)
        self._numbers = numbers
        self._envelope = Envelope(keys.key_id)
        own = blake2b(b"store subject", key=keys.data, digest_size=KEY_BYTES).digest()
        self._own = _DataKey(AESGCM(own), 1 << 62)
        self._known: dict[int, _DataKey] = {}
        #: Other processes of a PostgreSQL store may erase, and readers are many.
        alone = numbers is not None and db.dialect == "sqlite"
        self._opened = Opened() if alone else None

    def forget(self) -> None:
        """Drop what memory knows of keys and bodies (after an undone transaction, erasure)."""
        self._known.clear()
        if self._opened is not None:
            self._opened.clear()

    def add_subjects(self, subjects: Sequence[int], retain_until: Instant) -> None:
        """Make data keys for reserved subjects."""
        until = whole_days(retain_until)
        rows = []
        for subject in subjects:
            key = os.urandom(KEY_BYTES)
            rows.append((subject, self._key_id, until, wrap(self._wrapping, subject, key)))
            self._remember(subject, _DataKey(AESGCM(key), until))
        self._db.insert(_DATA_KEY, rows)

    def write(self, bodies: Sequence[Parts]) -> list[int]:
        """Seal and store bodies; return their numbers."""
        if not bodies or self._numbers is None:
            return []
        keys = self._keys_for_writing(bodies)
        numbers = self._numbers.take("body", len(bodies))
        seal = self._envelope.seal
        self._db.insert(
            _BODY,
            [
                (
                    number,
                    item.subject,
                    whole_days(item.retain_until),
                    seal(keys[item.subject].key, item.kind, item.subject, number, pack(item.parts)),
                )
                for number, item in zip(numbers, bodies, strict=True)
            ],
        )
        if self._opened is not None:
            for number, item in zip(numbers, bodies, strict=True):
                if item.kind in _READ_AGAIN:
                    self._opened.keep(number, item.kind, item.parts)
        return numbers

    def read(self, wanted: Iterable[tuple[int, Kind]]) -> dict[int, Sequence[bytes]]:
        """Open bodies by (number, kind); those that no longer exist are left out."""
        kinds = dict(wanted)
        kinds.pop(0, None)
        found: dict[int, Sequence[bytes]] = {}
        if self._opened is not None:
            known = {body: self._opened.get(body, kind) for body, kind in kinds.items()}
            found = {body: parts for body, parts in known.items() if parts is not None}
            kinds = {body: kind for body, kind in kinds.items() if body not in found}
        for body, parts in self._open(kinds).items():
            found[body] = parts
            if self._opened is not None and kinds[body] in _READ_AGAIN:
                self._opened.keep(body, kinds[body], parts)
        return found

    def _open(self, kinds: Mapping[int, Kind]) -> dict[int, list[bytes]]:
        """Read and open bodies."""
        if not kinds:
            return {}
        rows = self._db.query_in("SELECT body, subject, content FROM body WHERE body {ints}", kinds)
        keys = self._keys({row[1] for row in rows})
        opened = {}
        for body, subject, content in rows:
            known = keys.get(subject)
            if known is None:
                continue  # erased: the key was destroyed, the row follows
            data = self._envelope.open(known.key, kinds[body], subject, body, content)
            opened[body] = unpack(data)
        return opened

    def _keys_for_writing(self, bodies: Sequence[Parts]) -> dict[int, _DataKey]:
        keys = self._keys({item.subject for item in bodies})
        longer: dict[int, Instant] = {}
        for item in bodies:
            known = keys.get(item.subject)
            if known is None:
                raise BodyUnreadable("the data key of this subject has been destroyed")
            if item.retain_until > known.retain_until:
                known.retain_until = longer[item.subject] = whole_days(item.retain_until)
        self._db.executemany(
            "UPDATE data_key SET retain_until = ? WHERE subject = ? AND retain_until < ?",
            [(until, subject, until) for subject, until in sorted(longer.items())],
        )
        return keys

    def _keys(self, subjects: set[int]) -> dict[int, _DataKey]:
        found: dict[int, _DataKey] = {}
        missing = []
        for subject in subjects:
            known = self._own if subject == STORE_SUBJECT else self._known.get(subject)
            if known is None:
                missing.append(subject)
            else:
                found[subject] = known
        for subject, key_id, until, wrapped in self._db.query_in(
            "SELECT subject, key_id, retain_until, wrapped FROM data_key WHERE subject {ints}",
            missing,
        ):
            if key_id != self._key_id:
                raise BodyUnreadable("the data key was wrapped with another key file")
            key = _DataKey(AESGCM(unwrap(self._wrapping, subject, wrapped)), until)
            self._remember(subject, key)
            found[subject] = key
        return found

    def _remember(self, subject: int, key: _DataKey) -> None:
        if len(self._known) >= CACHED_KEYS:
            # Dicts keep the order of insertion: the oldest eighth goes.
            for old in list(self._known)[: CACHED_KEYS // 8]:
                del self._known[old]
        self._known[subject] = key
