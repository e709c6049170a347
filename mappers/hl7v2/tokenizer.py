"""ER7 text → message: charset, segments and every leaf's place (HL7 v2.5 chapter 2.6).

`Message.path` renders a leaf's place as "PID-5.1", "PID-3[2].4.2" or "DG1[2]-3.1".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mappers.hl7v2.escape import CONTROL, REPLACEMENT, unescaper
from mappers.hl7v2.header import Delimiters, Header, read_header
from mappers.hl7v2.lines import are_unusual, put_right
from mappers.hl7v2.places import field_number, inside_segment, render, segment_index
from mappers.hl7v2.segment import Segment, make_segment
from mappers.hl7v2.splitting import DELETE, Component, Repetition, leaf, leaves_of, sub
from mappers.trace import Text
from profiles.issue import Issue
from profiles.reading import decode_text
from profiles.reading.charset import codec_of

__all__ = [
    "DELETE",
    "Component",
    "Message",
    "Repetition",
    "Segment",
    "leaf",
    "leaves_of",
    "sub",
    "tokenize",
]

_LINE_ENDS = re.compile(r"[\r\n]+")
#: Bytes that are control characters in every character set, or half of a character in UTF-16.
_CONTROL_BYTES = bytes(set(range(0x20)) - set(b"\t\n\r"))


class Message:
    """One message: its segments in order."""

    __slots__ = ("_first", "_names", "delimiters", "header", "issues", "segments")

    def __init__(self, header: Header, text: str, codec: str, issues: list[Issue]) -> None:
        """Split `text` into segments; blank lines are dropped."""
        self.header = header
        self.issues = issues
        self.delimiters: Delimiters = header.delimiters
        self.segments = list(self._segments(text, codec))
        #: Name → first segment with it; made when asked for.
        self._names: frozenset[str] | None = None
        self._first: dict[str, Segment] | None = None

    def _segments(self, text: str, codec: str) -> Iterator[Segment]:
        d = self.delimiters
        separators = d.field + d.component + d.repetition + d.subcomponent
        # MSH-2 itself holds the escape character: only a second one means escapes are used.
        used = text.count(d.escape) > 1
        unescape = unescaper(d, codec) if used else None
        lines = text.split("\r") if "\n" not in text else _LINE_ENDS.split(text)
        if are_unusual(lines):
            lines = put_right(lines, d.field, self.issues)
        seen: dict[str, int] = {}
        index = 0
        for line in lines:
            if not line or line.isspace():
                continue
            name = line[:3]
            seen[name] = occurrence = seen.get(name, 0) + 1
            escaped = unescape if used and d.escape in line and index else None
            yield make_segment(line, index, occurrence, separators, escaped)
            index += 1

    def all(self, *names: str) -> list[Segment]:
        """Return the segments with one of these names, in order."""
        if self.names.isdisjoint(names):
            return []
        return [segment for segment in self.segments if segment.name in names]

    @property
    def names(self) -> frozenset[str]:
        """The names of all segments."""
        if self._names is None:
            self._names = frozenset([segment.name for segment in self.segments])
        return self._names

    def get(self, name: str) -> Segment | None:
        """Return the first segment with this name."""
        if self._first is None:
            self._first = {segment.name: segment for segment in reversed(self.segments)}
        return self._first.get(name)

    @property
    def shape(self) -> str:
        """Names of the segments in order: what places mean."""
        return "|".join([segment.name for segment in self.segments])

    def split_all(self) -> list[Text]:
        """Split every field nobody has asked for and return all leaves."""
        leaves: list[Text] = []
        for segment in self.segments:
            segment.split_all()
            leaves += segment.leaves
        return leaves

    def segment_of(self, source: int) -> tuple[Segment, int]:
        """Return the segment and the field number of a leaf."""
        return self.segments[segment_index(source)], field_number(source)

    def path(self, source: int) -> str:
        """Render a leaf's place, e.g. "PID-3[2].4.2"."""
        segment = self.segments[segment_index(source)]
        return render(segment.name, segment.occurrence, inside_segment(source))


def tokenize(data: bytes, default_charset: str = "", header: Header | None = None) -> Message:
    """Decode one message and split it into segments; `header` spares reading MSH again.

    The charset is MSH-18, else `default_charset`. Raises NotUnderstood without a usable MSH
    and NotConformant when a field has absurdly many parts.
    """
    header = header or read_header(data)
    charset = header.charset or default_charset
    text, issues = decode_text(data, charset)
    text = text.strip("\x0b\x1c\r\n \t")
    # Bytes are looked at first: that is many times faster, and hardly any message has one.
    if len(data.translate(None, _CONTROL_BYTES)) != len(data) and CONTROL.search(text) is not None:
        issues += _control_characters(text, header.delimiters.field)
        text = CONTROL.sub(REPLACEMENT, text)
    return Message(header, text, codec_of(charset) or "cp1252", issues)


def _control_characters(text: str, separator: str) -> Iterator[Issue]:
    """Name the segments that hold characters no text may have."""
    lines = [line for line in _LINE_ENDS.split(text) if CONTROL.search(line) is not None]
    for name in dict.fromkeys(line[:3] for line in lines):
        place = name if CONTROL.search(name) is None and separator not in name else ""
        sentence = "control characters were replaced by U+FFFD"
        yield Issue("warning", "value", sentence, place, "102")
