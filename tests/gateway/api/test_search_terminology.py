"""Searches that ask terminology: value sets and hierarchies of the definitions that are at hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.pipeline.catalogues import Catalogues
from gateway.pipeline.documents import dump
from gateway.pipeline.rest.asked import Checked
from gateway.pipeline.rest.operations import OPERATIONS
from gateway.pipeline.rest.operations.tools import Tools
from profiles.issue import GatewayError

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@pytest.fixture
def asking(gateway):
    """Let the gateway in memory run operations itself, as a worker process does."""
    tools = Tools(SimpleNamespace(packages="", catalogues=Catalogues(), region=None))

    async def check(call):
        try:
            return Checked(answer=dump(OPERATIONS[call.key](call, tools)))
        except GatewayError:
            return Checked(refused=422)

    gateway.check = check
    for number, (status, code) in enumerate(
        [("finished", "IMP"), ("planned", "ACUTE"), ("cancelled", "AMB")]
    ):
        gateway.store(
            {
                "resourceType": "Encounter",
                "id": f"e{number}",
                "status": status,
                "class": {"system": ACT_CODE, "code": code},
            }
        )
    return gateway


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status:in=http://hl7.org/fhir/ValueSet/encounter-status", ["e0", "e1", "e2"]),
        ("class:in=http://hl7.org/fhir/ValueSet/encounter-status", []),
        ("class:not-in=http://hl7.org/fhir/ValueSet/encounter-status", ["e0", "e1", "e2"]),
        (f"class:below={ACT_CODE}|IMP", ["e0", "e1"]),
        (f"class:below={ACT_CODE}|_ActEncounterCode", ["e0", "e1", "e2"]),
        (f"class:above={ACT_CODE}|ACUTE", ["e0", "e1"]),
        (f"class:below={ACT_CODE}|AMB,{ACT_CODE}|ACUTE", ["e1", "e2"]),
        (f"_has:Observation:encounter:code:below={ACT_CODE}|AMB", []),
    ],
)
def test_value_sets_and_hierarchies_are_searched(asking, connect, query, found):
    answer = connect("klinikum").get(f"/fhir/Encounter?{query}")
    assert answer.status_code == 200, answer.text
    assert [one["resource"]["id"] for one in answer.json().get("entry", [])] == found


@pytest.mark.parametrize(
    "query",
    [
        "class:in=http://nobody.example/ValueSet/x",
        "class:below=http://nobody.example/CodeSystem/x|1",
        "class:in=" + ",".join(f"http://nobody.example/{number}" for number in range(30)),
        "class:below=IMP",
    ],
)
def test_what_cannot_be_listed_is_refused(asking, connect, query):
    assert connect("klinikum").get(f"/fhir/Encounter?{query}").status_code == 400
