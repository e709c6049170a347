"""What was read from HL7 v2, written and read again says the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.base import Mapped
from mappers.hl7v2.tokenizer import tokenize
from profiles.issue import NotSupported
from tests.mappers.hl7v2.write.builders import KVNR, bundle, context, observation, told, write

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "../shared/samples"))
GERMAN = SAMPLES / "german" / "hl7v2"
NAMES = (
    "adt_a01_aufnahme",
    "adt_a02_verlegung",
    "adt_a03_entlassung",
    "adt_a04_ambulant",
    "adt_a08_aenderung",
    "adt_a11_storno_aufnahme",
    "adt_a12_storno_verlegung",
    "adt_a13_storno_entlassung",
    "adt_a40_merge",
    "mdm_t02_arztbrief_cda",
    "mdm_t02_arztbrief_pdf",
    "mdm_t08_ersetzung",
    "oru_r01_labor",
    "oru_r01_teilbefund_v23",
)

#: Types whose statements stand in fields of other segments, or in none when nothing was said.
CARRIED_BY_OTHERS = {"Practitioner", "Organization", "Encounter", "Specimen", "ServiceRequest"}
#: Their problems come with results and orders, which we write in messages of their own.
PROBLEM_LISTS = ("PPR", "PPP", "PGL")
#: Types no message we write carries.
NOT_WRITTEN = {
    "Immunization",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
}

WARD = """MSH|^~\\&|KIS|HAUS|GW|NETZ|20261103104500+0100||{type}|1|P|2.5||||||UNICODE UTF-8
EVN|A01|20261103104400+0100||||20261103104400+0100
PID|1||4711^^^HAUS^PI||{family}^{given}^^^Dr.^^L||19480314|F|||Weg 1&Weg&1^^Ort^^01234^DEU^H
PV1|1|I|3B^12^2|E|||838382202^Bergmann^Ines^^^Dr. med.^^^&1.2.276.0.76.4.16&ISO|||0800"""


def read(data: bytes) -> Mapped:
    found = mappers.translate(data, "hl7v2", context())
    assert found.refusal is None, found.refusal
    return found


def header(mapped: Mapped) -> set[str]:
    """Sender, receiver and software: a message that is written names its own."""
    record = mapped.provenance or {"agent": (), "entity": ()}
    parties = [agent["who"] for agent in record["agent"]]
    parties += [entity["what"] for entity in record["entity"]]
    names = {str(party.get("reference")) for party in parties}
    return {name for name in names if name.startswith(("Device/", "Organization/"))}


def content(mapped: Mapped, left: set[str] | None = None) -> dict[str, dict[str, Any]]:
    """Resources by type and id; what the gateway remembers about a version is left aside."""
    found = {}
    left = header(mapped) if left is None else left
    for change in mapped.changes:
        if f"{change.type}/{change.id}" in left:
            continue
        resource = {k: v for k, v in change.resource.items() if k != "meta"}
        resource["security"] = change.resource.get("meta", {}).get("security")
        if change.type == "Procedure":
            # One without number is named by the text of its time, which gains its zone.
            del resource["id"]
            found[str(resource["code"])] = resource
        elif not change.partial:
            found[f"{change.type}/{change.id}"] = resource
    return found


def types(mapped: Mapped) -> set[str]:
    return {change.type for change in mapped.changes if not change.partial}


@pytest.mark.samples
@pytest.mark.skipif(not GERMAN.is_dir(), reason="GATEWAY_SAMPLES not found")
@pytest.mark.parametrize("name", NAMES)
def test_a_german_message_comes_back_whole(name: str) -> None:
    first = read((GERMAN / f"{name}.hl7").read_bytes())
    written = write(told(first), charset="8859/15")
    second = read(written.data)
    assert written.message_type == first.message_type
    assert written.left_out == ()
    left = header(first) | header(second)
    assert content(second, left) == content(first, left)


def messages() -> Iterator[bytes]:
    for folder in sorted(SAMPLES.glob("hl7v2-*")):
        for path in sorted(folder.rglob("*")):
            data = path.read_bytes() if path.is_file() else b""
            if mappers.format_named("hl7v2").recognises(data):
                yield from mappers.split(data, format="hl7v2")


@pytest.mark.samples
@pytest.mark.skipif(not GERMAN.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_everything_that_can_be_read_can_be_written_and_read_again() -> None:
    count = 0
    for data in messages():
        first = mappers.translate(data, "hl7v2", context())
        visits = sum(change.type == "Encounter" for change in first.changes)
        if first.refusal is not None or len(first.patients) > 1 or visits > 1:
            continue
        try:
            written = write(told(first))
        except NotSupported:  # what no message we write carries, orders of a pharmacy, say
            assert types(first) & NOT_WRITTEN or first.message_type.startswith(PROBLEM_LISTS)
            continue
        count += 1
        lost = types(first) - types(read(written.data))
        named = {path.partition("/")[0] for path in written.left_out}
        assert lost <= named | CARRIED_BY_OTHERS
    assert count > 100


names = st.text(st.characters(codec="latin-1", categories=("L",)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(family=names, given_name=names)
def test_an_admission_comes_back_whatever_the_name(family: str, given_name: str) -> None:
    text = WARD.format(type="ADT^A01^ADT_A01", family=family, given=given_name)
    data = (text + "|||||||||F-1^^^HAUS^VN\r").replace("\n", "\r").encode()
    first = read(data)
    written = write(told(first))
    assert (written.message_type, written.left_out) == ("ADT^A01", ())
    second = read(written.data)
    left = header(first) | header(second)
    assert content(second, left) == content(first, left)


numbers = st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-999, max_value=999
)


@settings(max_examples=40)
@given(value=numbers, comparator=st.sampled_from(["", "<", ">=", ">"]), words=names)
def test_a_result_comes_back_digit_by_digit(value: Any, comparator: str, words: str) -> None:
    quantity = {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org"}
    quantity |= {"code": "mmol/L"} | ({"comparator": comparator} if comparator else {})
    who = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": KVNR, "value": "T987654328"}],
        "name": [{"use": "official", "family": words}],
    }
    note = [{"text": f"{words}|{words}"}]
    made = observation(valueQuantity=quantity, note=note)
    second = read(write(bundle(who, made)).data)
    found = next(c.resource for c in second.changes if c.type == "Observation")
    assert str(found["valueQuantity"]["value"]) == str(value)
    assert found["valueQuantity"] == quantity
    assert (found["code"], found["note"]) == (made["code"], note)


def test_writing_needs_no_record_of_a_translation() -> None:
    text = WARD.format(type="ADT^A01^ADT_A01", family="Weiß", given="Änne").replace("\n", "\r")
    first = read(text.encode())
    written = write(bundle(*[change.resource for change in first.changes]))
    assert tokenize(written.data).get("PV1") is not None


def test_hl7v2_is_a_format_that_can_be_written() -> None:
    first = read(
        WARD.format(type="ADT^A31", family="Weiß", given="Änne").replace("\n", "\r").encode()
    )
    encode = mappers.format_named("hl7v2").encode
    assert encode is not None
    data = encode(told(first), context()).data
    assert read(data).message_type == "ADT^A31"
    assert data == encode(told(first), context()).data
