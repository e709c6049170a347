"""FHIR becomes GDT: what both know survives the way there and back, nothing else is invented."""

from __future__ import annotations

import base64
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.base import Context, Envelope
from mappers.dialect import Dialect, Outgoing
from mappers.xdt import FORMAT
from mappers.xdt.batch import split
from mappers.xdt.message import Message
from profiles.issue import NotConformant, NotSupported
from tests.mappers.xdt.lines import record

SAMPLES = Path(__file__).parents[2] / "samples" / "xdt"
NAMESPACE = "https://praxis.example/sid"
#: Lines that frame or are the envelope's.
FRAME = frozenset({"8100", "8200", "8201", "8202", "8315", "8316", "9103", "9206", "9218"})
WORD = st.text("abdeilmnorstuzäöüßABEGMSÄÖÜ", min_size=1, max_size=12)
LINE = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
DAY = st.dates().map(lambda day: f"{day:%d%m}{day.year:04d}").filter(lambda d: d[4:] > "1900")
CLOCK = st.times().map(lambda clock: f"{clock:%H%M%S}")
DECIMAL = st.decimals(0, 999, places=2).map(str)


def context(version="02.10", charset="cp1252", files="beside", **envelope):
    outgoing = Outgoing(gdt_version=version, gdt_charset=charset, gdt_files=files)
    dialect = Dialect(outgoing=outgoing)
    return Context(b"key", dialect, NAMESPACE, envelope=Envelope(**envelope))


def fields(data):
    """Every field of a message but the framing, however often."""
    return Counter(
        (fk, str(content))
        for one in Message(data).items
        for fk, content in one.merged().entries
        if fk not in FRAME and content.strip()
    )


def there_and_back(data, known):
    mapped = FORMAT.translate(data, known)
    assert mapped.refusal is None
    return FORMAT.encode(mapped.bundle, known)


def optional(fk, values):
    return st.one_of(st.just([]), values.map(lambda value: [(fk, value)]))


def several(fk, values):
    return st.lists(values, max_size=3).map(lambda found: [(fk, one) for one in found])


def joined(*parts):
    return st.tuples(*parts).map(lambda found: [field for part in found for field in part])


def required(fk, values):
    return values.map(lambda value: [(fk, value)])


PERSON = joined(
    required("3000", st.integers(1, 10**9).map(str)),
    optional("3100", st.sampled_from(["von", "Freiherr von", "Graf", "van der"])),
    required("3101", WORD.map(str.capitalize)),
    required("3102", LINE),
    required("3103", DAY),
    optional("3104", st.sampled_from(["Dr.", "Prof. Dr. med."])),
    optional("3105", st.sampled_from(["X110411675", "T987654328", "1234567"])),
    optional("3106", st.tuples(st.integers(10000, 99999), WORD).map(lambda p: f"{p[0]} {p[1]}")),
    optional("3107", LINE),
    optional("3108", st.sampled_from("135")),
    optional("3110", st.sampled_from(["1", "2", "D", "X", "U"])),
    optional("3622", DECIMAL),
    optional("3623", DECIMAL),
    optional("3628", WORD),
)
TEST = joined(
    required("8410", st.sampled_from(["SYS", "DIA", "FEV1", "XYZ1"])),
    optional("8411", LINE),
    st.one_of(
        joined(required("8420", DECIMAL), optional("8421", st.sampled_from(["mmHg", "l", "foo"]))),
        several("8480", LINE).filter(bool),
    ),
    required("8432", DAY),
    required("8439", CLOCK),
    optional("8460", LINE),
    optional("8461", DECIMAL),
    optional("8462", DECIMAL),
    several("8470", LINE),
)
BODY = joined(
    joined(required("6200", DAY), required("6201", CLOCK)),
    optional("8310", WORD),
    required("8402", st.sampled_from(["BDM00", "LUFU02", "VEND99"])),
    st.lists(LINE, max_size=2, unique=True).map(lambda found: [("6205", one) for one in found]),
    several("6220", LINE),
    several("6221", LINE),
    several("6227", LINE),
    several("6228", LINE).map(lambda f: [("6226", str(len(f))), *f] if f else []),
    optional("6330", WORD).flatmap(
        lambda f: required("6331", LINE).map(lambda g: [*f, *g]) if f else st.just([])
    ),
    st.lists(TEST, max_size=4).map(lambda tests: [field for one in tests for field in one]),
    optional("8990", WORD),
)


@settings(max_examples=40, deadline=None)
@given(PERSON, BODY, st.sampled_from(["cp1252", "cp437", "din66003"]))
def test_an_examination_of_gdt_2_comes_back_field_by_field(person, body, charset):
    declared = {"din66003": "1", "cp437": "2", "cp1252": "3"}[charset]
    head = [("9206", declared), ("9218", "02.10")]
    codec = "cp1252" if charset == "din66003" else charset
    data = record("6310", [*head, *person, *body], codec)
    if charset == "din66003":
        data = data.decode("cp1252").translate(str.maketrans("äöüßÄÖÜ", "{|}~[\\]")).encode()

    written = there_and_back(data, context(charset=charset))

    assert fields(written.data) == fields(data)
    assert written.left_out == ()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("gdt[23][10]*")), ids=lambda path: path.stem)
