"""Carrying out a decision: what is hidden leaves no trace in what goes out."""

import copy
import json

import pytest

from gateway.consent import filter_resources

MASKED = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "masked",
        }
    ]
}


@pytest.fixture
def without_hiv(make):
    return make.consent(make.permit(make.deny(securityLabel=[make.label("HIV")])))


@pytest.fixture
def condition(make):
    return {
        "resourceType": "Condition",
        "id": "hiv",
        "meta": {"security": [make.label("HIV"), make.label("R")]},
        "code": make.concept("B20", "http://fhir.de/CodeSystem/bfarm/icd-10-gm"),
        "subject": {"reference": "Patient/p"},
    }


def filtered(make, consent, resources, **options):
    before = copy.deepcopy(resources)
    left = filter_resources(resources, make.decided(consent, resources, **options))
    assert resources == before, "the input was changed"
    return left


def bundle(*resources, kind="searchset", **more):
    entries = [
        {"fullUrl": f"https://gw.example/fhir/{r['resourceType']}/{r['id']}", "resource": r}
        for r in resources
    ]
    return {"resourceType": "Bundle", "type": kind, **more, "entry": entries}


def test_a_denied_answer_is_empty_and_a_permitted_one_is_handed_on_as_it_is(make):
    resources = [make.observation()]

    assert filtered(make, make.consent(make.deny()), resources) == []
    assert filtered(make, make.consent(), resources)[0] == resources[0]


def test_a_reference_to_a_hidden_resource_is_masked_with_display_and_narrative(
    make, without_hiv, condition
):
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "text": {"status": "generated", "div": "<div>HIV-Krankheit</div>"},
        "status": "finished",
        "subject": {"reference": "Patient/p", "display": "Max"},
        "diagnosis": [
            {"condition": {"reference": "Condition/hiv/_history/2", "display": "HIV"}, "rank": 1},
            {"condition": {"reference": "Condition/other"}},
        ],
    }
    [left] = filtered(make, without_hiv, [encounter, condition])

    assert left == {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "subject": {"reference": "Patient/p", "display": "Max"},
        "diagnosis": [
            {"condition": MASKED, "rank": 1},
            {"condition": {"reference": "Condition/other"}},
        ],
    }


def test_references_by_full_url_are_masked_too(make, without_hiv, condition):
    urn = "urn:uuid:2b0d1c1e-0000-4000-8000-000000000001"
    holder = make.observation(focus=[{"reference": urn}])
    answer = bundle(holder, condition)
    answer["entry"][1]["fullUrl"] = urn
    [left] = filtered(make, without_hiv, [answer])

    assert left["entry"][0]["resource"]["focus"] == [MASKED]


def test_references_to_hidden_resources_outside_the_answer_are_masked(make, without_hiv, condition):
    holder = make.observation(focus=[{"reference": "Condition/hiv", "display": "HIV"}])
    decision = make.decided(without_hiv, [holder], context=[condition])

    assert decision.outcome == "permit"
    assert decision.masked == ("Condition/hiv",)
    assert filter_resources([holder], decision)[0]["focus"] == [MASKED]


def test_a_total_counts_what_may_be_seen_or_is_absent(make, without_hiv, condition):
    answer = bundle(make.observation(), condition, total=2)
    paged = {**answer, "total": 40, "link": [{"relation": "next", "url": "https://gw/x?page=2"}]}

    assert filtered(make, without_hiv, [answer])[0]["total"] == 1
    assert "total" not in filtered(make, without_hiv, [paged])[0]


def test_contained_resources_go_with_what_points_to_them(make, without_hiv, condition):
    inner = {k: v for k, v in condition.items() if k != "subject"}
    kept = {"resourceType": "Practitioner", "id": "dr"}
    holder = make.observation(
        contained=[inner, kept],
        focus=[{"reference": "#hiv"}],
        performer=[{"reference": "#dr"}],
    )
    [left] = filtered(make, without_hiv, [holder])

    assert left["contained"] == [kept]
    assert left["focus"] == [MASKED]
    assert left["performer"] == [{"reference": "#dr"}]
    [alone] = filtered(make, without_hiv, [{**holder, "contained": [inner]}])
    assert "contained" not in alone


def test_a_labelled_element_goes_and_takes_the_narrative_with_it(make, without_hiv):
    url = (
        "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
    )
    mark = {"extension": [{"url": url, "valueCoding": make.label("HIV")}]}
    resource = make.observation(
        text={"status": "generated", "div": "<div>secret</div>"},
        note=[{"text": "open"}, {**mark, "text": "secret"}],
        valueString="secret",
        _valueString=mark,
        referenceRange=[{"text": "open", "type": {**mark, "text": "secret"}}],
    )
    [left] = filtered(make, without_hiv, [resource])

    assert "secret" not in json.dumps(left)
    assert left["note"] == [{"text": "open"}]
    assert left["referenceRange"] == [{"text": "open"}]


