"""What leaves as FHIR can be taken by a server that has never heard of the gateway's ids."""

from __future__ import annotations

import json

from mappers.fhir_r4.outgoing import Content, transaction

PATIENT = "3c1a9a54-7f1f-8a51-9a37-5b6cf0f1a001"
LETTER = "3c1a9a54-7f1f-8a51-9a37-5b6cf0f1a002"
PDF = "3c1a9a54-7f1f-8a51-9a37-5b6cf0f1a003"


def contents() -> list[Content]:
    return [
        Content({"resourceType": "Patient", "id": PATIENT, "birthDate": "1951-05-02"}),
        Content(
            {
                "resourceType": "DocumentReference",
                "id": LETTER,
                "subject": {"reference": f"Patient/{PATIENT}"},
                "context": {"encounter": [{"reference": "Encounter/elsewhere"}]},
                "content": [
                    {"attachment": {"contentType": "application/pdf", "url": f"Binary/{PDF}"}}
                ],
            }
        ),
        Content({"resourceType": "Binary", "id": PDF, "contentType": "application/pdf"}),
    ]


def build(**options) -> dict:
    return json.loads(
        transaction(contents(), **{"control_id": "d-1", "write": "conditional", **options})
    )


def test_references_inside_the_bundle_are_urns_and_others_name_the_gateways_identifier():
    patient, document, pdf = build()["entry"]
    letter = document["resource"]

    assert patient["fullUrl"].startswith("urn:uuid:")
    assert letter["subject"]["reference"] == patient["fullUrl"]
    assert letter["content"][0]["attachment"]["url"] == pdf["fullUrl"]
    elsewhere = letter["context"]["encounter"][0]
    assert "reference" not in elsewhere
    assert elsewhere["identifier"]["value"] == "urn:uuid:elsewhere"


def test_every_resource_is_recognised_on_a_resend():
    entries = build()["entry"]

    assert "id" not in entries[0]["resource"]
    assert entries[0]["request"]["url"].startswith("Patient?identifier=")
    assert f"urn:uuid:{PATIENT}" in entries[0]["request"]["url"]
    assert entries[2]["request"]["ifNoneExist"].startswith("_tag=")
    assert entries[2]["resource"]["meta"]["tag"][0]["code"] == f"urn:uuid:{PDF}"


def test_a_server_that_exchanges_full_urls_in_every_string_leaves_the_identifiers_alone():
    bundle = build()
    full_urls = [entry["fullUrl"] for entry in bundle["entry"]]

    assert len(set(full_urls)) == len(full_urls)
    for entry in bundle["entry"]:
        recognised_by = json.dumps([entry["resource"].get("identifier"), entry["request"]])
        assert not any(full_url in recognised_by for full_url in full_urls)


def test_the_same_contents_give_the_same_bytes():
    assert build() == build()


def test_put_keeps_the_gateways_ids():
    entry = build(write="put")["entry"][0]

    assert entry["request"] == {"method": "PUT", "url": f"Patient/{PATIENT}"}
    assert entry["resource"]["id"] == PATIENT


def test_what_was_deleted_is_deleted_at_the_partner():
    deleted = [Content({"resourceType": "Condition", "id": LETTER}, deleted=True)]

    entry = json.loads(transaction(deleted, control_id="d", write="conditional"))["entry"][0]

    assert entry["request"]["method"] == "DELETE"
    assert "resource" not in entry
