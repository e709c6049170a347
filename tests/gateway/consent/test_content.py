"""What provisions ask of the data themselves: labels, codes, dates, relations, authors."""

import pytest

from gateway.consent.codes import SATZART, SEGMENT

PDF = {
    "resourceType": "DocumentReference",
    "id": "d",
    "subject": {"reference": "Patient/p"},
    "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/b"}}],
}
BINARY = {"resourceType": "Binary", "id": "b", "contentType": "application/pdf", "data": "JVBE"}


@pytest.fixture
def outcome(make):
    def decide(provision, *labels, **overrides):
        resource = make.observation("o", *labels, **overrides)
        return make.decided(make.consent(provision), [resource]).outcome

    return decide


@pytest.mark.parametrize(
    ("permitted", "labels", "expected"),
    [
        (["N"], (), "permit"),
        (["N"], ("L",), "permit"),
        (["N"], ("R",), "deny"),
        (["N"], ("PSY",), "deny"),
        (["N"], ("PSY", "N"), "deny"),
        (["N"], ("DEMO",), "permit"),
        (["N"], ("X",), "deny"),
        (["R"], ("PSY", "R"), "permit"),
        (["R"], ("V",), "deny"),
        (["PSY"], ("PSY", "R"), "permit"),
        (["PSY"], ("PSY", "HIV", "R"), "deny"),
        (["PSY", "HIV"], ("PSY", "HIV", "R"), "permit"),
        (["PSY"], ("R",), "deny"),
        (["PSY"], (), "deny"),
        (["ETH"], ("ETHUD", "R"), "permit"),
        (["ETHUD"], ("ETH", "R"), "deny"),
    ],
)
def test_a_permit_covers_labels_from_below_and_every_sensitivity(
    make, outcome, permitted, labels, expected
):
    provision = make.permit(securityLabel=[make.label(code) for code in permitted])

    assert outcome(provision, *labels) == expected


@pytest.mark.parametrize(
    ("denied", "labels", "expected"),
    [
        ("R", ("R",), "deny"),
        ("R", ("V",), "deny"),
        ("R", ("N",), "permit"),
        ("R", ("HIV",), "deny"),
        ("N", (), "deny"),
        ("HIV", ("HIV", "R"), "deny"),
        ("HIV", ("PSY", "R"), "permit"),
        ("ETH", ("OPIOIDUD",), "deny"),
        ("ETHUD", ("ETH",), "deny"),
        ("SUD", ("ETHUD",), "deny"),
    ],
)
def test_a_refusal_covers_labels_above_and_below(make, outcome, denied, labels, expected):
    provision = make.permit(make.deny(securityLabel=[make.label(denied)]))

    assert outcome(provision, *labels) == expected


def test_a_document_without_label_is_held_where_a_rule_asks_for_labels(make):
    consent = make.consent(make.permit(make.deny(securityLabel=[make.label("HIV")])))
    held = make.decided(consent, [PDF, BINARY])
    labelled = {**PDF, "securityLabel": [{"coding": [make.label("N")]}]}

    assert (held.outcome, held.reason) == ("deny", "label-missing")
    assert "hold-for-labelling" in held.obligations
    assert make.decided(consent, [labelled, BINARY]).outcome == "permit"
    off = {"unlabelledDocuments": "normal"}
    assert make.decided(consent, [PDF, BINARY], policy=off).outcome == "permit"
    assert make.decided(make.consent(), [PDF, BINARY]).outcome == "permit"


def test_a_binary_goes_the_way_of_its_document(make):
    consent = make.consent(
        make.permit(
            make.deny(
                data=[{"meaning": "instance", "reference": {"reference": "DocumentReference/d"}}]
            )
        )
    )
    decision = make.decided(consent, [PDF, BINARY, make.observation()])

    assert set(decision.removed) == {"DocumentReference/d", "Binary/b"}