def test_sensitivity_never_leaves_and_confidentiality_may(make):
    labels = ("PSY", "R", "NORDSCLCD", "PROCESSINLINELABEL")
    [left] = filtered(make, make.consent(), [make.observation("o", *labels)])
    document = {
        "resourceType": "DocumentReference",
        "id": "d",
        "meta": {"security": [make.label("HIV")]},
        "subject": {"reference": "Patient/p"},
        "securityLabel": [{"coding": [make.label("HIV"), make.label("R")], "text": "HIV"}],
    }
    [letter] = filtered(make, make.consent(), [document])

    assert left["meta"]["security"] == [make.label("R"), make.label("NORDSCLCD")]
    assert letter["securityLabel"] == [{"coding": [make.label("R")]}]
    assert "meta" not in letter


def composition(*sections, **more):
    return {
        "resourceType": "Composition",
        "id": "comp",
        "status": "final",
        "confidentiality": "N",
        "subject": {"reference": "Patient/p"},
        "text": {"status": "generated", "div": "<div>secret</div>"},
        "section": list(sections),
        **more,
    }


def section(title, *references, text="secret"):
    narrative = {"text": {"status": "generated", "div": f"<div>{text}</div>"}} if text else {}
    entries = {"entry": [{"reference": r} for r in references]} if references else {}
    return {"title": title, **narrative, **entries}


IDENTIFIER = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:old"}


def test_a_cut_document_is_a_new_one_without_narratives(make, without_hiv, condition):
    comp = composition(
        section("Diagnosen", "Condition/hiv"),
        section("Befunde", "Observation/o", "Condition/hiv"),
        section("Epikrise"),
    )
    document = bundle(comp, condition, make.observation(), kind="document", identifier=IDENTIFIER)
    decision = make.decided(without_hiv, [document])
    [left] = filter_resources([document], decision)
    kept = left["entry"][0]["resource"]

    assert {"regenerate-narrative", "new-document-identity"} <= set(decision.obligations)
    assert "secret" not in json.dumps(left)
    assert "hiv" not in json.dumps(left).lower()
    assert kept["section"] == [{"title": "Befunde", "entry": [{"reference": "Observation/o"}]}]
    assert kept["relatesTo"] == [{"code": "transforms", "targetIdentifier": IDENTIFIER}]
    assert left["identifier"]["value"].startswith("urn:uuid:")
    assert left["identifier"] != IDENTIFIER
    assert filter_resources([document], decision) == [left]


def test_documents_that_cannot_be_cut_stay_whole(make, without_hiv, condition):
    prose = bundle(composition(section("Brief")), condition, kind="document")
    cuttable = composition(section("Befunde", "Observation/o"))
    signed = bundle(
        cuttable, condition, make.observation(), kind="document", signature={"when": "2026-05-01"}
    )
    headless = bundle({**cuttable, "confidentiality": "R", "meta": condition["meta"]}, condition)

    for document in (prose, signed):
        decision = make.decided(without_hiv, [document])
        assert decision.outcome == "deny"
        assert filter_resources([document], decision) == []
    assert "offer-unsigned-extract" in make.decided(without_hiv, [signed]).obligations
    assert make.decided(without_hiv, [{**headless, "type": "document"}]).outcome == "deny"


def test_a_signed_document_that_may_go_is_not_touched(make, condition):
    signed = bundle(composition(), condition, kind="document", signature={"when": "2026-05-01"})

    assert filtered(make, make.consent(), [signed]) == [signed]


def test_entries_that_only_hidden_ones_lead_to_go_with_them(make, without_hiv, condition):
    doctor = {"resourceType": "Practitioner", "id": "dr"}
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": {"reference": "Practitioner/dr"},
        "organization": {"reference": "Organization/hiv-ambulanz"},
    }
    clinic = {"resourceType": "Organization", "id": "hiv-ambulanz"}
    shared = {"resourceType": "Organization", "id": "lab"}
    provenance = {
        "resourceType": "Provenance",
        "id": "v",
        "target": [{"reference": "Condition/hiv"}],
    }
    hidden = {**condition, "recorder": {"reference": "PractitionerRole/r"}}
    seen = make.observation(performer=[{"reference": "Organization/lab"}])
    answer = bundle(seen, hidden, doctor, role, clinic, shared, provenance, total=7)
    [left] = filtered(make, without_hiv, [answer])

    assert [e["resource"]["id"] for e in left["entry"]] == ["o", "lab"]


def test_entries_without_resource_do_not_betray_hidden_ones(make, without_hiv):
    history = bundle(make.observation(), kind="history")
    history["entry"].append({"request": {"method": "DELETE", "url": "Condition/hiv"}})
    [left] = filtered(make, without_hiv, [history])

    assert len(left["entry"]) == 1


def test_a_resource_hidden_in_one_version_is_hidden_in_all(make, without_hiv, condition):
    older = {k: v for k, v in condition.items() if k != "meta"}
    answer = bundle(make.observation(), older, condition, kind="history")

    assert len(filtered(make, without_hiv, [answer])[0]["entry"]) == 1
