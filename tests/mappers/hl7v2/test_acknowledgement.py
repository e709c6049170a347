"""Answers speak the sender's language and can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.hl7v2.acknowledgement import acknowledge, read_acknowledgement
from mappers.hl7v2.forward import readdress
from mappers.hl7v2.header import read_header
from mappers.hl7v2.tokenizer import tokenize
from profiles.issue import Issue, NotConformant, NotUnderstood

SOURCE = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|20260101||ADT^A01^ADT_A01|C-1|P|{version}||||||8859/1\r"
    "PID|1||4711||Müßig^Jörg\r"
)


def source(version: str = "2.5") -> bytes:
    return SOURCE.format(version=version).encode("latin-1")


def test_the_answer_swaps_the_addresses_and_repeats_the_control_id() -> None:
    answer = acknowledge(read_header(source()), "AA", control_id="G-1", time="20260101120000")
    assert answer == (
        b"MSH|^~\\&|GW|NETZ|KIS|HAUS|20260101120000||ACK^A01^ACK|G-1|P|2.5||||||8859/1\r"
        b"MSA|AA|C-1\r"
    )


def test_errors_carry_place_and_code() -> None:
    issue = Issue("error", "value", "Geburtsdatum ungültig", "PID-7", "102")
    answer = acknowledge(read_header(source()), "AE", control_id="1", time="", issues=[issue])
    assert b"ERR||PID^1^7|102^Data type error^HL70357|E||||Geburtsdatum ung\xfcltig\r" in answer
    read = read_acknowledgement(answer)
    assert (read.code, read.control_id) == ("AE", "C-1")
    assert [(e.location, e.code, e.severity) for e in read.errors] == [("PID^1^7", "102", "E")]


def test_before_version_2_5_place_and_code_stand_in_err_1() -> None:
    issue = Issue("error", "required", "missing", "PID-3[2].4")
    answer = acknowledge(read_header(source("2.3")), "AE", control_id="1", time="", issues=[issue])
    assert b"ERR|PID^1^3^101&Required field missing&HL70357\r" in answer
    assert read_acknowledgement(answer).errors[0].code == "101"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40))
def test_any_text_of_the_charset_survives_the_round_trip(text: str) -> None:
    issue = Issue("error", "value", f"x{text}x", "PID-7")
    answer = acknowledge(read_header(source()), "AE", control_id="1", time="", issues=[issue])
    assert len(tokenize(answer).segments) == 3
    assert read_acknowledgement(answer).errors[0].code == "102"
    if text.isascii():
        assert read_acknowledgement(answer).errors[0].text == f"x{text}x"


def test_an_answer_without_msa_is_not_understood() -> None:
    with pytest.raises(NotUnderstood):
        read_acknowledgement(source())


def forward(data: bytes, charset: str) -> bytes:
    return readdress(
        data,
        sending=("GW", "NETZ"),
        receiving=("PVS", "PRAXIS"),
        control_id="F-1",
        time="20260102",
        charset=charset,
    )


def test_forwarding_changes_the_header_and_no_other_byte() -> None:
    sent = forward(source(), "")
    assert sent.partition(b"\r")[2] == source().partition(b"\r")[2]
    header = read_header(sent)
    assert (header.sending_application, header.receiving_facility) == ("GW", "PRAXIS")
    assert (header.control_id, header.time, header.charset) == ("F-1", "20260102", "8859/1")


def test_forwarding_speaks_the_partners_charset() -> None:
    sent = forward(source() + b"NTE|1||\\XFC\\ \\X41\\\r", "UNICODE UTF-8")
    assert "Müßig^Jörg".encode() in sent
    assert tokenize(sent).get("NTE").texts(3) == ["ü A"]


def test_a_character_the_partner_cannot_read_is_refused() -> None:
    data = source().replace(b"8859/1", b"UTF-8").replace(b"M\xfc", "Ł".encode())
    with pytest.raises(NotConformant):
        forward(data.replace(b"\xdf", b"s").replace(b"\xf6", b"o"), "8859/1")
