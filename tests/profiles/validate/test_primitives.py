"""Primitive types: what R4 lets them hold, each judged as the value of an extension."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.reading import WrittenDecimal
from profiles.validate import structure
from profiles.validate.primitives import primitive_types

UUID = "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"
#: Type → (values it may have, values it may not have).
VALUES = {
    "base64Binary": (
        ["QUJD", "QU JD", "QU==", "QUI=", "QU= =", "Q\nUJ\tD\r\n", "QUJDQUI="],
        ["QUJ", "QU=", "QUJD====", "QUJ-", "", "  ", "=", "QU==QUJD", "QUJDÄ"],
    ),
    "boolean": ([True, False], ["true", 1, 0]),
    "canonical": (["http://a.example/x|1.0", "#x", UUID], ["a b", ""]),
    "code": (["a", "a b", "ä"], ["a  b", " a", "a ", "", " "]),
    "date": (
        ["2026", "2026-12", "2024-02-29", "2000-02-29", "0001-01-01"],
        [
            "2026-02-29",
            "2026-02-30",
            "1900-02-29",
            "0000",
            "2026-00-01",
            "2026-04-31",
            "26",
            "2026-1-1",
            "2026-13",
            " 2026",
            "2026-01-01T00:00:00Z",
        ],
    ),
    "dateTime": (
        ["2026", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00.5+14:00", "2026-12-31T23:59:60Z"],
        [
            "2026-02-30T00:00:00Z",
            "2026-02-28T24:00:00Z",
            "2026-02-28T10:00Z",
            "2026-02-28T",
            "2026-02-28T10:00:00",
            "2026-02-28T10:00:00+14:30",
            "2026-02T10:00:00Z",
            "2026-02-28T10:00:00.Z",
            "2026-02-28 10:00:00Z",
            "2026-02-28T10:00:00+0100",
        ],
    ),
    "decimal": ([Decimal("1.50"), 1, 0.5, WrittenDecimal("1e3")], ["1.5", True]),
    "id": (["a.b-1", "x" * 64], ["ä", "", "a_b", "x" * 65]),
    "instant": (["2026-02-28T10:00:00Z"], ["2026-02-28T10:00:00", "2026-02-28", "2026"]),
    "integer": ([0, 2**31 - 1, -(2**31)], [2**31, -(2**31) - 1, Decimal("1.0"), "1", True]),
    "markdown": (["# x\n", "x" * 1_048_576], [" ", "", "x" * 1_048_577, "x\x00"]),
    "oid": (["urn:oid:1.2.276.0.76.4.8"], ["1.2.3", "urn:oid:3.2", "urn:oid:1.02", "urn:oid:1"]),
    "positiveInt": ([1, 2**31 - 1], [0, -1, 2**31]),
    "string": (
        ["x", "x\ty\r\nz", "A\u00a0B", "x\x7f", "🙂", "x" * 1_048_576],
        [" \t", "", "x" * 1_048_577, "x\x00y", "\x07", "x\x1b[31m"],
    ),
    "time": (
        ["10:00:00", "23:59:60", "10:00:00.123"],
        ["24:00:00", "10:00", "10:00:00Z", "10:00:61", "10:00:00\n"],
    ),
    "unsignedInt": ([0], [-1, 2**31]),
    "uri": (
        [
            "http://a.example",
            "relative/x",
            "urn:oid:1.2",
            UUID,
            "urn:ietf:rfc:3986",
            "u",
            "urn:",
            "urn:uuid",
            "urn:oidx:1",
            "urn:u",
            UUID.replace("f", "F"),
        ],
        [
            "",
            " ",
            "http://a b",
            "urn:uuid:",
            "urn:uuid:x",
            f"{UUID}0",
            "urn:oid:",
            "urn:oid:1.02",
            "urn:oid:9.1",
            "a\u00a0b",
        ],
    ),
    "url": (["http://a.example", "mailto:arzt@praxis.example"], ["", "a b", "urn:uuid:x"]),
    "uuid": ([UUID], [UUID.removeprefix("urn:uuid:"), UUID.upper(), UUID.replace("f", "F")]),
}
CASES = [
    (name, value, right)
    for name, both in VALUES.items()
    for right, values in zip((True, False), both, strict=True)
    for value in values
]


def judged(name, value):
    member = f"value{name[0].upper()}{name[1:]}"
    extension = {"url": "http://a.example", member: value}
    return structure({"resourceType": "Basic", "code": {"text": "x"}, "extension": [extension]})


@pytest.mark.parametrize(
    ("name", "value", "right"), CASES, ids=[f"{one[0]}-{n}" for n, one in enumerate(CASES)]
)
def test_a_primitive_holds_what_its_type_lets_it_hold(name, value, right):
    issues = judged(name, value)
    assert (issues == []) is right
    assert all(one.location == "Basic.extension[0].value" for one in issues)


def test_every_primitive_type_is_here():
    assert set(VALUES) | {"xhtml"} == primitive_types()


@given(st.text(alphabet="urnidox:1. a", min_size=1, max_size=12))
def test_a_uri_is_free_unless_it_starts_like_a_uuid_or_an_oid(text):
    special = text.startswith(("urn:uuid:", "urn:oid:"))
    if " " in text:
        assert judged("uri", text)
    elif not special:
        assert judged("uri", text) == []
    else:
        judged("uri", text)
