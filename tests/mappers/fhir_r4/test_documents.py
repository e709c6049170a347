"""Documents and collections of practice systems (eAU, letters, archives), in JSON and XML."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from mappers.fhir_r4 import FORMAT
from mappers.fhir_r4.account import leaves
from mappers.fhir_r4.references import attachments, references
from profiles.issue import NotConformant, NotUnderstood
from profiles.reading.fhir_document import read_fhir

HERE = Path(__file__).parents[2] / "samples" / "fhir"
CONTEXT = Context(b"k" * 32, Dialect(), "https://region.example/praxis")
KBV = (
    Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
    / "fhir-kbv-referencevalidator"
)
DOCUMENTS = ("eau.xml", "eau.json", "arztbrief.json")


def sample(name):
    return (HERE / name).read_bytes()


def translate(data):
    return FORMAT.translate(data, CONTEXT)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_recognised_and_one_message(name):
    data = sample(name)

    assert mappers.recognise(data) == "fhir_r4"
    assert list(FORMAT.split(data)) == [data]


def test_xml_and_json_of_one_document_say_the_same():
    in_xml, in_json = translate(sample("eau.xml")), translate(sample("eau.json"))

    assert in_xml.changes == in_json.changes
    assert in_xml.whole == in_json.whole
    assert in_xml.loss == in_json.loss


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_of_a_document_leads_to_what_it_brought(name):
    mapped = translate(sample(name))

    here = {f"{one.type}/{one.id}" for one in mapped.changes}
    found = {r["reference"] for one in mapped.changes for r in references(one.resource)}
    urls = {a["url"] for one in mapped.changes for a in attachments(one.resource)}
    assert found <= here
    assert urls <= here
    assert found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_everything_of_a_document_belongs_to_its_patient(name):
    mapped = translate(sample(name))

    (patient,) = mapped.patients
    shared = {"Practitioner", "Organization"}
    assert {one.subject for one in mapped.changes if one.type not in shared} == {patient.id}
    assert {one.subject for one in mapped.changes if one.type in shared} == {""}
    assert (patient.kvnr, patient.birth_date) == ("T482916376", "1987-07-19")
    assert (patient.family, patient.given) == ("von der Weißenfels-Çelik", "Ayşe Grit")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_stays_as_its_sender_wrote_it(name):
    data = sample(name)

    assert translate(data).whole == read_fhir(data)[0]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_stands_around_the_resources_stays_in_the_document(name):
    loss = translate(sample(name)).loss

    assert loss.unmapped == ()
    assert loss.fields == loss.mapped + loss.ignored
    reasons = dict(loss.ignored_paths)
    assert reasons["Bundle.identifier.value"] == "stays in the document, which goes on as it came"
    assert "Bundle.entry[0].fullUrl" in reasons
    assert not any(".resource." in path for path in reasons)


def test_a_collection_of_several_patients_is_whole_too():
    eau = json.loads(sample("eau.json"))
    other = {"resourceType": "Patient", "id": "2", "name": [{"family": "Zorn"}]}
    condition = {
        "resourceType": "Condition",
        "id": "c2",
        "subject": {"reference": "Patient/2"},
    }
    entries = [*eau["entry"], {"resource": other}, {"resource": condition}]
    archive = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    mapped = translate(json.dumps(archive).encode())

    assert mapped.whole == archive
    assert len(mapped.patients) == 2
    subjects = {one.type: one.subject for one in mapped.changes[-2:]}
    assert subjects["Condition"] == mapped.patients[1].id


def test_nothing_of_a_whole_stays_outside_of_what_is_decided_about():
    header = {"resourceType": "MessageHeader", "eventUri": "urn:x", "source": {"endpoint": "urn:y"}}
    document = json.loads(sample("eau.json"))
    document["entry"].append({"resource": header})

    kinds = [one.type for one in translate(json.dumps(document).encode()).changes]

    assert kinds == [entry["resource"]["resourceType"] for entry in document["entry"]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entry": []}, "no entry"),
        ({"entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]}, "bdl-11"),
        ({"timestamp": "2026-11-04"}, ""),
        ({"signature": {"when": "2026-11-04T09:12:44Z"}}, ""),
        ({"link": "x"}, ""),
    ],
)
def test_a_document_that_is_none_is_refused(change, words):
    document = json.loads(sample("eau.json")) | change

    refusal = translate(json.dumps(document).encode()).refusal

    assert isinstance(refusal, NotConformant)
    assert words in refusal.text


def test_entries_of_a_document_ask_for_nothing():
    document = json.loads(sample("eau.json"))
    document["entry"][1]["request"] = {"method": "DELETE", "url": "Patient/1"}

    refusal = translate(json.dumps(document).encode()).refusal

    assert isinstance(refusal, NotConformant)
    assert refusal.location == "Bundle.entry[1].request"


def test_elements_out_of_order_in_xml_are_read_and_told_with_their_line():
    data = sample("eau.xml")
    type_, stamp = b'  <type value="document"/>\n', b'  <timestamp value="2026-11-04T09:12:44Z"/>\n'
    turned = data.replace(type_ + stamp, stamp + type_)
    assert turned != data

    mapped = translate(turned)

    assert mapped.refusal is None
    assert mapped.whole == translate(data).whole
    assert [(one.severity, one.line) for one in mapped.issues] == [("warning", 14)]


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///a">]><Bundle xmlns="http://hl7.org/fhir"/>',
        b'<Bundle xmlns="http://hl7.org/fhir"><type value="document"/>',
        b'<Bundle xmlns="http://hl7.org/fhir" unknown="1"><type value="document"/></Bundle>',
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
        b"<",
    ],
)
def test_what_is_no_fhir_in_xml_is_not_understood(data):
    assert isinstance(translate(data).refusal, NotUnderstood)


@pytest.mark.skipif(not KBV.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_published_documents_of_practices_are_taken_whole():
    files = [
        one
        for one in sorted(KBV.glob("valid/KBV_PR_E*_Bundle__*.xml"))
        # Its references break R4 on purpose.
        if "SpecialCases" not in one.name
    ]
    assert len(files) > 100
    for file in files:
        data = file.read_bytes()
        (mapped,) = mappers.convert(data)
        assert mapped.refusal is None, (file.name, mapped.refusal)
        assert mapped.whole == read_fhir(data)[0], file.name
        assert mapped.loss.unmapped == (), file.name
        assert mapped.loss.fields == mapped.loss.mapped + mapped.loss.ignored, file.name
        # A cancellation names the document it cancels and no patient.
        assert len(mapped.patients) == ("Storno" not in file.name), file.name


def test_every_element_of_a_document_names_where_it_comes_from():
    mapped = FORMAT.translate(sample("eau.xml"), replace(CONTEXT, lineage=True))

    assert translate(sample("eau.xml")).lineage is None
    patient = f"Patient/{mapped.patients[0].id}"
    place = ("Bundle.entry[1].resource.name[0].family",)
    assert mapped.lineage[f"{patient}.name[0].family"] == place
    whole = mapped.whole["entry"]
    # All leaves but type and id of each resource.
    told = sum(leaves(entry["resource"]) - 2 for entry in whole)
    assert len(mapped.lineage) == told
