"""Fields without an element of their own are facts about what their segment became."""

from __future__ import annotations

from typing import Any

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import structure

CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111120000||ADT^A01|1|P|2.5||||||UNICODE UTF-8"
PID = "PID|1||4711^^^HAUS^PI||Weiß^Änne||19480314|F"
PV1 = "PV1|1|I|3B|||||||||||||||ADM|F-9^^^HAUS^VN"


def read(*lines: str) -> Mapped:
    data = "\r".join([HEAD, "EVN|A01|20270111", *lines]).encode()
    mapped = mappers.translate(data, "hl7v2", CONTEXT)
    assert mapped.refusal is None, mapped.refusal
    for change in mapped.changes:
        assert not structure(change.resource), change.resource
    return mapped


def of(mapped: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in mapped.changes if change.type == kind]


@pytest.mark.parametrize(
    ("segment", "kind", "name", "value"),
    [
        ("NK1|1|Weiß^Karl|SPO|||||||Schreiner", "RelatedPerson", "Next of Kin Job Title", "Sch"),
        ("GT1|1||Weiß^Karl||||||||||||||Meier GmbH", "RelatedPerson", "Guarantor Employer", "Me"),
        ("IN1|1|P|1|AOK" + "|" * 33 + "150&EUR", "Coverage", "Policy Deductible", "EUR"),
        ("DG1|1||J44.1^COPD^I10G2027|||F" + "|" * 20 + "Y", "Condition", "Present", "Y"),
        ("PR1|1||5-470^App^O3012027||20270110||||AN", "Procedure", "Anesthesia Code", "AN"),
    ],
)
def test_a_field_without_element_is_a_fact_about_its_resource(
    segment: str, kind: str, name: str, value: str
) -> None:
    mapped = read(PID, PV1, segment)
    (fact,) = [o for o in of(mapped, "Observation") if "focus" in o]
    about = fact["focus"][0]["reference"]
    assert about in {f"{kind}/{one['id']}" for one in of(mapped, kind)}
    (part,) = [p for p in fact["component"] if p["code"]["text"].startswith(name)]
    assert value in str(part)


def test_visits_and_patients_keep_what_no_element_takes() -> None:
    visit = PV1 + "|" * 27 + "12.5|7"
    mapped = read(PID + "|" * 19 + "VET", visit, "PV2|||||Uhr")
    named = {part["code"]["text"] for one in of(mapped, "Observation") for part in one["component"]}
    assert {"Veterans Military Status", "Current Patient Balance", "Patient Valuables"} <= named
    assert all("focus" not in one for one in of(mapped, "Observation"))


def test_a_procedure_lasts_its_minutes_somewhere_as_part_of_another() -> None:
    first = "PR1|1||99213^Visit^CPT||202701102350||20|||||||||26~57|||OP-1^KIS"
    second = "PR1|2||5-470^App^O3012027||20270111||30||||||||||||OP-2^KIS||||OP^1||OP-1^KIS"
    done, part = of(read(PID, PV1, first, second), "Procedure")
    assert done["performedPeriod"] == {
        "start": "2027-01-10T23:50:00+01:00",
        "end": "2027-01-11T00:10:00+01:00",
    }
    assert [c["code"] for c in done["code"]["coding"]] == ["99213", "99213:26:57"]
    assert part["performedDateTime"] == "2027-01-11"
    assert part["partOf"][0]["reference"] == f"Procedure/{done['id']}"
    assert part["location"]["reference"].startswith("Location/")


def test_a_diagnosis_names_the_one_it_follows_from() -> None:
    first = "DG1|1||E10.7^Diabetes^I10G2027|||F" + "|" * 14 + "D-1^KIS"
    second = "DG1|2||H36.0^Retinopathie^I10G2027|||F" + "|" * 14 + "D-2^KIS||D-1^KIS"
    cause, effect = of(read(PID, PV1, first, second), "Condition")
    (due,) = [e for e in effect["extension"] if e["url"].endswith("condition-dueTo")]
    assert due["valueReference"]["reference"] == f"Condition/{cause['id']}"


def test_an_employer_has_somebody_to_reach() -> None:
    nk1 = "NK1|1||EMR||||||||||Meier GmbH^^77" + "|" * 17 + "Kurz^Ute|+49 731 5|Weg 1^^Ulm"
    mapped = read(PID, PV1, nk1)
    house = next(o for o in of(mapped, "Organization") if o.get("name") == "Meier GmbH")
    (person,) = house["contact"]
    assert person["name"]["family"] == "Kurz"
    assert (person["telecom"][0]["value"], person["address"]["city"]) == ("+49 731 5", "Ulm")


def test_an_account_number_without_visit_is_an_account() -> None:
    (account,) = of(read(PID + "|" * 10 + "A-1^^^HAUS"), "Account")
    assert account["identifier"][0]["value"] == "A-1"
    assert of(read(PID + "|" * 10 + "A-1^^^HAUS", PV1), "Account") == []


def test_another_record_of_the_same_person_is_named() -> None:
    (patient,) = of(read(PID, "PD1||||||||||99^^^HAUS^PI"), "Patient")
    (link,) = patient["link"]
    assert (link["type"], link["other"]["identifier"]["value"]) == ("seealso", "99")


