"""FHIR becomes LDT 3: what both know survives the way there and back, the rest is named."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.base import Context, Envelope
from mappers.dialect import Dialect, Outgoing
from mappers.xdt import FORMAT
from mappers.xdt.batch import pieces, split
from mappers.xdt.message import Message
from profiles.issue import NotConformant, NotSupported
from tests.mappers.xdt.ldt import (
    PATIENT,
    chemistry,
    header,
    info,
    obj,
    package,
    record,
    stamp,
)

SAMPLES = Path(__file__).parents[2] / "samples" / "xdt"
NAMESPACE = "https://labor.example/sid"
KNOWN = Context(
    b"key",
    Dialect(outgoing=Outgoing(xdt="LDT"), systems={"3000": "https://praxis.example/patient"}),
    NAMESPACE,
    envelope=Envelope(("LABOR", ""), ("PVS", ""), time="2026-11-04T07:30:00+01:00"),
)
WORD = st.text("abdeilmnorstuzäöüßABEGMSÄÖÜ", min_size=1, max_size=12)
LINE = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
DECIMAL = st.decimals(0, 999, places=2).map(str)
SIGN = st.sampled_from(["", "<", ">"])
UNIT = st.sampled_from(["mmol/l", "µmol/l", "g/l", "nmol/l"])
DAY = st.dates(date(1980, 1, 1), date(2040, 1, 1)).map(lambda day: f"{day:%Y%m%d}")
CLOCK = st.times().map(lambda clock: f"{clock:%H%M%S}")


def fields(data):
    """Every field of the reports of a file."""
    return Counter(
        (fk, str(content))
        for one in Message(data).items
        for group in one.walk()
        for fk, content in group.entries
        if content.strip()
    )


def there_and_back(data):
    (message,) = split(data)
    mapped = FORMAT.translate(message, KNOWN)
    assert mapped.refusal is None
    assert mapped.loss.unmapped == ()
    return FORMAT.encode(mapped.bundle, KNOWN)


def limits(drawn):
    low, high, unit, flag, alarm = drawn
    parts = [("8424", "22")]
    for fk, value in (("8461", low), ("8462", high), *((("7363", low),) if alarm else ())):
        parts += [(fk, value), ("8419", "1"), ("8421", unit)]
    return obj("8142", "Normalwert", "0042", *parts, ("8422", flag))


LIMITS = st.tuples(
    DECIMAL, DECIMAL, UNIT, st.sampled_from(["N", "H", "++", "LL", "!-"]), st.booleans()
).map(limits)
TEXT = st.lists(LINE, min_size=1, max_size=3)


@st.composite
def values(draw):
    """A value as a number with a sign, as a titre or in words, and what stands beside it."""
    kind = draw(st.sampled_from(["number", "titre", "words", "none"]))
    if kind == "none":
        return [], draw(st.sampled_from(["02", "09", "12"]))
    status = draw(st.sampled_from(["03", "05", "06", "07", "08", "10"]))
    if kind == "titre":
        return [("7306", "05"), ("8420", f"1:{draw(st.integers(1, 9999))}")], status
    if kind == "words":
        return [("7306", "04"), ("8420", draw(LINE))], status
    sign = draw(SIGN)
    display = {"": "01", "<": "02", ">": "03"}[sign]
    made = [("7306", display), ("8420", f"{sign}{draw(DECIMAL)}")]
    made += [("8419", "1"), ("8421", draw(UNIT))]
    if draw(st.booleans()):
        made += draw(LIMITS)
    return made, status


@st.composite
def results(draw):
    """One result of clinical chemistry."""
    made, status = draw(values())
    parts = list(made)
    if draw(st.booleans()):
        parts += stamp("8225", "Timestamp_Messung", draw(DAY), draw(CLOCK))
    if draw(st.booleans()):
        lines = [("3564", line) for line in draw(TEXT)]
        parts += obj("8236", "Testbezogene_Hinweise", "0068", *lines)
    signed = obj("8141", "Namenskennung", "0041", ("7420", "07"), ("7358", draw(LINE)))
    more = [("7302", draw(LINE))] if draw(st.booleans()) else []
    return chemistry(draw(WORD), status, *more, parts, signed)


@settings(max_examples=25, deadline=None)
@given(st.lists(results(), min_size=1, max_size=4), st.sampled_from(["1", "2"]), DAY, LINE)
def test_every_field_both_know_survives(found, status, taken, name):
    material = obj(
        "8137",
        "Material",
        "0037",
        ("7364", "PG-1"),
        ("8428", "SE"),
        ("8430", name),
        stamp("8219", "Timestamp_Materialabnahme_entnahme", taken, "081500"),
    )
    made = stamp("8221", "Timestamp_Erstellung_Laborergebnisbericht", "20261104", "072500")
    inner = obj("8135", "Laborergebnisbericht", "0035", *found, made)
    data = package(header(), record("8205", PATIENT, info(status), material, inner))
    written = there_and_back(data)

    before, after = fields(data), fields(written.data)
    hours = {key for key in before if key[0] in ("7278", "7279", "7273")}
    lost = {key for key in before - after if key not in hours and key[0] != "7420"}
    assert lost == set()
    assert [piece.issues for piece in pieces([written.data]) if piece.issues] == []
    again = FORMAT.translate(written.data, KNOWN)
    assert [c.id for c in again.changes if c.type == "Observation"] == [
        c.id for c in FORMAT.translate(next(split(data)), KNOWN).changes if c.type == "Observation"
    ]


@pytest.mark.parametrize("name", ["Z01befund_teil", "Z01befund_korrektur"])
def test_results_of_a_sample_come_back_with_their_values(name):
    data = (SAMPLES / f"{name}.ldt").read_bytes()
    written = there_and_back(data)
    first = FORMAT.translate(next(split(data)), KNOWN)
    second = FORMAT.translate(written.data, KNOWN)
    known = {c.id: c.resource for c in second.changes}

    assert second.loss.unmapped == ()
    for change in first.changes:
        if change.type == "Observation" and "code" in known.get(change.id, {}):
            again = known[change.id]
            for element in ("status", "interpretation", "effectiveDateTime"):
                assert change.resource.get(element) == again.get(element)
            assert str(change.resource.get("valueRatio")) == str(again.get("valueRatio"))


def test_microbiology_comes_back_as_the_same_tree():
    data = (SAMPLES / "Z01befund_mikrobiologie.ldt").read_bytes()
    first = FORMAT.translate(next(split(data)), KNOWN)
    second = FORMAT.translate(there_and_back(data).data, KNOWN)

    trees = [
        {
            change.id: [one["reference"] for one in change.resource.get("hasMember", ())]
            for change in mapped.changes
            if change.type == "Observation"
        }
        for mapped in (first, second)
    ]
    assert trees[0] == trees[1]


def test_the_checksum_is_that_of_the_bytes_before_it():
    data = there_and_back((SAMPLES / "Z01befund_korrektur.ldt").read_bytes()).data
    at = data.index(b"0499300")

    assert data[at + 7 : at + 47].decode() == hashlib.sha1(data[:at]).hexdigest()


def test_a_pdf_travels_inside():
    data = (SAMPLES / "Z01befund_korrektur.ldt").read_bytes()
    written = there_and_back(data)

    lines = [content for fk, content in fields(data) if fk == "6329"]
    assert set(lines) <= {content for fk, content in fields(written.data) if fk == "6329"}
    assert written.attachments == ()


def test_what_has_no_place_is_named():
    written = there_and_back((SAMPLES / "Z01befund_teil.ldt").read_bytes())

    kinds = {path.partition("/")[0].partition(".")[0] for path in written.left_out}
    assert {"ChargeItem", "Communication"} <= kinds
    assert "DiagnosticReport" not in kinds


def test_a_delivery_without_report_or_about_several_patients_is_refused():
    patient = {"resourceType": "Patient", "id": "1", "name": [{"family": "Öhmichen"}]}
    entry = [{"resource": patient}]
    report = {"resourceType": "DiagnosticReport", "id": "2", "status": "final", "code": {}}

    with pytest.raises(NotSupported):
        FORMAT.encode({"resourceType": "Bundle", "entry": entry}, KNOWN)
    with pytest.raises(NotSupported):
        FORMAT.encode({"resourceType": "Bundle", "entry": [{"resource": report}]}, KNOWN)
    other = {"resource": {**patient, "id": "3"}}
    bundle = {"resourceType": "Bundle", "entry": [*entry, other, {"resource": report}]}
    with pytest.raises(NotConformant):
        FORMAT.encode(bundle, KNOWN)


def test_a_report_of_a_hospital_becomes_one_a_practice_can_read():
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"family": "Sørensen", "given": ["Åse"]}],
        "birthDate": "1950-01-02",
        "gender": "female",
    }
    value = {"value": 4.2, "unit": "mmol/L", "system": "http://unitsofmeasure.org"}
    found = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Kalium"},
        "subject": {"reference": "Patient/p"},
        "valueQuantity": {**value, "code": "mmol/L"},
    }
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "Labor"},
        "subject": {"reference": "Patient/p"},
        "result": [{"reference": "Observation/o"}],
        "conclusion": "unauffällig",
    }
    entries = [{"resource": one} for one in (patient, found, report)]
    written = FORMAT.encode({"resourceType": "Bundle", "entry": entries}, KNOWN)
    said = fields(written.data)

    assert said["8410", "2823-3"] == said["8420", "4.2"] == said["8418", "06"] == 1
    assert said["3101", "Sørensen"] == said["3564", "unauffällig"] == 1
    assert FORMAT.translate(written.data, KNOWN).refusal is None
