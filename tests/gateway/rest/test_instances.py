"""Create, read, update, delete and history of single resources, over HTTP and a real store."""

from __future__ import annotations

import pytest

PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "Öhlschläger", "given": ["Hildegard"]}],
    "birthDate": "1951-05-02",
}
UNKNOWN = "6f1c6b8e-0000-4000-8000-0000000000ff"


def made(client, resource=PATIENT):
    answer = client.post(f"/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return answer.json()


def permit(client, patient, organization="praxis"):
    """Let an organization see what the hospital keeps of a patient."""
    return made(
        client,
        {
            "resourceType": "Consent",
            "status": "active",
            "scope": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                        "code": "patient-privacy",
                    }
                ]
            },
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "patient": {"reference": f"Patient/{patient}"},
            "dateTime": "2025-11-01",
            "policy": [{"uri": "https://region.example/policies/1"}],
            "provision": {
                "type": "permit",
                "actor": [
                    {
                        "role": {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/"
                                    "v3-ParticipationType",
                                    "code": "IRCP",
                                }
                            ]
                        },
                        "reference": {"reference": f"Organization/{organization}"},
                    }
                ],
                "purpose": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
                        "code": "TREAT",
                    }
                ],
            },
        },
    )


def bare(resource):
    """The resource without what the server says about it."""
    return {name: value for name, value in resource.items() if name not in ("id", "meta")}


def test_what_is_created_is_read_back_and_found(klinikum):
    answer = klinikum.post("/Patient", json=PATIENT)

    assert answer.status_code == 201
    assert answer.headers["etag"] == 'W/"1"'
    created = answer.json()
    place = f"/Patient/{created['id']}"
    assert answer.headers["location"].endswith(f"{place}/_history/1")
    assert created["meta"]["versionId"] == "1"
    assert klinikum.get(place).json() == created
    assert klinikum.get(f"{place}/_history/1").json() == created
    found = klinikum.get("/Patient", params={"family": "ohlsch"}).json()
    assert [entry["resource"] for entry in found["entry"]] == [created]


def test_decimals_stay_as_they_were_written(klinikum):
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":72.50,"unit":"kg"}}'
    )

    answer = klinikum.post(
        "/Observation", content=body, headers={"content-type": "application/fhir+json"}
    )
    place = f"/Observation/{answer.json()['id']}"

    assert '"value":72.50' in answer.text
    assert '"value":72.50' in klinikum.get(place).text
    assert '<value value="72.50"/>' in klinikum.get(f"{place}?_format=xml").text


def test_the_server_alone_says_id_version_and_time(klinikum):
    stated = {
        **PATIENT,
        "id": "mine",
        "meta": {"versionId": "17", "lastUpdated": "2001-01-01T00:00:00Z", "source": "urn:x"},
    }

    created = made(klinikum, stated)

    assert created["id"] != "mine"
    assert created["meta"]["versionId"] == "1"
    assert not created["meta"]["lastUpdated"].startswith("2001")
    assert created["meta"]["source"] == "urn:x"


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status"),
    [
        ("/Patient", b'{"resourceType":"Patient","gender":"woman"}', "json", 422),
        ("/Patient", b'{"resourceType":"Patient","gender":"female"', "json", 400),
        ("/Patient", b'{"resourceType":"Patient","id":"a","id":"b"}', "json", 400),
        ("/Patient", b'{"resourceType":"Observation"}', "json", 400),
        ("/Patient", b"[]", "json", 400),
        ("/Patient", b"<Patient", "xml", 400),
        ("/Patient", b"gender=female", "x-www-form-urlencoded", 415),
        ("/Consent", b'{"resourceType":"Consent"}', "json", 422),
        ("/AuditEvent", b"{}", "json", 405),
        ("/Subscription", b"{}", "json", 405),
        ("/Patienten", b"{}", "json", 404),
    ],
)
def test_what_cannot_be_stored_is_refused_without_repeating_it(
    klinikum, path, body, content_type, status
):
    headers = {"content-type": f"application/{content_type}"}

    answer = klinikum.post(path, content=body, headers=headers)

    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "woman" not in answer.text


@pytest.mark.parametrize("validation", ["reject", "none"])
def test_a_narrative_with_a_script_is_refused(serve, validation):
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>'

    answer = (
        serve(validation=validation)
        .of("klinikum")
        .post("/Patient", json={**PATIENT, "text": {"status": "generated", "div": div}})
    )

    assert answer.status_code == 422
    assert "alert" not in answer.text


