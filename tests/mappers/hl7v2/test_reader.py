"""Segments are read for what they belong to, whatever family and order they come in."""

from __future__ import annotations

from typing import Any

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2.conditions import condition
from mappers.hl7v2.segment import Segment
from mappers.placing import placing

STRICT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111||{0}|1|P|2.5||||||UNICODE UTF-8"
PID = "PID|1||4711^^^HAUS||Weiß^Änne"


def read(kind: str, *lines: str, context: Context | None = None) -> Mapped:
    data = "\r".join([HEAD.format(kind), *lines]).encode()
    if context is not None:
        return mappers.translate(data, "hl7v2", context)
    (mapped,) = mappers.convert(data, format="hl7v2")
    return mapped


def kinds(mapped: Mapped) -> set[str]:
    return {change.type for change in mapped.changes}


def of(mapped: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in mapped.changes if change.type == kind]


@pytest.mark.parametrize(("kind", "code"), [("ZZZ^Z01", "200"), ("ADT^Z99", "201")])
def test_an_unknown_event_is_read_by_its_segments_where_the_endpoint_takes_it(
    kind: str, code: str
) -> None:
    lines = [PID, "PV1|1|I|3B|||||||||||||||||99^^^HAUS"]
    refused = read(kind, *lines, context=STRICT).refusal
    assert refused is not None
    assert refused.issues[0].hl7_code == code
    open_to_all = Context(b"key", Dialect(any_event=True), "https://haus.example/sid")
    taken = read(kind, *lines, context=open_to_all)
    assert {"Patient", "Encounter"} <= kinds(taken)
    assert code in {issue.hl7_code for issue in taken.issues}


def test_one_patient_is_found_wherever_its_segment_stands() -> None:
    mapped = read("ORU^R01", "OBR|1||2^LIS|BB", "OBX|1|NM|718-7^Hb^LN||13|||||F", PID)
    (observation,), (patient,) = of(mapped, "Observation"), of(mapped, "Patient")
    assert observation["subject"]["reference"] == f"Patient/{patient['id']}"


def test_results_without_a_patient_say_that_nobody_is_named() -> None:
    mapped = read("ORU^R01", "OBR|1||2^LIS|BB", "OBX|1|NM|718-7^Hb^LN||13|||||F")
    (observation,) = of(mapped, "Observation")
    assert observation["subject"]["extension"][0]["valueCode"] == "unknown"
    assert of(mapped, "Patient") == []
    assert "PID" in {issue.location for issue in mapped.issues}


def test_results_without_a_patient_are_refused_where_identities_count() -> None:
    refused = read("ORU^R01", "OBR|1||2^LIS|BB", context=STRICT).refusal
    assert refused is not None
    assert refused.location == "PID"


def test_visits_of_several_patients_are_kept_apart() -> None:
    two = [
        line
        for n in (1, 2)
        for line in (f"PID|{n}||{n}^^^HAUS||P{n}^X", f"PV1|{n}|I|W{n}||||||||||||||||V{n}^^^HAUS")
    ]
    visits = of(read("ADT^Z99", *two), "Encounter")
    assert len(visits) == 2
    assert len({visit["subject"]["reference"] for visit in visits}) == 2


def test_a_note_belongs_to_what_stands_before_it() -> None:
    mapped = read("ORM^O01", PID, "NTE|1||Patient", "ORC|NW|1", "OBR|1|1||BB", "NTE|1||Auftrag")
    (patient,), (request,) = of(mapped, "Patient"), of(mapped, "ServiceRequest")
    assert request["note"] == [{"text": "Auftrag"}]
    assert patient["extension"][0]["valueAnnotation"] == {"text": "Patient"}


def test_an_order_that_nothing_follows_is_still_an_order() -> None:
    mapped = read("ORM^O01", PID, "ORC|NW|1^KIS", "ORC|NW|2^KIS", "OBR|1|2^KIS||BB")
    assert len(of(mapped, "ServiceRequest")) == 2


@pytest.mark.parametrize(
    ("target", "made"),
    [
        ("a.b.c", {"a": {"b": {"c": 1}}}),
        ("a[].b.c", {"a": [{"b": {"c": 1}}]}),
        ("a[x].type[].text", {"a": [{"type": [{"text": 1}]}]}),
        (
            "name.extension(http://a.b/c).valueString",
            {"name": {"extension": [{"url": "http://a.b/c", "valueString": 1}]}},
        ),
    ],
)
def test_targets_of_rows_reach_any_depth(target: str, made: dict[str, Any]) -> None:
    resource: dict[str, Any] = {}
    placing(target)[0](resource, 1, {})
    assert resource == made


def test_rows_with_the_same_word_share_an_item() -> None:
    resource: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    placing("class[group].value")[0](resource, "G", shared)
    placing("class[group].name")[0](resource, "Name", shared)
    assert resource == {"class": [{"value": "G", "name": "Name"}]}


@pytest.mark.parametrize(
    ("stated", "holds"),
    [
        ("2", True),
        ("!2", False),
        ("9", False),
        ("!9", True),
        ("2=ED|RP", True),
        ("2!=ED", False),
        ("3.2=Hb", True),
        ("2=ED & 9", False),
    ],
)
def test_conditions_ask_the_segment(stated: str, holds: bool) -> None:
    segment = Segment("OBX|1|ED|718-7^Hb^LN", 1, 1, "|^~&")
    test = condition(stated)
    assert test is not None
    assert test(segment) is holds


def test_a_condition_nobody_can_read_is_told() -> None:
    with pytest.raises(ValueError, match="not a condition"):
        condition("PV1-2 valued")


@pytest.mark.parametrize(
    ("kind", "line", "event"),
    [
        ("ADT", "EVN|A03|20270111", "ADT^A03"),
        ("ADT", "EVN|A03^x|20270111", "ADT^A03"),
        ("ORU", PID, "ORU^R01"),
        ("ADT", PID, "ADT"),
    ],
)
def test_where_the_header_names_no_event_the_event_segment_does(
    kind: str, line: str, event: str
) -> None:
    mapped = read(kind, line, PID, "PV1|1|I|3B", "OBX|1|NM|718-7^Hb^LN||13|||||F")
    assert mapped.message_type == event
    understood = all(issue.hl7_code not in ("200", "201") for issue in mapped.issues)
    assert understood is ("^" in event)


def test_a_note_behind_the_visit_belongs_to_it_though_the_visit_is_read_first() -> None:
    visit, note = "PV1|1|I|3B", "NTE|1||zum Besuch"
    mapped = read("ORU^R01", PID, "OBR|1||2^LIS|BB", "OBX|1|NM|718-7^Hb^LN||13|||||F", visit, note)
    (encounter,), (observation,) = of(mapped, "Encounter"), of(mapped, "Observation")
    assert encounter["extension"][0]["valueAnnotation"] == {"text": "zum Besuch"}
    assert "note" not in observation
