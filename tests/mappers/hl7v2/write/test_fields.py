"""German conventions of the fields, exact escapes, and nothing invented."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappers
from mappers.dialect import Row
from mappers.hl7v2.tokenizer import leaf, tokenize
from profiles.issue import NotConformant
from profiles.reading.decimals import decimal_from_literal
from tests.mappers.hl7v2.write.builders import (
    KVNR,
    NAMESPACE,
    V2,
    bundle,
    context,
    document,
    encounter,
    line,
    message,
    observation,
    patient,
    write,
)

CORE = "http://hl7.org/fhir/StructureDefinition/"


def pid(**elements: Any) -> list[str]:
    return line(bundle(patient(**elements)), "PID")


def test_identifiers_name_their_assigners() -> None:
    found = pid(
        identifier=[
            {
                "type": {"coding": [{"system": V2 + "0203", "code": "PI"}]},
                "system": f"{NAMESPACE}/patient/KIS",
                "value": "1",
            },
            {"system": KVNR, "value": "T987654328"},
            {"system": "urn:oid:1.2.3", "value": "2"},
            {"system": "https://other.example/sid/p", "value": "3"},
        ]
    )
    assert found[3].split("~") == [
        "1^^^KIS^PI",
        "T987654328^^^&1.2.276.0.76.4.8&ISO",
        "2^^^&1.2.3&ISO",
        "3^^^&https://other.example/sid/p&URI",
    ]


def test_the_partners_own_names_for_systems_and_codes_are_used() -> None:
    theirs = context(
        systems={"KIS1": "https://other.example/sid/p", "1.2.9": "https://x.example"},
        codes={"PID-8": {"W": "F"}},
        code_systems={"HAUSKODE": "https://codes.example"},
    )
    who = patient(
        gender="female",
        identifier=[
            {"system": "https://other.example/sid/p", "value": "3"},
            {"system": "https://x.example", "value": "4"},
        ],
    )
    coded = {"coding": [{"system": "https://codes.example", "code": "H1"}]}
    sick = {"resourceType": "Condition", "code": coded, "subject": {"reference": "Patient/p1"}}
    content = bundle(who, sick)
    found = line(content, "PID", theirs)
    assert (found[3], found[8]) == ("3^^^KIS1~4^^^&1.2.9&ISO", "W")
    assert line(content, "DG1", theirs)[3] == "H1^^HAUSKODE"


def test_the_gateways_own_identifier_is_written_only_where_there_is_no_other() -> None:
    own = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:p1"}
    assert pid(identifier=[own])[3] == "urn:uuid:p1^^^&urn:ietf:rfc:3986&URI"
    both = patient(identifier=[own, {"system": f"{NAMESPACE}/patient", "value": "4711"}])
    assert line(bundle(both), "PID")[3] == "4711"
    assert write(bundle(both)).left_out == ()


def test_german_names_keep_their_parts() -> None:
    name = {
        "use": "official",
        "family": "Freifrau von der Heide",
        "_family": {
            "extension": [
                {"url": CORE + "humanname-own-prefix", "valueString": "von der"},
                {"url": CORE + "humanname-own-name", "valueString": "Heide"},
                {
                    "url": "http://fhir.de/StructureDefinition/humanname-namenszusatz",
                    "valueString": "Freifrau",
                },
            ]
        },
        "given": ["Änne", "Maria", "Luise"],
        "prefix": ["Dr. phil."],
    }
    found = pid(name=[name, {"use": "maiden", "family": "Groß"}])
    legal, birth = found[5].split("~")
    assert legal == ("Freifrau von der Heide&von der&Heide^Änne^Maria Luise^Freifrau^Dr. phil.^^L")
    assert birth == "Groß^^^^^^B"


def test_addresses_have_street_and_house_number_apart() -> None:
    address = {
        "use": "home",
        "type": "both",
        "line": ["Lindenweg 12a", "Hinterhaus"],
        "_line": [
            {
                "extension": [
                    {"url": CORE + "iso21090-ADXP-streetName", "valueString": "Lindenweg"},
                    {"url": CORE + "iso21090-ADXP-houseNumber", "valueString": "12a"},
                ]
            },
            None,
        ],
        "city": "Beispielhausen",
        "postalCode": "99999",
        "country": "DE",
    }
    expected = "Lindenweg 12a&Lindenweg&12a^Hinterhaus^Beispielhausen^^99999^DE^H"
    assert pid(address=[address])[11] == expected


def test_telecom_goes_home_or_to_work() -> None:
    found = pid(
        telecom=[
            {"system": "phone", "use": "home", "value": "03643 000000"},
            {"system": "phone", "use": "work", "value": "+49 3643 111111"},
            {"system": "phone", "use": "mobile", "value": "0151 0"},
            {"system": "email", "value": "aenne@example.org"},
        ]
    )
    assert found[13] == "03643 000000^PRN^PH~0151 0^PRN^CP~^NET^Internet^aenne@example.org"
    assert found[14] == "+49 3643 111111^WPN^PH^^49^3643^111111"


@pytest.mark.parametrize(("code", "sex"), [("D", "D"), ("X", "X")])
def test_the_registered_sex_is_told(code: str, sex: str) -> None:
    official = {
        "url": "http://fhir.de/StructureDefinition/gender-amtlich-de",
        "valueCoding": {"system": "http://fhir.de/CodeSystem/gender-amtlich-de", "code": code},
    }
    assert pid(gender="other", _gender={"extension": [official]})[8] == sex


@pytest.mark.parametrize(
    ("fhir", "hl7"),
    [
        ("1948", "1948"),
        ("1948-03", "194803"),
        ("2026-07-01T10:15:00+02:00", "20260701101500+0200"),
        ("2026-07-01T08:15:00Z", "20260701101500+0200"),
        ("2026-01-01T08:15:00.25Z", "20260101091500.25+0100"),
    ],
)
def test_times_keep_their_precision_in_the_partners_zone(fhir: str, hl7: str) -> None:
    assert line(bundle(patient(), encounter(period={"start": fhir})), "PV1")[44] == hl7


def test_a_birth_stays_on_its_day() -> None:
    born = {"url": CORE + "patient-birthTime", "valueDateTime": "1974-12-25T23:35:45-05:00"}
    found = pid(birthDate="1974-12-25", _birthDate={"extension": [born]})
    assert found[7] == "19741225233545-0500"


def test_a_patient_nobody_can_identify_is_refused() -> None:
    with pytest.raises(NotConformant):
        write(bundle({"resourceType": "Patient", "name": [{"family": "Weiß"}]}))


def test_a_visit_has_its_number_place_and_doctors() -> None:
    doctor = {
        "resourceType": "Practitioner",
        "id": "dr",
        "identifier": [
            {"system": "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR", "value": "838382202"}
        ],
        "name": [{"family": "Bergmann", "given": ["Ines"], "prefix": ["Dr. med."]}],
    }
    kinds = "http://terminology.hl7.org/CodeSystem/"
    content = bundle(
        patient(),
        doctor,
        encounter(
            type=[
                {
                    "coding": [
                        {
                            "system": "http://fhir.de/CodeSystem/kontaktart-de",
                            "code": "normalstationaer",
                        }
                    ]
                }
            ],
            participant=[
                {
                    "type": [{"coding": [{"system": f"{kinds}v3-ParticipationType", "code": k}]}],
                    "individual": {"reference": "Practitioner/dr", "display": "Dr. Bergmann"},
                }
                for k in ("ATND", "REF")
            ],
            location=[
                {
                    "location": {
                        "identifier": {"system": f"{NAMESPACE}/location/bed", "value": "3B/12/2"},
                        "display": "2",
                    },
                    "status": "active",
                    "physicalType": {
                        "coding": [{"system": f"{kinds}location-physical-type", "code": "bd"}]
                    },
                }
            ],
        ),
    )
    found = line(content, "PV1")
    person = "838382202^Bergmann^Ines^^^Dr. med.^^^&1.2.276.0.76.4.16&ISO"
    assert (found[2], found[3], found[19]) == ("VS", "3B^12^2", "F-1")
    assert (found[7], found[8]) == (person, person)
    assert write(content).left_out == ()


def test_diagnoses_and_procedures_name_catalogue_and_year() -> None:
    icd = {
        "system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "version": "2026",
        "code": "J44.19",
        "display": "COPD",
    }
    ops = {"system": "http://fhir.de/CodeSystem/bfarm/ops", "version": "2026", "code": "1-710"}
    subject = {"subject": {"reference": "Patient/p1"}}
    content = bundle(
        patient(),
        {"resourceType": "Condition", "code": {"coding": [icd]}, **subject},
        {"resourceType": "Procedure", "status": "completed", "code": {"coding": [ops]}, **subject},
    )
    assert line(content, "DG1")[3] == "J44.19^COPD^I10G2026"
    assert line(content, "PR1")[3] == "1-710^^O3012026"
    assert write(content).left_out == ()


def test_a_dagger_stands_at_its_code() -> None:
    mark = {
        "url": "http://fhir.de/StructureDefinition/icd-10-gm-mehrfachcodierungs-kennzeichen",
        "valueCoding": {
            "system": "http://fhir.de/CodeSystem/icd-10-gm-mehrfachcodierungs-kennzeichen",
            "code": "*",
        },
    }
    icd = {
        "system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "version": "2026",
        "code": "G63.2",
        "extension": [mark],
    }
    sick = {"resourceType": "Condition", "code": {"coding": [icd]}}
    assert line(bundle(patient(), sick), "DG1")[3] == "G63.2*^^I10G2026"


@pytest.mark.parametrize("literal", ["7.10", "0.0050", "18", "1.0e3", "-0.5"])
def test_decimals_are_written_as_they_are(literal: str) -> None:
    quantity = {"value": decimal_from_literal(literal), "unit": "mmol/L"}
    found = line(bundle(patient(), observation(valueQuantity=quantity)), "OBX")
    assert (found[2], found[5], found[6]) == ("NM", literal, "mmol/L")


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        ({"valueQuantity": {"value": Decimal(60), "comparator": ">"}}, "SN", ">^60"),
        ({"valueString": "kein Wachstum"}, "ST", "kein Wachstum"),
        ({"valueString": "eins\nzwei"}, "FT", "eins\\.br\\zwei"),
        ({"valueBoolean": True}, "ID", "Y"),
        ({"valueInteger": 3}, "NM", "3"),
        ({"valueDateTime": "2026-11"}, "TS", "202611"),
        ({"valueTime": "10:15:00"}, "TM", "101500"),
        ({"valueCodeableConcept": {"text": "A Rh pos"}}, "CE", "^A Rh pos"),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}, "SN", "^1^-^2"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 8}}}, "SN", "^1^:^8"),
    ],
)
def test_values_say_their_type(value: dict[str, Any], kind: str, written: str) -> None:
    found = line(bundle(patient(), observation(**value)), "OBX")
    assert (found[2], found[5], found[11]) == (kind, written, "F")


def test_a_pdf_travels_as_base64() -> None:
    binary = {"resourceType": "Binary", "id": "b1", "contentType": "application/pdf"}
    binary["data"] = base64.b64encode(b"%PDF-1.4").decode()
    attachment = {"contentType": "application/pdf", "url": "Binary/b1", "title": "Brief.pdf"}
    content = bundle(patient(), document(content=[{"attachment": attachment}]), binary)
    obx, txa = line(content, "OBX"), line(content, "TXA")
    assert (obx[2], obx[5]) == ("ED", f"^application^pdf^Base64^{binary['data']}")
    assert (txa[2], txa[12], txa[16], txa[17], txa[19]) == ("DS", "DOK-1", "Brief.pdf", "AU", "AV")
    assert write(content).left_out == ()


def test_plain_text_travels_as_text() -> None:
    words = "Sehr geehrte Frau Kollegin,\nTherapie: A & B | C"
    data = base64.b64encode(words.encode()).decode()
    attachment = {"contentType": "text/plain; charset=utf-8", "data": data}
    found = line(bundle(patient(), document(content=[{"attachment": attachment}])), "OBX")
    expected = "Sehr geehrte Frau Kollegin,\\.br\\Therapie: A \\T\\ B \\F\\ C"
    assert (found[2], found[5]) == ("TX", expected)


def test_a_pointer_stays_a_pointer() -> None:
    attachment = {"contentType": "application/pdf", "url": "https://archiv.example/1"}
    found = line(bundle(patient(), document(content=[{"attachment": attachment}])), "OBX")
    assert (found[2], found[5]) == ("RP", "https://archiv.example/1^^application^pdf")


def test_a_replaced_document_is_named_as_parent() -> None:
    old = document(id="d0", status="superseded", content=[])
    old["masterIdentifier"] = {"system": f"{NAMESPACE}/document", "value": "DOK-0"}
    new = document(
        relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/d0"}}]
    )
    assert line(bundle(patient(), old, new), "TXA")[13] == "DOK-0"


def test_a_delete_mark_is_never_written() -> None:
    content = bundle(patient(name=[{"family": '""', "given": ["Änne"]}]))
    written = write(content)
    assert b'""' not in written.data
    assert written.left_out == ("Patient/p1.name[0].family",)


def test_control_characters_never_break_the_frame() -> None:
    written = write(bundle(patient(name=[{"family": "A\x1c\x0bB", "given": ["Änne"]}])))
    assert not {0x0B, 0x1C} & set(written.data)
    assert written.left_out == ("Patient/p1.name[0].family",)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
)
def test_any_text_comes_back_from_its_field(words: str) -> None:
    if words == '""':
        return
    data = write(bundle(patient(name=[{"family": words}]))).data
    segment = tokenize(data).get("PID")
    assert segment is not None
    assert leaf(segment.repetitions(5)[0], 1) == words


@given(st.text(st.sampled_from('|^~\\&\r\nab" '), max_size=30))
def test_separators_in_text_never_make_segments_or_fields(words: str) -> None:
    who = patient(name=[{"family": "Weiß", "given": ["x" + words]}])
    found = message(bundle(who))
    assert [segment.name for segment in found.segments] == ["MSH", "EVN", "PID", "PV1"]
    segment = found.get("PID")
    assert segment is not None
    assert len(segment.raw) == 6


def test_the_partners_own_segments_are_written_by_the_rows_that_read_them() -> None:
    url = "https://haus.example/fhir/StructureDefinition/pflegegrad"
    theirs = context(
        rows=(
            Row("ZPD-3", "Patient", "extension", "ST", url),
            Row("ZPD-4.2", "Patient", "birthDate", "DT"),
            Row("ZKO-2", "Patient", "telecom", "XTN"),
        )
    )
    who = patient(
        birthDate="1948-03-14",
        telecom=[{"system": "phone", "value": "1"}],
        extension=[{"url": url, "valueString": "3|4"}],
    )
    content = bundle(who)
    assert line(content, "ZPD", theirs) == ["ZPD", "", "", "3\\F\\4", "^19480314"]
    assert line(content, "ZKO", theirs) == ["ZKO", "", "1^^PH"]
    written = write(content, with_context=theirs)
    assert written.left_out == ()
    read = mappers.translate(written.data, "hl7v2", theirs)
    found = next(c.resource for c in read.changes if c.type == "Patient")
    assert {"url": url, "valueString": "3|4"} in found["extension"]
