"""LDT 2 becomes the same resources as LDT 3: flat records, dates written either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.issue import NotConformant
from tests.mappers.xdt.ldt import of, only, translate
from tests.mappers.xdt.lines import record

SAMPLES = Path(__file__).parents[2] / "samples" / "xdt"
HEAD = [("9212", "LDT1014.01"), ("0201", "959988700"), ("0203", "Labor"), ("9106", "4")]
PERSON = [("3101", "Brühl"), ("3102", "Cäcilie"), ("3103", "19610930"), ("8407", "2")]


def flat(*fields, head=(), satzart="8201"):
    data = record("8220", [*HEAD, *head])
    number = () if any(fk == "8310" for fk, _ in fields) else [("8310", "A-1")]
    return data + record(satzart, [*number, *PERSON, *fields]) + record("8221", [])


def sample(name):
    return translate((SAMPLES / f"{name}.ldt").read_bytes())


def test_a_report_holds_its_results_with_limits_notes_and_costs():
    mapped, _ = sample("ldt2_befund_mikrobiologie")
    found = only(mapped, "DiagnosticReport")
    glucose, ferritin, missing = of(mapped, "Observation")

    assert found["status"] == "partial"
    assert found["issued"] == "2026-11-10T08:15:00+01:00"
    assert found["conclusion"] == "Kontrolle in 3 Monaten\nempfohlen."
    assert glucose["effectiveDateTime"] == "2026-11-09T07:40:00+01:00"
    assert str(glucose["referenceRange"][0]["low"]["value"]) == "3.9"
    assert glucose["note"] == [{"text": "nüchtern"}]
    assert ferritin["valueQuantity"]["comparator"] == "<"
    assert ferritin["status"] == "corrected"
    assert missing["status"] == "registered"
    assert missing["dataAbsentReason"]["coding"][0]["code"] == "temp-unknown"
    assert str(only(mapped, "ChargeItem")["priceOverride"]["value"]) == "0.25"
    assert only(mapped, "Patient")["gender"] == "female"


def test_microbiology_holds_organisms_and_drugs():
    _, mapped = sample("ldt2_befund_mikrobiologie")
    culture, organism, *drugs = of(mapped, "Observation")

    assert culture["code"]["text"] == "Urinkultur"
    assert organism["valueCodeableConcept"]["text"] == "Klebsiella pneumoniae"
    assert len(organism["hasMember"]) == len(drugs) == 2
    assert str(drugs[0]["valueQuantity"]["value"]) == "0.25"
    assert drugs[1]["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "5"


def test_an_order_asks_for_each_test():
    (mapped,) = sample("ldt2_auftrag")
    whole, glucose, _ = of(mapped, "ServiceRequest")

    assert glucose["basedOn"] == [{"reference": f"ServiceRequest/{whole['id']}"}]
    assert whole["reasonCode"] == [{"text": "Diabetes mellitus"}]
    assert only(mapped, "Coverage")["payor"][0]["display"] == "Musterkasse"


@pytest.mark.parametrize(
    ("birth", "received", "expected"),
    [("19610930", "20261109", "1961-09-30"), ("30091961", "09112026", "1961-09-30")],
)
def test_dates_are_read_as_all_of_them_can_be(birth, received, expected):
    fields = [("8301", received), ("3103", birth), ("8410", "NA"), ("8420", "139")]
    person = [("8310", "A-1"), ("3101", "Brühl"), ("3102", "Cäcilie"), *fields]
    data = record("8220", HEAD) + record("8201", person) + record("8221", [])
    (mapped,) = translate(data)

    assert only(mapped, "Patient")["birthDate"] == expected


def test_a_birth_date_that_contradicts_the_other_dates_is_never_guessed():
    fields = [("8301", "20261109"), ("8302", "20261110"), ("3103", "30091961"), ("8310", "A-1")]
    data = record("8220", HEAD) + record("8201", [("3101", "Brühl"), *fields])
    (mapped,) = translate(data)

    assert isinstance(mapped.refusal, NotConformant)


def test_a_record_without_any_number_is_refused():
    (mapped,) = translate(record("8220", HEAD) + record("8201", PERSON))

    assert "FK 8310" in str(mapped.refusal)


def test_a_corrected_result_is_the_one_it_corrects():
    first, second = (
        translate(flat(("8302", day), ("8410", "NA"), ("8418", state), ("8420", value)))[0]
        for day, state, value in (("20261109", "B", "139"), ("20261110", "K", "141"))
    )

    assert only(first, "Observation")["id"] == only(second, "Observation")["id"]
    assert first.changes[0].recency < second.changes[0].recency
