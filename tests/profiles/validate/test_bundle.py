"""Bundles: each rule accepts what is right and names the place of what is wrong."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.validate.bundle import bundle_issues
from profiles.validate.bundle_references import bundle_reference_issues
from profiles.validate.bundle_requests import bundle_request_issues

RULES = (bundle_issues, bundle_request_issues, bundle_reference_issues)
BASE = "https://klinik.example/fhir/"
UUIDS = [f"urn:uuid:00000000-0000-4000-8000-00000000000{n}" for n in range(9)]


def entry(kind, name, base=BASE, **resource):
    return {
        "fullUrl": f"{base}{kind}/{name}",
        "resource": {"resourceType": kind, "id": name} | resource,
    }


DOCUMENT = {
    "resourceType": "Bundle",
    "type": "document",
    "identifier": {"system": "urn:ietf:rfc:3986", "value": UUIDS[0]},
    "timestamp": "2026-03-01T08:00:00+01:00",
    "entry": [
        entry(
            "Composition",
            "c",
            subject={"reference": "Patient/p"},
            author=[{"reference": f"{BASE}Practitioner/d"}],
            section=[{"entry": [{"reference": "Observation/o"}]}],
        ),
        entry("Patient", "p"),
        entry("Practitioner", "d"),
        entry("Observation", "o", subject={"reference": "Patient/p"}),
        entry("Provenance", "v", target=[{"reference": "Composition/c"}]),
        entry("Binary", "css"),
    ],
    "link": [{"relation": "stylesheet", "url": f"{BASE}Binary/css"}],
}
MESSAGE = {
    "resourceType": "Bundle",
    "type": "message",
    "entry": [
        {
            "fullUrl": UUIDS[1],
            "resource": {"resourceType": "MessageHeader", "focus": [{"reference": UUIDS[2]}]},
        },
        {"fullUrl": UUIDS[2], "resource": {"resourceType": "Patient", "id": "x"}},
    ],
}
TRANSACTION = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": UUIDS[3],
            "resource": {"resourceType": "Patient"},
            "request": {
                "method": "POST",
                "url": "Patient",
                "ifNoneExist": "identifier=http://fhir.de/sid/gkv/kvid-10|X110411675",
            },
        },
        {
            "fullUrl": f"{BASE}Observation/o",
            "resource": {
                "resourceType": "Observation",
                "id": "o",
                "subject": {"reference": UUIDS[3]},
            },
            "request": {"method": "PUT", "url": "Observation/o", "ifMatch": 'W/"3"'},
        },
        {
            "fullUrl": UUIDS[4],
            "resource": {"resourceType": "Device"},
            "request": {"method": "PUT", "url": "Device?identifier=a|b"},
        },
        {"request": {"method": "DELETE", "url": "Patient/alt"}},
        {"request": {"method": "GET", "url": "Patient?name=x", "ifNoneMatch": 'W/"1"'}},
        {
            "resource": {"resourceType": "Parameters"},
            "request": {"method": "POST", "url": "Patient/$match"},
        },
    ],
}
SEARCHSET = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 1,
    "link": [{"relation": "self", "url": f"{BASE}Patient"}],
    "entry": [
        entry("Patient", "p") | {"search": {"mode": "match", "score": 1}},
        {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
    ],
}
HISTORY = {
    "resourceType": "Bundle",
    "type": "history",
    "entry": [
        entry("Patient", "p", meta={"versionId": "2"})
        | {"request": {"method": "PUT", "url": "Patient/p"}, "response": {"status": "200 OK"}},
        entry("Patient", "p", meta={"versionId": "2"})
        | {"request": {"method": "PUT", "url": "Patient/p"}, "response": {"status": "200"}},
    ],
}
COLLECTION = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        entry("Patient", "p", meta={"versionId": "1"}),
        entry("Patient", "p", meta={"versionId": "2"}),
        {"fullUrl": UUIDS[5], "resource": {"resourceType": "Patient", "id": "q"}},
    ],
}
RESPONSE = {
    "resourceType": "Bundle",
    "type": "transaction-response",
    "entry": [{"response": {"status": "201 Created", "etag": 'W/"1"'}}],
}
GOOD = [DOCUMENT, MESSAGE, TRANSACTION, SEARCHSET, HISTORY, COLLECTION, RESPONSE]
MISSING = object()

#: (Bundle, path, wrong value, location after "Bundle.", severity, a word of the text)
BAD = [
    (COLLECTION, ["total"], 1, "total", "error", "bdl-1"),
    (COLLECTION, ["entry", 0, "search"], {"mode": "match"}, "entry[0].search", "error", "bdl-2"),
    (TRANSACTION, ["entry", 0, "request"], MISSING, "entry[0].request", "error", "bdl-3"),
    (COLLECTION, ["entry", 2, "request"], {}, "entry[2].request", "error", "bdl-3"),
    (HISTORY, ["entry", 0, "response"], MISSING, "entry[0].response", "error", "bdl-4"),
    (COLLECTION, ["entry", 0, "response"], {}, "entry[0].response", "error", "bdl-4"),
    (COLLECTION, ["entry", 1, "resource"], MISSING, "entry[1]", "error", "bdl-5"),
    (
        COLLECTION,
        ["entry", 1, "resource", "meta"],
        {"versionId": "1"},
        "entry[1].fullUrl",
        "error",
        "bdl-7",
    ),
    (
        COLLECTION,
        ["entry", 2, "fullUrl"],
        f"{BASE}Patient/q/_history/1",
        "entry[2].fullUrl",
        "error",
        "bdl-8",
    ),
    (DOCUMENT, ["identifier", "value"], MISSING, "identifier", "error", "bdl-9"),
    (DOCUMENT, ["timestamp"], MISSING, "timestamp", "error", "bdl-10"),
    (
        DOCUMENT,
        ["entry", 0, "resource", "resourceType"],
        "List",
        "entry[0].resource",
        "error",
        "bdl-11",
    ),
    (
        MESSAGE,
        ["entry", 0, "resource", "resourceType"],
        "List",
        "entry[0].resource",
        "error",
        "bdl-12",
    ),
    (COLLECTION, ["entry", 2, "fullUrl"], "Patient/q", "entry[2].fullUrl", "error", "absolute"),
    (COLLECTION, ["entry", 2, "fullUrl"], "urn:uuid:1", "entry[2].fullUrl", "error", "UUID"),
    (COLLECTION, ["entry", 2, "fullUrl"], MISSING, "entry[2].fullUrl", "error", "required"),
    (COLLECTION, ["entry", 0, "resource", "id"], "x", "entry[0].fullUrl", "error", "disagree"),
    (COLLECTION, ["entry", 0, "resource", "id"], MISSING, "entry[0].fullUrl", "error", "has none"),
    (
        COLLECTION,
        ["entry", 0, "resource", "resourceType"],
        "Group",
        "entry[0].fullUrl",
        "error",
        "disagree",
    ),
    (
        COLLECTION,
        ["entry", 2, "fullUrl"],
        "https://klinik.example/q1",
        "entry[2].fullUrl",
        "warning",
        "consistent",
    ),
    (
        COLLECTION,
        ["entry", 3],
        {"fullUrl": UUIDS[6], "resource": {"resourceType": "Patient", "id": "q"}},
        "entry[3].resource.id",
        "warning",
        "same resource type and id",
    ),
    (
        RESPONSE,
        ["entry", 0, "response", "status"],
        "Created",
        "entry[0].response.status",
        "error",
        "3 digit",
    ),
    (
        SEARCHSET,
        ["link", 1],
        {"relation": "self", "url": "x"},
        "link[1].relation",
        "warning",
        "one link",
    ),
    (SEARCHSET, ["entry", 1, "search"], MISSING, "entry[1].search", "warning", "search mode"),
    (SEARCHSET, ["entry", 0, "search", "score"], 2, "entry[0].search.score", "error", "0 and 1"),
    (
        SEARCHSET,
        ["entry", 0, "search", "mode"],
        "outcome",
        "entry[0].search.mode",
        "error",
        "OperationOutcome",
    ),
    (SEARCHSET, ["total"], 0, "total", "warning", "total"),
    (
        SEARCHSET,
        ["entry", 0],
        {"resource": {"resourceType": "Patient"}, "search": {"mode": "match"}},
        "entry[0].resource.id",
        "error",
        "has an id",
    ),
    # requests
    (
        TRANSACTION,
        ["entry", 0, "request", "url"],
        f"{BASE}Patient",
        "entry[0].request.url",
        "warning",
        "relative",
    ),
    (
        TRANSACTION,
        ["entry", 0, "request", "url"],
        "Patient/1",
        "entry[0].request.url",
        "error",
        "form",
    ),
    (
        TRANSACTION,
        ["entry", 0, "request", "url"],
        "Patent",
        "entry[0].request.url",
        "error",
        "form",
    ),
    (
        TRANSACTION,
        ["entry", 1, "request", "url"],
        "Observation",
        "entry[1].request.url",
        "error",
        "form",
    ),
    (
        TRANSACTION,
        ["entry", 3, "request", "url"],
        "Patient",
        "entry[3].request.url",
        "error",
        "form",
    ),
    (
        TRANSACTION,
        ["entry", 4, "request", "url"],
        f"{BASE}Patient",
        "entry[4].request.url",
        "warning",
        "relative",
    ),
    (
        TRANSACTION,
        ["entry", 0, "request", "url"],
        "Device",
        "entry[0].request.url",
        "error",
        "another resource type",
    ),
    (
        TRANSACTION,
        ["entry", 1, "request", "url"],
        "Observation/x",
        "entry[1].resource.id",
        "error",
        "same id",
    ),
    (
        TRANSACTION,
        ["entry", 2, "resource"],
        MISSING,
        "entry[2].resource",
        "error",
        "has a resource",
    ),
    (
        TRANSACTION,
        ["entry", 3, "resource"],
        {"resourceType": "Patient"},
        "entry[3].resource",
        "warning",
        "no resource",
    ),
    (
        TRANSACTION,
        ["entry", 1, "request", "ifNoneExist"],
        "a=b",
        "entry[1].request.ifNoneExist",
        "error",
        "POST only",
    ),
    (
        TRANSACTION,
        ["entry", 0, "request", "ifNoneExist"],
        "Patient?a=b",
        "entry[0].request.ifNoneExist",
        "error",
        "question mark",
    ),
    (
        TRANSACTION,
        ["entry", 1, "request", "ifMatch"],
        "3",
        "entry[1].request.ifMatch",
        "error",
        "ETag",
    ),
    (
        TRANSACTION,
        ["entry", 4, "request", "ifMatch"],
        'W/"1"',
        "entry[4].request.ifMatch",
        "warning",
        "means nothing",
    ),
    (
        TRANSACTION,
        ["entry", 3, "request", "url"],
        "Observation/o",
        "entry[3].request.url",
        "error",
        "overlap",
    ),
    # references
    (
        TRANSACTION,
        ["entry", 1, "resource", "subject", "reference"],
        UUIDS[8],
        "entry[1].resource.subject.reference",
        "warning",
        "does not lead",
    ),
    (
        DOCUMENT,
        ["entry", 0, "resource", "subject", "reference"],
        "Patient/x",
        "entry[0].resource.subject.reference",
        "error",
        "does not lead",
    ),
    (
        DOCUMENT,
        ["entry", 3, "resource", "subject", "reference"],
        "Patient/x",
        "entry[3].resource.subject.reference",
        "warning",
        "does not lead",
    ),
    (
        MESSAGE,
        ["entry", 0, "resource", "focus", 0, "reference"],
        UUIDS[8],
        "entry[0].resource.focus[0].reference",
        "error",
        "does not lead",
    ),
    (
        COLLECTION,
        ["entry", 2, "resource", "link"],
        [{"other": {"reference": "Patient?identifier=a|b"}}],
        "entry[2].resource.link[0].other.reference",
        "error",
        "only a transaction",
    ),
    (
        TRANSACTION,
        ["entry", 1, "resource", "subject", "type"],
        "Group",
        "entry[1].resource.subject.reference",
        "error",
        "another resource type",
    ),
    (DOCUMENT, ["entry", 6], entry("Patient", "y"), "entry[6]", "error", "no reference leads"),
    (DOCUMENT, ["link"], MISSING, "entry[5]", "error", "no reference leads"),
    (MESSAGE, ["entry", 2], entry("Patient", "y"), "entry[2]", "warning", "no reference leads"),
]


def changed(resource, path, value):
    result = copy.deepcopy(resource)
    target = result
    for step in path[:-1]:
        target = target[step]
    if value is MISSING:
        del target[path[-1]]
    elif isinstance(target, list) and path[-1] == len(target):
        target.append(value)
    else:
        target[path[-1]] = value
    return result


def issues(bundle):
    return [one for rule in RULES for one in rule(bundle, "Bundle")]


@pytest.mark.parametrize("bundle", GOOD, ids=lambda one: one["type"])
def test_right_bundles_have_no_issue(bundle):
    assert issues(bundle) == []


@pytest.mark.parametrize(("bundle", "path", "value", "location", "severity", "word"), BAD)
def test_a_fault_is_found_where_it_is(bundle, path, value, location, severity, word):
    found = [one for one in issues(changed(bundle, path, value)) if word in one.text]
    assert [(one.severity, one.location) for one in found] == [(severity, f"Bundle.{location}")]


def test_a_reference_meant_for_another_fullurl_says_so():
    bundle = changed(DOCUMENT, ["entry", 0, "fullUrl"], UUIDS[7])
    texts = [one.text for one in issues(bundle) if one.severity == "error"]
    assert any("has another fullUrl" in text for text in texts)


def test_a_transaction_may_have_conditional_references_and_stated_types():
    subject = {"reference": "Patient?identifier=a|b", "type": "Patient"}
    assert issues(changed(TRANSACTION, ["entry", 1, "resource", "subject"], subject)) == []
    subject = {"reference": UUIDS[3], "type": "Patient"}
    assert issues(changed(TRANSACTION, ["entry", 1, "resource", "subject"], subject)) == []


def test_external_references_of_a_document_are_left_alone():
    bundle = changed(
        DOCUMENT, ["entry", 0, "resource", "relatesTo"], [{"reference": "https://a.example/x"}]
    )
    assert issues(bundle) == []


def test_a_bundle_of_one_identity_many_times_is_judged_in_linear_time():
    one = entry("Patient", "p", link=[{"other": {"reference": "Patient/p"}}])
    bundle = {"resourceType": "Bundle", "type": "message", "entry": [one] * 5000}
    assert len(issues(bundle)) == 5000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(UUIDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@given(st.sampled_from(GOOD), st.data())
def test_any_json_in_any_place_is_judged_not_crashed_on(bundle, data):
    path, place = [], bundle
    while isinstance(place, dict | list) and place and (not path or data.draw(st.booleans())):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        path.append(data.draw(st.sampled_from(keys)))
        place = place[path[-1]]
    for issue in issues(changed(bundle, path, data.draw(JSON))):
        assert issue.location.startswith("Bundle")
