"""Results in their groups: specimens, parents, sub-ids, repeats, files, curves, units, ranges."""

import base64
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.base import Action, Context, Mapped
from mappers.dialect import Dialect
from profiles.reading import write_json
from profiles.validate import structure

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|LIS|LAB|GW|NETZ|20270111||ORU^R01|1|P|2.5||||||UNICODE UTF-8"
PATIENT = "PID|1||1^^^HAUS||Weiß^Ä"
UCUM = "http://unitsofmeasure.org"


def translated(data: bytes) -> Mapped:
    result = mappers.translate(data, "hl7v2", CONTEXT)
    assert result.refusal is None
    return result


def message(*segments: str) -> Mapped:
    return translated("\r".join([HEAD, PATIENT, "OBR|1|1|2|BB||||20270111", *segments]).encode())


def sample(name: str) -> Mapped:
    return translated((SAMPLES / f"{name}.hl7").read_bytes())


def of(result: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in result.changes if change.type == kind]


def observation(*segments: str) -> dict[str, Any]:
    (found,) = of(message(*segments), "Observation")
    return found


def by_code(result: Mapped) -> dict[str, dict[str, Any]]:
    coded = (o for o in of(result, "Observation") if "coding" in o["code"])
    return {o["code"]["coding"][0]["code"]: o for o in coded}


def test_an_antibiogram_comes_from_its_organism() -> None:
    found = by_code(sample("oru_r01_mikrobiologie"))
    organism = {"reference": f"Observation/{found['KEIM']['id']}"}
    assert [found[code]["derivedFrom"] for code in ("AMP", "CIP", "FOS")] == [[organism]] * 3
    assert "derivedFrom" not in found["KZ"]
    assert found["FOS"]["status"] == "cancelled"


def test_a_parent_in_another_message_is_told_in_words() -> None:
    result = message(
        "OBR|2||9A|ABG" + "|" * 22 + "KEIM&Keimnachweis&L^1^E. coli|||4711^9",
        "OBX|1|NM|CIP^C^L|1|0.25|mg/l||S|||F",
    )
    (found,) = of(result, "Observation")
    assert found["derivedFrom"] == [
        {"type": "Observation", "display": "KEIM Keimnachweis L 1 E. coli"}
    ]


def test_dotted_sub_ids_stand_below_their_group() -> None:
    found = by_code(
        message(
            "OBX|1|ST|A^a^L|1|x||||||F",
            "OBX|2|ST|B^b^L|1.1|y||||||F",
            "OBX|3|ST|C^c^L|1.1.1|z||||||F",
            "OBX|4|ST|D^d^L|2.1|v||||||F",
        )
    )
    below = {
        code: [m["reference"] for m in one.get("hasMember", ())] for code, one in found.items()
    }
    assert below == {
        "A": [f"Observation/{found['B']['id']}"],
        "B": [f"Observation/{found['C']['id']}"],
        "C": [],
        "D": [],
    }


def test_specimens_before_their_orders_belong_to_them() -> None:
    result = sample("oul_r22_proben")
    serum, blood = of(result, "Specimen")
    reports = {
        r["code"]["coding"][0]["code"]: r["specimen"] for r in of(result, "DiagnosticReport")
    }
    assert reports == {
        "TNT": [{"reference": f"Specimen/{serum['id']}"}],
        "BB": [{"reference": f"Specimen/{blood['id']}"}],
    }
    assert serum["status"] == "unsatisfactory"
    assert by_code(result)["718-7"]["specimen"] == {"reference": f"Specimen/{blood['id']}"}


def test_repeats_are_told_apart_by_their_time_and_not_by_their_place() -> None:
    first = "OBX|1|NM|GLU^Glukose^L||98|mg/dl|||||F|||202701110800"
    second = "OBX|2|NM|GLU^Glukose^L||143|mg/dl|||||F|||202701111000"
    third = "OBX|3|NM|GLU^Glukose^L||120|mg/dl|||||F|||202701111200"
    whole = {
        o["effectiveDateTime"]: o["id"] for o in of(message(first, second, third), "Observation")
    }
    part = {o["effectiveDateTime"]: o["id"] for o in of(message(first, third), "Observation")}
    assert len(set(whole.values())) == 3
    assert all(whole[when] == identity for when, identity in part.items())


