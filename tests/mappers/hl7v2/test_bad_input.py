"""What senders should not write is taken as far as it goes, or refused with its place."""

from dataclasses import replace

import pytest

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2.acknowledgement import acknowledge, read_acknowledgement
from mappers.hl7v2.header import read_header
from profiles.validate import structure

HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||{kind}|1|P|2.5||||||UNICODE UTF-8\r"
PID = "PID|1||4711^^^HAUS||Weiß^Änne\r"


def translated(text: str | bytes, kind: str = "ADT^A01", *, mended: bool = False) -> Mapped:
    """A message whose resources are sound and whose leaves are all accounted for."""
    data = text if isinstance(text, bytes) else (HEAD.format(kind=kind) + text).encode()
    context = Context(b"key", Dialect(), "https://h.example/sid")
    result = mappers.translate(data, "hl7v2", context)
    if mended:
        result = mappers.mend(result, data, context)
    loss = result.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    broken = [i for c in result.changes for i in structure(c.resource) if i.severity == "error"]
    assert broken == []
    return result


def patient(result: Mapped) -> dict:
    return next(c.resource for c in result.changes if c.type == "Patient")


@pytest.mark.parametrize("control", ["\x00", "\x07", "\x0b", "\x1b", "\x1c"])
def test_control_characters_are_replaced_and_their_segments_named(control: str) -> None:
    result = translated(f"PID|1||47{control}11^^^HAUS||Weiß^Än{control}ne\r")
    assert patient(result)["name"][0]["given"] == ["Än\ufffdne"]
    (issue,) = [i for i in result.issues if "control" in i.text]
    assert (issue.location, issue.hl7_code) == ("PID", "102")


def test_control_characters_in_escapes_are_replaced() -> None:
    result = translated("PID|1||4711^^^HAUS||Weiß^Än\\X0007\\ne\r")
    assert patient(result)["name"][0]["given"] == ["Än\ufffd\ufffdne"]


@pytest.mark.parametrize("nothing", ["\\.br\\", "\\H\\", "\\X20\\", "\\.sp3\\\\N\\"])
def test_escapes_that_leave_nothing_say_nothing(nothing: str) -> None:
    result = translated(f"PID|1||4711^^^HAUS||Weiß^{nothing}||||||{nothing}^^Ulm\r")
    assert "given" not in patient(result)["name"][0]
    assert patient(result)["address"][0].get("city") == "Ulm"


@pytest.mark.parametrize("code", ["a\\.br\\b", "a   b", "a\tb"])
def test_a_code_has_single_spaces_only(code: str) -> None:
    result = translated(f"{PID}DG1|1||{code}^Text^L\r")
    (condition,) = [c.resource for c in result.changes if c.type == "Condition"]
    assert condition["code"]["coding"][0]["code"] == "a b"


@pytest.mark.parametrize(
    "time", ["20270110102399", "20270110+1500", "20270230", "00000101", "2027011"]
)
def test_times_that_do_not_exist_become_issues(time: str) -> None:
    result = translated(f"{PID}PV1|1|I{'|' * 17}F1^^^HAUS{'|' * 25}{time}\r")
    (visit,) = [c.resource for c in result.changes if c.type == "Encounter"]
    assert "period" not in visit
    assert [(i.location, i.hl7_code) for i in result.issues] == [("PV1-44", "102")]


@pytest.mark.parametrize(
    "separators", ["|^~\\&"[:3] + "\xff&", "\xa7^~\\&", "|^~\\a", '"^~\\&', "|||||"]
)
def test_separators_are_punctuation_of_ascii(separators: str) -> None:
    result = translated(f"MSH{separators}{separators[0]}KIS\r{PID}".encode("latin-1"))
    assert result.refusal is not None
    assert result.header is None


def test_too_many_fields_are_refused_with_their_place() -> None:
    result = translated("PID" + "|x" * 1100)
    assert result.refusal is not None
    (issue,) = result.refusal.issues
    assert (issue.location, issue.hl7_code) == ("PID", "102")
    assert result.header is not None
    answer = acknowledge(result.header, "AE", control_id="9", time="2027", issues=[issue])
    assert read_acknowledgement(answer).errors[0].location == "PID^1"


def test_too_many_components_are_refused_with_their_place() -> None:
    result = translated(f"{PID}PV1|1|I|{'^x' * 70_000}\r")
    assert result.refusal is not None
    assert result.refusal.issues[0].location == "PV1-3"


def test_a_header_is_read_whatever_follows_it() -> None:
    assert read_header(HEAD.format(kind="ADT^A01").encode() + b"\xff\x00|").control_id == "1"


