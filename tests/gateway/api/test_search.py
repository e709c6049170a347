"""Search: parameters, pages, and that hidden resources take no part."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest


def _condition(number: int, code: str = "I10") -> dict[str, object]:
    return {
        "resourceType": "Condition",
        "id": f"c{number}",
        "code": {"coding": [{"system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "code": code}]},
        "subject": {"reference": "Patient/6f1c6b8e-0000-4000-8000-000000000001"},
    }


def _ids(answer):
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


def test_a_search_returns_a_searchset_with_links_and_total(gateway, connect):
    gateway.store(_condition(1))
    gateway.store(_condition(2, "E11.9"))

    answer = connect("klinikum").get("/fhir/Condition?code=I10")

    bundle = answer.json()
    assert answer.status_code == 200
    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    assert bundle["link"] == [
        {"relation": "self", "url": "https://gw.example/fhir/Condition?code=I10"}
    ]
    assert bundle["entry"][0]["fullUrl"] == "https://gw.example/fhir/Condition/c1"
    assert bundle["entry"][0]["search"] == {"mode": "match"}


def test_a_search_can_be_posted_so_that_its_values_stay_out_of_addresses(gateway, connect):
    gateway.store(_condition(1))

    answer = connect("klinikum").post("/fhir/Condition/_search", data={"code": "I10"})

    assert _ids(answer) == ["c1"]


def test_pages_are_full_and_together_give_every_hit_once(gateway, connect):
    for number in range(25):
        gateway.store(_condition(number))
    client = connect("klinikum")
    path, pages = "/fhir/Condition?_count=10", []
    while path:
        answer = client.get(path)
        pages.append(_ids(answer))
        following = [one["url"] for one in answer.json()["link"] if one["relation"] == "next"]
        path = following[0].removeprefix("https://gw.example") if following else ""

    assert [len(page) for page in pages] == [10, 10, 5]
    assert sorted(one for page in pages for one in page) == sorted(
        f"c{number}" for number in range(25)
    )


def test_a_page_link_is_good_for_one_caller_and_one_search_only(gateway, connect):
    for number in range(12):
        gateway.store(_condition(number))
    following = connect("klinikum").get("/fhir/Condition?_count=10").json()["link"][1]["url"]
    page = parse_qs(urlsplit(following).query)["_page"][0]

    assert connect("klinikum").get(f"/fhir/Condition?_page={page}").status_code == 200
    assert connect("praxis").get(f"/fhir/Condition?_page={page}").status_code == 400
    assert connect("klinikum").get(f"/fhir/Condition?code=I10&_page={page}").status_code == 400
    assert connect("klinikum").get("/fhir/Condition?_page=AAAA").status_code == 400


def test_hidden_resources_change_nothing_in_an_answer(gateway, connect):
    client = connect("agentur")
    before = client.get("/fhir/Condition?code=I10")
    for number in range(40):
        gateway.store(_condition(number))
    after = client.get("/fhir/Condition?code=I10")

    assert before.content == after.content
    assert after.json()["total"] == 0


def test_a_consent_makes_hits_visible_and_pages_are_filled_with_them(gateway, connect):
    for number in range(30):
        gateway.store(_condition(number), patient=1 + number % 2)
    gateway.permit(1)

    answer = connect("praxis").get("/fhir/Condition?_count=10")

    assert _ids(answer) == [f"c{number}" for number in range(0, 20, 2)]
    assert "total" not in answer.json()


def test_unknown_parameters_are_ignored_with_a_note_or_refused_when_strict(gateway, connect):
    gateway.store(_condition(1))

    lenient = connect("klinikum").get("/fhir/Condition?zzz=1")
    strict = connect("klinikum", prefer="handling=strict").get("/fhir/Condition?zzz=1")

    assert [entry["search"]["mode"] for entry in lenient.json()["entry"]] == ["match", "outcome"]
    assert lenient.json()["link"][0]["url"] == "https://gw.example/fhir/Condition"
    assert strict.status_code == 400
    assert strict.json()["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    "query",
    [
        "code.name=x",
        "subject:Practitioner.name=x",
        "_has:Observation:patient:code=1",
        "code:bogus=1",
        "_sort=nonsense",
        "_total=many",
        "_summary=long",
        "_include=Condition:code",
        "_include=Condition",
        "_revinclude=*",
        "_filter=code eq",
        "_list=$current-problems",
        "onset-date=garbage",
        "_count=x",
        "code=%ff",
        "&".join(f"code={number}" for number in range(100)),
    ],
)
def test_bad_chains_modifiers_and_garbage_are_refused_whatever_the_handling(connect, query):
    answer = connect("klinikum").get(f"/fhir/Condition?{query}")

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "garbage" not in answer.text


def test_an_unknown_type_is_not_found(connect):
    assert connect("klinikum").get("/fhir/Nonsense?code=1").status_code == 404


def test_a_search_is_recorded_once_for_each_patient_with_its_query(gateway, connect):
    gateway.store(_condition(1))

    connect("klinikum").get("/fhir/Condition?code=I10")

    assert [kind for kind, _ in gateway.events] == ["search"]
    assert "SGVsbG8" not in str(gateway.events)
    assert gateway.events[0][1]["entity"][0]["query"]


def test_count_zero_gives_the_number_only(gateway, connect):
    gateway.store(_condition(1))

    bundle = connect("klinikum").get("/fhir/Condition?_count=0").json()

    assert bundle["total"] == 1
    assert "entry" not in bundle