@pytest.mark.parametrize(("system", "name"), [(SEGMENT, "ZDI"), (SATZART, "6310")])
def test_what_nobody_mapped_of_a_message_goes_when_anything_of_it_is_hidden(make, system, name):
    left = {
        "resourceType": "Basic",
        "id": "z",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": system, "code": name}]},
    }
    shown, hidden = make.observation("o"), make.observation("x", "PSY", "R")
    consent = make.consent(make.permit(securityLabel=[make.label("N")]))

    assert make.decided(consent, [shown, left]).removed == ()
    assert set(make.decided(consent, [shown, hidden, left]).removed) == {"Observation/x", "Basic/z"}


@pytest.mark.parametrize(
    ("denied", "code", "expected"),
    [
        ("F10", "F10.2", "deny"),
        ("F10.2", "F10.2", "deny"),
        ("F10.2", "F10.1", "permit"),
        ("F10", "F11", "permit"),
    ],
)
def test_a_refused_icd_category_covers_what_is_below_it(make, outcome, denied, code, expected):
    icd = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
    provision = make.permit(make.deny(code=[make.concept(denied, icd)]))

    assert outcome(provision, code=make.concept(code, icd)) == expected


def test_a_refused_code_hits_anywhere_and_a_permitted_one_only_as_main_code(make, outcome):
    icd = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
    code = [make.concept("F10", icd)]
    mention = {"interpretation": [make.concept("F10.1", icd)]}

    assert outcome(make.permit(make.deny(code=code)), **mention) == "deny"
    assert outcome(make.permit(code=code), **mention) == "deny"
    assert outcome(make.permit(code=code), code=make.concept("F10", icd)) == "permit"


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Condition", "code": {"text": "Alkoholabhängigkeit"}},
        {"resourceType": "Condition", "code": {"coding": [{"system": "s", "code": "7200002"}]}},
        {"resourceType": "MedicationStatement", "medicationCodeableConcept": {"text": "Naltrexon"}},
        PDF,
    ],
)
def test_what_may_mean_a_refused_code_without_stating_it_stays(make, resource):
    code = [make.concept("F10", "http://fhir.de/CodeSystem/bfarm/icd-10-gm")]
    whole = {"id": "x", "subject": {"reference": "Patient/p"}, **resource}

    assert make.decided(make.consent(make.permit(make.deny(code=code))), [whole]).outcome == "deny"


@pytest.mark.parametrize(
    ("dates", "refused", "permitted"),
    [
        ({"effectiveDateTime": "2022-06-01"}, "deny", "permit"),
        ({"effectiveDateTime": "2023-06-01"}, "permit", "deny"),
        ({"effectiveDateTime": "2022"}, "deny", "permit"),
        ({"effectiveDateTime": "2021-12-31T23:30:00Z"}, "deny", "permit"),
        ({"effectiveDateTime": "2023-06-01", "issued": "2022-06-01T08:00:00Z"}, "deny", "deny"),
        ({"effectiveDateTime": "2022-06-01", "issued": "2023-06-01T08:00:00Z"}, "deny", "permit"),
        ({"effectivePeriod": {"start": "2021-12-01", "end": "2022-01-02"}}, "deny", "deny"),
        ({"effectivePeriod": {"start": "2023-12-01"}}, "permit", "deny"),
        ({"effectiveDateTime": "yesterday"}, "deny", "deny"),
        ({}, "deny", "deny"),
    ],
)
def test_any_overlap_is_refused_and_only_what_lies_inside_is_permitted(
    make, dates, refused, permitted
):
    year = {"start": "2022-01-01", "end": "2022-12-31"}
    bare = {k: v for k, v in make.observation().items() if k != "effectiveDateTime"}
    resource = [{**bare, **dates}]

    exception = make.consent(make.permit(make.deny(dataPeriod=year)))
    assert make.decided(exception, resource).outcome == refused
    assert make.decided(make.consent(make.permit(dataPeriod=year)), resource).outcome == permitted


def _data(meaning, reference):
    return [{"meaning": meaning, "reference": {"reference": reference}}]


