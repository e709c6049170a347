"""Search as a whole: written through the interface, found through it, on either database."""

from __future__ import annotations

from .test_instances import made, permit

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def fill(client, label=""):
    """Store two patients with findings; return their ids by name."""
    ids = {}
    for at, name in enumerate(("Anker", "Bach")):
        patient = made(
            client,
            {
                "resourceType": "Patient",
                "name": [{"family": f"{name}{label}"}],
                "birthDate": f"19{50 + at}-01-01",
            },
        )
        ids[name] = patient["id"]
        for number in range(3):
            found = made(
                client,
                {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"coding": [{"system": LOINC, "code": f"{number}-1"}]},
                    "subject": {"reference": f"Patient/{patient['id']}"},
                    "effectiveDateTime": f"2026-0{1 + number + 3 * at}-01",
                    "valueQuantity": {
                        "value": number + 1,
                        "unit": "g/dL",
                        "system": UCUM,
                        "code": "g/dL",
                    },
                },
            )
            ids[f"{name}{number}"] = found["id"]
    return ids


def search(client, query):
    answer = client.get(f"/{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(ids, bundle, mode="match"):
    known = {id_: name for name, id_ in ids.items()}
    entries = bundle.get("entry", [])
    return [known[one["resource"]["id"]] for one in entries if one["search"]["mode"] == mode]


def pages(client, query):
    bundle = search(client, query)
    while True:
        yield bundle
        following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
        if not following:
            return
        bundle = client.get(following[0]).json()


QUERIES = [
    "Observation?subject:Patient.family=bach",
    "Patient?_has:Observation:patient:code=1-1",
    "Observation?_include=Observation:subject&_sort=-date",
    "Patient?_revinclude=Observation:subject&_sort=-birthdate",
    "Observation?_sort=-date&_count=2",
    "Observation?_sort=-_lastUpdated&_count=1",
    "Observation?_total=accurate&_count=1",
    "Observation?_summary=count",
    "Observation?value-quantity=gt15|http://unitsofmeasure.org|g/L",
    "Observation?_filter=not(code eq 1-1) and date ge 2026-02",
    "Observation?_content=0-1",
    "?_type=Patient,Observation&_sort=_id",
]


def test_what_was_written_is_found_in_every_way(klinikum):
    ids = fill(klinikum)

    def found(query, mode="match"):
        return names(ids, search(klinikum, query), mode)

    assert found("Observation?subject:Patient.family=bach&_sort=date") == [
        "Bach0",
        "Bach1",
        "Bach2",
    ]
    assert found("Patient?_has:Observation:patient:date=ge2026-06") == ["Bach"]
    assert found("Observation?value-quantity=gt25|http://unitsofmeasure.org|g/L&_sort=date") == [
        "Anker2",
        "Bach2",
    ]
    assert found(f"Patient/{ids['Anker']}/Observation?_sort=-date") == [
        "Anker2",
        "Anker1",
        "Anker0",
    ]
    everything = f"Patient/{ids['Anker']}/$everything?_type=Patient,Observation"
    assert found(everything) == ["Anker", "Anker0", "Anker1", "Anker2"]
    included = "Observation?code=1-1&_include=Observation:subject&_sort=date"
    assert found(included) == ["Anker1", "Bach1"]
    assert sorted(found(included, "include")) == ["Anker", "Bach"]
    in_pages = [names(ids, one) for one in pages(klinikum, "Observation?_sort=-date&_count=4")]
    assert in_pages == [["Bach2", "Bach1", "Bach0", "Anker2"], ["Anker1", "Anker0"]]
    newest = [
        names(ids, one) for one in pages(klinikum, "Observation?_sort=-_lastUpdated&_count=5")
    ]
    assert [name for page in newest for name in page] == [
        "Bach2",
        "Bach1",
        "Bach0",
        "Anker2",
        "Anker1",
        "Anker0",
    ]
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": "Observation?patient.family=anker&code=2-1"}}
        ],
    }
    answer = klinikum.post("/", json=batch).json()["entry"][0]
    assert names(ids, answer["resource"]) == ["Anker2"]


def test_what_is_changed_or_deleted_is_found_as_it_is_now(klinikum):
    ids = fill(klinikum)
    changed = klinikum.get(f"/Observation/{ids['Bach0']}").json()
    changed["effectiveDateTime"] = "2020-01-01"
    assert klinikum.put(f"/Observation/{ids['Bach0']}", json=changed).status_code == 200
    assert klinikum.delete(f"/Observation/{ids['Bach1']}").status_code in (200, 204)

    ordered = names(ids, search(klinikum, "Observation?_sort=date"))
    assert ordered == ["Bach0", "Anker0", "Anker1", "Anker2", "Bach2"]
    assert names(ids, search(klinikum, "Observation?date=2026-04-01")) == []
    assert search(klinikum, "Observation?_summary=count")["total"] == 5


def test_a_page_link_stays_right_while_resources_come_and_go(klinikum):
    ids = fill(klinikum)
    first, *_ = pages(klinikum, "Observation?_sort=date&_count=3")
    made(
        klinikum,
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "früher"},
            "effectiveDateTime": "2000-01-01",
        },
    )
    klinikum.delete(f"/Observation/{ids['Anker0']}")
    following = next(one["url"] for one in first["link"] if one["relation"] == "next")
    assert names(ids, klinikum.get(following).json()) == ["Bach0", "Bach1", "Bach2"]


def test_what_is_hidden_changes_no_byte_of_any_answer_until_a_consent_opens_it(serving):
    klinikum, praxis = serving.of("klinikum"), serving.of("praxis")
    fill(praxis, label="-eigen")

    def answers():
        return [praxis.get(f"/{query}").content for query in QUERIES]

    def unsealed(contents):
        # A page link is sealed with a fresh nonce each time; everything else has to be the same.
        return [content.partition(b"_page=")[0] for content in contents]

    before = unsealed(answers())
    ids = fill(klinikum, label="-fremd")
    assert unsealed(answers()) == before
    permit(klinikum, ids["Bach"])
    chained = search(praxis, "Observation?subject:Patient.family=bach-fremd&_sort=date")
    assert names(ids, chained) == ["Bach0", "Bach1", "Bach2"]
    assert search(praxis, "Observation?subject:Patient.family=anker-fremd")["total"] == 0
    assert search(praxis, "Observation?_summary=count")["total"] == 9


def test_every_search_is_in_the_log_before_its_answer(serving):
    klinikum = serving.of("klinikum")
    for query in QUERIES:
        before = len(serving.events())
        assert klinikum.get(f"/{query}").status_code == 200
        events = serving.events(before + 1)
        assert len(events) > before, query
