"""Index terms: what a resource is found by."""

import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.r4 import facts
from profiles.reading import read_json
from profiles.search import END, Terms, folded, index_terms, parameters_of, unsupported
from profiles.search.dates import range_of

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
EXAMPLES = SAMPLES / "fhir-r4-official-examples"

GENDER = "http://hl7.org/fhir/administrative-gender"
KVID = "http://fhir.de/sid/gkv/kvid-10"


def terms(resource_type, **elements) -> Terms:
    return index_terms({"resourceType": resource_type, **elements})


def of(found, name):
    """The terms of one parameter, without its name."""
    return [term[1:] for term in found if term[0] == name]


def test_codes_carry_the_system_of_their_binding():
    assert of(terms("Patient", gender="female").tokens, "gender") == [(GENDER, "female")]


def test_concepts_and_codings_are_found_by_every_coding():
    concept = {"coding": [{"system": "a", "code": "1"}, {"code": "2"}, {"display": "x"}]}
    found = terms("Observation", code=concept).tokens
    assert of(found, "code") == of(found, "combo-code") == [("a", "1"), ("", "2")]
    assert of(terms("Encounter", **{"class": {"system": "c", "code": "IMP"}}).tokens, "class") == [
        ("c", "IMP")
    ]


def test_identifiers_need_a_value():
    identifiers = [{"system": KVID, "value": "A1"}, {"system": KVID}, {"value": "7"}]
    found = terms("Patient", identifier=identifiers).tokens
    assert of(found, "identifier") == [(KVID, "A1"), ("", "7")]


def test_contact_points_are_told_apart_by_their_system():
    telecom = [{"system": "phone", "value": "030"}, {"system": "email", "value": "a@b.example"}]
    found = terms("Patient", telecom=telecom).tokens
    assert of(found, "phone") == [("", "030")]
    assert of(found, "email") == [("", "a@b.example")]
    assert of(found, "telecom") == [("", "030"), ("", "a@b.example")]


@pytest.mark.parametrize(
    ("elements", "value"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2024"}, "true"),
    ],
)
def test_whoever_is_not_known_to_be_dead_is_alive(elements, value):
    assert of(terms("Patient", **elements).tokens, "deceased") == [("", value)]


def test_names_are_found_by_every_part_folded():
    name = {"family": "Weiß-Lüdenscheidt", "given": ["ÉLODIE", None], "prefix": ["Dr."]}
    found = terms("Patient", name=[name]).strings
    assert of(found, "family") == [("weiss-ludenscheidt",)]
    assert of(found, "given") == [("elodie",)]
    assert {text for (text,) in of(found, "name")} == {"weiss-ludenscheidt", "elodie", "dr."}


def test_addresses_are_found_by_every_part():
    found = terms("Patient", address=[{"line": ["Hauptstr. 5"], "city": "Köln"}]).strings
    assert of(found, "address") == [("hauptstr. 5",), ("koln",)]
    assert of(found, "address-city") == [("koln",)]


def test_references_are_found_by_type_and_id_without_version():
    found = terms("Observation", subject={"reference": "Patient/1/_history/2"}).references
    assert of(found, "subject") == of(found, "patient") == [("Patient/1",)]


