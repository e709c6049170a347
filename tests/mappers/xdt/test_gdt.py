"""GDT 2.1, 3.0 and 3.5 become FHIR: every content accounted for, every resource as claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

import mappers
from mappers.base import Action, Attachment, Context, Encoded
from mappers.codes import rows
from mappers.dialect import Dialect
from mappers.parcel import pack
from mappers.xdt.batch import split
from mappers.xdt.mapping_table import mapping_table
from profiles.issue import NotConformant
from tests.mappers.declared import errors, resources
from tests.mappers.xdt.lines import nested, record
from tests.mappers.xdt.whole import assert_balanced, target

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "xdt").glob("gdt*"))
NAMESPACE = "https://praxis.example/sid"
HEAD = [("8315", "PRAXIS01"), ("8316", "BDM"), ("9206", "3"), ("9218", "02.10")]
PERSON = [("3000", "0815"), ("3101", "Grünfelde"), ("3102", "Jörg"), ("3103", "29021960")]


def translate(data, **options):
    dialect = options.pop("dialect", Dialect())
    return mappers.translate(data, "xdt", Context(b"key", dialect, NAMESPACE, **options))


def gdt(satzart, *fields, **options):
    return translate(record(satzart, [*HEAD, *PERSON, *fields]), **options)


def of(mapped, kind):
    return [change.resource for change in mapped.changes if change.type == kind]


def one(mapped, kind):
    (found,) = of(mapped, kind)
    return found


def sample(name, number=0):
    data = next(path for path in SAMPLES if path.stem == name).read_bytes()
    return translate(list(split(data))[number], lineage=True)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_whole_balanced_and_hold_what_they_claim(path):
    for message in split(path.read_bytes()):
        mapped = translate(message, lineage=True)
        assert_balanced(mapped)
        for resource in resources(mapped):
            assert errors(resource) == []


def test_a_person_with_german_name_parts():
    person = one(sample("gdt30_6301"), "Patient")

    name = person["name"][0]
    assert name["family"] == "Freiherr von Grünfelde-Möß"
    assert [one["valueString"] for one in name["_family"]["extension"]] == [
        "Freiherr",
        "von",
        "Grünfelde-Möß",
    ]
    assert person["birthDate"] == "1960-02-29"
    assert person["gender"] == "other"
    assert person["_gender"]["extension"][0]["valueCoding"]["code"] == "D"
    assert person["address"][0]["line"] == ["Zum Weißen Stein 4"]
    assert [one["value"] for one in person["telecom"]] == [
        "0361 000815",
        "+49 170 0000815",
        "ju@gruenfelde.example",
    ]
    assert [one["system"].rpartition("/")[2] for one in person["identifier"]] == [
        "patient",
        "kvid-10",
    ]


def test_lineage_names_line_and_feldkennung():
    mapped = sample("gdt21_6301_cp437")

    person = one(mapped, "Patient")
    assert mapped.lineage[f"Patient/{person['id']}.birthDate"] == ("line 11 FK 3103",)
    assert mapped.lineage[f"Patient/{person['id']}.name[0].family"] == (
        "line 8 FK 3100",
        "line 9 FK 3101",
    )


def test_pressures_of_one_moment_are_one_panel():
    observed = of(sample("gdt21_6310_blutdruck_24h"), "Observation")

    panels = [one for one in observed if "component" in one]
    assert [one["effectiveDateTime"][11:16] for one in panels] == ["07:00", "07:30"]
    assert [
        (part["code"]["coding"][0]["code"], str(part["valueQuantity"]["value"]))
        for part in panels[0]["component"]
    ] == [("8480-6", "151"), ("8462-4", "93")]
    assert len(observed) == 4


def test_results_of_an_ecg():
    mapped = sample("gdt21_6310_ekg")
    rate, pq, qtc, rhythm, external, free = of(mapped, "Observation")

    assert rate["code"]["coding"][0]["code"] == "8867-4"
    assert rate["valueQuantity"]["code"] == "/min"
    assert pq["referenceRange"][0]["high"] == {
        "value": pq["referenceRange"][0]["high"]["value"],
        "unit": "ms",
        "system": "http://unitsofmeasure.org",
        "code": "ms",
    }
    assert (qtc["status"], qtc["note"][0]["text"]) == ("corrected", "manuell nachgemessen")
    assert rhythm["valueString"] == "Sinusrhythmus\nvereinzelt SVES"
    assert external["valueString"] == "Vorbefund 2025 ohne Änderung"
    assert (free["code"]["text"], free["valueString"]) == ("Raum", "Funktion 2")
    report = one(mapped, "DiagnosticReport")
    assert report["status"] == "corrected"
    assert report["conclusion"].splitlines()[1] == "Keine Erregungsrückbildungsstörungen."
    assert (
        report["basedOn"][0]["reference"] == f"ServiceRequest/{one(mapped, 'ServiceRequest')['id']}"
    )
    assert (
        one(sample("gdt21_6302_ekg"), "ServiceRequest")["id"] in report["basedOn"][0]["reference"]
    )


def test_a_file_beside_the_record_is_its_content():
    data = next(p for p in SAMPLES if p.stem == "gdt21_6310_ekg").read_bytes()
    alone = translate(data)
    beside = translate(pack(Encoded(data, attachments=(Attachment("ekg_10815.pdf", b"%PDF-1"),))))

    assert one(alone, "DocumentReference")["content"][0]["attachment"]["extension"]
    assert [i.code for i in alone.issues] == ["not-found"]
    attachment = one(beside, "DocumentReference")["content"][0]["attachment"]
    assert (attachment["contentType"], attachment["size"]) == ("application/pdf", 6)
    assert beside.issues == ()
    assert beside.provenance["entity"][0] == alone.provenance["entity"][0]


def test_base64_inside_the_record_is_its_content():
    binary = of(sample("gdt30_6310"), "Binary")[0]

    assert (binary["contentType"], binary["data"]) == (
        "application/pdf",
        "JVBERi0xLjQKJWVuZG9mCg==",
    )


@pytest.mark.parametrize(
    ("letter", "clinical", "verified"),
    [
        ("G", "active", "confirmed"),
        ("V", "active", "provisional"),
        ("Z", "resolved", "confirmed"),
        ("A", None, "refuted"),
        ("", "active", None),
    ],
)
def test_the_letter_of_certainty_decides_both_statuses(letter, clinical, verified):
    condition = one(gdt("6310", ("6001", "J44.19"), ("6003", letter)), "Condition")

    def code(element):
        return condition[element]["coding"][0]["code"] if element in condition else None

    assert (code("clinicalStatus"), code("verificationStatus")) == (clinical, verified)


def test_a_withdrawn_request_is_cancelled():
    change = next(c for c in sample("gdt30_6303").changes if c.type == "ServiceRequest")

    assert (change.action, change.resource["status"]) == (Action.CANCEL, "revoked")
    asked = one(sample("gdt30_6302"), "ServiceRequest")
    assert asked["id"] == change.id


def test_an_inquiry_asks_for_the_report_its_examination_made():
    shown = one(sample("gdt21_6310_blutdruck_24h", 1), "CommunicationRequest")
    report = one(sample("gdt21_6310_blutdruck_24h"), "DiagnosticReport")

    assert shown["payload"][0]["contentReference"]["identifier"] == report["identifier"][0]


@pytest.mark.parametrize(
    ("stated", "system"),
    [
        ("X110411675", "kvid-10"),
        ("X110411674", "kvk-versichertennummer"),
        ("123 130328", "kvk-versichertennummer"),
    ],
)
def test_only_a_number_whose_check_digit_fits_is_a_kvnr(stated, system):
    mapped = gdt("6301", ("3105", stated))

    assert one(mapped, "Patient")["identifier"][1]["system"].endswith(system)
    assert mapped.patients[0].kvnr == (stated if system == "kvid-10" else "")


@pytest.mark.parametrize("born", ["31021948", "1948", "14/03/1948"])
def test_an_impossible_birth_date_is_refused_with_its_line(born):
    mapped = translate(record("6301", [*HEAD, *PERSON[:3], ("3103", born)]))

    assert isinstance(mapped.refusal, NotConformant)
    assert mapped.refusal.location == "line 10 FK 3103"
    assert born not in mapped.refusal.text


@pytest.mark.parametrize(
    ("born", "kept"), [("00000000", None), ("00001948", "1948"), ("00031948", "1948-03")]
)
def test_a_birth_date_known_in_part_stays_so(born, kept):
    mapped = translate(record("6301", [*HEAD, *PERSON[:3], ("3103", born)]))

    assert one(mapped, "Patient").get("birthDate") == kept


def test_a_dialect_says_how_dates_are_written():
    data = record("6301", [*HEAD, *PERSON[:3], ("3103", "19600229")])

    assert translate(data).refusal is not None
    assert translate(data, dialect=Dialect(dates="JJJJMMTT")).patients[0].birth_date == "1960-02-29"


def test_a_record_without_patient_number_is_refused_by_a_gateway_and_read_by_a_converter():
    data = record("6301", [*HEAD, *PERSON[1:]])

    assert translate(data).refusal.location == "FK 3000"
    assert translate(data, lenient=True).refusal is None


def test_a_number_names_the_same_patient_for_every_device():
    first = gdt("6310", ("8402", "BDM00"))
    other = translate(record("6301", [("8316", "LUFU"), *PERSON]))

    assert first.patients[0].id == other.patients[0].id


def test_unknown_fields_are_told_never_dropped():
    mapped = gdt("6301", ("9999", "Herstellerfeld"))

    assert mapped.loss.unmapped == (("line 11 FK 9999", "Herstellerfeld"),)


def test_a_dialect_names_local_tests_and_reasons():
    dialect = Dialect(codes={"8410": {"RR_OBEN": "SYS"}}, ignore={"9999": "Gerätetakt"})
    mapped = gdt("6310", ("8410", "RR_OBEN"), ("8420", "120"), ("9999", "7"), dialect=dialect)

    assert one(mapped, "Observation")["code"]["coding"][0]["code"] == "8480-6"
    assert mapped.loss.ignored_paths[-1] == ("line 13 FK 9999", "Gerätetakt")


@pytest.mark.parametrize("value", ["<5", "positiv", "++", "1,2,3"])
def test_what_is_no_number_stays_as_words(value):
    observed = one(gdt("6310", ("8410", "CRP"), ("8420", value), ("8421", "mg/l")), "Observation")

    assert observed["valueString"] == f"{value} mg/l"


@pytest.mark.parametrize(("written", "number"), [("0", "0"), ("00", "0"), ("0,0", "0.0")])
def test_zero_is_a_number(written, number):
    limits = ("8461", written), ("8462", "7")
    fields = ("8410", "CRP"), ("8420", written), ("8421", "mg/l"), *limits
    observed = one(gdt("6310", *fields), "Observation")

    assert str(observed["valueQuantity"]["value"]) == number
    assert str(observed["referenceRange"][0]["low"]["value"]) == number


@pytest.mark.parametrize(
    ("day", "clock", "said", "doubts"),
    [
        ("24102026", "023000", "2026-10-24T02:30:00+02:00", set()),
        ("25102026", "023000", "2026-10-25T02:30:00+02:00", {"ambiguous"}),
        ("25102026", "043000", "2026-10-25T04:30:00+01:00", set()),
        ("29032026", "013000", "2026-03-29T01:30:00+01:00", set()),
        ("29032026", "023000", "2026-03-29T02:30:00+01:00", {"skipped"}),
        ("29032026", "1500", "2026-03-29T15:00:00+02:00", set()),
        ("30032026", "235959", "2026-03-30T23:59:59+02:00", set()),
    ],
)
def test_a_time_of_day_is_that_of_the_zone_on_its_day(day, clock, said, doubts):
    mapped = gdt("6310", ("6200", day), ("6201", clock), ("8410", "CRP"), ("8420", "1"))

    assert one(mapped, "DiagnosticReport")["effectiveDateTime"] == said
    told = {issue.text for issue in mapped.issues if "clock change" in issue.text}
    assert told == {f"{doubt} local time at a clock change" for doubt in doubts}


@pytest.mark.parametrize("clock", ["240000", "126000", "120060", "12:00x"])
def test_a_time_of_day_that_is_none_is_told_and_the_day_kept(clock):
    mapped = gdt("6310", ("6200", "02112026"), ("6201", clock), ("8410", "CRP"), ("8420", "1"))

    assert one(mapped, "DiagnosticReport")["effectiveDateTime"] == "2026-11-02"
    assert "not a valid time of day" in {issue.text for issue in mapped.issues}


def test_a_test_without_value_says_so():
    observed = one(gdt("6310", ("8410", "CRP"), ("8418", "F")), "Observation")

    assert (observed["status"], "dataAbsentReason" in observed) == ("registered", True)


def test_two_records_are_two_messages():
    data = record("6301", PERSON) + record("6310", PERSON)

    assert isinstance(translate(data).refusal, NotConformant)
    assert len(list(mappers.convert(data))) == 2


def test_other_members_are_refused_in_words():
    assert translate(nested("8206", [("8310", "1")])).refusal.location == "FK 8000"


def test_the_mapping_table_says_what_becomes_of_every_field_of_the_samples():
    told = {(row.fk, row.target) for row in mapping_table() if row.datatype == ""}
    by_rows = {row.fk for row in mapping_table() if row.datatype}
    for path in SAMPLES:
        for message in split(path.read_bytes()):
            for element, places in translate(message, lineage=True).lineage.items():
                for place in places:
                    fk = place.rpartition(" ")[2]
                    assert fk in by_rows or (fk, target(element)) in told


def test_every_field_of_the_tables_is_in_the_dictionary():
    known = {row["fk"] for row in rows("mappers.xdt", "fields", "gdt")}
    known |= {str(number) for number in range(6330, 6400)}
    used = {row["fk"] for row in rows("mappers.xdt", "rows", "gdt")}
    used |= {row["fk"] for row in rows("mappers.xdt", "elements", "gdt")}

    assert used <= known