def test_what_is_left_out_of_a_resource_counts_as_unmapped() -> None:
    data = (HEAD.format(kind="ADT^A01") + PID.replace("\r", "||19610412|F\r")).encode()
    context = Context(b"key", Dialect(), "https://h.example/sid")
    whole = mappers.translate(data, "hl7v2", context)
    places = {f"Patient/{whole.patients[0].id}": ("Patient.birthDate", "Patient.name[0].given[0]")}
    less = mappers.translate(data, "hl7v2", replace(context, without=places))
    assert {*less.loss.unmapped} - {*whole.loss.unmapped} == {
        ("PID-7", "19610412"),
        ("PID-5.2", "Änne"),
    }
    (name,) = patient(less)["name"]
    assert name["family"] == "Weiß"
    assert "given" not in name
    assert "birthDate" not in patient(less)


@pytest.mark.parametrize(
    ("written", "stored"),
    [("JVBERg==", "JVBERg=="), ("JVBERg", "JVBERg=="), ("JVBERg=", "JVBERg=="), ("JVBE=", "JVBE")],
)
def test_base64_with_odd_padding_is_put_right(written: str, stored: str) -> None:
    obx = (
        f"OBR|1|||x^Labor^L\rOBX|1|ED|pdf^Befund^L||HAUS^application^pdf^Base64^{written}||||||F\r"
    )
    result = translated(PID + obx, kind="ORU^R01")
    assert [c.resource["data"] for c in result.changes if c.type == "Binary"] == [stored]
    assert ("OBX-5.5", written) not in result.loss.unmapped


@pytest.mark.parametrize("number", ["²", "9" * 5000, "٣", "-1", "1e9"])
def test_odd_numbers_fail_nowhere(number: str) -> None:
    """Found by fuzzing: digits that are no decimal digits, and more of them than int() takes."""
    text = (
        f"{PID}NTE|{number}||x\rPV1|{number}|I|W^Z^{number}\r"
        f"DG1|{number}||J44^x^I10{'|' * 12}{number}\r"
        f"PR1|{number}||5-1^x^OPS||2027|{'|' * 8}{number}\rIN1|{number}|p|1{'|' * 19}{number}\r"
    )
    result = translated(text)
    assert result.refusal is None


def test_an_odd_version_is_refused_and_answered() -> None:
    """Found by fuzzing."""
    data = HEAD.format(kind="ADT^A01").replace("|2.5|", "|2.²|").encode()
    header = read_header(data)
    assert b"MSA|AR|1" in acknowledge(header, "AR", control_id="9", time="2027")


@pytest.mark.parametrize(
    ("kind", "segment"),
    [
        ("ADT^A01", "PV1|1|I|||||" + "~".join(f"{n}^Arzt{n}" for n in range(8000))),
        ("ADT^A01", "\r".join(f"ROL|{n}|AD|PP|{n}^Arzt{n}" for n in range(1500))),
        ("ORU^R01", "OBR|1|||x^L^L\rOBX|1|TX|k^K^L||" + "Zeile~" * 20_000 + "||||||F"),
        ("ORU^R01", "OBR|1|||x^L^L\r" + "\r".join(f"SPM|{n}|{n}||SER" for n in range(3000))),
        ("ADT^A01", "ZZZ|x\r" * 20_000),
        ("ADT^A01", "NTE|1||" + "\\E\\\\.br\\\\X41\\" * 200_000),
        ("ADT^A01", "NTE|1||" + "x" * 10_000_000),
        ("ADT^A01", "MSH|^~\\&|KIS\r" * 5000),
    ],
)
def test_large_messages_are_accounted_for(kind: str, segment: str) -> None:
    assert translated(f"{PID}{segment}\r", kind=kind, mended=True).refusal is None


@pytest.mark.parametrize(
    ("kind", "segments"),
    [
        ("ORU^R01", "OBR|1|||x^L^L\rOBX|1|NM|k^K^L||4.1|a&b^c^UCUM^a&b^x^y||||||F"),
        ("SIU^S12", "SCH|1^A|1^B\rSCH|2^A|2^B\rRGS|1\rAIS|1|A|x^y^L"),
        ("SIU^S23", "SCH||1^A|||P^Eins|W\rSCH||1^A|||Q^Zwei|W\rRGS|1|A\rAIS|1|A|x^y^L"),
    ],
)
def test_what_fuzzing_found_stays_found(kind: str, segments: str) -> None:
    data = (HEAD.format(kind=kind) + PID + segments + "\r").encode()
    context = Context(b"key", Dialect(any_event=True), "https://h.example/sid")
    result = mappers.translate(data, "hl7v2", context)
    assert result.refusal is None
    assert [i for c in result.changes for i in structure(c.resource) if i.severity == "error"] == []


