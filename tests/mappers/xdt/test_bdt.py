"""BDT 02/94, xBDT 2.9 and KVDT become FHIR: every content accounted for, every resource valid."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappers
from mappers.apply import apply
from mappers.base import Attachment, Context, Encoded
from mappers.codes import rows
from mappers.dialect import Dialect
from mappers.parcel import pack
from mappers.trace import text
from mappers.xdt import FORMAT
from mappers.xdt.batch import split
from mappers.xdt.bdt.parts import KINDS, parts_of
from mappers.xdt.mapping_table import mapping_table
from profiles.issue import NotConformant
from tests.mappers.declared import errors, resources
from tests.mappers.xdt.lines import record
from tests.mappers.xdt.whole import assert_balanced, target

FOLDER = Path(__file__).parents[2] / "samples" / "xdt"
SAMPLES = sorted([*FOLDER.glob("*.bdt"), *FOLDER.glob("*.con")])
NAMESPACE = "https://praxis.example/sid"
PERSON = [("3000", "77"), ("3101", "Grünfelde"), ("3102", "Jörg"), ("3103", "29021960")]


def translate(data):
    return mappers.translate(data, "xdt", Context(b"key", Dialect(), NAMESPACE, lineage=True))


def sample(name, number=0):
    data = next(path for path in SAMPLES if path.stem.startswith(name)).read_bytes()
    return translate(list(split(data))[number])


def bdt(*records):
    return translate(b"".join(record(satzart, fields) for satzart, fields in records))


def day(*fields):
    return bdt(("6200", [*PERSON, ("6200", "02112026"), *fields]))


def of(mapped, kind):
    return [change.resource for change in mapped.changes if change.type == kind]


def one(mapped, kind):
    (found,) = of(mapped, kind)
    return found


def code(concept):
    return concept["coding"][0]["code"]


def leftovers(mapped):
    return [place.rpartition(" ")[2] for place, _ in mapped.loss.unmapped]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_whole_and_hold_what_they_claim(path):
    for message in split(path.read_bytes()):
        mapped = translate(message)
        assert_balanced(mapped)
        for resource in resources(mapped):
            assert errors(resource) == []


def test_every_day_of_treatment_is_an_encounter_with_what_belongs_to_it():
    mapped = sample("bdt94")
    stay, first, second = of(mapped, "Encounter")

    assert (stay["class"]["code"], stay["period"]) == (
        "IMP",
        {"start": "2026-07-10", "end": "2026-07-14"},
    )
    assert first["period"] == {"start": "2026-11-02T09:15:00+01:00"}
    assert first["reasonCode"] == [{"text": "Luftnot beim Treppensteigen,\nnachts Husten"}]
    assert first["participant"][0]["individual"]["display"] == "HB"
    assert second["period"] == {"start": "2026-11-04"}
    mine = {"reference": f"Encounter/{second['id']}"}
    told = [one for one in of(mapped, "Condition") if one.get("encounter") == mine]
    assert [one["code"] for one in told] == [{"text": "Herzinsuffizienz"}]
    pressure = next(one for one in of(mapped, "Observation") if one.get("encounter") == mine)
    assert [part["valueQuantity"]["value"] for part in pressure["component"]] == [150, 90]


def test_the_words_of_a_day_stay_whole_and_apart():
    observed = {
        one["code"]["coding"][0]["code"]: one["valueString"]
        for one in of(sample("bdt94"), "Observation")
        if "valueString" in one and "encounter" in one
    }

    assert observed == {
        "6220": "Beidseits basal feine\nRasselgeräusche",
        "6221": "Echo Klinik: EF 38 %",
        "6222": "siehe Laborblatt",
        "6225": "Rö-Thorax: Stauung",
        "6230": "gemessen im Liegen",
        "6260": "Trinkmenge 1,5 l",
        "6265": "Atemgymnastik 6x",
        "6285": "02.11.2026-13.11.2026",
        "6330": "Termin vereinbart",
    }


def test_drugs_are_prescribed_named_or_permanent():
    mapped = sample("bdt94")

    asked = [one["medicationCodeableConcept"]["text"] for one in of(mapped, "MedicationRequest")]
    assert asked == ["Torasemid 10 mg N3", "Bisoprolol 2,5 mg N2"]
    told = [
        (one["status"], one["medicationCodeableConcept"]["text"], one.get("effectivePeriod"))
        for one in of(mapped, "MedicationStatement")
    ]
    assert told == [
        ("active", "Metformin 1000 mg 1-0-1", {"start": "2003-03-01"}),
        ("active", "Ramipril 5 mg", None),
        ("unknown", "Kompressionsstrümpfe", None),
        ("unknown", "Dapagliflozin 10 mg", None),
    ]


def test_referral_admission_and_incapacity_carry_their_reasons():
    mapped = sample("bdt94")
    incoming, referral, admission = of(mapped, "ServiceRequest")

    assert incoming["requester"]["display"] == "Dr. Hagebuttenstrauch, Weimar"
    assert incoming["authoredOn"] == "2026-11-02"
    assert (code(referral["category"][0]), referral["reasonCode"]) == (
        "3457005",
        [{"text": "Ischämiediagnostik"}],
    )
    reason = admission["reasonReference"][0]["reference"].partition("/")[2]
    found = next(one for one in of(mapped, "Condition") if one["id"] == reason)
    assert code(found["code"]) == "I50.14"
    assert code(found["verificationStatus"]) == "provisional"


def test_letters_and_certificates_are_documents():
    mapped = sample("bdt94")
    texts = {one["id"]: base64.b64decode(one["data"]).decode() for one in of(mapped, "Binary")}

    letter = next(
        one for one in of(mapped, "DocumentReference") if one["type"]["text"] == "Arztbrief"
    )
    held = letter["content"][0]["attachment"]["url"].partition("/")[2]
    assert texts[held].split("\n")[:3] == [
        "Dr. Hagebuttenstrauch",
        "Weimar",
        "Sehr geehrte Kollegin,",
    ]
    assert len(of(mapped, "DocumentReference")) == 4


def _letter(*fields, files=()):
    stated = [*PERSON, ("6200", "02112026"), ("6310", "Kardiologie Weimar"), *fields]
    sent = Encoded(record("6200", stated), attachments=files)
    return sent, translate(pack(sent))


def test_the_file_of_a_letter_is_a_content_beside_its_text():
    letter = ("6320", "Sehr geehrte Kollegin,"), ("6322", r"C:\Briefe\Brief 77.PDF")
    sent, mapped = _letter(*letter, files=(Attachment("brief 77.pdf", b"%PDF-1.7 letter"),))
    binaries = {found["id"]: base64.b64decode(found["data"]) for found in of(mapped, "Binary")}
    document = one(mapped, "DocumentReference")
    words, file = (content["attachment"] for content in document["content"])

    assert FORMAT.beside(sent.data) == (r"C:\Briefe\Brief 77.PDF",)
    assert "not-found" not in {issue.code for issue in mapped.issues}
    assert mapped.loss.unmapped == ()
    assert binaries[words["url"].partition("/")[2]].decode().endswith("Sehr geehrte Kollegin,")
    assert file["contentType"] == "application/pdf"
    assert binaries[file["url"].partition("/")[2]] == b"%PDF-1.7 letter"
    assert file["creation"] == words["creation"] == "2026-11-02"
    assert document["identifier"][0]["value"] == r"C:\Briefe\Brief 77.PDF"


def test_a_file_of_a_letter_that_did_not_come_is_told():
    _, mapped = _letter(("6322", "brief.pdf"), ("6322", "https://praxis.example/zweiter.pdf"))
    document = one(mapped, "DocumentReference")
    _, missing, elsewhere = (content["attachment"] for content in document["content"])

    missed = [issue.location for issue in mapped.issues if issue.code == "not-found"]
    assert missed == ["line 9 FK 6322"]
    assert missing["extension"][0]["valueCode"] == "unknown"
    assert elsewhere["url"] == "https://praxis.example/zweiter.pdf"
    assert mapped.loss.unmapped == ()


def test_results_kept_with_a_day_are_a_report():
    mapped = sample("bdt94")
    report = one(mapped, "DiagnosticReport")

    assert report["status"] == "partial"
    names = [one["reference"].partition("/")[2] for one in report["result"]]
    first, panel = (one for one in of(mapped, "Observation") if one["id"] in names)
    assert str(first["valueQuantity"]["value"]) == "1840"
    assert code(panel["code"]) == "85354-9"


def test_a_schein_is_an_account_with_services_and_diagnoses():
    mapped = sample("bdt94")
    referred, inpatient = of(mapped, "Account")

    assert code(referred["type"]) == "0102"
    assert referred["servicePeriod"] == {"start": "2026-10-01", "end": "2026-12-31"}
    assert inpatient["servicePeriod"]["start"] == "2026-07-01"
    charged = [
        (one["code"]["coding"][0]["code"], one["occurrenceDateTime"])
        for one in of(mapped, "ChargeItem")
    ]
    assert charged == [
        ("13250", "2026-11-03"),
        ("40110", "2026-11-03"),
        ("01436", "2026-11-04"),
        ("31011", "2026-07-10"),
    ]
    billed = [one["code"] for one in of(mapped, "Condition") if "recordedDate" not in one][:3]
    assert [code(one) for one in billed] == ["I50.13", "Z92.1", "H40.1"]
    assert "text" not in billed[1]


def test_permanent_diagnoses_of_both_dialects():
    def listed(mapped):
        return [
            (one["code"]["text"], code(one["verificationStatus"]), one.get("onsetDateTime"))
            for one in of(mapped, "Condition")
            if code(one["category"][0]) == "problem-list-item"
        ]

    assert listed(sample("bdt94")) == [
        ("Diabetes mellitus Typ 2", "confirmed", "2003-03-01"),
        ("Coxarthrose", "provisional", "2017-05-11"),
        ("Presbyakusis", "unconfirmed", None),
    ]
    assert listed(sample("xbdt29")) == [("Asthma bronchiale", "confirmed", "2020-01-01")]


def test_xbdt_diagnoses_keep_certainty_and_never_take_the_words_of_another():
    told = [one for one in of(sample("xbdt29"), "Condition") if "recordedDate" in one]

    assert [
        (one["code"].get("text"), code(one["verificationStatus"]), "clinicalStatus" in one)
        for one in told
    ] == [
        (None, "confirmed", True),
        (None, "refuted", False),
        (None, "confirmed", True),
        ("Infekt der oberen Luftwege", "unconfirmed", True),
    ]
    assert code(told[2]["clinicalStatus"]) == "resolved"


def test_a_diagnosis_corrected_to_excluded_is_no_active_one_any_more():
    def told(letter):
        header = record("0020", [("9103", {"G": "02112026", "A": "03112026"}[letter])])
        fields = [*PERSON, ("6200", "02112026"), ("6001", "I50.9"), ("6003", letter)]
        mapped = translate(header + record("6200", fields))
        return next(change for change in mapped.changes if change.type == "Condition")

    stored = apply(apply(None, told("G")), told("A"))

    assert code(stored["verificationStatus"]) == "refuted"
    assert "clinicalStatus" not in stored


def test_xbdt_measures_and_ended_drugs():
    mapped = sample("xbdt29")
    measured = {
        code(one["code"]): str(one["valueQuantity"]["value"])
        for one in of(mapped, "Observation")
        if "valueQuantity" in one
    }

    assert measured == {
        "29463-7": "68.4",
        "8310-5": "38.1",
        "6414": "99",
        "6415": "84",
        "8867-4": "92",
    }
    assert sum(code(one["code"]) == "85354-9" for one in of(mapped, "Observation")) == 1
    ended = one(mapped, "MedicationStatement")
    assert (ended["status"], ended["effectivePeriod"]["end"]) == ("stopped", "2024-03-01")
    assert one(mapped, "Patient")["birthDate"] == "1977-06-30"


def test_the_doctors_of_a_practice_are_told_apart():
    named = [
        (person["identifier"][0]["value"], person["name"][0]["family"])
        for person in of(sample("xbdt29"), "Practitioner")
        if "name" in person
    ]

    assert named == [("838382202", "Bärenklau"), ("277777704", "Wegwarte")]


def test_kvdt_names_who_served():
    mapped = sample("Z01721999900")
    service = one(mapped, "ChargeItem")

    assert service["occurrenceDateTime"] == "2026-11-03T09:30:00+01:00"
    assert service["code"]["coding"][0]["system"] == "http://fhir.de/CodeSystem/kbv/ebm"
    assert service["performer"][0]["actor"]["reference"].startswith("Practitioner/")
    assert one(mapped, "Account")["identifier"][0]["value"] == "S-20818-4"
    assert len(of(mapped, "Patient")) == 1


def test_the_head_of_the_family_is_another_person():
    head = one(sample("bdt94"), "RelatedPerson")

    assert head["name"][0]["family"] == "Graf Möwenthal"
    assert head["birthDate"] == "1925-02-01"


def test_catalogues_of_a_practice_are_one_message_that_says_why_nothing_is_taken():
    head = record("0020", [("9106", "3")]) + record("0010", [("0201", "939876500")])
    entries = [record("0081", [("6001", f"I{n}.0"), ("6000", "Ein Wort")]) for n in range(10, 13)]
    texts = record("0082", [("6220", "Herz und Lunge unauffällig.")])
    treated = record("6200", [*PERSON, ("6200", "02112026"), ("6220", "Giemen")])
    messages = list(split(head + b"".join(entries) + texts + treated))
    catalogue, patient = map(translate, messages)

    assert messages[0] == head + b"".join(entries) + texts
    assert (catalogue.refusal, catalogue.patients, catalogue.loss.unmapped) == (None, (), ())
    assert {change.type for change in catalogue.changes} == {"Organization"}
    reasons = [why for place, why in catalogue.loss.ignored_paths if place.endswith("FK 6001")]
    assert reasons == 3 * ["a catalogue of the practice's system, about no patient"]
    assert [one.birth_date for one in patient.patients] == ["1960-02-29"]


def test_a_catalogue_within_the_records_of_a_patient_is_refused():
    mapped = bdt(("6100", PERSON), ("0084", [("3652", "Ramipril")]))

    assert mapped.refusal is not None
    assert mapped.changes == ()


def test_two_birth_dates_under_one_number_are_refused_with_the_line():
    other = [("3000", "77"), ("3103", "01011970")]

    mapped = bdt(("6100", PERSON), ("6200", other))

    assert isinstance(mapped.refusal, NotConformant)
    assert mapped.refusal.location == "line 10 FK 3103"
    assert mapped.changes == ()


@pytest.mark.parametrize(
    ("other", "location"),
    [
        (("6100", [("3000", "78")]), "line 1 FK 8000"),
        (("6310", [("3000", "77")]), "line 7 FK 8000"),
        (("XYZZ", [("3000", "77")]), "line 7 FK 8000"),
    ],
)
def test_records_of_anybody_or_anything_else_are_refused(other, location):
    mapped = bdt(("6100", PERSON), other, ("6200", PERSON))

    assert isinstance(mapped.refusal, NotConformant)
    assert mapped.refusal.location == location


def test_master_data_hold_where_a_schein_says_otherwise():
    schein = [*PERSON[:1], ("3101", "Grünfeld"), *PERSON[2:], ("4101", "42026")]

    mapped = bdt(("0101", schein), ("6100", PERSON))

    assert one(mapped, "Patient")["name"][0]["family"] == "Grünfelde"
    assert [issue.location for issue in mapped.issues if issue.code == "conflict"] == [
        "line 4 FK 3101"
    ]
    assert leftovers(mapped) == []


def test_an_unknown_field_is_left_over_and_told():
    mapped = day(("6299", "was immer"), ("6220", "unauffällig"))

    assert leftovers(mapped) == ["6299"]
    assert one(mapped, "Observation")["valueString"] == "unauffällig"


def test_an_invalid_day_is_told_and_its_contents_stay():
    mapped = bdt(("6200", [*PERSON, ("6200", "31022026"), ("6220", "unauffällig")]))

    assert "line 7 FK 6200" in [issue.location for issue in mapped.issues]
    assert of(mapped, "Encounter") == []
    assert one(mapped, "Observation")["valueString"] == "unauffällig"


def test_the_same_export_names_the_same_resources_again():
    def ids(mapped):
        return [(change.type, change.id) for change in mapped.changes]

    assert ids(sample("bdt94")) == ids(sample("bdt94"))
    assert len(set(ids(sample("bdt94")))) == len(ids(sample("bdt94")))


KNOWN = sorted({fk for kind in KINDS for fk in (*kind.leading, *kind.within)})


@given(st.lists(st.sampled_from([*KNOWN, "6200", "8990", "9999"]), max_size=40))
def test_parts_hold_every_field_once_and_in_order(fks):
    entries = [(fk, text(f"{fk} {n}", n)) for n, fk in enumerate(fks)]

    parts, loose = parts_of(entries)

    held = [entry for part in parts for entry in part.fields.entries] + loose.entries
    assert sorted(held, key=lambda entry: entry[1].source) == entries
    for part in parts:
        lines = [leaf.source for _, leaf in part.fields.entries]
        assert lines == sorted(lines)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*KNOWN, "6200", "6201", "8990"]),
            st.sampled_from(["1", "02112026", "I10.90", "Ä ß", "120/80", "G", "R"]),
        ),
        max_size=12,
    )
)
def test_whatever_a_record_holds_is_accounted_for(fields):
    for satzart in ("6100", "6200", "0101"):
        mapped = bdt((satzart, [*PERSON, *fields]))
        assert mapped.refusal is None
        loss = mapped.loss
        assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
        names = [(change.type, change.id) for change in mapped.changes]
        assert len(set(names)) == len(names)
        assert [found for resource in resources(mapped) for found in errors(resource)] == []


def test_the_mapping_table_says_what_becomes_of_every_field_of_the_samples():
    told = {(row.fk, row.target) for row in mapping_table() if row.datatype == ""}
    by_rows = {row.fk for row in mapping_table() if row.datatype}
    missing = {
        (place.rpartition(" ")[2], target(element))
        for path in SAMPLES
        for message in split(path.read_bytes())
        for element, places in translate(message).lineage.items()
        for place in places
    }

    assert {one for one in missing - told if one[0] not in by_rows} == set()


def test_every_field_of_the_tables_is_in_the_dictionary():
    known = {row["fk"] for row in rows("mappers.xdt", "fields", "bdt")}
    known |= {str(number) for number in range(6330, 6400)}
    used = {row["fk"] for name in ("rows", "elements") for row in rows("mappers.xdt", name, "bdt")}

    assert used <= known
