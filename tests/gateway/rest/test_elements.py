"""`_summary` and `_elements` of reads and searches."""

from __future__ import annotations

import pytest

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Gewicht</div>'
OBSERVATION = {
    "resourceType": "Observation",
    "text": {"status": "generated", "div": DIV},
    "status": "final",
    "code": {"text": "weight"},
    "valueQuantity": {"value": 1, "unit": "kg"},
    "note": [{"text": "n"}],
    "component": [{"code": {"text": "c"}, "interpretation": [{"text": "i"}]}],
}
SUBSETTED = "SUBSETTED"


@pytest.fixture
def place(klinikum):
    """An Observation that is stored."""
    answer = klinikum.post("/Observation", json=OBSERVATION)
    assert answer.status_code == 201, answer.text
    return f"/Observation/{answer.json()['id']}"


ALWAYS = {"resourceType", "id", "meta"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("_summary=true", {"status", "code", "valueQuantity", "component"}),
        ("_summary=text", {"status", "code", "text"}),
        ("_summary=data", {"status", "code", "valueQuantity", "note", "component"}),
        ("_elements=note", {"status", "code", "note"}),
        ("_elements=value", {"status", "code", "valueQuantity"}),
    ],
)
def test_a_part_of_a_resource_says_that_it_is_one(klinikum, place, query, names):
    read = klinikum.get(f"{place}?{query}").json()
    found = klinikum.get(f"/Observation?{query}").json()["entry"][0]["resource"]

    assert read == found
    assert read.keys() == names | ALWAYS
    assert [tag["code"] for tag in read["meta"]["tag"]] == [SUBSETTED]


def test_backbone_elements_are_summed_up_inside(klinikum, place):
    read = klinikum.get(f"{place}?_summary=true").json()

    assert read["component"] == [{"code": {"text": "c"}}]


def test_the_whole_resource_carries_no_mark(klinikum, place):
    for query in ("_summary=false", "_summary=", ""):
        read = klinikum.get(f"{place}?{query}").json()
        assert "tag" not in read["meta"]
        assert read["note"]


def test_a_search_by_post_may_ask_for_a_part_as_well(klinikum, place):
    found = klinikum.post("/Observation/_search", data={"_elements": "note"}).json()

    assert found["entry"][0]["resource"].keys() == {"status", "code", "note"} | ALWAYS
    assert place


def test_errors_stay_whole(klinikum, place):
    missing = klinikum.get("/Observation/nobody?_summary=true").json()

    assert missing["issue"][0]["code"] == "not-found"
    assert place