def test_samples_come_back(path):
    version = "03.01" if "gdt3" in path.stem else "02.10"
    for data in split(path.read_bytes()):
        known = context(version, files="inside")
        written = there_and_back(data, known)
        assert not Message(written.data).issues
        again = FORMAT.translate(written.data, known)
        twice = FORMAT.encode(again.bundle, known)
        assert fields(twice.data) == fields(written.data)


def test_lengths_and_counts_are_what_they_say():
    data = next(split((SAMPLES / "gdt30_6310.gdt").read_bytes()))

    written = there_and_back(data, context("03.01", files="inside"))

    assert Message(written.data).issues == []


def letter(title="Entlassbrief", family="Grünfelde", data=b"%PDF-1.7"):
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1960-02-29"}
    patient["name"] = [{"family": family, "given": ["Jörg"]}]
    binary = {"resourceType": "Binary", "id": "b", "contentType": "application/pdf"}
    binary["data"] = base64.b64encode(data).decode()
    document = {"resourceType": "DocumentReference", "id": "d", "status": "current"}
    document["date"] = "2027-01-14T09:30:00Z"
    document["subject"] = {"reference": "Patient/p"}
    attachment = {"contentType": "application/pdf", "url": "Binary/b", "title": title}
    document["content"] = [{"attachment": attachment}]
    entries = [{"resource": one} for one in (patient, document, binary)]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_a_letter_is_a_record_with_its_pdf_beside_it():
    known = context(control_id="D42", sending=("GATEWAY", ""), receiving=("PRAXIS01", ""))
    written = FORMAT.encode(letter(), known)

    assert [(one.name, one.data) for one in written.attachments] == [("D42_1.pdf", b"%PDF-1.7")]
    assert FORMAT.beside(written.data) == ("D42_1.pdf",)
    found = {fk: str(content) for fk, content in Message(written.data).items[0].entries}
    assert (found["8315"], found["8316"], found["9218"]) == ("PRAXIS01", "GATEWAY", "02.10")
    assert (found["6304"], found["6200"], found["6201"]) == ("Entlassbrief", "14012027", "103000")
    assert "3000" not in found
    assert written.left_out == ()


def test_in_gdt_3_the_pdf_may_stand_in_the_record():
    written = FORMAT.encode(letter(data=b"x" * 100), context("03.01", files="inside"))

    lines = Message(written.data).items[0].merged().all("6329")
    assert base64.b64decode("".join(lines)) == b"x" * 100
    assert written.attachments == ()


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_no_value_can_end_its_line(end):
    written = FORMAT.encode(letter(f"Brief{end}01380006302", f"Gr{end}0133000666"), context())

    assert len(re.findall(rb"\n\d{3}8000", b"\n" + written.data)) == 1
    assert not Message(written.data).items[0].has("3000")
    assert written.left_out


def test_characters_the_set_lacks_are_replaced_and_told():
    written = FORMAT.encode(letter(family="Łukasiewicz \u4e2d"), context(charset="din66003"))

    assert b"3101Lukasiewicz ?\r\n" in written.data
    assert written.left_out == ("Patient/p.name[0].family",)


def test_a_foreign_number_is_no_patient_number_of_the_partner():
    bundle = letter()
    patient = bundle["entry"][0]["resource"]
    patient["identifier"] = [{"system": "https://klinikum.example/patient", "value": "77"}]
    dialect = Dialect(systems={"3000": "https://praxis.example/patient"})
    foreign = FORMAT.encode(bundle, Context(b"", dialect, NAMESPACE))
    patient["identifier"].append({"system": "https://praxis.example/patient", "value": "4711"})
    own = FORMAT.encode(bundle, Context(b"", dialect, NAMESPACE))

    assert not Message(foreign.data).items[0].has("3000")
    assert Message(own.data).items[0].first("3000") == "4711"


def test_a_refuted_diagnosis_is_not_told_in_words_alone():
    excluded = record("6310", [("9206", "3"), ("3000", "1"), ("6001", "J18.9"), ("6003", "A")])
    written = there_and_back(excluded + b"0136205COPD\r\n", context())

    assert b"J18.9" not in written.data


def test_several_patients_or_none_are_refused():
    bundle = letter()
    bundle["entry"].append({"resource": {"resourceType": "Patient", "id": "other"}})

    with pytest.raises(NotConformant):
        FORMAT.encode(bundle, context())
    with pytest.raises(NotSupported):
        FORMAT.encode({"resourceType": "Bundle", "entry": []}, context())
