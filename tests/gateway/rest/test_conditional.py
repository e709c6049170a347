"""Conditional interactions, also when many callers ask at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

SYSTEM = "https://klinikum.example/patienten"
ONE = f"identifier={SYSTEM}|1"


def patient(number="1", **more):
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": number}],
        **more,
    }


def test_a_conditional_create_makes_one_and_finds_it_again(klinikum):
    first = klinikum.post("/Patient", json=patient(), headers={"if-none-exist": ONE})
    again = klinikum.post("/Patient", json=patient(), headers={"if-none-exist": ONE})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["etag"] == 'W/"1"'


def test_a_condition_may_stand_in_the_address_as_some_clients_write_it(klinikum):
    first = klinikum.post(f"/Patient?{ONE}", json=patient())
    again = klinikum.post(f"/Patient?{ONE}&_format=json", json=patient())

    assert (first.status_code, again.status_code) == (201, 200)
    assert klinikum.post("/Patient?_pretty=true", json=patient()).status_code == 201


def test_several_matches_are_refused(klinikum):
    for _ in range(2):
        klinikum.post("/Patient", json=patient())

    for answer in (
        klinikum.post("/Patient", json=patient(), headers={"if-none-exist": ONE}),
        klinikum.put(f"/Patient?{ONE}", json=patient()),
        klinikum.delete(f"/Patient?{ONE}"),
    ):
        assert answer.status_code == 412


def test_a_conditional_update_makes_then_changes(klinikum):
    made = klinikum.put(f"/Patient?{ONE}", json=patient())
    changed = klinikum.put(f"/Patient?{ONE}", json=patient(gender="female"))

    assert (made.status_code, changed.status_code) == (201, 200)
    assert changed.json()["id"] == made.json()["id"]
    assert changed.json()["meta"]["versionId"] == "2"
    other = klinikum.put(f"/Patient?{ONE}", json=patient(id="another", gender="male"))
    assert other.status_code == 400


def test_a_conditional_delete_deletes_the_one_match(klinikum):
    made = klinikum.post("/Patient", json=patient()).json()["id"]

    assert klinikum.delete(f"/Patient?{ONE}").status_code == 204
    assert klinikum.get(f"/Patient/{made}").status_code == 410
    assert klinikum.delete(f"/Patient?{ONE}").status_code == 204


@pytest.mark.parametrize("query", ["", "nonsense=1", "_count=1", "subject:Patient.name=x"])
def test_a_condition_that_names_nothing_is_refused(klinikum, query):
    klinikum.post("/Patient", json=patient())

    assert klinikum.delete(f"/Patient?{query}").status_code in (400, 412)
    created = klinikum.post("/Patient", json=patient(), headers={"if-none-exist": query})
    assert created.status_code in (400, 412)
    assert klinikum.get("/Patient").json()["total"] == 1


def test_what_others_keep_takes_no_part(serving):
    serving.of("klinikum").post("/Patient", json=patient())

    answer = serving.of("agentur").post("/Patient", json=patient(), headers={"if-none-exist": ONE})

    assert answer.status_code == 201


def race(bases, ask, count=16):
    """Let callers begin at the same moment; return their answers."""
    barrier = threading.Barrier(count)

    def run(number):
        with httpx.Client(
            base_url=bases[number % len(bases)],
            headers={"Authorization": "Bearer token-klinikum"},
            trust_env=False,
            timeout=60,
        ) as client:
            barrier.wait(30)
            return ask(client)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_racing_creates_make_one(serving, klinikum):
    answers = race(
        [serving.base],
        lambda c: c.post("/Patient", json=patient(), headers={"if-none-exist": ONE}),
    )

    assert sorted(one.status_code for one in answers) == [200] * 15 + [201]
    assert len({one.json()["id"] for one in answers}) == 1
    assert klinikum.get("/Patient").json()["total"] == 1


def test_racing_updates_of_one_version_let_one_through(serving, klinikum):
    made = klinikum.post("/Patient", json=patient()).json()

    def put(client):
        body = {**made, "birthDate": "1951-05-02"}
        return client.put(f"/Patient/{made['id']}", json=body, headers={"if-match": 'W/"1"'})

    statuses = sorted(one.status_code for one in race([serving.base], put))

    assert statuses == [200] + [412] * 15


@pytest.mark.postgres
def test_of_racing_updates_of_processes_one_is_let_through(serve, store_url):
    if not store_url.startswith("postgresql"):
        pytest.skip("one process owns a SQLite store")
    first, second = serve(), serve()
    made = first.of("klinikum").post("/Patient", json=patient()).json()

    def put(client):
        body = {**made, "birthDate": "1951-05-02"}
        return client.put(f"/Patient/{made['id']}", json=body, headers={"if-match": 'W/"1"'})

    statuses = sorted(one.status_code for one in race([first.base, second.base], put))

    assert statuses == [200] + [412] * 15


@pytest.mark.postgres
def test_racing_processes_make_one(serve, store_url):
    if not store_url.startswith("postgresql"):
        pytest.skip("one process owns a SQLite store")
    first, second = serve(), serve()

    answers = race(
        [first.base, second.base],
        lambda c: c.put(f"/Patient?{ONE}", json=patient()),
    )

    assert sorted(one.status_code for one in answers) == [200] * 15 + [201]
    assert first.of("klinikum").get("/Patient").json()["total"] == 1
