"""Operations that need nothing stored: `$validate`, `$convert`, terminology."""

from __future__ import annotations

import pytest

ADMISSION = (
    "MSH|^~\\&|KIS|KLINIKUM|GATEWAY|REGION|20260301101500||ADT^A01^ADT_A01|%s|P|2.5|||||DEU|"
    "UNICODE UTF-8\rEVN|A01|20260301101500\r"
    "PID|1||4711^^^KIS^PI||Müller^Anna^^^^^L||19610412|F\r"
    "PV1|1|I|CH1^204^2^KLINIKUM||||||||||||||||88001^^^KIS^VN\r"
)
STATUS = "http://hl7.org/fhir/observation-status"
STATUSES = "http://hl7.org/fhir/ValueSet/observation-status"


def parameters(**given):
    made = []
    for name, value in given.items():
        kind = "resource" if isinstance(value, dict) and "resourceType" in value else ""
        kind = kind or ("valueCoding" if isinstance(value, dict) else "valueString")
        made.append({"name": name, kind: value})
    return {"resourceType": "Parameters", "parameter": made}


def values(answer):
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in answer.json()["parameter"]
        if any(key.startswith("value") for key in one)
    }


def issues(answer):
    return [(one["severity"], one["code"]) for one in answer.json()["issue"]]


# $validate --------------------------------------------------------------------------------
def test_a_resource_is_validated_bare_or_in_parameters(klinikum):
    wrong = {"resourceType": "Patient", "gender": "unknown-word", "colour": "red"}

    for body in (wrong, parameters(resource=wrong)):
        answer = klinikum.post("/Patient/$validate", json=body)
        assert answer.status_code == 200
        assert "error" in {severity for severity, _ in issues(answer)}
        assert "unknown-word" not in answer.text


def test_a_sound_resource_is_told_so(klinikum):
    answer = klinikum.post("/Patient/$validate", json={"resourceType": "Patient", "active": True})

    assert [severity for severity, _ in issues(answer)] == ["information"]


def test_a_profile_is_named_in_the_query_or_the_parameters(klinikum):
    profile = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}

    by_query = klinikum.post(f"/Observation/$validate?profile={profile}", json=resource)
    by_part = klinikum.post(
        "/Observation/$validate", json=parameters(resource=resource, profile=profile)
    )

    assert ("error", "required") in issues(by_query)
    assert by_query.json() == by_part.json()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/Patient/$validate", {"resourceType": "Observation"}, 400),
        ("/Patient/$validate", {"resourceType": "Parameters"}, 400),
        ("/Patient/$validate?mode=delete", {"resourceType": "Patient"}, 422),
        ("/Patient/$validate?profile=http://x.example/none", {"resourceType": "Patient"}, 404),
        ("/Nothing/$validate", {"resourceType": "Nothing"}, 404),
        ("/Patient/$unknown", {"resourceType": "Patient"}, 404),
        ("/$validate", {"resourceType": "Patient"}, 404),
    ],
)
def test_what_cannot_be_validated_is_told(klinikum, path, body, status):
    answer = klinikum.post(path, json=body)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


# $convert ---------------------------------------------------------------------------------
def test_a_message_becomes_a_transaction_and_several_a_collection(klinikum):
    one = klinikum.post("/$convert", content=(ADMISSION % "1").encode())
    two = klinikum.post(
        "/$convert?format=hl7v2", content=(ADMISSION % "1" + ADMISSION % "2").encode()
    )

    assert one.json()["type"] == "transaction"
    types = {entry["resource"]["resourceType"] for entry in one.json()["entry"]}
    assert {"Patient", "Encounter", "Provenance"} <= types
    assert two.json()["type"] == "collection"
    assert two.json()["entry"][0]["resource"] == one.json()


def test_nothing_of_what_is_converted_is_stored(klinikum):
    klinikum.post("/$convert", content=(ADMISSION % "1").encode())

    assert klinikum.get("/Patient").json().get("entry", []) == []