def test_without_validation_only_the_structure_has_to_hold(serve):
    client = serve(validation="none").of("klinikum")

    assert client.post("/Patient", json={**PATIENT, "contact": [{}]}).status_code == 422
    odd = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    odd["valueQuantity"] = {"value": 1, "code": "no-unit", "system": "http://unitsofmeasure.org"}
    assert client.post("/Observation", json=odd).status_code == 201


def test_prefer_says_what_comes_back(klinikum):
    def create(prefer):
        return klinikum.post("/Patient", json=PATIENT, headers={"prefer": f"return={prefer}"})

    assert create("minimal").content == b""
    assert create("minimal").headers["location"]
    assert create("representation").json()["resourceType"] == "Patient"
    assert create("OperationOutcome").json()["resourceType"] == "OperationOutcome"


def test_an_update_makes_a_version_and_keeps_the_former_one(klinikum):
    created = made(klinikum)
    place = f"/Patient/{created['id']}"

    answer = klinikum.put(place, json={**created, "gender": "female"})

    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"2"'
    assert klinikum.get(place).json()["gender"] == "female"
    assert "gender" not in klinikum.get(f"{place}/_history/1").json()


def test_equal_content_makes_no_new_version(klinikum):
    created = made(klinikum)

    answer = klinikum.put(f"/Patient/{created['id']}", json=created)

    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.json() == created


def test_a_stale_update_is_refused(klinikum):
    created = made(klinikum)
    place = f"/Patient/{created['id']}"

    def put(gender, match):
        return klinikum.put(place, json={**created, "gender": gender}, headers={"if-match": match})

    assert put("female", 'W/"1"').status_code == 200
    assert put("male", 'W/"1"').status_code == 412
    assert put("male", "nonsense").status_code == 412
    assert put("other", 'W/"2"').status_code == 200
    assert klinikum.delete(place, headers={"if-match": 'W/"2"'}).status_code == 412
    assert klinikum.get(place).json()["gender"] == "other"


def test_the_id_of_the_body_has_to_be_the_one_of_the_address(klinikum):
    created = made(klinikum)

    for body in ({**created, "id": UNKNOWN}, bare(created)):
        assert (
            klinikum.put(
                f"/Patient/{created['id']}", json=body | {"resourceType": "Patient"}
            ).status_code
            == 400
        )


def test_an_unknown_id_is_made_only_where_the_region_allows_it(serve):
    body = {**PATIENT, "id": "chosen-by-client"}

    strict = serve().of("klinikum")
    assert strict.put("/Patient/chosen-by-client", json=body).status_code == 404


def test_an_update_may_create_where_the_region_allows_it(serve):
    client = serve(create_on_update=True).of("klinikum")
    body = {**PATIENT, "id": "chosen-by-client"}

    answer = client.put("/Patient/chosen-by-client", json=body)

    assert answer.status_code == 201
    assert answer.headers["location"].endswith("/Patient/chosen-by-client/_history/1")
    assert client.put("/Patient/chosen-by-client", json={**body, "active": True}).status_code == 200


def test_labels_are_only_raised(klinikum):
    label = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "code": "R",
    }
    created = made(klinikum, {**PATIENT, "meta": {"security": [label]}})

    updated = klinikum.put(
        f"/Patient/{created['id']}", json={**PATIENT, "id": created["id"], "gender": "female"}
    )

    assert updated.json()["meta"]["security"] == [label]


def test_what_is_deleted_is_gone_but_its_history_stays(klinikum):
    created = made(klinikum)
    place = f"/Patient/{created['id']}"

    assert klinikum.delete(place).status_code == 204
    assert klinikum.get(place).status_code == 410
    assert klinikum.get(f"{place}/_history/2").status_code == 410
    assert klinikum.get(f"{place}/_history/1").json() == created
    assert klinikum.get("/Patient").json().get("entry") is None
    assert klinikum.delete(place).headers["etag"] == 'W/"2"'
    history = klinikum.get(f"{place}/_history").json()
    assert [one["request"]["method"] for one in history["entry"]] == ["DELETE", "POST"]
    assert "resource" not in history["entry"][0]


