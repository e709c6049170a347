"""Answers to queries are patients; questions and acknowledgements are nobody's data."""

from pathlib import Path
from typing import Any

import pytest

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from profiles.validate import structure

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def test_each_patient_found_is_one_of_its_own() -> None:
    result = mappers.translate((SAMPLES / "rsp_k22_pdq.hl7").read_bytes(), "hl7v2", CONTEXT)
    assert result.refusal is None
    found = [c.resource["name"][0]["given"] for c in result.changes if c.type == "Patient"]
    assert found == [["Nurcan"], ["Nuran"]]
    assert result.loss.unmapped == ()


def test_what_is_answered_stands_in_provenance() -> None:
    result = mappers.translate((SAMPLES / "rsp_k22_pdq.hl7").read_bytes(), "hl7v2", CONTEXT)
    assert result.provenance is not None
    told = {
        e["what"]["identifier"]["value"]: e["what"]
        for e in result.provenance["entity"]
        if "identifier" in e["what"]
    }
    assert told["Q22-0009"]["display"] == "zwei Treffer"
    assert told["Q22-0009"]["identifier"]["type"]["coding"][0]["code"] == "AA"
    assert told["ANFRAGE-9"]["identifier"]["type"]["coding"][0]["display"] == "Patientensuche"


@pytest.mark.parametrize("kind", ["QBP^Q22", "ACK^A01", "MCF^Q16"])
def test_what_states_nothing_is_not_taken_as_data(kind: str) -> None:
    """Whoever acknowledged an acknowledgement would never come to an end."""
    data = f"MSH|^~\\&|PVS|HAUS|GW|NETZ|20261105||{kind}|1|P|2.5\rMSA|AA|7\r".encode()
    refused = mappers.translate(data, "hl7v2", CONTEXT).refusal
    assert refused is not None
    assert refused.location == "MSH-9.1"


HEAD = "MSH|^~\\&|PVS|HAUS|GW|NETZ|20261105||{0}|1|P|2.5||||||UNICODE UTF-8\r"


def contained(kind: str, *lines: str) -> dict[str, Any]:
    """The one resource the Provenance of a converted message contains."""
    data = "\r".join([HEAD.format(kind).rstrip(), *lines, ""]).encode()
    (mapped,) = mappers.convert(data, format="hl7v2")
    assert mapped.provenance is not None
    assert mapped.loss.unmapped == ()
    assert not structure(mapped.provenance)
    (found,) = mapped.provenance["contained"]
    named = [entity["what"].get("reference") for entity in mapped.provenance["entity"]]
    assert f"#{found['id']}" in named
    return found  # type: ignore[no-any-return]  # plain JSON


def test_a_converter_says_what_was_asked() -> None:
    asked = contained(
        "QBP^Q22",
        "QPD|Q22^Find Candidates^HL70471|T1|@PID.5.1^Weiß~@PID.7^19480314",
        "RCP|I|20^RD",
    )
    found = {one["name"]: one.get("valueString") for one in asked["parameter"]}
    assert found["@PID.5.1"] == "Weiß"
    assert found["@PID.7"] == "19480314"
    assert found["Quantity Limited Request"] == "20 RD"


def test_a_question_about_a_number_names_it_as_one() -> None:
    asked = contained(
        "QBP^Q23", "QPD|IHE PIX Query|T1|4711^^^HAUS&1.2.3&ISO^PI|^^^KLINIK&1.2.4&ISO"
    )
    number, domain = asked["parameter"]
    assert number["valueIdentifier"]["system"] == "urn:oid:1.2.3"
    assert domain == {"name": "QPD-4", "valueString": "KLINIK 1.2.4 ISO"}


def test_a_question_of_old_versions_keeps_its_filters() -> None:
    asked = contained("QRY^A19", "QRD|20260311|R|I|Q1|||1^RD|4711^Weiß|DEM", "QRF|KIS|20260101")
    assert {one["name"] for one in asked["parameter"]} >= {
        "Query ID",
        "Who Subject Filter",
        "When Data Start Date/Time",
    }


def test_what_went_wrong_is_the_outcome_the_answer_tells() -> None:
    error = "ERR||PID^1^3^1^4|101^Required field missing^HL70357|W|E1^App^L||Diag|Bitte PID-3"
    (issue,) = contained("ACK^A01", "MSA|AE|C1", error)["issue"]
    assert (issue["severity"], issue["code"]) == ("warning", "required")
    assert issue["location"] == ["PID^1^3^1^4"]
    assert [coding["code"] for coding in issue["details"]["coding"]] == ["101", "E1"]
    assert (issue["details"]["text"], issue["diagnostics"]) == ("Bitte PID-3", "Diag")
