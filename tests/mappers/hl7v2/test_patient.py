"""PID becomes a Patient as Germany writes it."""

from collections.abc import Iterator
from typing import Any

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.vorsatzwort import own_prefix

HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||ADT^A31|1|P|2.5||||||UNICODE UTF-8\rEVN|A31|20270110\r"
STRICT = Context(b"key", Dialect(), "https://haus.example/sid")


def translated(pid: str, *more: str, context: Context = STRICT) -> Mapped:
    segments = HEAD + pid + "\r" + "".join(f"{line}\r" for line in more)
    return mappers.translate(segments.encode(), "hl7v2", context)


def resources(mapped: Mapped, kind: str) -> Iterator[dict[str, Any]]:
    assert mapped.refusal is None, mapped.refusal
    return (c.resource for c in mapped.changes if c.type == kind)


def patient(pid: str, *more: str) -> dict[str, Any]:
    return next(resources(translated(pid, *more), "Patient"))


def test_identifiers_have_the_systems_of_their_assigners() -> None:
    made = patient("PID|1||4711^^^HAUS^PI~A123456780^^^&1.2.276.0.76.4.8&ISO~9^^^&1.2.3&ISO^PT")
    assert [(i["system"], i["value"]) for i in made["identifier"]] == [
        ("https://haus.example/sid/patient/HAUS", "4711"),
        ("http://fhir.de/sid/gkv/kvid-10", "A123456780"),
        ("urn:oid:1.2.3", "9"),
    ]
    assert made["identifier"][1]["type"]["coding"][0]["code"] == "KVZ10"


def test_a_kvnr_never_mints_an_id() -> None:
    mother = translated("PID|1||1^^^HAUS^PI~A123456780^^^&1.2.276.0.76.4.8&ISO||Weiß^Ute||1990")
    child = translated("PID|1||2^^^HAUS^PI~A123456780^^^&1.2.276.0.76.4.8&ISO||Weiß^Kind||2027")
    assert mother.patients[0].id != child.patients[0].id
    assert mother.patients[0].kvnr == child.patients[0].kvnr == "A123456780"
    assert all("kvid" not in key.system for m in (mother, child) for key in m.patients[0].keys)


def test_a_patient_known_by_kvnr_alone_is_told_from_who_shares_it() -> None:
    pid = "PID|1||A123456780^^^&1.2.276.0.76.4.8&ISO||{}||{}"
    one, other = (
        translated(pid.format("Weiß^Ute", "1990")),
        translated(pid.format("Weiß^Kim", "2027")),
    )
    assert one.patients[0].id != other.patients[0].id
    assert [issue.location for issue in one.issues] == ["PID-3"]


@pytest.mark.parametrize(
    ("written", "family", "prefix"),
    [
        ("von der Heide&von der&Heide^Jürgen", "von der Heide", "von der"),
        ("Heide&von der^Jürgen", "von der Heide", "von der"),
        ("von der Heide^Jürgen", "von der Heide", "von der"),
        ("Müller-Lüdenscheid^Ute", "Müller-Lüdenscheid", ""),
        ("de Vries^Jan", "de Vries", "de"),
    ],
)
def test_the_vorsatzwort_is_told_from_the_name(written: str, family: str, prefix: str) -> None:
    name = patient(f"PID|1||1||{written}^^^^^L")["name"][0]
    extensions = {
        e["url"][-10:]: e["valueString"] for e in name.get("_family", {}).get("extension", ())
    }
    assert name["family"] == family
    assert extensions.get("own-prefix", "") == prefix
    assert name["use"] == "official"


def test_title_and_namenszusatz_stand_where_the_profile_wants_them() -> None:
    name = patient("PID|1||1||Heide^Jürgen^Götz^Freiherr^Prof. Dr.")["name"][0]
    assert name["given"] == ["Jürgen", "Götz"]
    assert name["prefix"] == ["Prof. Dr."]
    assert name["_prefix"][0]["extension"][0]["valueCode"] == "AC"
    assert name["_family"]["extension"][-1]["valueString"] == "Freiherr"
    assert "suffix" not in name


def test_the_birth_name_is_a_second_name() -> None:
    made = patient("PID|1||1||Heide^Ute^^^^^L~Groß^Ute^^^^^B")
    assert made["name"][1] == {"use": "maiden", "family": "Groß"}
    assert "extension" not in made


def test_addresses_carry_street_and_house_number() -> None:
    made = patient(
        "PID|1||1||A^B||||||Große Straße 7 b^^Köln^^50667^DEU^H~Postfach 12^^Köln^^50600"
    )
    street, box = made["address"]
    parts = {e["url"].rpartition("-")[2]: e["valueString"] for e in street["_line"][0]["extension"]}
    assert parts == {"streetName": "Große Straße", "houseNumber": "7 b"}
    assert (street["use"], street["type"], street["country"]) == ("home", "both", "DEU")
    assert box["type"] == "postal"
    assert box["_line"][0]["extension"][0]["url"].endswith("postBox")