def test_relations_are_one_hop_in_their_own_direction(make):
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "subject": {"reference": "Patient/p"},
        "diagnosis": [{"condition": {"reference": "Condition/c"}}],
    }
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/p"},
    }
    made_in = make.observation("in", encounter={"reference": "Encounter/e"})
    apart = make.observation("apart")
    everything = [encounter, condition, made_in, apart]

    def removed(meaning, resources=everything, **options):
        provision = make.permit(make.deny(data=_data(meaning, "Encounter/e")))
        return make.decided(make.consent(provision), resources, **options).removed

    assert removed("instance") == ("Encounter/e",)
    assert removed("dependents") == ("Encounter/e", "Observation/in")
    assert removed("related") == ("Encounter/e", "Condition/c", "Observation/in")
    # Without the encounter at hand, a diagnosis of it cannot be told from any other.
    assert removed("related", [condition, made_in, apart]) == ("Condition/c", "Observation/in")
    away = [condition, apart]
    other = {**encounter, "diagnosis": []}
    assert removed("related", away, context=[encounter]) == ("Condition/c",)
    assert removed("related", away, context=[other]) == ()


@pytest.mark.parametrize(
    ("performer", "refused", "permitted"),
    [
        ([{"reference": "Practitioner/x"}], "deny", "permit"),
        ([{"reference": "Practitioner/y"}], "permit", "deny"),
        ([{"reference": "Practitioner/y"}, {"reference": "Practitioner/x"}], "deny", "permit"),
        ([{"reference": "Organization/o"}], "deny", "deny"),
        ([{"display": "Dr. X"}], "deny", "deny"),
        ([], "deny", "deny"),
    ],
)
def test_an_author_who_cannot_be_told_is_refused_and_not_permitted(
    make, outcome, performer, refused, permitted
):
    data = _data("authoredby", "Practitioner/x")

    assert outcome(make.permit(make.deny(data=data)), performer=performer) == refused
    assert outcome(make.permit(data=data), performer=performer) == permitted


def test_who_a_patient_is_has_neither_author_nor_date(make):
    patient = [{"resourceType": "Patient", "id": "p"}]
    year = {"start": "2022-01-01", "end": "2022-12-31"}
    for exception in ({"data": _data("authoredby", "Practitioner/x")}, {"dataPeriod": year}):
        consent = make.consent(make.permit(make.deny(**exception)))

        assert make.decided(consent, patient).outcome == "permit"


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("http://hl7.org/fhir/resource-types", "DocumentReference", "deny"),
        ("http://hl7.org/fhir/resource-types", "Observation", "permit"),
        ("http://loinc.org", "18842-5", "deny"),
        ("http://loinc.org", "11488-4", "permit"),
        ("http://snomed.info/sct", "373942005", "deny"),
        ("urn:x", "http://hl7.org/fhir/StructureDefinition/special", "deny"),
    ],
)
def test_a_class_is_a_type_a_kind_of_document_or_a_profile(make, system, code, expected):
    letter = {**PDF, "type": make.concept("18842-5", "http://loinc.org")}
    provision = make.permit(make.deny(class_=[{"system": system, "code": code}]))

    assert make.decided(make.consent(provision), [letter]).outcome == expected


def test_an_element_with_its_own_label_is_judged_on_its_own(make):
    url = (
        "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
    )
    hidden = {"extension": [{"url": url, "valueCoding": make.label("HIV")}], "text": "secret"}
    resource = make.observation(note=[{"text": "open"}, hidden])
    consent = make.consent(make.permit(make.deny(securityLabel=[make.label("HIV")])))
    decision = make.decided(consent, [resource])

    assert decision.outcome == "redact"
    assert decision.removed == ("Observation/o@note[1]",)
    assert make.decided(make.consent(), [resource]).outcome == "permit"


def test_contained_resources_are_judged_on_their_own(make):
    condition = {"resourceType": "Condition", "id": "c1", "meta": {"security": [make.label("HIV")]}}
    holder = make.observation(contained=[condition], hasMember=[{"reference": "#c1"}])
    consent = make.consent(make.permit(make.deny(securityLabel=[make.label("HIV")])))
    decision = make.decided(consent, [holder])

    assert decision.visible == ("Observation/o",)
    assert decision.removed == ("Observation/o#c1",)
    elsewhere = {**holder, "contained": [{**condition, "subject": {"reference": "Patient/q"}}]}
    assert make.decided(make.consent(), [elsewhere]).removed == ("Observation/o#c1",)
