"""PID-10 and PID-22: what the jurisdiction's codes say is in its extension, the rest a fact."""

from __future__ import annotations

from typing import Any

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2.tokenizer import tokenize
from profiles.validate import structure
from tests.mappers.hl7v2.write.builders import told, write

CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111120000||ADT^A28|1|P|2.5||||||UNICODE UTF-8\r"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
CENSUS = "urn:oid:2.16.840.1.113883.6.238"


def read(race: str, group: str = "") -> Mapped:
    pid = f"PID|1||4711^^^HAUS^PI||Weiß^Änne||19480314|F||{race}" + "|" * 12 + group
    mapped = mappers.translate(f"{HEAD}{pid}\r".encode(), "hl7v2", CONTEXT)
    assert mapped.refusal is None
    for change in mapped.changes:
        assert not structure(change.resource)
    assert not [path for path, _ in mapped.loss.unmapped if path.startswith("PID")]
    return mapped


def extension(mapped: Mapped, name: str) -> list[dict[str, Any]]:
    patient = next(c.resource for c in mapped.changes if c.type == "Patient")
    found = [e for e in patient.get("extension", ()) if e["url"] == f"{US_CORE}{name}"]
    return found[0]["extension"] if found else []


def facts(mapped: Mapped) -> dict[str, Any]:
    return {
        component["code"]["text"]: component["valueCodeableConcept"]
        for change in mapped.changes
        if change.type == "Observation"
        for component in change.resource["component"]
    }


def test_codes_of_the_census_are_in_its_extensions() -> None:
    mapped = read("2106-3^White^HL70005~2131-1^Other^CDCREC", "N^Not Hispanic^HL70189")
    white, other, words = extension(mapped, "race")
    assert white["url"] == "ombCategory"
    assert white["valueCoding"] == {"system": CENSUS, "code": "2106-3", "display": "White"}
    assert (other["url"], words["valueString"]) == ("detailed", "White, Other")
    group, _ = extension(mapped, "ethnicity")
    assert group["valueCoding"]["code"] == "2186-5"
    assert facts(mapped) == {}


@pytest.mark.parametrize("group", ["N^Black or Black British - African^^^", "N", "H^Hessen^LOCAL"])
def test_a_letter_of_nobody_knows_which_table_is_a_fact_and_no_category(group: str) -> None:
    mapped = read("", group)
    assert extension(mapped, "ethnicity") == []
    assert facts(mapped)["Ethnic Group"]["coding"][0]["code"] == group[0]


def test_what_an_extension_has_no_place_for_is_told_as_a_fact_as_well() -> None:
    mapped = read("2028-9^Asian^CDCREC^A^asiatisch^L")
    assert extension(mapped, "race")[0]["valueCoding"]["code"] == "2028-9"
    assert [c["code"] for c in facts(mapped)["Race"]["coding"]] == ["2028-9", "A"]


def test_the_extensions_are_written_into_their_fields() -> None:
    mapped = read("2106-3^White^CDCREC~2028-9^Asian^CDCREC", "2135-2^Hispanic^CDCREC")
    written = write(told(mapped))
    pid = tokenize(written.data).all("PID")[0]
    assert pid.raw[10] == "2106-3^White^CDCREC~2028-9^Asian^CDCREC"
    assert pid.raw[22] == "2135-2^Hispanic^CDCREC"
    assert not [path for path in written.left_out if "extension" in path]


def test_a_merge_is_written_though_a_fact_about_the_person_has_no_place_in_it() -> None:
    pid = "PID|1||4711^^^HAUS^PI||Weiß^Änne||19480314|F||C"
    head = HEAD.replace("ADT^A28", "ADT^A40^ADT_A39")
    data = f"{head}EVN|A40|20270111\r{pid}\rMRG|4712^^^HAUS^PI\r".encode()
    mapped = mappers.translate(data, "hl7v2", CONTEXT)
    written = write(told(mapped))
    assert written.message_type == "ADT^A40"
    assert any(path.startswith("Observation") for path in written.left_out)