@pytest.mark.parametrize(
    ("status", "expected", "action"),
    [
        ("P", "preliminary", Action.MERGE),
        ("F", "final", Action.MERGE),
        ("C", "corrected", Action.MERGE),
        ("X", "cancelled", Action.MERGE),
        ("W", "entered-in-error", Action.CANCEL),
        ("D", "entered-in-error", Action.CANCEL),
    ],
)
def test_every_state_of_a_result_is_the_same_observation(
    status: str, expected: str, action: Action
) -> None:
    def change(stated: str, *before: str) -> Any:
        result = message(*before, f"OBX|9|NM|718-7^Hb^LN|1|14|g/dl|||||{stated}")
        return next(
            c
            for c in result.changes
            if c.type == "Observation" and c.resource["code"]["coding"][0]["code"] == "718-7"
        )

    other = "OBX|1|NM|2160-0^Krea^LN||1|mg/dl|||||F"
    stated = change(status, other)
    assert (stated.resource["status"], stated.action) == (expected, action)
    assert stated.id == change("F").id


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ("mg/dl", "mg/dL"),
        ("g/dl", "g/dL"),
        ("Tsd/µl", "10*9/L"),
        ("G/l", "10*9/L"),
        ("/nl", "10*9/L"),
        ("mm[Hg]^^ISO+", "mm[Hg]"),
        ("°C", "Cel"),
        ("ml/min/1,73m²", "mL/min/{1.73_m2}"),
    ],
)
def test_units_of_laboratories_are_told_in_ucum_as_well(unit: str, code: str) -> None:
    quantity = observation(f"OBX|1|NM|x||7|{unit}|||||F")["valueQuantity"]
    assert quantity["unit"] == unit.partition("^")[0]
    assert (quantity["system"], quantity["code"]) == (UCUM, code)


def test_a_unit_nobody_knows_is_kept_as_it_is_written() -> None:
    quantity = observation("OBX|1|NM|x||7|Blatt|||||F")["valueQuantity"]
    assert quantity == {"value": 7, "unit": "Blatt"}


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("12-16", "12", "16"),
        ("12,5 - 16,0", "12.5", "16.0"),
        ("12 bis 16", "12", "16"),
        ("-2 - +2", "-2", "2"),
        ("<5", None, "5"),
        ("≤ 5,0", None, "5.0"),
        ("bis 5", None, "5"),
        (">= 60", "60", None),
        ("über 60", "60", None),
        ("(3.5-5.1)", "3.5", "5.1"),
        ("3.5-5.1 mmol/l", "3.5", "5.1"),
        ("negativ", None, None),
        ("1:40", None, None),
        ("12-16-20", None, None),
    ],
)
def test_ranges_are_numbers_only_where_they_are_plain(
    written: str, low: str | None, high: str | None
) -> None:
    (limits,) = observation(f"OBX|1|NM|x||7|mmol/l|{written}||||F")["referenceRange"]
    found = [limits.get(side, {}).get("value") for side in ("low", "high")]
    assert found == [None if one is None else Decimal(one) for one in (low, high)]
    assert limits["text"] == written


def test_ranges_for_groups_say_whom_they_are_for() -> None:
    men, women = observation("OBX|1|NM|x||7|g/dl|Männer: 13-17; Frauen: 12-16||||F")[
        "referenceRange"
    ]
    assert men["appliesTo"][0]["coding"][0]["code"] == "male"
    assert (women["appliesTo"][0]["coding"][0]["code"], women["low"]["value"]) == ("female", 12)
    (adult,) = observation("OBX|1|NM|x||7|g/dl|18-60 J.: 3-5||||F")["referenceRange"]
    assert (adult["age"]["low"]["value"], adult["age"]["high"]["value"]) == (18, 60)
    assert (adult["low"]["value"], adult["high"]["value"]) == (3, 5)


def test_a_curve_is_sampled_data() -> None:
    curve = observation("OBX|1|NA|EKG||1^2^-3.5~4^5^6|mV|||||F")["valueSampledData"]
    assert (curve["dimensions"], curve["data"]) == (2, "1 4 2 5 -3.5 6")
    assert curve["origin"]["unit"] == "mV"
    channels = observation("OBX|1|MA|EKG||1^2~3^4~5^|mV|||||F")["valueSampledData"]
    assert (channels["dimensions"], channels["data"]) == (2, "1 2 3 4 5 E")
    assert structure({**observation("OBX|1|NA|EKG||1^2|mV|||||F")}) == []


def test_what_is_no_curve_is_kept_as_text() -> None:
    assert observation("OBX|1|NA|EKG||1^x^3|mV|||||F")["valueString"] == "1 x 3"
    assert observation("OBX|1|NA|EKG||1^2~3|mV|||||F")["valueString"] == "1 2 3"


def test_money_is_a_quantity_in_its_currency() -> None:
    quantity = observation("OBX|1|MO|PREIS||12.50^EUR||||||F")["valueQuantity"]
    assert quantity["code"] == "EUR"
    assert b"12.50" in write_json(quantity)


@pytest.mark.parametrize("encoding", ["Base64", "Hex", "A"])
def test_files_are_kept_to_the_byte(encoding: str) -> None:
    content = b"<ClinicalDocument/>" if encoding == "A" else b"%PDF-1.7\n\x00\xff" * 99
    written = {
        "Base64": base64.b64encode(content).decode(),
        "Hex": content.hex(),
        "A": content.decode(errors="replace"),
    }[encoding]
    result = message(f"OBX|1|ED|BEF^Befund||LIS^text^xml^{encoding}^{written}||||||F")
    (binary,) = of(result, "Binary")
    (report,) = of(result, "DiagnosticReport")
    assert base64.b64decode(binary["data"]) == content
    assert report["presentedForm"][0]["size"] == len(content)