@pytest.mark.parametrize(
    ("written", "gender", "official"),
    [("F", "female", ""), ("D", "other", "D"), ("X", "other", "X"), ("O", "other", "D")],
)
def test_sex_has_its_german_supplement(written: str, gender: str, official: str) -> None:
    made = patient(f"PID|1||1||A^B||1990|{written}")
    extension = made.get("_gender", {}).get("extension", [{}])[0]
    assert made["gender"] == gender
    assert extension.get("valueCoding", {}).get("code", "") == official


def test_an_unknown_code_keeps_its_text_and_becomes_an_issue() -> None:
    mapped = translated("PID|1||1||A^B||1990|Q")
    made = next(resources(mapped, "Patient"))
    assert made["_gender"]["extension"][0]["valueString"] == "Q"
    assert [(i.location, i.hl7_code) for i in mapped.issues] == [("PID-8", "103")]


@pytest.mark.parametrize(("written", "date"), [("1948", "1948"), ("194803", "1948-03")])
def test_partial_birth_dates_stay_partial(written: str, date: str) -> None:
    assert patient(f"PID|1||1||A^B||{written}")["birthDate"] == date


def test_a_birth_time_stands_beside_the_date() -> None:
    made = patient("PID|1||1||A^B||202701101530")
    assert made["birthDate"] == "2027-01-10"
    assert made["_birthDate"]["extension"][0]["valueDateTime"] == "2027-01-10T15:30:00+01:00"


@pytest.mark.parametrize("field", ["19483114", "heute", "19480230"])
def test_an_invalid_birth_date_is_refused_with_its_place(field: str) -> None:
    refusal = translated(f"PID|1||1||A^B||{field}").refusal
    assert isinstance(refusal, mappers.base.GatewayError)
    assert [(i.code, i.location, i.hl7_code) for i in refusal.issues] == [("value", "PID-7", "102")]


def test_religion_is_left_out_as_the_shipped_dialect_says() -> None:
    mapped = translated("PID|1||1||A^B||1990|F|||||||||EV")
    assert ("PID-17", "special category of personal data") in mapped.loss.ignored_paths
    assert "EV" not in repr(mapped.changes)


def test_next_of_kin_is_contact_and_related_person_an_employer_only_contact() -> None:
    mapped = translated(
        "PID|1||1||A^B",
        "NK1|1|Weiß^Karl|SPO^Ehemann^HL70063||^PRN^PH^^49^30^123",
        "NK1|2|Stadtwerke|EMR^Arbeitgeber^HL70063",
    )
    made = next(resources(mapped, "Patient"))
    assert [c["name"]["family"] for c in made["contact"]] == ["Weiß", "Stadtwerke"]
    (related,) = resources(mapped, "RelatedPerson")
    assert related["telecom"][0]["value"] == "+49 30 123"


def test_the_general_practitioner_comes_from_the_first_place_that_names_one() -> None:
    dialect = Dialect(general_practitioner=("PD1-4", "PV1-8"))
    context = Context(b"key", dialect, "https://haus.example/sid")
    pv1 = "PV1|1|O||||||482731001^Arzt^Anna^^^^^^LANR&1.2.276.0.76.4.16&ISO"
    mapped = translated("PID|1||1||A^B", pv1 + "|" * 11 + "7", context=context)
    assert mapped.recipients["Patient.generalPractitioner"] == (
        {
            "system": "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR",
            "value": "482731001",
            "display": "Anna Arzt",
        },
    )


@pytest.mark.parametrize("name", ["Unbekannt^Anna", "Weiß^Neugeborenes", "NN^"])
def test_placeholder_names_are_known_for_what_they_are(name: str) -> None:
    assert translated(f"PID|1||1||{name}").patients[0].placeholder


def test_a_patient_without_any_number_is_refused_by_a_gateway_and_taken_by_a_converter() -> None:
    pid = "PID|1||||Weiß^Änne||1948"
    refusal = translated(pid).refusal
    assert refusal is not None
    assert refusal.location == "PID-3"
    assert next(mappers.convert((HEAD + pid).encode())).refusal is None


def test_a_wrong_check_digit_is_a_warning() -> None:
    mapped = translated("PID|1||1^^^HAUS~A123456789^^^&1.2.276.0.76.4.8&ISO||A^B")
    assert [(i.severity, i.location) for i in mapped.issues] == [("warning", "PID-3[2].1")]


def test_own_prefix_needs_a_name_after_it() -> None:
    assert own_prefix("von") == ""
    assert own_prefix("Von Berg") == ""