def test_a_parameter_for_one_type_takes_only_references_to_it():
    for subject in (
        {"reference": "Group/1"},
        {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
        {"reference": "Patient/1", "type": "Group"},
    ):
        found = terms("Observation", subject=subject).references
        assert of(found, "subject") == [(subject["reference"],)]
        assert of(found, "patient") == []
    for subject in (
        {"reference": "https://a.example/fhir/Patient/1"},
        {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "type": "Patient"},
    ):
        assert of(terms("Observation", subject=subject).references, "patient")


def test_logical_references_are_found_by_their_identifier():
    subject = {"identifier": {"system": KVID, "value": "A1"}, "type": "Patient"}
    found = terms("Observation", subject=subject).references
    assert of(found, "subject") == of(found, "patient") == [(f"|{KVID}|A1",)]


def test_contained_resources_are_found_nowhere():
    assert terms("Observation", subject={"reference": "#p"}).references == ()


def test_canonicals_are_found_with_and_without_version():
    found = terms("CarePlan", instantiatesCanonical=["http://a.example|1"]).references
    assert of(found, "instantiates-canonical") == [("http://a.example|1",), ("http://a.example",)]


def test_filters_of_definitions_hold():
    related = [
        {"type": "predecessor", "resource": "http://a.example"},
        {"type": "depends-on", "resource": "http://b.example"},
    ]
    found = terms("Library", relatedArtifact=related).references
    assert of(found, "predecessor") == [("http://a.example",)]
    assert of(found, "depends-on") == [("http://b.example",)]


def test_the_first_entry_of_a_document_is_its_composition():
    composition = {"resourceType": "Composition", "id": "c"}
    entry = [{"resource": composition}, {"resource": {"resourceType": "Patient", "id": "p"}}]
    assert of(terms("Bundle", entry=entry).references, "composition") == [("Composition/c",)]
    assert of(terms("Bundle", entry=[]).references, "composition") == []


def test_profiles_are_uris():
    found = terms("Patient", meta={"profile": ["http://a.example|1.0"]}).uris
    assert of(found, "_profile") == [("http://a.example|1.0",), ("http://a.example",)]


def test_quantities_are_found_by_code_and_by_printed_unit():
    quantity = {"value": Decimal("5.40"), "unit": "g/dl", "system": "u", "code": "g/dL"}
    found = terms("Observation", valueQuantity=quantity).quantities
    assert of(found, "value-quantity") == [("u", "g/dL", 5.4), ("", "g/dl", 5.4)]
    found = terms("Condition", onsetRange={"low": {"value": 1}, "high": {"value": 2}}).quantities
    assert of(found, "onset-age") == [("", "", 1.0), ("", "", 2.0)]
    found = terms("RiskAssessment", prediction=[{"probabilityDecimal": 0.5}]).quantities
    assert of(found, "probability") == [("", "", 0.5)]
    money = terms("Invoice", totalNet={"value": 3, "currency": "EUR"}).quantities
    assert of(money, "totalnet") == [("urn:iso:std:iso:4217", "EUR", 3.0)]


def test_dates_cover_what_their_precision_covers():
    day, hour = 86_400_000_000, 3_600_000_000
    assert range_of("1970-01-01") == (-hour, day - hour)
    assert range_of("2024")[1] == range_of("2025-01")[0] == range_of("2025-01-01")[0]
    assert range_of("2024-02")[1] == range_of("2024-03-01")[0]
    assert range_of("1970-01-01T00:00:00Z") == (0, 1_000_000)
    assert range_of("1970-01-01T01:00:00+01:00") == (0, 1_000_000)
    assert range_of("1970-01-01T00:00:60+00:00") == (60_000_000, 61_000_000)
    assert range_of("1970-01-01T00:00:00.12Z") == (120_000, 130_000)
    assert range_of("1970-01-01T00:00:00.1234567Z") == (123_456, 123_457)
    assert range_of("1970-01-01T00:00") == (0, 60_000_000)
    assert range_of("9999")[1] == END


@pytest.mark.parametrize("text", ["", "24", "2024-13", "2024-02-30", "2024-1-1", "x" * 25, "2024Z"])
def test_what_is_no_date_has_no_range(text):
    with pytest.raises(ValueError, match=r"date|day|month|format|isoformat|range"):
        range_of(text)


@given(st.datetimes(timezones=st.timezones()))
def test_a_moment_lies_in_its_second_its_minute_and_its_utc_forms(moment):
    try:
        text = moment.isoformat(timespec="seconds")
        low, high = range_of(text)
    except (ValueError, OverflowError):
        return  # offsets with seconds, ends of the calendar
    assert high - low == 1_000_000
    finer, _ = range_of(moment.isoformat(timespec="microseconds"))
    assert low <= finer < high


def test_open_periods_reach_to_the_end_of_time():
    found = terms("Encounter", period={"start": "2024-01-01T00:00:00Z"}).dates
    ((low, high),) = of(found, "date")
    assert (low, high) == (range_of("2024-01-01T00:00:00Z")[0], END)
    assert of(terms("Encounter", period={"end": "2024"}).dates, "date")[0][0] < 0
    assert terms("Encounter", period={"id": "x"}).dates == ()


def test_timings_are_found_between_their_outer_limits():
    timing = {"event": ["2024-01-01", "2024-03-01"], "repeat": {"boundsPeriod": {"end": "2025"}}}
    service = terms("ServiceRequest", occurrenceTiming=timing).dates
    assert of(service, "occurrence") == [(-(2**62), range_of("2025")[1])]
    timing = {"event": ["2024-01-01", "2024-03-01"]}
    service = terms("ServiceRequest", occurrenceTiming=timing).dates
    assert of(service, "occurrence") == [(range_of("2024-01-01")[0], range_of("2024-03-01")[1])]


def test_terms_are_not_repeated():
    coding = {"system": "a", "code": "1"}
    assert of(terms("Observation", code={"coding": [coding, coding]}).tokens, "code") == [
        ("a", "1")
    ]


@given(st.text())
def test_folding_is_stable_and_leaves_no_accents(text):
    assert folded(folded(text)) == folded(text)
    assert folded("ÄÖÜäöüß é") == "aouaouss e"


def test_every_parameter_is_supported_or_named_as_not():
    for resource_type, structure in facts("elements")["types"].items():
        if structure["kind"] == "resource" and not structure.get("abstract"):
            assert {"_id", "_lastUpdated"} <= set(parameters_of(resource_type))
            index_terms({"resourceType": resource_type})
    assert "_query" in unsupported("Patient")
    assert not set(unsupported("Patient")) & set(parameters_of("Patient"))


@pytest.mark.samples
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_the_official_examples_are_indexed_where_they_have_values():
    for file in sorted(EXAMPLES.rglob("*.json")):
        resource = read_json(file.read_bytes())
        found = index_terms(resource)
        assert ("_id", "", resource["id"]) in found.tokens
        named = {
            term[0]
            for kind in (found.tokens, found.references, found.strings, found.uris)
            for term in kind
        } | {term[0] for kind in (found.dates, found.quantities) for term in kind}
        for name, parameter in parameters_of(resource["resourceType"]).items():
            if name in named and name != "deceased":
                assert any(True for _ in parameter.select(resource)), (file.name, name)
