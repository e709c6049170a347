"""MLLP framing: the same events for every way of cutting the stream."""

from __future__ import annotations

import errno
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.mllp_frame import (
    BREAK,
    Frame,
    FrameReader,
    Oversize,
    Violation,
    first_segment,
    frame,
    frames,
)
from profiles.issue import NotConformant

MESSAGE = b"MSH|^~\\&|KIS|KLINIKUM|||20260101||ADT^A01|4711|P|2.5\rPID|1\r"

messages = st.binary(max_size=200).map(lambda raw: raw.replace(b"\x0b", b"").replace(b"\x1c", b""))


def plain(events):
    """Events with the frames' bytes read, comparable."""
    return [event.read() if isinstance(event, Frame) else event for event in events]


def cut(stream, cuts):
    """Split a stream at the given positions."""
    marks = sorted({min(mark, len(stream)) for mark in cuts} | {0, len(stream)})
    return [stream[start:stop] for start, stop in itertools.pairwise(marks)]


def feed_all(reader, chunks):
    return plain(event for chunk in chunks for event in reader.feed(chunk))


@given(st.lists(messages, max_size=5), st.lists(st.integers(0, 1200), max_size=12))
def test_any_chunking_gives_the_messages_in_order(sent, cuts):
    stream = b"".join(frame(message) for message in sent)
    assert feed_all(FrameReader(), cut(stream, cuts)) == sent


@given(st.lists(messages, max_size=3))
def test_one_byte_at_a_time_gives_the_messages_in_order(sent):
    stream = b"".join(frame(message) for message in sent)
    assert feed_all(FrameReader(), [bytes([byte]) for byte in stream]) == sent


@given(
    st.binary(max_size=120) | st.binary(max_size=120).map(lambda raw: b"\x0b" + raw + b"\x1c\r"),
    st.lists(st.integers(0, 120), max_size=8),
)
def test_any_bytes_give_the_same_events_however_they_are_cut(stream, cuts):
    assert feed_all(FrameReader(40), cut(stream, cuts)) == feed_all(FrameReader(40), [stream])


@given(messages, st.integers(1, 60), st.lists(st.integers(0, 300), max_size=8))
def test_spooled_frames_are_the_same_bytes(message, spool_above, cuts):
    reader = FrameReader(spool_above=spool_above)
    assert feed_all(reader, cut(frame(message), cuts)) == [message]


@given(messages.map(lambda raw: raw + b"x" * 21), st.lists(st.integers(0, 300), max_size=8))
def test_an_oversize_frame_keeps_its_size_and_what_follows_is_read(message, cuts):
    stream = frame(message) + frame(b"MSH|next")
    events = feed_all(FrameReader(20, spool_above=5), cut(stream, cuts))
    assert [event.size for event in events[:1]] == [len(message)]
    assert events[1:] == [b"MSH|next"]


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_oversize_frame_keeps_only_its_first_segment(size):
    stream = frame(MESSAGE + b"OBX|" + b"x" * 20_000)
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    [event] = feed_all(FrameReader(1000), chunks)
    assert event == Oversize(MESSAGE.partition(b"\r")[0], len(stream) - 3)


def test_draining_an_oversize_frame_holds_no_memory():
    reader = FrameReader(1000, spool_above=100)
    reader.feed(b"\x0b" + MESSAGE)
    for _ in range(50):
        assert reader.feed(b"x" * 100_000) == []
    assert len(reader._held) == 0
    assert reader._spool is None
    assert [event.size for event in reader.feed(b"\x1c\r")] == [len(MESSAGE) + 5_000_000]


@pytest.mark.parametrize(
    ("stream", "before", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", [], "bytes outside a frame"),
        (b"\x16\x03\x01\x02\x00\x01", [], "bytes outside a frame"),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + frame(b"A"), [], "bytes outside a frame"),
        (b"\r\n" + frame(b"A"), [], "bytes outside a frame"),
        (frame(b"A") + b"MSH|", [b"A"], "bytes outside a frame"),
        (b"\x0bMSH|\x0bMSH|\x1c\r", [], "start block inside a message"),
        (b"\x0bMSH|\x1cPID|\x1c\r", [], "end block without carriage return"),
        (b"\x0bMSH|\x1c\x1c\r", [], "end block without carriage return"),
        (frame(b"A") + b"\x0bB\x1c\n", [b"A"], "end block without carriage return"),
    ],
)
def test_what_is_not_mllp_ends_the_stream_after_the_good_frames(stream, before, reason):
    expected = [*before, Violation(reason)]
    for chunks in ([stream], [bytes([byte]) for byte in stream]):
        reader = FrameReader()
        assert feed_all(reader, chunks) == expected
        assert reader.feed(frame(b"later")) == []


def test_line_ends_between_frames_are_tolerated():
    stream = frame(b"A") + b"\n" + frame(b"B") + b"\r\n" + frame(b"C")
    assert feed_all(FrameReader(), [stream]) == [b"A", b"B", b"C"]


def test_the_reader_says_whether_a_frame_is_unfinished():
    reader = FrameReader()
    assert not reader.in_frame
    reader.feed(b"\x0bMSH|")
    assert reader.in_frame
    reader.feed(b"\x1c")
    assert reader.in_frame
    reader.feed(b"\r")
    assert not reader.in_frame


def test_a_full_spool_is_reported_and_not_swallowed():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    reader = FrameReader(spool_above=10, open_spool=Full)
    with pytest.raises(OSError, match="No space"):
        reader.feed(b"\x0b" + b"x" * 11)


def test_spools_are_closed_when_a_frame_is_dropped():
    opened = []

    def open_spool():
        opened.append(io.BytesIO())
        return opened[-1]

    reader = FrameReader(100, spool_above=10, open_spool=open_spool)
    reader.feed(b"\x0b" + b"x" * 50)
    reader.feed(b"x" * 100)
    reader.feed(b"\x1c\r\x0b" + b"y" * 50)
    reader.close()
    [unread] = FrameReader(spool_above=1, open_spool=open_spool).feed(frame(b"zz"))
    unread.close()
    assert [spool.closed for spool in opened] == [True, True, True]


@pytest.mark.parametrize("message", [b"a\x0bb", b"a\x1cb", b"\x1c\r"])
def test_a_message_with_block_characters_cannot_be_framed(message):
    with pytest.raises(NotConformant):
        frame(message)


@pytest.mark.parametrize("data", [b"MSH|a\rPID|", b"MSH|a\nPID|", b"MSH|a\r\nPID|", b"MSH|a"])
def test_the_first_segment_ends_at_either_line_end(data):
    assert first_segment(data) == b"MSH|a"


def test_messages_of_one_answer_are_framed_each_for_itself():
    first, second = b"MSH|^~\\&|1\rMSA|CA\r", b"MSH|^~\\&|2\rMSA|AA\r"
    written = frames(first + BREAK + second)
    assert [one.read() for one in FrameReader().feed(written)] == [first, second]
    assert frames(first) == frame(first)