def test_why_a_value_is_missing_is_said() -> None:
    made = observation("OBX|1|NM|x||||||||X" + "|" * 21 + "QS^Material reicht nicht^L")
    assert made["dataAbsentReason"]["coding"][0]["code"] == "QS"
    assert made["_status"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "X"


def test_the_specimen_a_result_names_is_kept_by_its_number() -> None:
    made = observation("OBX|1|NM|x||7||||||F" + "|" * 22 + "88&KIS^P1&LIS")
    assert made["specimen"]["identifier"]["value"] == "88"


def test_who_leads_the_laboratory_has_a_role_in_it() -> None:
    result = message(
        "OBX|1|NM|x||7||||||F" + "|" * 12 + "Labor Nord^L|Hauptstr. 1^^Kiel^^24103|5^Groß^Jörg"
    )
    (role,) = of(result, "PractitionerRole")
    assert role["code"][0]["coding"][0]["code"] == "MDIR"
    assert role["organization"]["display"] == "Labor Nord"


def test_patients_with_equal_order_numbers_share_nothing() -> None:
    one = [PATIENT, "OBR|1||7|BB", "OBX|1|NM|718-7^Hb^LN||14|g/dl|||||F"]
    two = ["PID|1||2^^^HAUS||Groß^Ö", "OBR|1||8|BB", "OBX|1|NM|718-7^Hb^LN||9|g/dl|||||F"]
    result = translated("\r".join([HEAD, *one, *two]).encode())
    subjects = [o["subject"]["reference"] for o in of(result, "Observation")]
    assert len(set(subjects)) == 2
    assert len({r["subject"]["reference"] for r in of(result, "DiagnosticReport")}) == 2


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["", ">", "<", ">=", "<=", "="]),
    st.decimals(-(10**6), 10**6, allow_nan=False, places=3),
    st.sampled_from(["", "-", ":", "/"]),
    st.decimals(0, 10**6, allow_nan=False, places=2),
)
def test_structured_numbers_keep_their_digits(
    comparator: str, first: Decimal, separator: str, second: Decimal
) -> None:
    parts = [comparator, f"{first:f}"] + ([separator, f"{second:f}"] if separator else [])
    made = observation(f"OBX|1|SN|x||{'^'.join(parts)}|g/l|||||F")
    written = write_json({k: v for k, v in made.items() if k.startswith("value")}).decode()
    assert f"{first:f}" in written
    assert not separator or f"{second:f}" in written
    assert structure(made) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_mutated_messages_balance_and_stay_valid(seed: int) -> None:
    chance = random.Random(seed)
    name = chance.choice(("oru_r01_mikrobiologie", "oml_o21_auftrag", "oul_r22_proben"))
    lines = (SAMPLES / f"{name}.hl7").read_bytes().decode().strip().split("\r")
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(1, len(lines))
        fields = lines[place].split("|")
        spot = chance.randrange(1, max(len(fields), 2))
        instead = chance.choice(("", '""', "^", "&&", "~", "-1", "99999999", "\\X4\\"))
        lines[place] = "|".join([*fields[:spot], instead, *fields[spot + 1 :]])
        if chance.random() < 0.3:
            other = chance.randrange(1, len(lines))
            lines[place], lines[other] = lines[other], lines[place]
    result = mappers.translate("\r".join(lines).encode(), "hl7v2", CONTEXT)
    if result.refusal is not None:
        return
    loss = result.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    for change in result.changes:
        if not change.partial:
            assert [i for i in structure(change.resource) if i.severity == "error"] == []


def test_an_order_number_used_for_two_patients_mixes_nothing() -> None:
    one = [PATIENT, "ORC|RE|7^KIS|9^LIS", "OBR|1|7^KIS|9^LIS|BB", "OBX|1|NM|718-7^Hb^LN||14||||||F"]
    two = ["PID|1||2^^^HAUS||Groß^Ö", *one[1:3], "OBX|1|NM|718-7^Hb^LN||9||||||F"]
    result = translated("\r".join([HEAD, *one, *two]).encode())
    patients = [change.id for change in result.changes if change.type == "Patient"]
    for kind in ("ServiceRequest", "DiagnosticReport", "Observation"):
        made = [change for change in result.changes if change.type == kind]
        assert [change.subject for change in made] == patients, kind
        named = [change.resource["subject"]["reference"] for change in made]
        assert named == [f"Patient/{patient}" for patient in patients], kind
    for report in of(result, "DiagnosticReport"):
        (held,) = report["result"]
        owner = next(o for o in of(result, "Observation") if o["id"] in held["reference"])
        assert owner["subject"] == report["subject"]
    assert {(i.code, i.hl7_code) for i in result.issues if i.code == "conflict"} == {
        ("conflict", "205")
    }
