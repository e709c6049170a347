"""Leaves of the audit log: a salted commitment to an event, and the public line that carries it.

A leaf names sequence number, time of numbering, event class and commitment, and nothing else:
no patient, and no hash that could be found by trying all values. Canonical JSON is RFC 8785.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from gateway.evidence.event_class import EventClass
from profiles.issue import NotConformant

VERSION = 1
#: Bytes of randomness in front of every event; one salt is used once.
SALT_SIZE = 32
# Always microseconds: instants of one width compare as text.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(event: Mapping[str, Any]) -> bytes:
    """Canonical bytes (RFC 8785) of an event made by `audit_event` or `provenance`.

    Those hold text, booleans and whole numbers under ASCII names and never a fraction; for them
    sorted orjson output is RFC 8785 to the byte, ten times as fast as the general
    `profiles.reading.canonical_json`. Store these bytes: they need no second serialisation.
    """
    return orjson.dumps(event, option=_OPTIONS)


def commit_bytes(body: bytes, salt: bytes) -> bytes:
    """Commitment to an event's canonical bytes; ValueError unless the salt has 32 bytes."""
    if len(salt) != SALT_SIZE:
        raise ValueError("a salt has 32 bytes")
    return sha256(salt + body).digest()


def commit(event: Mapping[str, Any], salt: bytes) -> bytes:
    """Commitment to an event: SHA-256(salt || canonical event)."""
    return commit_bytes(canonical(event), salt)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one leaf says."""

    seq: int
    #: UTC instant of numbering, text-comparable.
    time: str
    event_class: EventClass
    commitment: bytes


def leaf(seq: int, time: str, event_class: EventClass, commitment: bytes) -> bytes:
    """Canonical JSON of one leaf.

    `time` is UTC with microseconds, as `domain.time.fhir_instant` writes it. ValueError for
    anything else, so that no log ever holds a leaf that `read_leaf` refuses.
    """
    if seq < 0 or len(commitment) != 32 or not _TIME.fullmatch(time):
        raise ValueError("a leaf has a number, an UTC instant and a commitment of 32 bytes")
    return (
        f'{{"class":"{event_class.value}","commitment":"{commitment.hex()}",'
        f'"seq":{seq:d},"time":"{time}","v":{VERSION}}}'
    ).encode("ascii")


def read_leaf(data: bytes) -> Leaf:
    """Read a leaf; NotConformant unless it is exactly what `leaf` writes."""
    try:
        fields = orjson.loads(data)
        found = Leaf(
            seq=fields["seq"],
            time=fields["time"],
            event_class=EventClass(fields["class"]),
            commitment=bytes.fromhex(fields["commitment"]),
        )
        same = leaf(found.seq, found.time, found.event_class, found.commitment) == data
    except (ValueError, KeyError, TypeError) as error:
        raise NotConformant("This is no leaf of the audit log.") from error
    if not same:
        raise NotConformant("The leaf is not in canonical form.")
    return found
