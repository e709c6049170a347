"""Text is never mojibake: as declared where that holds, else as what the bytes are, and told."""

from __future__ import annotations

import pytest

from mappers.xdt.charset import read_text
from tests.mappers.xdt.lines import line, lines

NAME = "Jäkel-Großmann, Öznur; Übelgönne 3° µl"


def message(codec: str, declared: str, text: str = NAME) -> bytes:
    head = line("8000", "6301") + (line("9206", declared) if declared else b"")
    return head + line("3101", text, codec)


@pytest.mark.parametrize(
    ("codec", "declared"),
    [("cp437", "2"), ("cp1252", "3"), ("iso8859-15", "4")],
)
def test_what_is_declared_rightly_is_read_without_a_word(codec, declared):
    reading = read_text(message(codec, declared))

    assert NAME in reading.text
    assert reading.issues == []


@pytest.mark.parametrize(
    ("codec", "declared", "found"),
    [
        ("cp1252", "2", "cp1252"),
        ("cp437", "3", "cp437"),
        ("cp437", "4", "cp437"),
        ("cp437", "", "cp437"),
        ("cp1252", "", "cp1252"),
        ("utf-8", "3", "utf-8"),
        ("utf-8", "", "utf-8"),
        ("cp1252", "1", "cp1252"),
        ("cp437", "1", "cp437"),
    ],
)
def test_bytes_that_contradict_are_read_as_what_they_are(codec, declared, found):
    reading = read_text(message(codec, declared))

    assert NAME in reading.text
    assert reading.codec == found
    assert [issue.location for issue in reading.issues] == ["FK 9206"]


@pytest.mark.parametrize("declared", ["1", ""])
def test_seven_bit_german_is_known_by_declaration_or_by_its_words(declared):
    data = message("ascii", declared, "M}ller-L}denscheidt, Stra~e")

    assert "Müller-Lüdenscheidt, Straße" in read_text(data).text


def test_plain_text_with_braces_stays_as_it_is():
    assert "a {b} | c" in read_text(message("ascii", "3", "a {b} | c")).text


def test_windows_signs_in_latin_text_survive():
    assert "5 € „mild“ – gut" in read_text(message("cp1252", "3", "5 € „mild“ – gut")).text


def test_two_letters_that_look_like_one_of_utf_8_stay_two():
    assert "3101Ä°" in read_text(message("cp1252", "3", "Ä°")).text


def test_an_unknown_value_is_told_and_the_bytes_decide():
    reading = read_text(message("cp1252", "7"))

    assert NAME in reading.text
    assert reading.issues[0].text == "the declared character set is unknown"


def test_objects_of_ldt_3_are_latin_9_by_definition():
    data = line("8000", "8205") + lines([("8002", "Obj_0047"), ("3101", "Œuvré")], "iso8859-15")

    assert "Œuvré" in read_text(data).text
    assert read_text(data).issues == []


def test_the_dialect_fills_in_where_nothing_is_declared():
    assert read_text(message("cp850", ""), "CP850").codec == "cp850"