def test_an_update_brings_back_what_was_deleted(klinikum):
    created = made(klinikum)
    place = f"/Patient/{created['id']}"
    klinikum.delete(place)

    answer = klinikum.put(place, json=created)

    assert answer.status_code == 201
    assert answer.headers["etag"] == 'W/"3"'
    assert klinikum.get(place).status_code == 200


def test_hidden_and_missing_are_the_same_for_every_writing_interaction(serving):
    hidden = made(serving.of("klinikum"))["id"]
    agency = serving.of("agentur")

    def ask(method, id_, **more):
        answer = agency.request(method, f"/Patient/{id_}", **more)
        return answer.status_code, answer.content, dict(answer.headers) | {"date": ""}

    for method in ("PUT", "DELETE"):
        answers = []
        for id_ in (hidden, UNKNOWN):
            more = {"json": {**PATIENT, "id": id_}} if method == "PUT" else {}
            answers.append(ask(method, id_, **more))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    for path in ("_history", "_history/1"):
        assert ask("GET", f"{hidden}/{path}") == ask("GET", f"{UNKNOWN}/{path}")
    assert serving.of("klinikum").get(f"/Patient/{hidden}").json()["meta"]["versionId"] == "1"


def test_what_another_keeps_may_be_seen_but_not_written(serving):
    hospital, practice = serving.of("klinikum"), serving.of("praxis")
    created = made(hospital)
    permit(hospital, created["id"])
    place = f"/Patient/{created['id']}"

    assert practice.get(place).status_code == 200
    assert practice.put(place, json={**PATIENT, "id": created["id"]}).status_code == 403
    assert practice.delete(place).status_code == 403
    history = practice.get(f"{place}/_history").json()
    assert len(history["entry"]) == 1


def test_history_of_a_type_and_of_all_shows_what_the_caller_may_see(serving):
    hospital = serving.of("klinikum")
    created = made(hospital)
    hospital.put(f"/Patient/{created['id']}", json={**created, "gender": "female"})
    made(serving.of("agentur"), {**PATIENT, "gender": "other"})

    of_type = hospital.get("/Patient/_history").json()
    of_all = hospital.get("/_history").json()

    assert [one["resource"]["meta"]["versionId"] for one in of_type["entry"]] == ["2", "1"]
    assert of_type["total"] == 2
    kinds = {one["resource"]["resourceType"] for one in of_all["entry"]}
    assert kinds == {"Patient", "Provenance"}
    assert len(serving.of("praxis").get("/_history").json().get("entry", [])) == 0


