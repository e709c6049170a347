"""The lines of an xDT message: length, Feldkennung, content (KBV, QMS: "Satzbeschreibung").

A line is LLLFFFFcontent: three digits length (content + 9), four digits Feldkennung. Lengths and
counters are checked and never trusted. A leaf's place reads "line 12 FK 3101"; lines are counted
in the bytes of the message, from 1 on.
"""

from __future__ import annotations

import re
from operator import itemgetter

from mappers.trace import Text, text
from mappers.xdt.charset import Reading, read_text
from mappers.xdt.group import Entry, Group, Record, Span
from mappers.xdt.records import role_of
from mappers.xdt.structure import Structure
from profiles.issue import Issue, NotConformant, NotUnderstood

#: Digits of length and Feldkennung.
_HEAD = 7
#: Longest line in characters; the length of a line has three digits, but 000 is met.
_LONGEST_LINE = 1_000_000
#: Wrong lengths told one by one; of the others only their number.
_MOST_TOLD = 10
#: Length of a line without its end → what it has to state.
_STATED = {length - 2: f"{length:03d}" for length in range(9, 1000)}
#: Parts records play that a message is about.
_ABOUT = frozenset({"item", "patient", "catalogue"})
_FK = itemgetter(slice(3, _HEAD))
#: Lines as they have to be, or empty.
_WELL_FORMED = re.compile(r"(?:[0-9]{7}[^\n]*+\n?+|\n)*+")
#: The same with CR LF at the end of each.
_WELL_ENDED = re.compile(r"(?:[0-9]{7}[^\n]*+\n?+|\r\n)*+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CONTROL_BYTES = bytes(set(range(0x20)) - set(b"\t\n\r") | {0x7F})


class Message:
    """One message: its records, each a tree, and every leaf by its line."""

    __slots__ = ("codec", "fks", "issues", "lines", "records", "spans")

    def __init__(self, data: bytes, default_charset: str = "") -> None:
        """Read a message.

        Raises NotUnderstood when it does not begin with a record, NotConformant for lines nobody
        can read, a last line that was cut off and objects that do not nest.
        """
        reading = read_text(data, default_charset)
        self.codec = reading.codec
        self.issues: list[Issue] = reading.issues
        self.lines = _lines(reading, data, self.issues)
        #: Feldkennung of each line; empty for blank ones.
        self.fks: list[str] = list(map(_FK, self.lines))
        #: Lines that are in a record or an object, in order.
        self.spans: list[Span] = []
        self.records: list[Record] = self._read()
        if not self.records:
            raise NotUnderstood("the message does not begin with a record (FK 8000)")

    def path(self, source: int) -> str:
        """Render a leaf's place, e.g. "line 12 FK 3101"."""
        return f"line {source + 1} FK {self.fks[source]}"

    @property
    def items(self) -> list[Group]:
        """What the message is about: its records without headers and trailers."""
        return [one for one in self.records if role_of(one.name) in _ABOUT]

    @property
    def headers(self) -> list[Record]:
        """Records the message shares with others of its package."""
        return [one for one in self.records if role_of(one.name) == "header"]

    def _read(self) -> list[Record]:
        structure = Structure(self)
        handlers = structure.handlers
        lines, fks = self.lines, self.fks
        begin = 0
        for number in [n for n, fk in enumerate(fks) if fk in handlers]:
            if begin < number:
                structure.content(begin, number)
            handlers[fks[number]](number, lines[number][_HEAD:])
            begin = number + 1
        if begin < len(lines):
            structure.content(begin, len(lines))
        records = structure.end()
        self.spans = structure.spans
        self._tell_lengths()
        return records

    def contents(self, spans: list[Span]) -> list[Entry]:
        """Return the fields of these lines."""
        lines, fks = self.lines, self.fks
        made: list[Entry] = []
        for begin, end in spans:
            for number in range(begin, end):
                fk = fks[number]
                if fk:
                    leaf = Text(lines[number][_HEAD:])
                    leaf.source = number
                    made.append((fk, leaf))
        return made

    @property
    def stated(self) -> list[int]:
        """Lines with a content that says something: what is accounted for."""
        lines = self.lines
        return [
            number
            for begin, end in self.spans
            for number in range(begin, end)
            if len(lines[number].rstrip()) > _HEAD
        ]

    @property
    def leaves(self) -> list[Text]:
        """Contents that say something."""
        return [text(self.lines[number][_HEAD:], number) for number in self.stated]

    def warn(self, number: int, sentence: str, code: str = "value") -> None:
        """Report something odd about a line."""
        self.issues.append(Issue("warning", code, sentence, self.path(number)))

    def _tell_lengths(self) -> None:
        """Lengths count bytes; a wrong one is a warning, because real devices write some."""
        if self.codec == "utf-8":
            wrong = [n for n, line in enumerate(self.lines) if line and _is_wrong(line)]
        else:
            stated = _STATED
            wrong = [
                n for n, line in enumerate(self.lines) if stated.get(len(line)) != line[:3] and line
            ]
        for number in wrong[:_MOST_TOLD]:
            self.warn(number, "the stated length of the line differs from its real one")
        if len(wrong) > _MOST_TOLD:
            sentence = f"{len(wrong) - _MOST_TOLD} further lines state a wrong length"
            self.warn(wrong[_MOST_TOLD], sentence)


def _lines(reading: Reading, data: bytes, issues: list[Issue]) -> list[str]:
    """Lines without their ends; a line whose content holds a line end is put together again."""
    whole = reading.text.rstrip("\x1a")
    ended = whole.endswith(("\n", "\r"))
    lines, has_strays, is_well_formed = _cut(whole)
    if has_strays or len(data.translate(None, _CONTROL_BYTES)) != len(data):
        _replace_controls(lines, issues)
    if not ended:
        _check_end(lines)
    if not is_well_formed:
        lines = _joined(lines, issues)
    while lines and not lines[-1]:
        lines.pop()
    if len(whole) > _LONGEST_LINE < len(max(lines, key=len, default="")):
        raise _refused("the line is too long", lines.index(max(lines, key=len)))
    return lines


def _cut(whole: str) -> tuple[list[str], bool, bool]:
    """Lines; whether a CR stands where it ends none; whether all begin as they have to."""
    lines = whole.split("\r\n")
    if whole.count("\n") == whole.count("\r") == len(lines) - 1:
        return lines, False, _WELL_ENDED.fullmatch(whole) is not None
    whole = whole.replace("\r\n", "\n")
    if "\n" not in whole:
        whole = whole.replace("\r", "\n")
    return whole.split("\n"), "\r" in whole, _WELL_FORMED.fullmatch(whole) is not None


def _replace_controls(lines: list[str], issues: list[Issue]) -> None:
    for number, line in enumerate(lines):
        if _CONTROL.search(line) is not None and line.strip("\x1a \t\r"):
            lines[number] = _CONTROL.sub("\ufffd", line.rstrip("\r"))
            place = f"line {number + 1} FK {line[3:7]}"
            sentence = "control characters were replaced by U+FFFD"
            issues.append(Issue("warning", "value", sentence, place))


def _joined(lines: list[str], issues: list[Issue]) -> list[str]:
    """Lines as records need them: each begins with length and Feldkennung, or is empty.

    What a line end inside a content tore apart is joined: the line before states more bytes.
    """
    made: list[str] = []
    for line in lines:
        before = made[-1] if made else ""
        stated = int(before[:3]) if before else 0
        if _is_line(line):
            made.append(line)
        elif not line.strip("\x1a \t"):
            made.append("")
        elif len(before) + len(line) + 4 <= stated:
            made[-1] = f"{before}\n{line}"
            place = f"line {len(made)} FK {before[3:7]}"
            issues.append(Issue("warning", "structure", "the content holds a line end", place))
        else:
            sentence = "the line does not begin with its length and Feldkennung"
            raise _refused(sentence, len(made))
    return made


def _is_line(line: str) -> bool:
    head = line[:_HEAD]
    return not line or (len(head) == _HEAD and head.isdecimal())


def _check_end(lines: list[str]) -> None:
    """A last line without end that states more than there is: the file was cut off."""
    last = lines[-1]
    if not last.strip("\x1a \t"):
        return
    head = last[:3]
    cut = len(last) < _HEAD or not head.isdecimal()
    if cut or (int(head) > len(last.encode()) + 2 and int(head) > len(last) + 2):
        raise _refused("the message ends inside this line", len(lines) - 1)


def _is_wrong(line: str) -> bool:
    return line[:3] != f"{len(line.encode()) + 2:03d}"


def _refused(sentence: str, number: int) -> NotConformant:
    place = f"line {number + 1}"
    return NotConformant(sentence, location=place, issues=(_error(sentence, place),))


def _error(sentence: str, place: str) -> Issue:
    return Issue("error", "structure", sentence, place)
