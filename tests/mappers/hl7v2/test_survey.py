"""A dialect proposed from messages loads, and shows nothing about a patient."""

import tomllib

import pytest

from mappers.dialect import Dialect
from mappers.hl7v2.survey import Survey, shape

MESSAGE = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110101500+0100||ADT^A01|{n}|P|2.5\r"
    "PID|1||4711{n}^^^HAUS^PI~A123456780^^^&1.2.276.0.76.4.8&ISO^NI||Weiß^Änne||19610412|F\r"
    "PD1||||123456789^Weber^Tom^^^^^^LANR&1.2.276.0.76.4.16&ISO\r"
    "PV1|1|I|W1^Z2|||||||XQ7\r"
    "DG1|1||ALT-7^Befund^HAUSKATALOG\r"
    "ZPD|Geheimnis{n}|07.11.1961\r"
)


def proposed(text: str = MESSAGE, codec: str = "cp1252") -> str:
    survey = Survey()
    for number in range(3):
        survey.add(text.format(n=number).encode(codec))
    return survey.proposal()


def test_the_proposal_is_a_dialect() -> None:
    made = Dialect.from_mapping("haus", tomllib.loads(proposed()))
    assert made.charset == "8859/1"
    assert made.general_practitioner == ("PD1-4",)
    assert made.systems["LANR"].startswith("https://fhir.kbv.de/")
    assert Dialect.from_mapping("haus", tomllib.loads(proposed(codec="utf-8"))).charset == (
        "UNICODE UTF-8"
    )


@pytest.mark.parametrize(
    "line",
    [
        "KIS | HAUS: 3",
        "+0100: 3",
        "PID-3: 3",
        '[systems] "HAUS" = "…"  3 times: PID-3 PI',
        '[code_systems] "HAUSKATALOG" = "…"  3 times in DG1-3',
        "XQ7: 3",
        "ZPD-1: 3 times, shaped Aa…9",
        "ZPD-2: 3 times, shaped 99.99.9999",
    ],
)
def test_what_a_person_decides_stands_in_comments(line: str) -> None:
    assert any(line in one for one in proposed().splitlines() if one.startswith("#"))


@pytest.mark.parametrize("value", ["Weiß", "Änne", "4711", "A123456780", "Geheimnis", "1961"])
def test_no_value_of_a_patient_is_shown(value: str) -> None:
    assert value not in proposed()


def test_shapes_tell_form_and_length_of_digits_only() -> None:
    assert shape("A123-4567 ab") == "A999-9999 a…"
    assert shape("\x00x" * 500) == "a…"


def test_messages_that_cannot_be_read_are_counted() -> None:
    survey = Survey()
    survey.add(b"MSH|||||")
    survey.add(MESSAGE.format(n=1).encode())
    assert "parts that are no message: 1" in survey.proposal()


@pytest.mark.parametrize("hostile", ['"\n[outgoing]\nversion="9"', 'x"]', "\x85\u2028x"])
def test_what_a_message_says_cannot_leave_its_comment_or_text(hostile: str) -> None:
    text = MESSAGE.replace("HAUS", hostile.replace("\n", " ")).replace("LANR", hostile)
    Dialect.from_mapping("haus", tomllib.loads(proposed(text, "utf-8")))


def test_what_the_shipped_dialect_understands_needs_no_decision() -> None:
    survey = Survey()
    survey.add(
        b"MSH|^~\\&|KIS|HAUS|GW|NETZ|2027||ADT^A08|1|P|2.5\r"
        b"PID|1||4711^^^HAUS^PI~X110411675^^^KVNR^NI||Dachs^Anna||||||||||VH\r"
    )
    proposal = survey.proposal()
    assert '"HAUS" = ' in proposal
    assert '"KVNR" = ' not in proposal
    assert "PID-16" not in proposal
