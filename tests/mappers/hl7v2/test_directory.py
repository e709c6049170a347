"""Places, houses, people and systems a message names become resources of its sender's directory."""

from __future__ import annotations

from typing import Any

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect

HEAD = "MSH|^~\\&|KIS^1.2.3^ISO|KLINIK|LABOR|PRAXIS|20261103104500||ADT^A01|{n}|P|2.5.1|||||DEU\r"
SFT = "SFT|Hersteller AG|4.2|Kliniksystem|77\r"
PID = "PID|1||4711^3^M10^HAUS^PI^FILIALE||Weiß^Änne|||F\r"
PV1 = "PV1|1|I|3B^12^2^HAUS^O^N^C^4^Fensterplatz|||||{doctor}\r"
DOCTOR = "815^Grün^Ines^^^Dr.^MD^^HAUS^L^9^M10^DN^SITZ"
CONTEXT = Context(b"directory" * 4, Dialect(), "https://region.example/sid/klinik")


def read(number: int = 1, doctor: str = DOCTOR) -> Mapped:
    text = HEAD.format(n=number) + SFT + PID + PV1.format(doctor=doctor)
    found = mappers.translate(text.encode(), "hl7v2", CONTEXT)
    assert found.refusal is None, found.refusal
    return found


def by_reference(mapped: Mapped) -> dict[str, dict[str, Any]]:
    return {f"{change.type}/{change.id}": change.resource for change in mapped.changes}


def visit(mapped: Mapped) -> dict[str, Any]:
    (found,) = [c.resource for c in mapped.changes if c.type == "Encounter"]
    return found


def test_every_level_of_a_place_is_part_of_the_next_larger_one() -> None:
    mapped = read()
    resources = by_reference(mapped)
    bed = resources[visit(mapped)["location"][0]["location"]["reference"]]

    codes, place = [], bed
    while True:
        codes.append(place["physicalType"]["coding"][0]["code"])
        if "partOf" not in place:
            break
        place = resources[place["partOf"]["reference"]]
    assert codes == ["bd", "ro", "wa", "lvl", "bu", "si"]
    assert (bed["name"], bed["mode"], bed["description"]) == ("2", "instance", "Fensterplatz")
    assert bed["operationalStatus"]["code"] == "O"


def test_a_number_names_the_house_that_gave_it_and_its_check_digit() -> None:
    mapped = read()
    resources = by_reference(mapped)
    (patient,) = [c.resource for c in mapped.changes if c.type == "Patient"]
    identifier = patient["identifier"][0]
    assert resources[identifier["assigner"]["reference"]]["identifier"][0]["value"] == "FILIALE"
    assert [e["valueString"] for e in identifier["extension"]] == ["3", "M10"]


def test_a_doctor_has_number_name_and_degree() -> None:
    mapped = read()
    (doctor,) = [c.resource for c in mapped.changes if c.type == "Practitioner"]
    assert doctor["identifier"][0]["value"] == "815"
    assert doctor["identifier"][0]["type"]["coding"][0]["code"] == "DN"
    assert doctor["name"][0]["family"] == "Grün"
    assert doctor["qualification"][0]["code"]["coding"][0]["code"] == "MD"
    sites = [c.resource["name"] for c in mapped.changes if c.type == "Location"]
    assert "SITZ" in sites


def test_the_header_is_told_by_the_provenance() -> None:
    mapped = read()
    resources, record = by_reference(mapped), mapped.provenance or {}
    author = record["agent"][0]["who"]["reference"]
    assert resources[author]["address"] == [{"country": "DEU"}]
    systems = [
        resources[e["what"]["reference"]] for e in record["entity"] if "reference" in e["what"]
    ]
    assert [one["identifier"][0]["value"].split("|")[0] for one in systems] == [
        "KIS",
        "Hersteller AG",
    ]
    assert record["activity"]["coding"][0]["display"] == "ADT^A01"


def test_entries_recalled_from_memory_are_whole_in_every_message() -> None:
    first, *others = [read(number) for number in range(1, 6)]
    for other in others:
        assert by_reference(other).keys() == by_reference(first).keys()
        assert other.loss == first.loss
