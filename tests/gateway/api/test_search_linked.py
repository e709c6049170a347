"""Chains, includes, orders, totals, compartments; and that hidden resources take part in none."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.api import cursor
from profiles.search import read_parameters

PATIENT_ID = "6f1c6b8e-0000-4000-8000-000000000001"


def patient(number, **more):
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"family": f"Familie{number}"}],
        "managingOrganization": {"reference": f"Organization/org{number % 2}"},
        **more,
    }


def organization(number):
    return {"resourceType": "Organization", "id": f"org{number}", "name": f"Haus {number}"}


def observation(number, patient_number, **more):
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": f"c{number % 3}"}]},
        "subject": {"reference": f"Patient/p{patient_number}"},
        "effectiveDateTime": f"2024-01-{number + 1:02}",
        **more,
    }


def provenance(number, target):
    return {
        "resourceType": "Provenance",
        "id": f"v{number}",
        "target": [{"reference": f"{target}/_history/1"}],
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": {"display": "x"}}],
    }


@pytest.fixture
def filled(gateway):
    for number in (0, 1):
        gateway.store(organization(number), patient=0)
    for number in range(4):
        gateway.store(patient(number), patient=number + 10)
    for number in range(8):
        gateway.store(observation(number, number % 4), patient=number % 4 + 10)
    gateway.store(provenance(1, "Observation/o1"), patient=11)
    gateway.store(
        {
            "resourceType": "List",
            "id": "l1",
            "status": "current",
            "mode": "working",
            "entry": [
                {"item": {"reference": "Observation/o2"}},
                {"item": {"reference": "https://gw.example/fhir/Observation/o5"}},
                {"item": {"reference": "Patient/p1"}},
                {"deleted": True, "item": {"reference": "Observation/o6"}},
            ],
        },
        patient=0,
    )
    return gateway


def ids(answer, mode="match"):
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return [one["resource"]["id"] for one in entries if one["search"]["mode"] == mode]


def links(answer):
    return {one["relation"]: one["url"] for one in answer.json()["link"]}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Observation?subject:Patient.name=familie1", ["o1", "o5"]),
        ("Observation?subject.name=familie1&code=c1", ["o1"]),
        ("Observation?patient.family=familie2", ["o2", "o6"]),
        ("Observation?subject:Patient.organization.name=Haus 1", ["o1", "o3", "o5", "o7"]),
        ("Observation?subject:Patient.name=nobody", []),
        ("Patient?_has:Observation:patient:code=c0", ["p0", "p2", "p3"]),
        ("Patient?_has:Observation:subject:date=gt2024-01-06", ["p2", "p3"]),
        (
            "Organization?_has:Patient:organization:_has:Observation:patient:code=c1",
            ["org0", "org1"],
        ),
        (
            "Organization?_has:Patient:organization:_has:Observation:patient:date=2024-01-02",
            ["org1"],
        ),
        ("Organization?_has:Patient:organization:name=familie3", ["org1"]),
        ("Observation?_list=l1", ["o2", "o5"]),
        ("Patient?_list=l1", ["p1"]),
        ("Observation?_list=l2", []),
        (
            'Observation?_filter=subject:Patient.name sw "familie1" or code eq c0',
            ["o0", "o1", "o3", "o5", "o6"],
        ),
        (
            'Observation?_filter=not(patient.name sw "familie1") and date lt 2024-01-04',
            ["o0", "o2"],
        ),
        ("Observation?subject=https://gw.example/fhir/Patient/p1", ["o1", "o5"]),
    ],
)
def test_chains_lists_and_filters_find_what_they_ask_for(filled, connect, query, found):
    assert ids(connect("klinikum").get(f"/fhir/{query}")) == found


@pytest.mark.parametrize(
    "query",
    [
        "Observation?subject:Patient.name=familie1",
        "Observation?patient.family=familie",
        "Patient?_has:Observation:patient:code=c0",
        "Observation?_list=l1",
        "Observation?_include=Observation:subject",
        "Patient?_revinclude=Observation:subject",
        "Observation?_sort=-date&_count=1",
        "Observation?_total=accurate",
        "Observation?_summary=count",
        "Observation?_filter=not(status eq final)",
        "Patient/p1/Observation",
        "Patient/p1/*",
        "?_type=Patient,Observation",
    ],
)
def test_what_is_hidden_takes_part_in_nothing(gateway, connect, query):
    """The answer with hidden data stored is the same bytes as with that data never stored."""
    own = observation(9, 1)
    gateway.store(own, organization="praxis")
    gateway.store(patient(9), organization="praxis", patient=99)
    sep = "/" if not query.startswith("?") else ""
    client = connect("praxis")
    before = client.get(f"/fhir{sep}{query}")
    stored = [patient(1), observation(1, 1), observation(2, 9), provenance(3, "Observation/o9")]
    stored.append(
        {"resourceType": "List", "id": "l1", "entry": [{"item": {"reference": "Observation/o9"}}]}
    )
    for one in stored:
        gateway.store(one, patient=1)
    after = client.get(f"/fhir{sep}{query}")

    assert before.status_code == 200
    assert before.content == after.content


def test_consent_opens_both_ends_of_a_chain(gateway, connect):
    gateway.store({**gateway.patient})
    about = {"subject": {"reference": f"Patient/{PATIENT_ID}"}}
    gateway.store(observation(1, 1) | about)
    query = "/fhir/Observation?subject:Patient.name=anna&_include=Observation:subject"
    client = connect("praxis")
    assert ids(client.get(query)) == []
    gateway.permit(1)
    answer = client.get(query)
    assert ids(answer) == ["o1"]
    assert ids(answer, "include") == [PATIENT_ID]


def test_includes_bring_what_matches_point_to_and_what_points_to_them(filled, connect):
    client = connect("klinikum")
    answer = client.get("/fhir/Observation?code=c1&_include=Observation:subject")
    assert ids(answer) == ["o1", "o4", "o7"]
    assert ids(answer, "include") == ["p0", "p1", "p3"]
    assert answer.json()["total"] == 3

    back = client.get("/fhir/Patient?_id=p1&_revinclude=Observation:subject")
    assert ids(back) == ["p1"]
    assert ids(back, "include") == ["o1", "o5"]

    versioned = client.get("/fhir/Observation?_id=o1&_revinclude=Provenance:target")
    assert ids(versioned, "include") == ["v1"]


def test_iterate_goes_on_from_what_came_along(filled, connect):
    client = connect("klinikum")
    start = "/fhir/Observation?_id=o1&_include=Observation:subject"
    once = f"{start}&_include=Patient:organization"
    assert ids(client.get(once), "include") == ["p1"]
    on = f"{start}&_include:iterate=Patient:organization"
    assert ids(client.get(on), "include") == ["p1", "org1"]
    around = (
        "/fhir/Organization?_id=org1&_revinclude=Patient:organization"
        "&_revinclude:iterate=Observation:subject&_include:iterate=Observation:subject"
    )
    assert sorted(ids(client.get(around), "include")) == ["o1", "o3", "o5", "o7", "p1", "p3"]


def test_a_star_includes_every_reference_and_a_type_narrows_it(filled, connect):
    client = connect("klinikum")
    assert ids(client.get("/fhir/Observation?_id=o1&_include=*"), "include") == ["p1"]
    assert ids(client.get("/fhir/Observation?_id=o1&_include=Observation:*"), "include") == ["p1"]
    narrowed = "/fhir/Observation?_id=o1&_include=Observation:subject:Group"
    assert ids(client.get(narrowed), "include") == []


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("-date", ["o7", "o6", "o5", "o4", "o3", "o2", "o1", "o0"]),
        ("date", ["o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7"]),
        ("code,-date", ["o6", "o3", "o0", "o7", "o4", "o1", "o5", "o2"]),
        ("-code", ["o5", "o2", "o7", "o4", "o1", "o6", "o3", "o0"]),
        ("patient,date", ["o0", "o4", "o1", "o5", "o2", "o6", "o3", "o7"]),
        ("-_id", ["o7", "o6", "o5", "o4", "o3", "o2", "o1", "o0"]),
    ],
)
def test_results_stand_in_the_order_asked_for_on_every_page(filled, connect, sort, found):
    client = connect("klinikum")
    assert ids(client.get(f"/fhir/Observation?_sort={sort}")) == found
    path, pages = f"/fhir/Observation?_sort={sort}&_count=3", []
    while path:
        answer = client.get(path)
        pages.append(ids(answer))
        path = links(answer).get("next", "").removeprefix("https://gw.example")
    assert [len(one) for one in pages] == [3, 3, 2]
    assert [one for page in pages for one in page] == found


def test_a_page_link_of_one_order_is_none_of_another(filled, connect):
    client = connect("klinikum")
    following = links(client.get("/fhir/Observation?_sort=date&_count=3"))["next"]
    page = parse_qs(urlsplit(following).query)["_page"][0]
    assert client.get(f"/fhir/Observation?_sort=date&_count=2&_page={page}").status_code == 200
    assert client.get(f"/fhir/Observation?_sort=-date&_page={page}").status_code == 400


def test_a_page_link_of_a_former_version_is_refused(filled, connect):
    scope = b"klinikum\nObservation\n"
    page = cursor.seal(4711, b"k" * 32, scope)
    assert connect("klinikum").get(f"/fhir/Observation?_page={page}").status_code == 400


def test_the_number_of_results_is_told_as_asked(filled, connect):
    client = connect("klinikum")
    assert "total" not in client.get("/fhir/Observation?_count=3").json()
    assert client.get("/fhir/Observation?_count=3&_total=accurate").json()["total"] == 8
    assert "total" not in client.get("/fhir/Observation?_total=none").json()
    for asked in ("_summary=count", "_count=0"):
        bundle = client.get(f"/fhir/Observation?code=c0&{asked}").json()
        assert bundle["total"] == 3
        assert "entry" not in bundle
        assert [one["relation"] for one in bundle["link"]] == ["self"]


def test_a_compartment_has_what_is_about_its_owner(filled, connect):
    client = connect("klinikum")
    assert ids(client.get("/fhir/Patient/p1/Observation")) == ["o1", "o5"]
    assert ids(client.get("/fhir/Patient/p1/Observation?code=c1")) == ["o1"]
    assert ids(client.get("/fhir/Patient/p1/*")) == ["p1", "o1", "o5"]
    assert ids(client.get("/fhir/Patient/p1/*?_type=Observation")) == ["o1", "o5"]
    assert ids(client.get("/fhir/Patient/nobody/Observation")) == []
    posted = client.post("/fhir/Patient/p1/Observation/_search", data={"code": "c2"})
    assert ids(posted) == ["o5"]
    assert links(client.get("/fhir/Patient/p1/Observation?code=c1"))["self"] == (
        "https://gw.example/fhir/Patient/p1/Observation?code=c1"
    )
    for path in ("Patient/p1/Medication", "Observation/o1/Patient", "Patient/p1/Nonsense"):
        assert client.get(f"/fhir/{path}").status_code == 404


def test_everything_can_be_searched_at_once_by_what_all_types_have(filled, connect):
    client = connect("klinikum")
    assert ids(client.get("/fhir?_type=Patient,Organization&_sort=_id")) == [
        "org0",
        "org1",
        "p0",
        "p1",
        "p2",
        "p3",
    ]
    assert ids(client.get("/fhir?_id=p1,o1")) == ["p1", "o1"]
    assert ids(client.post("/fhir/_search", data={"_id": "p1", "_type": "Patient"})) == ["p1"]
    assert client.get("/fhir?_type=Nonsense").status_code == 400
    assert client.get("/fhir?_type=Patient,Organization&gender=male").status_code == 400


def test_the_self_link_tells_what_was_used(filled, connect):
    answer = connect("klinikum").get(
        "/fhir/Observation?code=c1&zzz=1&_sort=-date&_include=Observation:subject&_format=json"
    )
    assert links(answer)["self"] == (
        "https://gw.example/fhir/Observation?code=c1&_sort=-date&_include=Observation%3Asubject"
    )
    assert len(ids(answer, "match")) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Observation?subject:Patient.name=familie", [f"o{number}" for number in range(8)]),
        ("Observation?subject.name=familie&code=c1", ["o1", "o4", "o7"]),
        ("Observation?subject:Patient.organization.name=Haus 1", ["o1", "o3", "o5", "o7"]),
        ("Patient?_has:Observation:patient:code=c0", ["p0", "p2", "p3"]),
        ("Organization?_has:Patient:organization:name=familie", ["org0", "org1"]),
        ("Observation?patient.name=familie&_sort=-date", [f"o{7 - at}" for at in range(8)]),
    ],
)
def test_a_chain_that_leads_to_too_much_is_asked_of_each_hit_instead(
    filled, connect, monkeypatch, query, found
):
    client = connect("klinikum")
    before = client.get(f"/fhir/{query}")
    monkeypatch.setattr("gateway.api.linked._MOST", 1)
    late = client.get(f"/fhir/{query}")
    assert ids(late) == found
    assert late.content == before.content
    assert client.get(f"/fhir/{query}&_summary=count").json()["total"] == len(found)
    first = client.get(f"/fhir/{query}&_count=2")
    assert ids(first) == found[:2]
    assert connect("agentur").get(f"/fhir/{query}").json()["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        'Observation?_filter=patient.name sw "familie" or code eq c0',
        'Observation?_filter=not(patient.name sw "familie")',
        "Organization?_has:Patient:organization:_has:Observation:patient:status=final",
        "?_type=Observation,Condition&subject:Patient.name=familie",
    ],
)
def test_a_chain_that_leads_to_too_much_elsewhere_is_refused(filled, connect, monkeypatch, query):
    monkeypatch.setattr("gateway.api.linked._MOST", 1)
    answer = connect("klinikum").get(f"/fhir/{query}" if query[0] != "?" else f"/fhir{query}")
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "too-costly"


def test_what_does_not_come_along_is_said(filled, connect, monkeypatch):
    monkeypatch.setattr("gateway.api.including._MOST", 2)
    answer = connect("klinikum").get("/fhir/Observation?_include=Observation:subject")
    assert len(ids(answer, "include")) == 2
    outcome = [one for one in answer.json()["entry"] if one["search"]["mode"] == "outcome"]
    assert outcome[0]["resource"]["issue"][0]["code"] == "too-costly"


def test_everything_about_a_patient_comes_in_pages_with_who_it_speaks_of(filled, connect):
    client = connect("klinikum")
    answer = client.get("/fhir/Patient/p1/$everything")
    assert ids(answer) == ["p1", "o1", "o5"]
    assert ids(answer, "include") == ["org1"]
    assert ids(client.get("/fhir/Patient/p1/$everything?_type=Observation")) == ["o1", "o5"]
    assert ids(client.get("/fhir/Patient/p1/$everything?_since=2030-01-01")) == []
    first = client.get("/fhir/Patient/p1/$everything?_count=2")
    rest = client.get(links(first)["next"].removeprefix("https://gw.example"))
    assert ids(first) + ids(rest) == ["p1", "o1", "o5"]
    assert client.get("/fhir/Patient/p1/$everything?start=2020").status_code == 400


def test_everything_about_an_encounter_has_its_patient(filled, connect):
    filled.store(
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "IMP"},
            "subject": {"reference": "Patient/p1"},
        }
    )
    filled.store(observation(20, 1, encounter={"reference": "Encounter/e1"}))
    answer = connect("klinikum").get("/fhir/Encounter/e1/$everything")
    assert ids(answer) == ["e1", "o20"]
    assert ids(answer, "include") == ["p1"]


def test_everything_about_what_is_hidden_is_as_about_what_is_missing(filled, connect):
    hidden = connect("agentur").get("/fhir/Patient/p1/$everything")
    missing = connect("agentur").get("/fhir/Patient/none/$everything")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content


def test_a_trailing_slash_is_the_same_search(filled, connect):
    client = connect("klinikum")
    assert ids(client.get("/fhir/Observation/?code=c1")) == ["o1", "o4", "o7"]


def test_parameters_of_packages_are_searched_sorted_and_followed_like_any_other(gateway, connect):
    related = "http://hl7.org/fhir/StructureDefinition/condition-related"
    defined = {
        "resourceType": "SearchParameter",
        "url": "https://region.example/SearchParameter/related",
        "code": "related",
        "base": ["Condition"],
        "type": "reference",
        "expression": f"Condition.extension('{related}').value",
        "target": ["Condition", "Observation"],
    }
    start = {
        "url": "https://region.example/SearchParameter/onset-text",
        "code": "age-text",
        "base": ["Condition"],
        "type": "string",
        "expression": "Condition.code.text",
    }
    broken = {"url": "u", "code": "x", "base": ["Condition"], "type": "token", "expression": "a()"}
    parameters, refused = read_parameters([defined, start, broken])
    assert set(refused) == {"u"}
    gateway.options = replace(gateway.options, parameters=parameters)
    gateway.store(observation(1, 1))
    for number, text in enumerate("zyx"):
        gateway.store(
            {
                "resourceType": "Condition",
                "id": f"d{number}",
                "code": {"text": text},
                "subject": {"reference": "Patient/p1"},
                "extension": [
                    {"url": related, "valueReference": {"reference": f"Observation/o{number}"}}
                ],
            }
        )
    client = connect("klinikum")
    assert ids(client.get("/fhir/Condition?related=Observation/o1")) == ["d1"]
    assert ids(client.get("/fhir/Condition?related:Observation.code=c1")) == ["d1"]
    assert ids(client.get("/fhir/Condition?_sort=age-text")) == ["d2", "d1", "d0"]
    assert ids(client.get("/fhir/Observation?_has:Condition:related:code:text=y")) == ["o1"]
    brought = client.get("/fhir/Condition?age-text=y&_include=Condition:related")
    assert ids(brought, "include") == ["o1"]
    back = client.get("/fhir/Observation?_id=o1&_revinclude=Condition:related")
    assert ids(back, "include") == ["d1"]
    statement = client.get("/fhir/metadata").json()
    described = {one["type"]: one for one in statement["rest"][0]["resource"]}["Condition"]
    assert {"name": "related", "type": "reference"} in described["searchParam"]
