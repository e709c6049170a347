"""Logical ids: a UUID of version 8 over the HMAC of what names a thing."""

from __future__ import annotations

import hmac
import uuid

from hypothesis import given
from hypothesis import strategies as st

from mappers.base import Key
from mappers.identity import logical_id, mint


@given(
    st.binary(max_size=200),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=80), max_size=5),
)
def test_an_id_is_the_hmac_of_its_parts_as_uuid_8(key: bytes, parts: list[str]) -> None:
    made = uuid.UUID(mint(key, *parts))
    digest = hmac.digest(key, "\x1f".join(parts).encode(), "sha256")
    expected = bytearray(digest[:16])
    expected[6] = expected[6] & 0x0F | 0x80
    expected[8] = expected[8] & 0x3F | 0x80
    assert made.version == 8
    assert made.variant == uuid.RFC_4122
    assert made.bytes == bytes(expected)


def test_a_resource_is_named_by_type_system_and_value() -> None:
    key = Key("Patient", "urn:x/patient", "4711")
    assert logical_id(b"k", key) == mint(b"k", *key)
    assert logical_id(b"k", key) != logical_id(b"l", key)
