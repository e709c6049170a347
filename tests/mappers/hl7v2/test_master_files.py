"""Master files: staff and places become entries of the sender's own directory."""

from __future__ import annotations

from typing import Any

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import structure

CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111120000||{0}|1|P|2.5||||||UNICODE UTF-8"
MFI = "MFI|STF^Staff^HL70175|PRA|UPD|20270101||AL"
STF = (
    "STF|S77|77^^^HAUS|Arzt^Anna|P|F|19700101||IN^Innere|MED|+49 30 123|Weg 1^^Berlin^^10115^DE"
    "|20200101^H1&Haus|20300101||a@haus.example|||Oberärztin|JC1"
)


def read(kind: str, *lines: str) -> Mapped:
    data = "\r".join([HEAD.format(kind), *lines]).encode()
    mapped = mappers.translate(data, "hl7v2", CONTEXT)
    assert mapped.refusal is None, mapped.refusal
    for change in mapped.changes:
        assert not structure(change.resource), change.resource
    return mapped


def of(mapped: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in mapped.changes if change.type == kind]


def test_a_record_of_staff_is_the_person_other_messages_name() -> None:
    mapped = read("MFN^M02", MFI, "MFE|MAD|1|20270101|S77|CE", STF)
    (person,) = of(mapped, "Practitioner")
    pv1 = "PV1|1|I|3B||||77^Arzt^Anna^^^^^^HAUS||||||||||||F-9^^^HAUS^VN"
    admitted = read("ADT^A01", "EVN|A01|20270111", "PID|1||1^^^HAUS||Weiß^Ä", pv1)
    assert person["id"] in {one["id"] for one in of(admitted, "Practitioner")}
    assert person["active"] is True
    assert {point["system"] for point in person["telecom"]} == {"phone", "email"}
    (role,) = of(mapped, "PractitionerRole")
    assert role["period"] == {"start": "2020-01-01", "end": "2030-01-01"}
    assert role["organization"]["display"] == "Haus"
    assert all("haus.example" in i["system"] for i in person["identifier"])


@pytest.mark.parametrize(
    ("event", "active"), [("MAD", True), ("MUP", True), ("MDC", False), ("MDL", False)]
)
def test_the_event_of_the_record_says_whether_it_is_in_use(event: str, active: bool) -> None:
    mapped = read("MFN^M02", MFI, f"MFE|{event}|1|20270101|S77|CE", STF)
    assert of(mapped, "Practitioner")[0]["active"] is active
    (listed,) = of(mapped, "List")
    assert listed["entry"][0].get("deleted", False) is (event == "MDL")
    reference = f"Practitioner/{of(mapped, 'Practitioner')[0]['id']}"
    assert listed["entry"][0]["item"]["reference"] == reference


def test_each_record_keeps_its_own_details() -> None:
    second = "STF|S78|78^^^HAUS|Kraft^Bo"
    mapped = read(
        "MFN^M02",
        MFI,
        "MFE|MAD|1|20270101|S77|CE",
        STF,
        "PRA|S77|GRP^Gruppe|OT||Innere^ÄK^C^20000101|123456601^LANR|P1&Priv|20010101|H1^Haus",
        "ORG|1|U1^Unit|T1||R1|||20200101",
        "LAN|1|en^Englisch^ISO639|^liest|^gut",
        "EDU|1|MD|||19960630|Charité|||^Medizin",
        "CER|1|SN1||Ärztekammer||||||FA^Facharzt|||||||||||||||20000101||20300101",
        "MFE|MAD|2|20270101|S78|CE",
        second,
        "LAN|1|fr",
    )
    anna, bo = sorted(of(mapped, "Practitioner"), key=lambda one: one["name"][0]["family"])[:2]
    assert [q.get("period", {}).get("start") for q in anna["qualification"]] == [
        "2000-01-01",
        "1996-06-30",
        "2000-01-01",
    ]
    assert anna["communication"][0]["text"].endswith("(liest, gut)")
    assert "qualification" not in bo
    assert bo["communication"][0]["coding"][0]["code"] == "fr"
    roles = of(mapped, "PractitionerRole")
    assert {role["practitioner"]["reference"] for role in roles} == {f"Practitioner/{anna['id']}"}
    assert len(of(mapped, "List")[0]["entry"]) == 2


def test_a_place_is_the_one_visits_name_with_its_house_and_department() -> None:
    mapped = read(
        "MFN^M05",
        "MFI|LOC||UPD",
        "MFE|MDC|1|20270101|3B^12^2",
        "LOC|3B^12^2|Bett am Fenster|B|Klinikum|Weg 1^^Berlin|+49 30 1|LIC1",
        "LCH|3B^12^2|||SMK^Smoking|N^no",
        "LRL|3B^12^2|||ALI|Klinikum Nord^L^99|4C",
        "LDP|3B^12^2|IN^Innere|MED|AMB|I|A||||FRI^MON^0800^2000|+49 30 2",
        "LCC|3B^12^2|IN|P|C1",
    )
    bed = next(p for p in of(mapped, "Location") if p["name"] == "2")
    pv1 = "PV1|1|I|3B^12^2||||||||||||||||F-9^^^HAUS^VN"
    admitted = read("ADT^A01", "EVN|A01|20270111", "PID|1||1^^^HAUS||Weiß^Ä", pv1)
    assert bed["id"] in {place["id"] for place in of(admitted, "Location")}
    assert (bed["status"], bed["description"]) == ("inactive", "Bett am Fenster")
    (service,) = of(mapped, "HealthcareService")
    assert service["location"] == [{"reference": f"Location/{bed['id']}"}]
    assert service["availableTime"][0]["daysOfWeek"] == ["fri", "sat", "sun", "mon"]
    assert (service["active"], len(service["program"])) == (True, 2)


def test_an_answer_to_a_master_file_says_what_became_of_each_record() -> None:
    mapped = read(
        "MFK^M02",
        "MSA|AA|1",
        "MFI|STF||UPD",
        "MFA|MAD|1|20270101|S^ok^HL70181|S77|CE",
        "MFA|MUP|2|20270101|U|S78|CE",
    )
    (listed,) = of(mapped, "List")
    flags = [[c["code"] for c in one["flag"]["coding"]] for one in listed["entry"]]
    assert flags == [["MAD", "S"], ["MUP", "U"]]


def test_a_master_file_without_records_is_refused() -> None:
    data = "\r".join([HEAD.format("MFN^M02"), MFI]).encode()
    refusal = mappers.translate(data, "hl7v2", CONTEXT).refusal
    assert refusal is not None
    assert refusal.issues[0].location == "MFE"
