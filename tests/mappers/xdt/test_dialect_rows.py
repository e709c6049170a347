"""Rows of a dialect, and what nobody maps: carried to the receiver where the dialect says so."""

from __future__ import annotations

import pytest

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from mappers.xdt.dialect_rows import FIELD
from tests.mappers.declared import errors, resources
from tests.mappers.xdt.lines import record
from tests.mappers.xdt.whole import assert_balanced

NAMESPACE = "https://praxis.example/sid"
OWN = "https://praxis.example/fhir/own"
HEAD = [("8316", "BDM"), ("9206", "3"), ("9218", "02.10")]
PERSON = [("3000", "0815"), ("3101", "Gruen"), ("3102", "Ute"), ("3103", "29021960")]
EXAMINED = [("6200", "02112026"), ("8402", "BDM00"), ("8410", "RR"), ("8420", "120")]


def translated(satzart, *fields, person=PERSON, **settings):
    dialect = Dialect.from_mapping("own", settings)
    context = Context(b"key", dialect, NAMESPACE, lineage=True, lenient=True)
    return mappers.translate(record(satzart, [*HEAD, *person, *EXAMINED, *fields]), "xdt", context)


def of(mapped, kind):
    return [change.resource for change in mapped.changes if change.type == kind]


def row(source, resource="DiagnosticReport", **more):
    return {"source": source, "resource": resource, "element": "extension", "url": OWN, **more}


@pytest.mark.parametrize(
    ("datatype", "said", "name", "value"),
    [
        ("ST", " Takt 5 ", "valueString", "Takt 5"),
        ("ID", "a-b", "valueCode", "a-b"),
        ("CWE", "sitzend", "valueCodeableConcept", {"text": "sitzend"}),
        ("CX", "77", "valueIdentifier", {"system": f"{NAMESPACE}/9999", "value": "77"}),
        ("DT", "03112026", "valueDate", "2026-11-03"),
        ("DTM", "03112026", "valueDateTime", "2026-11-03"),
        ("XTN", "03643 1", "valueContactPoint", {"system": "phone", "value": "03643 1"}),
    ],
)
@pytest.mark.parametrize("source", ["9999", "GDT 9999"])
def test_a_row_takes_a_field_to_an_extension(datatype, said, name, value, source):
    mapped = translated("6310", ("9999", said), rows=[row(source, datatype=datatype)])
    (report,) = of(mapped, "DiagnosticReport")

    assert report["extension"] == [{"url": OWN, name: value}]
    assert mapped.loss.unmapped == ()
    assert_balanced(mapped)


def test_a_row_of_another_member_or_a_field_that_is_not_there_changes_nothing():
    plain = translated("6310", ("9999", "x"))
    other = translated("6310", ("9999", "x"), rows=[row("LDT 9999"), row("9998")])

    assert [one.resource for one in other.changes] == [one.resource for one in plain.changes]
    assert other.loss == plain.loss


def test_a_row_with_a_datatype_of_another_format_is_told():
    mapped = translated("6310", ("9999", "x"), rows=[row("9999", datatype="XAD")])

    assert ("not-supported", "9999") in {(one.code, one.location) for one in mapped.issues}
    assert [place for place, _ in mapped.loss.unmapped] == ["line 14 FK 9999"]


def test_a_value_that_is_none_of_its_datatype_stays_unmapped_and_is_told():
    mapped = translated("6310", ("9999", "99999999"), rows=[row("9999", datatype="DT")])

    assert [place for place, _ in mapped.loss.unmapped] == ["line 14 FK 9999"]
    assert "not a valid date" in {one.text for one in mapped.issues}


def test_what_nobody_maps_stands_in_a_basic_of_its_record():
    mapped = translated("6310", ("9998", "eins"), ("9999", "zwei"), unmapped="basic")
    (basic,) = of(mapped, "Basic")
    held = [
        {part["url"]: part["valueString"] for part in e["extension"]} for e in basic["extension"]
    ]

    assert {one["url"] for one in basic["extension"]} == {FIELD}
    assert held == [
        {"field": "GDT 9998", "value": "eins"},
        {"field": "GDT 9999", "value": "zwei"},
    ]
    assert basic["code"]["coding"] == [{"system": "urn:region-gateway:xdt:8000", "code": "6310"}]
    assert basic["subject"] == of(mapped, "DiagnosticReport")[0]["subject"]
    assert mapped.loss.unmapped == ()
    assert_balanced(mapped)
    assert [errors(resource) for resource in resources(mapped)] == [[] for _ in resources(mapped)]


def test_a_basic_belongs_to_its_examination():
    first = translated("6310", ("9999", "eins"), unmapped="basic")
    again = translated("6310", ("9999", "zwei"), unmapped="basic")
    later = translated("6310", ("8310", "A-2"), ("9999", "drei"), unmapped="basic")
    ids = [of(mapped, "Basic")[0]["id"] for mapped in (first, again, later)]

    assert ids[0] == ids[1] != ids[2]


def test_where_all_is_mapped_there_is_no_basic():
    assert of(translated("6310", unmapped="basic"), "Basic") == []


def test_a_row_may_fill_the_basic_of_the_record():
    rows = [row("9999", "Basic", element="identifier", url="", datatype="CX")]
    mapped = translated("6310", ("9999", "77"), rows=rows)
    (basic,) = of(mapped, "Basic")

    assert basic["identifier"] == [{"system": f"{NAMESPACE}/9999", "value": "77"}]
    assert mapped.loss.unmapped == ()
