"""Answers to queries are patients; questions and acknowledgements are nobody's data."""

from pathlib import Path

import pytest

import mappers
from mappers.base import Context
from mappers.dialect import Dialect

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def test_each_patient_found_is_one_of_its_own() -> None:
    result = mappers.translate((SAMPLES / "rsp_k22_pdq.hl7").read_bytes(), "hl7v2", CONTEXT)
    assert result.refusal is None
    found = [c.resource["name"][0]["given"] for c in result.changes if c.type == "Patient"]
    assert found == [["Nurcan"], ["Nuran"]]
    lost = {
        path.partition("-")[0] + "-" + path.partition("-")[2][0] for path, _ in result.loss.unmapped
    }
    assert lost == {"QAK-2", "QPD-3"}


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
