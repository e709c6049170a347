"""Files to messages: one per GDT record, LDT report or order, BDT or KVDT patient.

Headers (LDT 8220, BDT 0020 0022 0010, KVDT con0 besa adt0) go along with every message of their
package, so that each can be read alone; what ends a package stands at the end of its last
message. A package of one message is therefore the file, byte by byte. Reading is incremental:
what is held is one message, its headers and one chunk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from mappers.base import Piece
from mappers.parcel import START as PARCEL
from mappers.xdt.package import Package
from mappers.xdt.records import Role, role_of
from profiles.issue import Issue

#: Longest record in bytes; a longer one is left out and told.
LONGEST_RECORD = 50_000_000
#: Longest message of records of a catalogue in bytes, unless one record is longer.
_LONGEST_CATALOGUE = 1_000_000
#: Stands for the patient of records about nobody; no field can hold it.
_NOBODY = b"\n"
_START = re.compile(rb"\n(\d{3}8000([^\r\n]{0,16}))")
_FIRST = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n \t\x1a]*\d{3}8000([^\r\n]{0,16})")
#: A match ends before this many bytes; nearer the end of a chunk the next one is waited for.
_LOOKAHEAD = 64
_PATIENT = re.compile(rb"\n\d{3}3000([^\r\n]+)")
_NOTHING = b"\r\n \t\x1a"


class _Record(NamedTuple):
    """One record as it stands in the file, with what lies before the next."""

    #: Empty: bytes that belong to no record.
    satzart: str
    data: bytes
    offset: int


def recognises(data: bytes) -> bool:
    """Tell whether the bytes begin with the first line of a record (FK 8000)."""
    return _FIRST.match(data) is not None


def split(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a file, in order; a parcel of a record and its files is one."""
    if data.startswith(PARCEL):
        yield data
        return
    for piece in pieces([data]):
        if not piece.issues:
            yield piece.data


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Yield what the chunks of one file hold: messages, and packages that do not add up."""
    messages = _Messages()
    cutter = _Cutter()
    for chunk in chain(chunks, [None]):
        for record in cutter.feed(chunk):
            if record.satzart or record.data:
                yield from messages.add(record)
            else:
                sentence = f"the record is longer than {LONGEST_RECORD} bytes"
                issue = Issue("error", "too-costly", sentence, "FK 8000")
                yield Piece(b"", record.offset, (issue,))
    yield from messages.end()


class _Cutter:
    """Cuts before every line of FK 8000; of a record beyond the limit nothing is kept."""

    __slots__ = ("dropping", "held", "offset", "satzart", "scanned")

    def __init__(self) -> None:
        self.held = bytearray()
        #: Byte of the file where `held` begins.
        self.offset = 0
        #: How far `held` was searched.
        self.scanned = 0
        #: Of the record `held` begins with; None before anything was read.
        self.satzart: str | None = None
        self.dropping = False

    def feed(self, chunk: bytes | None) -> Iterator[_Record]:
        """Take the next bytes, None at the end; yield the records that are whole."""
        held = self.held
        held += chunk or b""
        limit = len(held) if chunk is None else len(held) - _LOOKAHEAD
        if self.satzart is None and limit > 0:
            first = _FIRST.match(held)
            self.satzart = _satzart(first[1]) if first is not None else ""
            self.scanned = first.end() if first is not None else 0
        begin = 0
        for match in _START.finditer(held, self.scanned):
            start = match.start(1)
            if start >= limit:
                break
            yield from self._record(begin, start)
            begin, self.scanned, self.dropping = start, match.end(), False
            self.satzart = _satzart(match[2])
        self.scanned = max(self.scanned, limit - 1, 0)
        if chunk is None:
            yield from self._record(begin, len(held))
        self._forget(begin)
        if len(held) > LONGEST_RECORD:
            if not self.dropping:
                yield _Record("", b"", self.offset)
            self.dropping = True
            self._forget(len(held) - _LOOKAHEAD)

    def _record(self, begin: int, end: int) -> Iterator[_Record]:
        if begin < end and not self.dropping:
            data = bytes(self.held[begin:end])
            yield _Record(self.satzart or "", data, self.offset + begin)

    def _forget(self, count: int) -> None:
        del self.held[:count]
        self.offset += count
        self.scanned = max(self.scanned - count, 0)


def _satzart(content: bytes) -> str:
    return content.decode("latin-1").strip()


class _Messages:
    """Puts records together to messages."""

    __slots__ = ("began", "context", "held", "issues", "offset", "package", "patient", "size")

    def __init__(self) -> None:
        """Begin a file."""
        #: Headers of the present package.
        self.context: list[bytes] = []
        #: Records of the present message.
        self.held: list[bytes] = []
        self.offset = 0
        self.size = 0
        #: FK 3000 of the present message; empty where it is of no patient.
        self.patient = b""
        #: A message or the end of the package came.
        self.began = False
        self.package = Package()
        #: What does not add up in the present package; told behind its messages.
        self.issues: list[Issue] = []

    def add(self, record: _Record) -> Iterator[Piece]:
        """Take the next record; yield the message before it when it is whole."""
        role = role_of(record.satzart)
        if role == "trailer":
            self._hold(record)
        elif role == "header":
            yield from self._header(record)
        elif record.data.strip(_NOTHING):
            yield from self._item(record, role)
        if record.satzart:
            self.issues += self.package.add(record.satzart, record.data)

    def _header(self, record: _Record) -> Iterator[Piece]:
        if self.began or self.held:
            yield from self.end()
        if not self.context:
            self.offset = record.offset
        self.context.append(record.data)

    def _item(self, record: _Record, role: Role) -> Iterator[Piece]:
        found = _PATIENT.search(record.data) if role == "patient" else None
        patient = found[1] if found is not None else b""
        longest = LONGEST_RECORD
        if role == "catalogue":
            patient, longest = _NOBODY, _LONGEST_CATALOGUE
        is_same = bool(patient) and patient == self.patient
        if not (is_same and self.size + len(record.data) < longest):
            yield from self._whole()
        self.patient = patient
        self._hold(record)

    def _hold(self, record: _Record) -> None:
        self.began = True
        if not self.held:
            self.offset = record.offset
        self.held.append(record.data)
        self.size += len(record.data)

    def _whole(self) -> Iterator[Piece]:
        if self.held:
            yield Piece(b"".join((*self.context, *self.held)), self.offset)
            self.held.clear()
            self.size = 0

    def end(self) -> Iterator[Piece]:
        """End a package; headers nothing followed are told as a message of their own."""
        if self.context and not self.held and not self.began:
            self.held.append(b"")
        yield from self._whole()
        issues = (*self.issues, *self.package.end())
        if issues:
            yield Piece(b"", -1, issues)
        self.context.clear()
        self.issues.clear()
        self.patient, self.began = b"", False
        self.package = Package()
