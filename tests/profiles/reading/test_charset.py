"""Character sets of HL7 v2: never mojibake, never a lost byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.reading import decode_text

GERMAN = "Müller-Lüdenscheidt, Straße 5, Zoë, 12 °C"
EIGHT_BIT = {
    "8859/1": "iso8859-1",
    "8859/15": "iso8859-15",
    "ISO 8859-1": "iso8859-1",
    "ISO IR100": "iso8859-1",
    "Windows-1252": "cp1252",
    "8859/1~UNICODE UTF-8": "iso8859-1",
    "8859/2": "iso8859-2",
}


@pytest.mark.parametrize(("declared", "codec"), EIGHT_BIT.items())
def test_a_right_declaration_is_believed(declared, codec):
    text = GERMAN if codec != "iso8859-2" else "Dvořák, Łódź"
    assert decode_text(text.encode(codec), declared) == (text, [])


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "UTF-8", "UNICODE"])
@given(text=st.text())
def test_utf8_is_read_as_utf8(declared, text):
    decoded, issues = decode_text(text.encode(errors="replace"), declared)
    assert decoded == text.encode(errors="replace").decode().removeprefix("\ufeff")
    assert issues == []


@pytest.mark.parametrize("declared", ["", "ASCII", "8859/1", "8859/15", "UNICODE UTF-8", "KLINGON"])
@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
def test_a_wrong_declaration_gives_the_right_text_and_an_issue(declared, codec):
    text, issues = decode_text(f"{GERMAN} – 5 €".encode(codec), declared)
    assert text == f"{GERMAN} – 5 €"
    rightly_declared = declared == "UNICODE UTF-8" and codec == "utf-8"
    assert [issue.location for issue in issues] == ([] if rightly_declared else ["MSH-18"])


def test_utf8_and_windows_text_in_one_message_are_both_read():
    text, issues = decode_text("Müller|".encode() + "Gößl".encode("cp1252"), "UNICODE UTF-8")
    assert text == "Müller|Gößl"
    assert issues


def test_plain_ascii_needs_no_declaration():
    assert decode_text(b"MSH|^~\\&|", "") == ("MSH|^~\\&|", [])


def test_a_byte_order_mark_is_no_text():
    assert decode_text("\ufeffMSH|ü".encode(), "UNICODE UTF-8") == ("MSH|ü", [])


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_with_and_without_its_mark(codec):
    assert decode_text(f"MSH|{GERMAN}".encode(codec), "UNICODE UTF-16") == (f"MSH|{GERMAN}", [])


@given(st.binary(), st.sampled_from(["", "ASCII", "8859/1", "8859/7", "UTF-8", "UTF-16", "CP437"]))
def test_every_byte_string_becomes_a_text(data, declared):
    text, issues = decode_text(data, declared)
    assert isinstance(text, str)
    text.encode()
    assert all("\n" not in issue.text for issue in issues)


@given(st.binary())
def test_only_undecodable_declared_text_is_ever_replaced(data):
    for declared in ("", "ASCII", "UNICODE UTF-8", "8859/1"):
        text, _ = decode_text(data, declared)
        if not data.startswith((b"\xff\xfe", b"\xfe\xff")) and "\ufffd".encode() not in data:
            assert "\ufffd" not in text