def test_modifiers_of_a_specimen_change_no_later_message() -> None:
    """Found by fuzzing: a concept shared between messages was added to."""
    context = Context(b"key", Dialect(), "https://h.example/sid")
    spm = "OBR|1|||x^L^L\rSPM|1|7||257261003^Swab^SCT|255^Links^L\r"
    data = (HEAD.format(kind="ORU^R01") + PID + spm).encode()
    results = [mappers.translate(data, "hl7v2", context) for _ in range(4)]
    specimens = [c.resource for r in results for c in r.changes if c.type == "Specimen"]
    assert all(one["type"] == specimens[0]["type"] for one in specimens)
    assert len(specimens[0]["type"]["coding"]) == 2


@pytest.mark.parametrize(
    ("kind", "segments", "number"),
    [
        ("ADT^A08", "PID|1||{many}\r", "{}^^^HAUS^PI"),
        ("ORM^O01", PID + "ORC|NW|{many}\r", "{}^KIS"),
        ("ORM^O01", PID + "ORC|NW|0^KIS\rOBR|1|{many}||x^y^L\r", "{}^KIS"),
    ],
)
def test_a_field_may_repeat_ten_thousand_times(kind: str, segments: str, number: str) -> None:
    """Found by measuring: each number was searched for among all that came before."""
    many = "~".join(number.format(n) for n in range(10_000))
    data = (HEAD.format(kind=kind) + segments.format(many=many)).encode()
    context = Context(b"key", Dialect(), "https://h.example/sid")
    result = mappers.translate(data, "hl7v2", context)
    assert result.refusal is None
    held = {c.type: c.resource for c in result.changes}
    wanted = held["Patient"] if kind == "ADT^A08" else held["ServiceRequest"]
    assert len(wanted["identifier"]) == 10_000
    assert result.loss.unmapped == ()


def test_one_patient_told_in_two_ways_is_said() -> None:
    pid = "PID|{n}||4711^^^HAUS||{name}||{birth}\r"
    first = pid.format(n=1, name="Dachs^Anna", birth="19700203")
    context = Context(b"key", Dialect(), "https://h.example/sid")

    def told(second: str) -> tuple[list[str], int]:
        data = (HEAD.format(kind="ADT^A08") + first + second).encode()
        result = mappers.translate(data, "hl7v2", context)
        assert result.refusal is None
        conflicts = [i.location for i in result.issues if i.code == "conflict"]
        return conflicts, len(result.loss.unmapped)

    assert told(first.replace("PID|1", "PID|2")) == ([], 0)
    assert told(pid.format(n=2, name="Igel^Otto", birth="19600101"))[0] == [
        "PID[2]-5.1",
        "PID[2]-7",
    ]


def test_a_house_that_is_named_like_a_system_of_numbers_is_a_place_all_the_same() -> None:
    doctor = "7^Bergmann^Ines" + "^" * 11 + "&1.2.276.0.76.4.16&ISO"
    result = translated(f"{PID}OBR|1|A||GLU^Glukose^L" + "|" * 12 + f"{doctor}\r", "ORU^R01")
    places = [c.resource for c in result.changes if c.type == "Location"]
    assert [one["name"] for one in places] == ["1.2.276.0.76.4.16"]
    assert "managingOrganization" not in places[0]


@pytest.mark.parametrize("code", ["", '""'])
@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("ORU^R01", "OBR|1|A||GLU^Glukose^L|||||||||{0}"),
        ("ADT^A01", "ROL|1|AD|AT|9^Arzt||||{0}|INN^Innere^L"),
    ],
)
def test_an_alternate_that_has_words_and_no_code_is_told_in_its_words(
    kind: str, line: str, code: str
) -> None:
    field = f"K^Wort^L^{code}^Anders^L"
    result = translated(f"{PID}PV1|1|I\r{line.format(field)}\r", kind)
    assert "Anders" in repr([change.resource for change in result.changes])


def test_a_deletion_is_never_the_time_of_a_movement() -> None:
    result = translated(f'EVN|A01|""||||""\r{PID}PV1|1|I|3B\r')
    assert '""' not in repr([change.resource for change in result.changes])


def test_a_deleted_part_of_a_code_or_number_is_no_part_of_it() -> None:
    coded = 'K^Wort^""^A^Anders^L^""^""'
    result = translated(
        f'PID|1||4711^^^HAUS||Weiß^Änne||||||||^PRN^PH^^49^731^55555^""\rPV1|1|I\r'
        f"DG1|1||{coded}\rOBX|1|CE|{coded}||{coded}||||||F\r"
    )
    assert '""' not in repr([change.resource for change in result.changes])
