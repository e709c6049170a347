from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.event_class import EventClass
from gateway.evidence.leaf import Leaf, canonical, commit, leaf, read_leaf
from gateway.evidence.provenance import for_message
from profiles.issue import NotConformant
from profiles.reading import canonical_json

TIME = "2026-11-03T09:15:00.123456Z"
SALT = bytes(range(32))


def test_events_are_canonical_as_rfc_8785_has_it(made):
    for name, event in made.items():
        assert canonical(event) == canonical_json(event), name


def test_provenance_is_canonical_as_rfc_8785_has_it():
    made = for_message(
        id="p",
        targets=[("Patient", "ä\u2028\x7f", "1")],
        source_sha256="0" * 64,
        message_id="m",
        recorded=TIME,
        organization="o",
        mapping_version="1",
        build="b",
    )
    assert canonical(made) == canonical_json(made)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcXYZ[]", min_size=1, max_size=4)
values = st.recursive(
    texts | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(names, values, max_size=4))
def test_whatever_has_no_fraction_is_canonical_as_rfc_8785_has_it(event):
    assert canonical(event) == canonical_json(event)


def test_a_commitment_is_the_hash_of_salt_and_event():
    event = {"resourceType": "AuditEvent", "id": "ü"}
    body = '{"id":"ü","resourceType":"AuditEvent"}'.encode()
    assert commit(event, SALT) == hashlib.sha256(SALT + body).digest()


def test_a_salt_of_another_length_is_refused():
    with pytest.raises(ValueError, match="salt"):
        commit({}, b"short")


@given(
    st.integers(0, 2**53 - 1),
    st.sampled_from(list(EventClass)),
    st.binary(min_size=32, max_size=32),
)
def test_a_leaf_is_canonical_and_reads_back(seq, event_class, commitment):
    data = leaf(seq, TIME, event_class, commitment)
    assert read_leaf(data) == Leaf(seq, TIME, event_class, commitment)
    fields = {
        "v": 1,
        "seq": seq,
        "time": TIME,
        "class": event_class.value,
        "commitment": commitment.hex(),
    }
    assert data == canonical_json(fields)


@pytest.mark.parametrize(
    "arguments",
    [
        (-1, TIME, SALT),
        (0, "2026-11-03T09:15:00Z", SALT),
        (0, "2026-11-03T10:15:00.123456+01:00", SALT),
        (0, TIME + '","x":"', SALT),
        (0, TIME, b"short"),
    ],
)
def test_what_no_reader_would_take_is_not_written(arguments):
    seq, time, commitment = arguments
    with pytest.raises(ValueError, match="leaf"):
        leaf(seq, time, EventClass.READ, commitment)


GOOD = leaf(7, TIME, EventClass.READ, SALT)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_changed_byte_reads_back_as_the_same_leaf(position, change):
    changed = bytearray(GOOD)
    changed[position] ^= change
    with contextlib.suppress(NotConformant):
        assert read_leaf(bytes(changed)) != read_leaf(GOOD)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        GOOD.replace(b'"seq":7', b'"seq":7.0'),
        GOOD.replace(b'"seq":7', b'"seq":true'),
        GOOD.replace(b'"seq":7', b'"seq":6,"seq":7'),
        GOOD.replace(b'"v":1', b'"v":2'),
        GOOD.replace(b'"read"', b'"unknown"'),
        GOOD + b"\n",
        b"\xff",
    ],
)
def test_anything_but_a_canonical_leaf_is_refused(data):
    with pytest.raises(NotConformant):
        read_leaf(data)
