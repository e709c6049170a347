"""LDT 3 becomes FHIR: every content accounted for, every resource as claimed, newer wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.apply import apply
from mappers.base import Context
from mappers.codes import rows
from mappers.dialect import Dialect
from mappers.xdt.batch import pieces, split
from mappers.xdt.mapping_table import mapping_table
from profiles.reading import read_json
from tests.mappers.declared import errors, resources
from tests.mappers.xdt.coverage import SAMPLES as WIDER_SAMPLES
from tests.mappers.xdt.ldt import (
    MATERIAL,
    NAMESPACE,
    PATIENT,
    chemistry,
    header,
    info,
    obj,
    of,
    only,
    package,
    record,
    report,
    stamp,
    translate,
)
from tests.mappers.xdt.whole import target

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "xdt").glob("*.ldt"))


def sample(name):
    (mapped,) = translate(next(p for p in SAMPLES if p.stem == name).read_bytes())
    return mapped


def coded(concept):
    return [coding["code"] for coding in concept["coding"]]


def values(resource):
    return {name: value for name, value in resource.items() if name.startswith("value")}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_whole_balanced_and_hold_what_they_claim(path):
    for mapped in translate(path.read_bytes(), lineage=True):
        loss = mapped.loss
        assert mapped.refusal is None
        assert loss.unmapped == ()
        assert loss.fields == loss.mapped + loss.ignored
        assert loss.ignored <= loss.fields / 10
        named = {place for places in mapped.lineage.values() for place in places}
        assert not named & {place for place, _ in loss.ignored_paths}
        for resource in resources(mapped):
            assert errors(resource) == []
    assert not [piece.issues for piece in pieces([path.read_bytes()]) if piece.issues]


def test_a_partial_report_names_patient_order_laboratory_and_material():
    mapped = sample("Z01befund_teil")
    found = only(mapped, "DiagnosticReport")
    order = only(mapped, "ServiceRequest")
    patient = only(mapped, "Patient")

    assert found["status"] == "partial"
    assert found["issued"] == "2026-11-09T15:00:00+01:00"
    assert [i["value"] for i in found["identifier"]] == [
        "E26110471-1",
        "SB-26-3391-07",
        "E26110471",
    ]
    assert found["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]
    assert found["performer"][0]["display"] == "Labor Elbtal MVZ"
    assert [c["coding"][0]["code"] for c in found["category"]] == ["LAB", "CH"]
    assert order["status"] == "active"
    assert order["requester"]["display"] == "Dr. med. Mareike van der Heyden"
    assert patient["name"][0]["family"] == "Freiherr von Lütjens-Öhmichen"
    assert patient["name"][0]["given"] == ["Käthe", "Rosalinde"]
    assert mapped.patients[0].kvnr == "X110411675"
    assert mapped.timestamp == "2026-11-09T15:30:00+01:00"
    serum, urine = of(mapped, "Specimen")
    assert serum["collection"]["collectedDateTime"] == "2026-11-09T08:05:00+01:00"
    assert urine["collection"]["duration"]["value"] == 1440
    assert urine["type"]["text"] == "Sammelurin angesäuert"


def test_results_are_numbers_with_limits_signs_titres_or_words():
    potassium, tsh, ana, missing = of(sample("Z01befund_teil"), "Observation")[3:]

    assert potassium["valueQuantity"]["code"] == "mmol/L"
    assert coded(potassium["code"]) == ["6298-4", "A001", "KAL"]
    normal, alarm = potassium["referenceRange"]
    assert [str(normal[side]["value"]) for side in ("low", "high")] == ["3.5", "5.1"]
    assert [str(alarm[side]["value"]) for side in ("low", "high")] == ["2.8", "6.2"]
    assert coded(potassium["interpretation"][0]) == ["HU"]
    assert tsh["valueQuantity"]["comparator"] == "<"
    assert tsh["status"] == "preliminary"
    assert ana["valueRatio"]["denominator"]["value"] == 320
    assert ana["note"][0]["text"].startswith("Feingranuläres Muster, Hinweis auf\nSS-A")
    assert missing["status"] == "registered"
    assert coded(missing["dataAbsentReason"]) == ["temp-unknown"]


def test_a_limit_that_is_no_number_keeps_its_unit_in_words():
    limits = ("8461", "unter"), ("8421", "mg/l"), ("8462", "5"), ("8421", "mg/l")
    normal = obj("8142", "Normalwert", "0042", ("8424", "13"), *limits)
    said = chemistry("CRP", "06", ("7306", "01"), ("8420", "3"), ("8421", "mg/l"), normal)
    (mapped,) = translate(report(said))
    (held,) = only(mapped, "Observation")["referenceRange"]

    assert held["text"] == "unter mg/l"
    assert (str(held["high"]["value"]), held["high"]["unit"]) == ("5", "mg/l")
    assert mapped.loss.unmapped == ()


def test_a_corrected_report_updates_the_first_and_an_older_one_changes_nothing():
    first, second = sample("Z01befund_teil"), sample("Z01befund_korrektur")
    held = {change.id: change for change in first.changes}
    newer = {change.id: change for change in second.changes}
    common = held.keys() & newer.keys()
    kinds = sorted(held[one].type for one in common)

    assert kinds.count("DiagnosticReport") == 1
    assert kinds.count("Observation") == 7
    for one in common:
        then = apply(apply(None, held[one]), newer[one])
        late = apply(apply(None, newer[one]), held[one])
        if held[one].type == "DiagnosticReport":
            assert then["status"] == late["status"] == "amended"
            assert len(then["result"]) == len(late["result"]) == 6
        if held[one].type == "Observation" and "KAL" in coded(held[one].resource["code"]):
            assert str(then["valueQuantity"]["value"]) == "4.8"
            assert str(late["valueQuantity"]["value"]) == "4.8"
            assert then["status"] == late["status"] == "corrected"


def test_what_the_laboratory_calls_attention_to_is_told():
    mapped = sample("Z01befund_teil")
    alert = only(mapped, "Communication")
    potassium = of(mapped, "Observation")[3]

    assert [coded(reason)[0] for reason in alert["reasonCode"]] == ["2", "3", "1"]
    assert alert["about"] == [{"reference": f"Observation/{potassium['id']}"}]
    assert [part["contentString"] for part in alert["payload"]] == [
        "Telefonisch vorab durchgegeben.",
        "Wiedervorstellung: 2026-11-11",
    ]


def test_costs_stand_beside_their_result_in_euros():
    charge = of(sample("Z01befund_teil"), "ChargeItem")[0]

    assert coded(charge["code"]) == ["32083"]
    assert str(charge["priceOverride"]["value"]) == "0.25"
    assert charge["status"] == "billed"


def test_a_pdf_is_a_document_and_a_form_of_the_report():
    mapped = sample("Z01befund_korrektur")
    document, binary = only(mapped, "DocumentReference"), only(mapped, "Binary")
    found = only(mapped, "DiagnosticReport")

    assert document["type"]["coding"][0]["display"] == "Laborbefund"
    assert binary["contentType"] == "application/pdf"
    assert binary["data"].startswith("JVBERi0")
    assert found["presentedForm"][0]["url"] == f"Binary/{binary['id']}"


def test_microbiology_is_a_tree_of_culture_organisms_and_drugs():
    mapped = sample("Z01befund_mikrobiologie")
    found = {f"Observation/{one['id']}": one for one in of(mapped, "Observation")}
    report_ = only(mapped, "DiagnosticReport")
    culture = found[report_["result"][0]["reference"]]
    coli, faecalis = (found[one["reference"]] for one in culture["hasMember"])
    drugs = [found[one["reference"]] for one in coli["hasMember"]]

    assert culture["method"]["text"] == "Kultur CLED-Agar"
    assert coli["valueCodeableConcept"]["text"] == "Escherichia coli"
    assert [one["code"]["text"] for one in drugs] == ["Amoxicillin", "Ciprofloxacin"]
    assert [coded(one["interpretation"][0]) for one in drugs] == [["R"], ["I"]]
    assert drugs[0]["valueQuantity"]["comparator"] == ">"
    assert "J01CA04" in coded(drugs[0]["code"])
    assert len(faecalis["hasMember"]) == 2


def test_findings_without_a_value_say_their_fields_as_components():
    cytology, cervix, blood, tumour, other = of(sample("Z01befund_zytologie"), "Observation")

    said = {part["code"]["text"]: part for part in cervix["component"]}
    assert (
        said["Endozervikale Zellen"]["valueCodeableConcept"]["coding"][0]["display"] == "vorhanden"
    )
    assert said["Gruppe"]["valueString"] == "IIID1"
    assert cytology["valueString"] == "Kernvergrößerungen, Koilozyten."
    assert coded(blood["code"]) == ["882-1"]
    assert tumour["code"]["text"] == "Tumor"
    assert other["valueString"] == "Kein Nachweis."


def test_an_order_asks_for_each_examination_and_says_why_and_who_pays():
    mapped = sample("Z01auftrag")
    whole, potassium, vitamin, screening, cancelled = of(mapped, "ServiceRequest")

    assert whole["authoredOn"] == "2026-11-09T08:10:00+01:00"
    assert potassium["basedOn"] == [{"reference": f"ServiceRequest/{whole['id']}"}]
    assert potassium["requisition"]["value"] == "SB-26-3391-07"
    assert potassium["priority"] == "urgent"
    assert len(potassium["specimen"]) == 1
    assert cancelled["status"] == "revoked"
    assert screening["supportingInfo"]
    assert vitamin["note"][0]["text"] == "Einwilligungserklärung liegt vor: 1"
    confirmed, excluded = of(mapped, "Condition")
    assert coded(confirmed["code"]) == ["E05.9"]
    assert confirmed["code"]["text"] == "Hyperthyreose\nin der Schwangerschaft"
    assert coded(excluded["verificationStatus"]) == ["refuted"]
    kinds = [one["type"]["coding"][0]["code"] for one in of(mapped, "Coverage")]
    assert kinds == ["GKV", "SEL", "GKV"]
    assert (
        only(mapped, "MedicationStatement")["medicationCodeableConcept"]["text"] == "L-Thyroxin 75"
    )
    assert len(whole["insurance"]) == 3


def test_an_order_and_its_report_are_one_request_where_the_number_has_a_system():
    dialect = Dialect(systems={"8310": "https://region.example/order"})
    numbers = set()
    for name in ("Z01auftrag", "Z01befund_teil"):
        path = next(p for p in SAMPLES if p.stem == name)
        (mapped,) = translate(path.read_bytes(), dialect=dialect)
        numbers.add(of(mapped, "ServiceRequest")[0]["id"])

    assert len(numbers) == 1


def test_a_patient_without_a_number_is_the_one_of_the_order():
    mapped = sample("Z01befund_mikrobiologie")

    assert mapped.patients[0].keys[0].system == f"{NAMESPACE}/order-patient/959911100"
    assert mapped.patients[0].kvnr == "X110411675"


def test_the_same_numbers_of_two_practices_are_two_patients_and_two_orders():
    ids = []
    for number in ("959911100", "959922200"):
        site = obj("8119", "Betriebsstaette", "0019", ("0203", "Praxis"), ("0201", number))
        by = obj("8122", "Einsenderidentifikation", "0022", ("7321", "02"), site)
        inner = obj("8135", "Laborergebnisbericht", "0035", chemistry("NA", "06", ("8420", "1")))
        (mapped,) = translate(package(header(), record("8205", by, PATIENT, info(), inner)))
        ids.append({only(mapped, kind)["id"] for kind in ("Patient", "ServiceRequest")})

    assert not ids[0] & ids[1]


def test_material_of_an_animal_is_of_no_person():
    mapped = sample("Z01befund_tier")
    patient = only(mapped, "Patient")

    assert patient["name"] == [{"text": "Waldemar"}]
    assert patient["extension"][0]["extension"][0]["valueCodeableConcept"]["text"] == "Hund, Dackel"
    assert mapped.patients[0].placeholder


def test_a_record_about_nobody_is_refused():
    (mapped,) = translate(report(chemistry("NA", "06", ("8420", "139")), patient=[]))

    assert "FK 8145" in str(mapped.refusal)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("01", "unknown"),
        ("02", "registered"),
        ("06", "final"),
        ("08", "corrected"),
        ("12", "cancelled"),
    ],
)
def test_status_of_a_result(status, expected):
    (mapped,) = translate(report(chemistry("NA", status, ("7306", "01"), ("8420", "139"))))
    found = only(mapped, "Observation")

    assert found["status"] == expected
    assert found["_status"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == status


@pytest.mark.parametrize(
    ("display", "written", "expected"),
    [
        ("01", "5.00E+07", "5.00e+07"),
        ("01", "1x10^6", "1e6"),
        ("01", "-2,50", "-2.50"),
        ("01", "007", "7"),
    ],
)
def test_numbers_keep_their_digits(display, written, expected):
    (mapped,) = translate(report(chemistry("X", "06", ("7306", display), ("8420", written))))
    value = only(mapped, "Observation")["valueQuantity"]["value"]

    assert getattr(value, "literal", str(value)) == expected


def test_several_values_of_one_test_are_components():
    fields = (("7306", "01"), ("8420", "1"), ("8421", "g/l"), ("8420", "2"), ("8421", "g/l"))
    (mapped,) = translate(report(chemistry("X", "06", *fields)))
    found = only(mapped, "Observation")

    assert [int(part["valueQuantity"]["value"]) for part in found["component"]] == [1, 2]
    assert values(found) == {}


def test_a_vessel_nobody_described_is_named_and_told():
    inner = obj("8135", "Laborergebnisbericht", "0035", chemistry("NA", "06", ("8420", "1")))
    (mapped,) = translate(package(header(), record("8205", PATIENT, info(), inner)))

    assert only(mapped, "Observation")["specimen"]["identifier"]["value"] == "PG-1"
    assert "the report holds no material of this vessel" in [i.text for i in mapped.issues]


def test_what_a_package_lacks_is_told_beside_its_messages():
    data = report(chemistry("NA", "06", ("8420", "139")))
    wrong = data.replace(b"139", b"193")
    cut = data[: data.rindex(b"0138000")]

    assert [p.issues[0].text for p in pieces([wrong]) if p.issues] == [
        "the checksum of the package (FK 9300) is wrong"
    ]
    assert [p.issues[0].severity for p in pieces([cut]) if p.issues] == ["error"]


def test_a_time_stamp_keeps_its_zone_and_its_precision():
    material = obj(
        "8137",
        "Material",
        "0037",
        ("7364", "PG-1"),
        stamp("8219", "Timestamp_Materialabnahme_entnahme", "20261103"),
    )
    inner = obj("8135", "Laborergebnisbericht", "0035", chemistry("NA", "06", ("8420", "1")))
    (mapped,) = translate(package(header(), record("8205", PATIENT, info(), material, inner)))

    assert only(mapped, "Specimen")["collection"]["collectedDateTime"] == "2026-11-03"


def test_results_of_one_name_and_material_are_told_apart():
    first, second = chemistry("GLU", "06", ("8420", "90")), chemistry("GLU", "06", ("8420", "140"))
    (mapped,) = translate(report(first, second))

    assert len(of(mapped, "Observation")) == 2
    assert len(only(mapped, "DiagnosticReport")["result"]) == 2


def test_unknown_objects_and_fields_are_told_not_dropped():
    strange = obj("8199", "Neues_Objekt", "0999", ("4711", "etwas Neues"))
    inner = obj("8135", "Laborergebnisbericht", "0035", chemistry("NA", "06", ("8420", "1")))
    (mapped,) = translate(
        package(header(), record("8205", PATIENT, info(), MATERIAL, inner, strange))
    )

    assert [value for _, value in mapped.loss.unmapped] == ["etwas Neues"]


def test_the_mapping_table_says_what_becomes_of_every_field_of_the_samples():
    told = {(row.fk, row.target) for row in mapping_table() if row.datatype == ""}
    by_rows = {row.fk for row in mapping_table() if row.datatype}
    for path in SAMPLES:
        for mapped in translate(path.read_bytes(), lineage=True):
            for element, places in mapped.lineage.items():
                for place in places:
                    fk = place.rpartition(" ")[2]
                    assert fk in by_rows or (fk, target(element)) in told


def test_every_field_of_the_tables_is_in_the_dictionary():
    known = {row["fk"] for row in rows("mappers.xdt", "fields", "ldt")}
    used = {row["fk"] for row in rows("mappers.xdt", "rows", "ldt")}
    used |= {row["fk"] for row in rows("mappers.xdt", "elements", "ldt")}
    used |= {row["source"] for row in rows("mappers.xdt", "codes", "ldt-finding")}

    assert used <= known


LINES = [line for path in SAMPLES for line in path.read_bytes().splitlines(keepends=True)]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["drop", "twice", "swap", "other", "garble"]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SAMPLES), CHANGES)
def test_whatever_stands_in_a_file_is_accounted_for_or_refused(path, changes):
    found = path.read_bytes().splitlines(keepends=True)
    for kind, first, second in changes:
        at, other = first % len(found), second % len(found)
        if kind == "drop" and len(found) > 2:
            del found[at]
        elif kind == "twice":
            found.insert(at, found[at])
        elif kind == "swap":
            found[at], found[other] = found[other], found[at]
        elif kind == "other":
            found[at] = LINES[second % len(LINES)]
        else:
            found[at] = found[at][:7] + bytes([32 + second % 224]) * (first % 40) + b"\r\n"
    for mapped in translate(b"".join(found), lineage=True):
        loss = mapped.loss
        assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)


def test_what_is_remembered_changes_nothing():
    messages = [one for path in SAMPLES for one in split(path.read_bytes())]
    context = Context(b"key", Dialect(), NAMESPACE)
    for _ in range(3):
        for message in messages:
            warm = mappers.translate(message, "xdt", context)
            cold = mappers.translate(message, "xdt", Context(b"key", Dialect(), NAMESPACE))
            assert warm.changes == cold.changes
            assert warm.provenance == cold.provenance
            assert warm.loss == cold.loss
            assert warm.issues == cold.issues


WIDER = WIDER_SAMPLES / "german" / "xdt"


@pytest.mark.skipif(not WIDER.is_dir(), reason="the wider sample collection is not here")
@pytest.mark.parametrize("name", ["Z01_ldt3_befund.ldt", "Z01_ldt3_befund_teilbefund_pdf.ldt"])
def test_the_wider_samples_say_what_they_are_expected_to(name):
    expected = read_json((WIDER / "expected.json").read_bytes())
    patient, whole = expected["patient_common"], expected["Z01_ldt3_befund.ldt"]
    (mapped,) = translate((WIDER / name).read_bytes())
    order, found = only(mapped, "ServiceRequest"), only(mapped, "DiagnosticReport")
    person = only(mapped, "Patient")

    assert [one["value"] for one in order["identifier"]] == [whole["order"], whole["lab_order"]]
    assert found["status"] == ("partial" if "teilbefund" in name else "amended")
    assert ("presentedForm" in found) is ("teilbefund" in name)
    assert mapped.patients[0].kvnr == patient["kvnr"]
    assert person["identifier"][0]["value"] == patient["local_id"]
    assert person["name"][0]["family"] == patient["family"]
    assert person["name"][0]["given"] == patient["given"]
    assert person["birthDate"] == patient["birthDate"]
    said = {coded(one["code"])[1]: one for one in of(mapped, "Observation")}
    assert said.keys() == whole["results"].keys()
    for test, (value, unit, flag, *status) in whole["results"].items():
        assert said[test]["valueQuantity"]["value"] == value
        assert said[test]["valueQuantity"]["unit"] == unit
        assert coded(said[test]["interpretation"][0]) == [flag]
        assert said[test]["status"] == ("corrected" if status else "final")


@pytest.mark.skipif(not WIDER.is_dir(), reason="the wider sample collection is not here")
def test_faulty_files_of_the_wider_samples_are_told():
    told = {
        path.stem: (
            [issue.text for piece in pieces([path.read_bytes()]) for issue in piece.issues],
            [str(mapped.refusal) for mapped in translate(path.read_bytes()) if mapped.refusal],
        )
        for path in sorted((WIDER / "bad").glob("ldt*"))
    }

    assert told["ldt3_checksum_wrong"] == (["the checksum of the package (FK 9300) is wrong"], [])
    assert "is not ended by 8221" in told["ldt3_missing_end_record"][0][0]
    assert "Obj_0042" in told["ldt3_object_not_closed"][1][0]


def test_an_attachment_without_content_says_so():
    empty = obj("8110", "Anhang", "0010", ("9970", "100"), ("6303", "PDF"), ("6327", "Befund"))
    inner = obj("8135", "Laborergebnisbericht", "0035", chemistry("NA", "06", ("8420", "1")))
    (mapped,) = translate(package(header(), record("8205", PATIENT, info(), inner, empty)))
    held = only(mapped, "DocumentReference")["content"][0]["attachment"]

    assert held["extension"][0]["valueCode"] == "unknown"
    assert all(errors(resource) == [] for resource in resources(mapped))