def test_a_history_is_paged_and_may_begin_late(klinikum):
    created = made(klinikum)
    place = f"/Patient/{created['id']}"
    for day in range(1, 6):
        klinikum.put(place, json={**created, "birthDate": f"1951-05-0{day}"})

    found, page = [], f"{place}/_history?_count=2"
    while page:
        bundle = klinikum.get(page).json()
        found += [one["resource"]["meta"]["versionId"] for one in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        page = links.get("next", "")
    since = klinikum.get(f"{place}/_history/5").json()["meta"]["lastUpdated"]
    late = klinikum.get(f"{place}/_history", params={"_since": since}).json()

    assert found == ["6", "5", "4", "3", "2", "1"]
    assert [one["resource"]["meta"]["versionId"] for one in late["entry"]] == ["6", "5"]
    assert klinikum.get(f"{place}/_history?_since=yesterday").status_code == 400
    assert klinikum.get(f"{place}/_history?_page=forged").status_code == 400


def test_what_the_caller_has_already_is_not_sent_again(klinikum):
    created = made(klinikum)
    place = f"/Patient/{created['id']}"
    first = klinikum.get(place)

    assert klinikum.get(place, headers={"if-none-match": 'W/"1"'}).status_code == 304
    assert klinikum.get(place, headers={"if-none-match": 'W/"2"'}).status_code == 200
    modified = {"if-modified-since": first.headers["last-modified"]}
    assert klinikum.get(place, headers=modified).status_code == 304
    head = klinikum.head(place)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == 'W/"1"'


def test_every_write_leaves_an_audit_event_and_every_version_a_provenance(serving, klinikum):
    created = made(klinikum)
    place = f"Patient/{created['id']}"
    klinikum.put(f"/{place}", json={**created, "gender": "female"})
    klinikum.put(f"/{place}", json={**created, "gender": "female"}, headers={"if-match": 'W/"9"'})
    klinikum.delete(f"/{place}")
    klinikum.post("/Patient", json={**PATIENT, "gender": "woman"})

    proofs = klinikum.get("/Provenance", params={"target": place}).json()["entry"]
    told = {
        one["resource"]["target"][0]["reference"]: (
            one["resource"]["activity"]["coding"][0]["code"],
            one["resource"]["agent"][0]["who"]["reference"],
        )
        for one in proofs
    }
    assert told == {
        f"{place}/_history/1": ("CREATE", "Organization/klinikum"),
        f"{place}/_history/2": ("UPDATE", "Organization/klinikum"),
        f"{place}/_history/3": ("DELETE", "Organization/klinikum"),
    }
    events = [
        (one["subtype"][0]["code"], one["outcome"])
        for one in serving.events(6)
        if one["subtype"][0]["code"] in ("create", "update", "delete")
    ]
    assert events == [
        ("create", "0"),
        ("update", "0"),
        ("update", "4"),
        ("delete", "0"),
        ("create", "4"),
    ]


def test_a_part_of_a_resource_is_not_stored_in_its_place(klinikum):
    place = f"/Patient/{made(klinikum)['id']}"
    part = klinikum.get(f"{place}?_elements=gender").json()

    assert klinikum.put(place, json=part).status_code == 422
    assert klinikum.get(place).json()["name"]


def test_nobody_speaks_in_the_name_of_the_gateway(klinikum):
    forged = {
        "resourceType": "Provenance",
        "target": [{"reference": f"Patient/{made(klinikum)['id']}"}],
        "recorded": "2026-11-22T10:00:00Z",
        "agent": [{"who": {"identifier": {"system": "urn:region-gateway:build", "value": "1"}}}],
    }

    assert klinikum.post("/Provenance", json=forged).status_code == 403


def test_a_history_evaluates_its_parameters_or_says_so(klinikum):
    strict = {"prefer": "handling=strict"}

    assert klinikum.get("/_history?_at=2026").status_code == 200
    assert klinikum.get("/_history?_at=2026", headers=strict).status_code == 400


def test_evidence_is_not_changed(klinikum):
    created = made(klinikum)
    proof = klinikum.get("/Provenance", params={"target": f"Patient/{created['id']}"}).json()
    place = f"/Provenance/{proof['entry'][0]['resource']['id']}"

    assert klinikum.put(place, json=proof["entry"][0]["resource"]).status_code == 405
    assert klinikum.delete(place).status_code == 405


def test_xml_goes_in_and_comes_out(klinikum):
    body = b"""<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir"><name><family value="&#214;hl"/></name>
<deceasedBoolean value="true"/></Patient>"""
    headers = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}

    answer = klinikum.post("/Patient", content=body, headers=headers)

    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert '<family value="Öhl"/>' in answer.text
    place = "/Patient/" + answer.headers["location"].split("/")[-3]
    assert klinikum.get(place).json()["deceasedBoolean"] is True
    missing = klinikum.get("/Patient/nobody", headers=headers)
    assert missing.text.startswith("<?xml")


def test_answers_are_pretty_or_compressed_where_that_is_asked_for(klinikum):
    many = {**PATIENT, "name": [{"family": f"Name {number}"} for number in range(200)]}
    place = f"/Patient/{made(klinikum, many)['id']}"

    assert klinikum.get(place).headers["content-encoding"] == "gzip"
    assert (
        "content-encoding"
        not in klinikum.get(place, headers={"accept-encoding": "identity"}).headers
    )
    assert "\n  " in klinikum.get(f"{place}?_pretty=true").text


def test_scripts_of_other_origins_call_only_where_the_region_allows_it(serve):
    def preflight(server):
        headers = {
            "origin": "https://app.example",
            "access-control-request-method": "PUT",
            "access-control-request-headers": "authorization,if-match",
        }
        return server.of("klinikum").options("/Patient/1", headers=headers)

    assert "access-control-allow-origin" not in preflight(serve()).headers


def test_a_browser_may_call_from_an_origin_the_region_names(serve):
    server = serve(origins=("https://app.example",))
    client = server.of("klinikum")
    origin = {"origin": "https://app.example"}

    asked = client.options("/Patient/1", headers={**origin, "access-control-request-method": "PUT"})
    answer = client.post("/Patient", json=PATIENT, headers=origin)

    assert asked.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "Location" in answer.headers["access-control-expose-headers"]
    other = client.get("/metadata", headers={"origin": "https://else.example"})
    assert "access-control-allow-origin" not in other.headers
