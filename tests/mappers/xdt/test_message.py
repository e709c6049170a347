"""Lines become records and objects; what is wrong with them is told by line, never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.xdt.member import member_of
from mappers.xdt.message import Message
from profiles.issue import NotConformant, NotUnderstood
from tests.mappers.xdt.lines import line, lines, nested, record

PATIENT = [("9218", "02.10"), ("3000", "4711"), ("3101", "Jäkel"), ("3102", "Sören")]
CONTENTS = st.text("aeinrsAEMTäöüÄÖÜßéç 0123456789.,-+/%°µ²€<>()", max_size=90)


def texts(message):
    return [(issue.location, issue.text) for issue in message.issues]


def test_a_leaf_knows_its_line_and_feldkennung():
    message = Message(record("6301", PATIENT))

    assert message.path(message.items[0].first("3101").source) == "line 5 FK 3101"
    assert [str(one) for one in message.leaves] == ["6301", "02.10", "4711", "Jäkel", "Sören"]
    assert texts(message) == [("FK 9206", "no character set is declared; read as CP1252")]


@given(st.lists(st.tuples(st.sampled_from(["3101", "6220", "6228"]), CONTENTS), max_size=12))
def test_every_content_comes_back_whatever_ends_the_lines(fields):
    data = record("6310", [("9206", "3"), *fields])
    for written in (data, data.replace(b"\r\n", b"\n"), data + b"\r\n\x1a", data[:-2]):
        message = Message(written)
        assert [(fk, str(content)) for fk, content in message.items[0].entries[2:]] == fields
        assert not message.issues


def test_wrong_lengths_of_lines_and_record_are_warnings():
    data = record("6301", PATIENT).replace(b"0143101", b"0993101")
    data = data[:20] + b"00001" + data[25:]

    assert texts(Message(data))[1:] == [
        ("line 2 FK 8100", "the stated length of the record differs from its real one"),
        ("line 5 FK 3101", "the stated length of the line differs from its real one"),
    ]


def test_many_wrong_lengths_are_counted_not_listed():
    data = line("8000", "6310") + b"000" + line("6228", "x")[3:] + b"0006228y\r\n" * 40

    assert len(Message(data).issues) == 11


def test_a_line_end_inside_a_content_tears_no_line_apart():
    message = Message(line("8000", "6310") + b"0246227erste\r\nzweite\r\n" + line("8990", "MÜ"))

    assert str(message.items[0].first("6227")) == "erste\nzweite"
    assert ("line 2 FK 6227", "the content holds a line end") in texts(message)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (record("6301", PATIENT) + b"012 3632079\r\n", "line 7"),
        (record("6301", PATIENT)[:-6], "line 6"),
        (record("6301", PATIENT) + b"01", "line 7"),
        (line("3000", "1") + record("6301", PATIENT), "line 1 FK 3000"),
        (line("8000", "6310") + line("6228", "x" * 1_000_001), "line 2"),
        (nested("8205", [("8145", "Patient"), ("8002", "Obj_0045"), ("3000", "1")]), "line 5"),
        (nested("8205", [("8002", "Obj_0045"), ("8003", "Obj_0047")]), "line 3"),
        (nested("8205", [("8002", "Obj_0045"), ("8003", "Obj_0045")])[:-13], "line 1 FK 8000"),
    ],
    ids=[
        "no head",
        "cut off",
        "cut in a head",
        "no 8000",
        "too long",
        "open",
        "crossed",
        "no 8001",
    ],
)
def test_what_nobody_can_read_is_refused_by_its_line(data, place):
    with pytest.raises(NotConformant) as refused:
        Message(data)

    assert refused.value.location == place


@pytest.mark.parametrize("data", [b"", b"\r\n\x1a", b"\xef\xbb\xbf"])
def test_nothing_is_no_message(data):
    with pytest.raises(NotUnderstood):
        Message(data)


def test_objects_of_gdt_3_are_groups_and_their_counts_are_checked():
    head = [("8200", "Obj_Kopfdaten"), ("9218", "03.01"), ("9206", "3"), ("8201", "4")]
    patient = [("8200", "Obj_Patient"), ("3000", "4711"), ("8201", "9")]
    message = Message(record("6301", [*head, *patient, ("8202", "10")], digits=7))

    assert str(message.items[0].find("Obj_Patient").first("3000")) == "4711"
    assert texts(message) == [
        ("line 9 FK 8201", "the stated number of lines differs from the real one")
    ]
    assert member_of(message).version == "3.01"


def test_objects_of_ldt_3_nest_and_say_what_they_are():
    inner = [("8147", "Person"), ("8002", "Obj_0047"), ("3101", "Jäkel"), ("8003", "Obj_0047")]
    fields = [("8145", "Patient"), ("8002", "Obj_0045"), ("3000", "1"), *inner]
    message = Message(nested("8205", [*fields, ("8003", "Obj_0045"), ("0001", "LDT3.2.20")]))
    patient = message.items[0].find("Obj_0045")

    assert (patient.attribute, patient.groups[0].attribute) == ("Patient", "Person")
    assert [fk for fk, _ in patient.entries] == ["3000"]
    assert [str(one) for one in message.leaves] == ["8205", "1", "Jäkel", "LDT3.2.20"]
    assert member_of(message) == ("LDT", "3.2.20", "8205")


def test_sections_follow_a_leading_field():
    fields = [("3000", "1"), ("8410", "FVC"), ("8420", "2.41"), ("8410", "PEF"), ("8990", "LF")]
    record_ = Message(record("6310", fields)).items[0]

    open_ = [[fk for fk, _ in one.entries] for one in record_.sections("8410")]
    bound = [[fk for fk, _ in s.entries] for s in record_.sections("8410", within=["8420"])]
    assert open_ == [["8410", "8420"], ["8410", "8990"]]
    assert bound == [["8410", "8420"], ["8410"]]


def test_control_characters_become_visible():
    message = Message(line("8000", "6301") + line("3101", "J\x00äkel"))

    assert str(message.items[0].first("3101")) == "J�äkel"
    assert ("line 2 FK 3101", "control characters were replaced by U+FFFD") in texts(message)


@pytest.mark.parametrize(
    ("satzart", "fields", "member"),
    [
        ("6310", [("9218", "02.10")], ("GDT", "2.10", "6310")),
        ("6310", [("9218", "2.10")], ("GDT", "2.10", "6310")),
        ("6200", [("9213", "02/94")], ("BDT", "02/94", "6200")),
        ("9999", [], ("", "", "9999")),
    ],
)
def test_satzart_and_version_name_the_member(satzart, fields, member):
    assert member_of(Message(record(satzart, fields))) == member


def test_a_scheine_file_is_kvdt():
    data = line("8000", "con0") + line("8000", "0101") + lines([("3000", "1")])

    assert member_of(Message(data)).message_type == "KVDT 0101"
