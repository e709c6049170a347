"""Files and frames with several messages: FHS, BHS, messages, BTS, FTS (HL7 v2.5 chapter 2.10.3).

Batch envelopes are optional, messages may simply follow one another (even without a line end
between them), lines of comment (`#`, `//`) may stand between them, and MLLP frames may be
concatenated; bytes of a message are kept exactly, whatever their character set. Reading is
incremental: what is held is one message and one chunk.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from mappers.base import Piece
from profiles.issue import Issue

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_AROUND = b"\x0b\x1c\r\n\t "
#: A segment begins at the start, after a line end or an MLLP frame byte; a message also where
#: nothing separates it from the one before: MSH-1 and MSH-2 are unmistakable.
_START = re.compile(
    rb"(?:^|(?<=[\r\n\x0b\x1c]))[ \t]*(?:(?:MSH|FHS|BHS)(?=[!-/:-@\[-`{-~])"
    rb"|[BF]TS(?=[!-/:-@\[-`{-~]|[\r\n]|\Z))"
    rb"|MSH(?=(?P<separator>[!-/:-@\[-`{-~])[!-/:-@\[-`{-~]{4}(?P=separator))"
)
#: A match ends before this many bytes; nearer the end of a chunk the next one is waited for.
_LOOKAHEAD = 64
_COMMENT = re.compile(rb"[ \t]*(?:#|//)[^\r\n]*")
#: Longest comment in bytes.
_LONGEST_COMMENT = 4096


def split(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a file or frame, in order.

    Bytes without any MSH are yielded as one piece, so that the caller can report them.
    """
    for piece in pieces([data]):
        if not piece.issues:
            yield piece.data


def holds_several(data: bytes) -> bool:
    """Tell whether a frame is a batch, or holds more than one message."""
    if data.startswith((b"FHS", b"BHS")):
        return True
    return data.find(b"\rMSH", 3) > 0 or data.find(b"\nMSH", 3) > 0


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Yield what the chunks of one file hold: messages, and envelopes that do not fit them."""
    envelope = Envelope()
    for data, offset in _segmented(_as_utf8(chunks)):
        name = data[:3]
        if name not in _ENVELOPE:
            if name == b"MSH":
                envelope.messages += 1
            yield Piece(data, offset)
            continue
        line, _, rest = data.partition(b"\r")
        line = line.partition(b"\n")[0]
        if issues := envelope.read(line.decode("latin-1")):
            yield Piece(line, offset, tuple(issues))
        if rest := _uncommented(rest):
            yield Piece(rest, offset + len(line) + 1)
    if issues := envelope.end():
        yield Piece(b"", -1, tuple(issues))


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Take the byte order mark away; what is UTF-16 becomes UTF-8."""
    source = iter(chunks)
    first = next(source, b"")
    if not first.startswith(_UTF16):
        yield first.removeprefix(_BOM)
        yield from source
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for chunk in chain([first], source):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode()


def _segmented(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Cut before every MSH and envelope segment; yield what lies between, and where it begins."""
    held = bytearray()
    offset = scanned = 0
    for chunk in chain(chunks, [None]):
        held += chunk or b""
        limit = len(held) if chunk is None else len(held) - _LOOKAHEAD
        begin = 0
        for match in _START.finditer(held, scanned):
            if match.start() >= limit:
                break
            yield from _trimmed(bytes(held[begin : match.start()]), offset + begin)
            begin, scanned = match.start(), match.end()
        scanned = max(scanned, limit, 0) - begin
        del held[:begin]
        offset += begin
    yield from _trimmed(bytes(held), offset)


def _trimmed(data: bytes, offset: int) -> Iterator[tuple[bytes, int]]:
    """Take away frames, blank lines and comments around a message, and end it with CR."""
    found = data.lstrip(_AROUND)
    offset += len(data) - len(found)
    if not found.startswith((b"MSH", *_ENVELOPE)):
        found = _uncommented(found)
        if found:
            yield found, offset
        return
    found = found.rstrip(_AROUND)
    while (begin := _last_line(found)) and _COMMENT.fullmatch(found, begin):
        found = found[:begin].rstrip(_AROUND)
    yield found + b"\r", offset


def _last_line(data: bytes) -> int:
    """Return where the last line begins; 0 when it is too long for a comment."""
    lowest = max(len(data) - _LONGEST_COMMENT, 0)
    return max(data.rfind(b"\r", lowest), data.rfind(b"\n", lowest)) + 1


def _uncommented(data: bytes) -> bytes:
    lines = re.split(rb"[\r\n\x0b\x1c]+", data)
    if all(not line.strip() or _COMMENT.fullmatch(line) for line in lines):
        return b""
    return data.strip(_AROUND)


@dataclass(slots=True)
class Envelope:
    """What FHS, BHS, BTS and FTS say about what lies between them."""

    #: Messages since the last envelope segment of a batch.
    messages: int = 0
    #: Batches since FHS.
    batches: int = 0
    #: Segments that begin something nothing has ended yet.
    open: list[str] = field(default_factory=list)

    def read(self, line: str) -> list[Issue]:
        """Read an envelope segment; return how it contradicts what came before."""
        name, separator = line[:3], line[3:4]
        count = line.split(separator)[1] if separator and name in _ENDS else ""
        if name in _ENDS:
            return self._ended(name, count.strip())
        issues = self._missing_ends(until=name)
        self.open.append(name)
        self.messages = 0
        self.batches = 0 if name == "FHS" else self.batches + 1
        return issues

    def end(self) -> list[Issue]:
        """Return what the file has begun and not ended: it was cut off."""
        return self._missing_ends(until="FHS")

    def _ended(self, name: str, stated: str) -> list[Issue]:
        begin = _ENDS[name]
        issues = self._missing_ends(until="BHS") if name == "FTS" else []
        found = self.messages if name == "BTS" else self.batches
        if begin in self.open:
            self.open.remove(begin)
        elif name == "FTS" and not found:
            found = int(stated) if _NUMBER.fullmatch(stated) else 0
        if stated and not _NUMBER.fullmatch(stated):
            issues.append(_issue("value", f"{name}-1 is not a number", f"{name}-1", "102"))
        elif stated and int(stated) != found:
            what = "messages" if name == "BTS" else "batches"
            sentence = f"{name}-1 states {int(stated)} {what}, {found} came"
            issues.append(_issue("value", sentence, f"{name}-1", "102"))
        self.messages = 0
        return issues

    def _missing_ends(self, *, until: str) -> list[Issue]:
        """Close what is open inside (and including) a level."""
        issues = []
        while self.open and (until == "FHS" or self.open[-1] == until):
            begin = self.open.pop()
            end = next(name for name, what in _ENDS.items() if what == begin)
            sentence = f"{begin} is not ended by {end}: messages may be missing"
            issues.append(_issue("structure", sentence, begin, "100"))
        return issues


_NUMBER = re.compile(r"[0-9]{1,9}")
#: Segment that ends → segment that began.
_ENDS = {"BTS": "BHS", "FTS": "FHS"}
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")


def _issue(code: str, sentence: str, location: str, hl7_code: str) -> Issue:
    return Issue("error", code, sentence, location, hl7_code)
