"""Whatever type it is of: a hidden resource and a missing one give the same answer to writers."""

from __future__ import annotations

import pytest

from gateway.api.types import resource_types
from gateway.pipeline.rest.asked import NOT_CHANGED, NOT_WRITTEN

#: Types that need more than this to be stored; the smallest content of some others.
SMALLEST = {
    "Patient": {},
    "Basic": {"code": {"text": "x"}},
    "Observation": {"status": "final", "code": {"text": "x"}},
    "Condition": {"subject": {"display": "x"}},
    "Encounter": {
        "status": "planned",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    },
    "Organization": {"name": "x"},
    "Practitioner": {},
    "Location": {},
    "Binary": {"contentType": "text/plain"},
    "Bundle": {"type": "collection"},
    "Task": {"status": "draft", "intent": "order"},
    "DocumentReference": {
        "status": "current",
        "content": [{"attachment": {"url": "https://example.org/x"}}],
    },
    "QuestionnaireResponse": {"status": "completed"},
}
PATCH = b'[{"op":"add","path":"/language","value":"de"}]'


def ask(client, method, type_, id_):
    headers, body = {"content-type": "application/fhir+json"}, b""
    if method == "PATCH":
        headers, body = {"content-type": "application/json-patch+json"}, PATCH
    address = f"/{type_}/{id_}"
    if method == "PUT":
        resource = {"resourceType": type_, "id": id_, **SMALLEST[type_]}
        answer = client.put(address, json=resource)
    elif method == "HISTORY":
        answer = client.get(f"{address}/_history")
    else:
        answer = client.request(method, address, headers=headers, content=body)
    sent = {k: v for k, v in answer.headers.items() if k != "date"}
    return answer.status_code, answer.content, sent


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HISTORY"])
def test_hidden_and_missing_are_the_same_for_types_of_all_kinds(serving, method):
    # The practice shares nothing, not even what says nothing of patients.
    practice, agency = serving.of("praxis"), serving.of("agentur")
    for type_, content in SMALLEST.items():
        created = practice.post(f"/{type_}", json={"resourceType": type_, **content})
        assert created.status_code == 201, created.text

        hidden = ask(agency, method, type_, created.json()["id"])

        assert hidden == ask(agency, method, type_, "6f1c6b8e-0000-4000-8000-0000000000ff")
        assert hidden[0] == 404
        assert practice.get(f"/{type_}/{created.json()['id']}").status_code == 200


def test_every_other_type_takes_the_same_way(serving):
    """No type has a handler of its own that could forget the filter."""
    agency = serving.of("agentur")

    for type_ in set(resource_types()) - NOT_WRITTEN - NOT_CHANGED:
        assert ask(agency, "DELETE", type_, "nobody")[0] == 404
