"""A file or frame gives its messages, however they are put together, and says what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.base import Piece
from mappers.hl7v2.batch import holds_several, pieces, split

ENDS = ("\r", "\n", "\r\n", "\r\n\r\n", "\r\r\n \r")


def message(number: int, end: str = "\r", line: str = "PID|1||4711^^^HAUS||Weiß^Änne") -> str:
    return end.join([f"MSH|^~\\&|KIS|HAUS|GW|NETZ|2027||ADT^A01|{number}|P|2.5", line]) + end


def numbers(found: list[Piece]) -> list[str]:
    return [one.data.split(b"|")[9].decode() for one in found if not one.issues]


def told(text: str) -> list[tuple[str, str]]:
    """Location and code of what does not fit."""
    return [(i.location, i.hl7_code) for piece in pieces([text.encode()]) for i in piece.issues]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("between", ["", "\r", "\n\n", "# Export of 10 January\r\n", "\x1c\r\x0b"])
def test_messages_may_follow_one_another_in_every_way(end: str, between: str) -> None:
    text = between + between.join(message(n, end) for n in range(1, 4)) + between
    found = list(pieces([text.encode()]))
    assert numbers(found) == ["1", "2", "3"]
    assert all(text.encode()[one.offset :].startswith(b"MSH") for one in found)
    assert {one.data.strip() for one in found[:1]} == {message(1, end).strip().encode()}


def test_messages_nothing_separates_are_told_apart() -> None:
    text = "".join(message(n, "\r").rstrip("\r") for n in range(1, 4))
    assert numbers(list(pieces([text.encode()]))) == ["1", "2", "3"]


def test_a_message_is_not_cut_where_a_text_names_its_header() -> None:
    text = message(1, line="NTE|1||MSH-18 fehlt, siehe MSH^1^18 und MSH|Feld")
    assert len(list(pieces([text.encode()]))) == 1


def test_what_is_no_message_is_a_piece_of_its_own() -> None:
    found = list(pieces([f"Export vom 10.1.\r\n{message(1)}BTS|1\rRest\r".encode()]))
    assert [one.data.strip() for one in found if not one.data.startswith(b"MSH")] == [
        b"Export vom 10.1.",
        b"Rest",
    ]


def test_envelopes_that_fit_say_nothing() -> None:
    batch = f"BHS|^~\\&|A\r{message(1)}{message(2)}BTS|2\r"
    assert told(f"FHS|^~\\&|A\r{batch}{batch}FTS|2\r") == []
    assert told(f"FHS|^~\\&|A\n{batch}FTS\n") == []
    assert told(message(1) + "BTS|1\r") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"BHS|^~\\&\r{message(1)}BTS|2\r", [("BTS-1", "102")]),
        (f"BHS|^~\\&\r{message(1)}BTS|two\r", [("BTS-1", "102")]),
        (f"BHS|^~\\&\r{message(1)}", [("BHS", "100")]),
        (f"FHS|^~\\&\rBHS|^~\\&\r{message(1)}", [("BHS", "100"), ("FHS", "100")]),
        (f"FHS|^~\\&\rBHS|^~\\&\r{message(1)}BTS|1\rFTS|3\r", [("FTS-1", "102")]),
        (f"FHS|^~\\&\rBHS|^~\\&\r{message(1)}FTS|1\r", [("BHS", "100")]),
        (f"BHS|^~\\&\r{message(1)}BHS|^~\\&\r{message(2)}BTS|1\r", [("BHS", "100")]),
        (f"BHS|^~\\&\r{message(1)}BTS|{'9' * 5000}\r", [("BTS-1", "102")]),
    ],
)
def test_counts_and_ends_that_do_not_fit_are_named(text: str, expected: list) -> None:
    assert told(text) == expected


@given(st.lists(st.integers(1, 400), max_size=40), st.sampled_from(ENDS))
def test_chunks_make_no_difference(cuts: list[int], end: str) -> None:
    text = f"FHS|^~\\&{end}BHS|^~\\&{end}"
    text += "# Kommentar\n".join(message(n, end) for n in range(1, 5)) + f"BTS|5{end}"
    data = text.encode()
    chunks, at = [], 0
    for cut in cuts:
        chunks.append(data[at : at + cut])
        at += cut
    assert list(pieces([*chunks, data[at:]])) == list(pieces([data]))


def test_utf16_is_read_in_chunks_too() -> None:
    data = (message(1) + message(2)).encode("utf-16")
    chunks = [data[n : n + 7] for n in range(0, len(data), 7)]
    assert b"".join(p.data for p in pieces(chunks)) == (message(1) + message(2)).encode()


def test_what_is_held_is_a_message_and_a_chunk() -> None:
    """An endless stream gives its first message at once."""

    def endless():
        yield b"BHS|^~\\&\r"
        while True:
            yield message(1).encode()

    found = pieces(endless())
    assert [next(found).data for _ in range(3)] == [message(1).encode()] * 3


def test_a_frame_of_one_message_is_no_batch() -> None:
    assert not holds_several(message(1).encode())
    assert holds_several((message(1) + message(2)).encode())
    assert holds_several(b"BHS|^~\\&\r")


def test_a_hundred_thousand_comments_and_blanks_take_linear_time() -> None:
    filler = "# x\n" * 100_000 + "y" + " " * 200_000 + "\n"
    assert len(list(split((message(1) + filler + message(2)).encode()))) == 2
