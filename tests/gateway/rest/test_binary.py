"""Binary in its own format, over HTTP and a real store."""

from __future__ import annotations

import base64

PDF = b"%PDF-1.7 \x00\xff content"


def test_bytes_go_in_and_come_out(klinikum):
    created = klinikum.post("/Binary", content=PDF, headers={"content-type": "application/pdf"})

    assert created.status_code == 201
    assert created.json()["contentType"] == "application/pdf"
    place = f"/Binary/{created.json()['id']}"
    read = klinikum.get(place, headers={"accept": "application/pdf"})
    assert (read.content, read.headers["content-type"]) == (PDF, "application/pdf")
    assert read.headers["etag"] == 'W/"1"'
    assert "sandbox" in read.headers["content-security-policy"]
    whole = klinikum.get(place, headers={"accept": "application/fhir+json"}).json()
    assert base64.b64decode(whole["data"]) == PDF
    assert klinikum.get(place, headers={"accept": "image/png"}).status_code == 406


def test_an_update_may_be_bytes_as_well(klinikum):
    resource = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    created = klinikum.post("/Binary", json=resource).json()
    place = f"/Binary/{created['id']}"

    updated = klinikum.put(place, content=b"b", headers={"content-type": "text/plain"})

    assert updated.headers["etag"] == 'W/"2"'
    assert klinikum.get(place, headers={"accept": "text/*"}).content == b"b"
    assert base64.b64decode(klinikum.get(place).json()["data"]) == b"b"


def test_a_hidden_binary_is_as_if_it_did_not_exist(serving, klinikum):
    created = klinikum.post("/Binary", content=PDF, headers={"content-type": "application/pdf"})
    headers = {"accept": "application/pdf"}
    agency = serving.of("agentur")

    hidden = agency.get(f"/Binary/{created.json()['id']}", headers=headers)

    assert hidden.status_code == 404
    assert hidden.content == agency.get("/Binary/nobody", headers=headers).content
