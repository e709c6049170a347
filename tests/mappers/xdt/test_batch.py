"""Files to messages: the same ones however the bytes arrive, packages checked on the way."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.base import Attachment, Encoded
from mappers.parcel import pack
from mappers.xdt import batch
from mappers.xdt.batch import pieces, recognises, split
from mappers.xdt.beside import beside
from tests.mappers.xdt.lines import line, nested, record

GDT = record("6301", [("3000", "1")]) + record("6310", [("3000", "2"), ("6220", "unauffällig")])
HEADER = nested("8220", [("0001", "LDT3.2.20")])
REPORTS = [nested("8205", [("8310", f"A{number}")]) for number in (1, 2)]


def ldt(reports, checksum=""):
    body = HEADER + b"".join(reports) + line("8000", "8221")
    digest = checksum or hashlib.sha1(body, usedforsecurity=False).hexdigest()
    return body + line("9300", digest) + line("8001", "8221")


def bdt(*patients, size=None):
    head = record("0020", [("9106", "3")])
    body = record("0022", [("9213", "02/94")]) + record("0010", [("0201", "939876500")])
    body += b"".join(record(kind, [("3000", number)]) for kind, number in patients)
    end = len(body) + len(record("0023", [("9202", "00000000")]))
    tail = record("0023", [("9202", f"{size or end:08d}")])
    return head + body + tail + record("0021", [])


def told(data):
    return [issue.text for piece in pieces([data]) for issue in piece.issues]


def test_each_gdt_record_is_a_message():
    assert len(list(split(GDT))) == 2
    assert b"".join(split(GDT)) == GDT


def test_a_file_with_one_report_is_its_message_byte_by_byte():
    assert list(split(ldt(REPORTS[:1]))) == [ldt(REPORTS[:1])]
    assert told(ldt(REPORTS[:1])) == []


def test_every_report_carries_the_header_of_its_package():
    first, second = split(ldt(REPORTS))

    assert first == HEADER + REPORTS[0]
    assert second.startswith(HEADER + REPORTS[1])
    assert told(ldt(REPORTS)) == []


def test_records_of_one_patient_are_one_message():
    found = list(split(bdt(("0101", "1"), ("6100", "1"), ("6200", "1"), ("6100", "2"))))

    assert [one.count(b"80006") for one in found] == [2, 1]
    assert all(one.startswith(record("0020", [("9106", "3")])) for one in found)
    assert told(bdt(("6100", "1"))) == []


def test_a_long_catalogue_is_several_messages(monkeypatch):
    monkeypatch.setattr(batch, "_LONGEST_CATALOGUE", 200)
    entries = [record("0084", [("3652", f"Mittel {number:02d}")]) for number in range(20)]

    messages = list(split(b"".join(entries)))

    assert b"".join(messages) == b"".join(entries)
    assert 1 < len(messages) < len(entries)
    assert max(map(len, messages)) < 200


def test_a_message_split_again_is_itself():
    for data in (GDT, ldt(REPORTS), bdt(("6100", "1"), ("6200", "2"))):
        for message in split(data):
            assert list(split(message)) == [message]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (ldt(REPORTS, "0" * 40), "the checksum of the package (FK 9300) is wrong"),
        (HEADER + REPORTS[0], "record 8220 is not ended by 8221: records may be missing"),
        (bdt(("6100", "1"), size=7), "record 0023 states 7 bytes (FK 9202), 167 came"),
    ],
)
def test_packages_that_do_not_add_up_are_told_and_their_messages_kept(data, sentence):
    assert told(data) == [sentence]
    assert list(split(data))


def test_line_ends_do_not_change_the_sums():
    assert told(ldt(REPORTS).replace(b"\r\n", b"\n")) == []
    assert told(bdt(("6100", "1")).replace(b"\r\n", b"\n")) == []


@given(st.data())
def test_messages_are_the_same_however_the_bytes_arrive(data):
    whole = data.draw(st.sampled_from([GDT, ldt(REPORTS), bdt(("6100", "1"), ("6200", "2"))]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert list(pieces(chunks)) == list(pieces([whole]))


def test_a_record_beyond_the_limit_is_told_and_not_held(monkeypatch):
    monkeypatch.setattr(batch, "LONGEST_RECORD", 1000)
    giant = line("8000", "6310") + b"0006228" + b"x" * 5000 + b"\r\n"
    found = list(pieces([GDT, giant[:700], giant[700:], GDT]))

    assert [len(piece.data) for piece in found].count(0) == 1
    assert b"".join(piece.data for piece in found) == GDT + GDT


@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf", b"\r\n", b"\x1a"])
def test_a_file_is_known_by_its_first_line(lead):
    assert recognises(lead + GDT)


@pytest.mark.parametrize("data", [b"", b"MSH|^~\\&|", b"{}", b"0133000 4711\r\n", b"8000"])
def test_other_files_are_not(data):
    assert not recognises(data)


def test_a_record_names_the_files_beside_it():
    urls = [("6305", "https://x.example/a.pdf"), ("6305", "Lufu_ä.pdf"), ("6305", "C:\\GDT\\b.pdf")]
    data = record("6310", [("9206", "2"), *urls, ("6305", "Lufu_ä.pdf")], "cp437")

    assert beside(data) == ("Lufu_ä.pdf", "C:\\GDT\\b.pdf")
    assert beside(GDT) == ()


def test_a_record_with_its_files_is_one_message():
    parcel = pack(Encoded(GDT, attachments=(Attachment("a.pdf", b"%PDF"),)))

    assert list(split(parcel)) == [parcel]