def test_a_message_that_cannot_be_translated_has_an_outcome_in_its_place(klinikum):
    cut = b"MSH|||||\r"

    answer = klinikum.post("/$convert?format=hl7v2", content=cut + (ADMISSION % "2").encode())

    kinds = [entry["resource"]["resourceType"] for entry in answer.json()["entry"]]
    assert kinds == ["OperationOutcome", "Bundle"]


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        ("?format=none", b"x", 422),
        ("?dialect=none", (ADMISSION % "1").encode(), 400),
        ("?colour=red", b"x", 422),
        ("", b"\x00\x01", 422),
        ("", b"", 422),
    ],
)
def test_what_cannot_be_converted_is_told(klinikum, query, content, status):
    answer = klinikum.post(f"/$convert{query}", content=content)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_converting_is_asked_for_by_post(klinikum):
    assert klinikum.get("/$convert").status_code == 405


# terminology ------------------------------------------------------------------------------
def test_a_code_is_looked_up(klinikum):
    asked = klinikum.get("/CodeSystem/$lookup", params={"system": STATUS, "code": "final"})
    posted = klinikum.post(
        "/CodeSystem/$lookup", json=parameters(coding={"system": STATUS, "code": "final"})
    )

    assert values(asked)["display"] == "Final"
    assert asked.json() == posted.json()
    unknown = klinikum.get("/CodeSystem/$lookup", params={"system": STATUS, "code": "no"})
    assert unknown.status_code == 404


def test_a_code_is_validated(klinikum):
    asked = {"url": STATUSES, "system": STATUS}
    yes = klinikum.get("/ValueSet/$validate-code", params={**asked, "code": "final"})
    no = klinikum.get("/ValueSet/$validate-code", params={**asked, "code": "finale"})
    alone = klinikum.get("/CodeSystem/$validate-code", params={"url": STATUS, "code": "final"})

    assert values(yes)["result"] is True
    assert values(no)["result"] is False
    assert values(no)["message"]
    assert values(alone)["result"] is True


def test_a_value_set_is_listed_page_by_page(klinikum):
    whole = klinikum.get("/ValueSet/$expand", params={"url": STATUSES}).json()["expansion"]
    page = klinikum.get(
        "/ValueSet/$expand", params={"url": STATUSES, "offset": 2, "count": 3}
    ).json()["expansion"]

    assert whole["total"] == len(whole["contains"])
    assert page["contains"] == whole["contains"][2:5]
    assert klinikum.get("/ValueSet/$expand?url=http://x.example/none").status_code == 404


def test_codes_of_a_hierarchy_are_compared(klinikum):
    system = "http://hl7.org/fhir/observation-status"

    answer = klinikum.get(
        "/CodeSystem/$subsumes", params={"system": system, "codeA": "final", "codeB": "final"}
    )

    assert values(answer)["outcome"] == "equivalent"


@pytest.mark.parametrize(
    "path",
    [
        "/CodeSystem/$lookup",
        "/CodeSystem/$lookup?system=x",
        "/ValueSet/$expand",
        "/ValueSet/$expand?url=x&count=many",
        "/ValueSet/$expand?url=x&url=y",
        "/ValueSet/$validate-code?url=x",
        "/CodeSystem/$subsumes?system=x&codeA=1",
        "/ConceptMap/$translate",
        "/ValueSet/$expand?url=x&activeOnly=perhaps",
    ],
)
def test_a_question_that_lacks_something_is_told_what(klinikum, path):
    answer = klinikum.get(path)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["severity"] == "error"


def test_parameters_that_would_change_the_answer_are_not_ignored(klinikum):
    answer = klinikum.get(f"/ValueSet/$expand?url={STATUSES}&excludeNested=true")

    assert answer.status_code == 422


def test_who_calls_has_to_be_known(serving):
    import httpx

    answer = httpx.get(f"{serving.base}/ValueSet/$expand?url={STATUSES}", trust_env=False)

    assert answer.status_code == 401