def test_religion_is_left_out_as_the_shipped_dialect_says() -> None:
    mapped = read(PID, PV1, "NK1|1|Weiß^Karl|SPO" + "|" * 22 + "EV")
    assert ("NK1-25", "special category of personal data") in mapped.loss.ignored_paths
    assert of(mapped, "Observation") == []


def test_how_long_somebody_is_the_general_practitioner_stands_in_the_role() -> None:
    mapped = read(PID, PV1, "ROL|1|AD|PP^^HL70443|99^Arzt^Anna|20200101|20301231")
    (role,) = of(mapped, "PractitionerRole")
    assert role["period"] == {"start": "2020-01-01", "end": "2030-12-31"}
    (patient,) = of(mapped, "Patient")
    assert patient["generalPractitioner"][0]["reference"] == role["practitioner"]["reference"]


def test_without_a_visit_people_belong_to_the_care_team_of_the_patient() -> None:
    mapped = read(PID, "ROL|1|AD|AT^Behandelnd^HL70443|99^Arzt^Anna|20200101")
    (team,) = of(mapped, "CareTeam")
    (patient,) = of(mapped, "Patient")
    assert team["subject"] == {"reference": f"Patient/{patient['id']}"}
    (member,) = team["participant"]
    assert member["member"]["display"] == "Anna Arzt"
    assert member["period"] == {"start": "2020-01-01"}
    assert not [path for path, _ in mapped.loss.unmapped if path.startswith("ROL")]


def test_an_address_whose_ampersand_nobody_escaped_stays_whole() -> None:
    pointer = "OBX|1|RP|B^Bild^L||http://pacs.example/wado?x=1&y=2^PACS&1.2.3&ISO^IM^JPEG||||||F"
    mapped = read(PID, PV1, "OBR|1|A||X^Bild^L", pointer)
    assert not [path for path, _ in mapped.loss.unmapped if path.startswith("OBX")]
    assert "http://pacs.example/wado?x=1&y=2" in repr([c.resource for c in mapped.changes])


def test_who_is_known_by_a_number_alone_is_somebody_to_call() -> None:
    mapped = read(PID, "NK1|1" + "|" * 39 + "^PRN^PH^^49^731^5~^PRN^PH^^49^731^6|")
    (person,) = of(mapped, "RelatedPerson")
    assert [one["value"] for one in person["telecom"]] == ["+49 731 5", "+49 731 6"]


def test_a_number_written_as_a_whole_stays_as_it_is_grouped() -> None:
    point = "^PRN^PH^^49^731^3013954^^^^^+49 731 301 39 54"
    (patient,) = of(read(PID.replace("|F", f"|F|||||{point}")), "Patient")
    (number,) = patient["telecom"]
    assert number["value"] == "+49 731 301 39 54"
    parts = {one["url"].rsplit("-")[-1]: one["valueString"] for one in number["extension"]}
    assert parts == {"country": "49", "area": "731", "local": "3013954"}


def test_a_place_of_worship_without_a_name_is_named_by_its_number() -> None:
    (patient,) = of(read(PID, "PD1" + "|" * 14 + "^^^^^^^^^G-7"), "Patient")
    assert [one["valueString"] for one in patient["extension"]] == ["G-7"]


def test_what_is_said_twice_word_for_word_is_kept_once_and_not_lost() -> None:
    allergy = "AL1|1||1605^Pollen^L"
    mapped = read(PID, PV1, allergy, allergy)
    assert len(of(mapped, "AllergyIntolerance")) == 1
    assert mapped.loss.unmapped == ()
    loss = mapped.loss
    assert loss.fields == loss.mapped + loss.ignored


def test_the_kind_of_a_house_without_a_ward_is_kept_with_the_house() -> None:
    mapped = read(PID, PV1.replace("|3B|", "|^^^HAUS^^C|"))
    (visit,) = of(mapped, "Encounter")
    codes = {c["code"] for c in visit["location"][0]["physicalType"]["coding"]}
    assert codes == {"si", "C"}
    assert mapped.loss.unmapped == ()


def test_what_only_deletes_makes_nobody_and_nothing() -> None:
    mapped = read(PID, PV1, 'NK1|1|""|""', 'IN1|1|""|""|""', 'GT1|1|""|""')
    kinds = {change.type for change in mapped.changes}
    assert kinds.isdisjoint({"RelatedPerson", "Coverage", "Account"})
    assert '""' not in repr([change.resource for change in mapped.changes])
    (change,) = [one for one in mapped.changes if one.type == "Patient"]
    assert "contact" in change.cleared


def test_a_payer_whose_name_is_deleted_has_no_name() -> None:
    mapped = read(PID, PV1, 'IN1|1|GKV|104212059^^^&1.2.276.0.76.4.5&ISO|""')
    (coverage,) = of(mapped, "Coverage")
    assert "display" not in coverage["payor"][0]


def test_a_living_patient_whose_time_of_death_is_deleted_is_alive() -> None:
    (change,) = [one for one in read(PID + "|" * 21 + '""|N').changes if one.type == "Patient"]
    assert change.resource["deceasedBoolean"] is False
    assert change.cleared == ("deceasedDateTime",)
