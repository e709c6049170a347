"""What ends a package says about it: its length (9202) and its checksum (9300).

9202 is the sum of the bytes of the records from 0022 (LDT 2: 8220) to the one it stands in; 9300
is the SHA-1 of all bytes of an LDT 3 file before its own line. Both with CR LF as line ends.
"""

from __future__ import annotations

import hashlib
import re

from mappers.xdt.records import kinds
from profiles.issue import Issue, Severity

#: Record that begins a package → record that ends it.
_ENDS = {"0020": "0021", "0022": "0023", "8220": "8221", "8230": "8231", "con0": "con9"}
#: Ends of an LDT 3 package, which carry its checksum.
_SUMMED = frozenset({"8221", "8231"})
_LENGTH = re.compile(rb"\n\d{3}9202(\d{1,12})[ \t]*(?:\r?\n|\Z)")
_CHECKSUM = re.compile(rb"\n(\d{3}9300([0-9A-Fa-f]{40}))")
_LINE_END = re.compile(rb"\r?\n")
_NOTHING = b"\r\n \t\x1a"


class Package:
    """The records of one package so far, weighed."""

    __slots__ = ("digest", "open", "size")

    def __init__(self) -> None:
        """Begin with nothing."""
        #: Records that began something nothing has ended yet.
        self.open: list[str] = []
        self.digest = hashlib.sha1(usedforsecurity=False)
        #: Bytes since the record 9202 counts from.
        self.size = 0

    def add(self, satzart: str, data: bytes) -> list[Issue]:
        """Weigh a record; return how it contradicts what came before."""
        if satzart in _ENDS:
            self.open.append(satzart)
            if satzart != "0020":
                self.size = 0
        if not self.open:
            return []
        issues = self._checksum(satzart, data)
        self.size += _weight(data)
        begin = next((one for one, end in _ENDS.items() if end == satzart), "")
        if begin:
            issues += self._length(satzart, data)
            self.open = self.open[: self.open.index(begin)] if begin in self.open else self.open
        return issues

    def end(self) -> list[Issue]:
        """Return what was begun and not ended: it was cut off."""
        return [
            _issue("error", f"record {one} is not ended by {_ENDS[one]}: records may be missing")
            for one in self.open
        ]

    def _checksum(self, satzart: str, data: bytes) -> list[Issue]:
        if kinds()[self.open[0]].member != "LDT":
            return []
        found = _CHECKSUM.search(data) if satzart in _SUMMED else None
        if found is None:
            self.digest.update(_normal(data))
            return []
        self.digest.update(_normal(data[: found.start(1)]))
        if found[2].decode().lower() == self.digest.hexdigest():
            return []
        return [_issue("warning", "the checksum of the package (FK 9300) is wrong", "FK 9300")]

    def _length(self, satzart: str, data: bytes) -> list[Issue]:
        found = _LENGTH.search(data)
        if found is None or int(found[1]) == self.size:
            return []
        sentence = f"record {satzart} states {int(found[1])} bytes (FK 9202), {self.size} came"
        return [_issue("warning", sentence, "FK 9202")]


def _normal(data: bytes) -> bytes:
    """The bytes with CR LF as line ends."""
    return data if data.count(b"\n") == data.count(b"\r\n") else _LINE_END.sub(b"\r\n", data)


def _weight(data: bytes) -> int:
    """Bytes of a record with CR LF as line ends, without what stands behind it."""
    kept = data.rstrip(_NOTHING)
    return len(kept) + kept.count(b"\n") - kept.count(b"\r\n") + 2


def _issue(severity: Severity, sentence: str, place: str = "FK 8000") -> Issue:
    code = "structure" if severity == "error" else "value"
    return Issue(severity, code, sentence, place)
