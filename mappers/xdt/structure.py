"""Lines to records and objects: 8000/8001, 8002/8003 (LDT 3, GDT 3.5), 8200/8201 (GDT 3.0).

Objects of LDT 3 and GDT 3.5 must nest; the counts of GDT 3.0 and the lengths of records are
informative, because real devices write wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mappers.xdt.group import Group, Record, Span
from profiles.issue import Issue, NotConformant, NotUnderstood

if TYPE_CHECKING:
    from mappers.xdt.message import Message

#: Feldkennungen that may say what the object behind them is: 8100 to 8299.
_ATTRIBUTES = frozenset(map(str, range(8100, 8300)))
_LENGTH_DIFFERS = "the stated length of the record differs from its real one"


class Structure:
    """Builds the trees of a message from its lines."""

    __slots__ = (
        "handlers",
        "length",
        "message",
        "now",
        "open",
        "records",
        "spans",
        "start",
    )

    def __init__(self, message: Message) -> None:
        """Begin before the first record."""
        self.message = message
        self.records: list[Record] = []
        #: Lines that are in a group, in order.
        self.spans: list[Span] = []
        #: Groups that are open, the innermost last.
        self.open: list[Group] = []
        #: The innermost group.
        self.now: Group | None = None
        #: Line of the present record's 8100 and the length it states; -1: it states none.
        self.length = (-1, 0)
        self.start = 0
        #: What the lines that frame content do, by Feldkennung.
        self.handlers: dict[str, Callable[[int, str], None]] = {
            "8000": self._record,
            "8001": self._record_end,
            "8002": self._object,
            "8003": self._object_end,
            "8100": self._record_length,
            "8200": self._lines,
            "8201": self._lines_end,
            "8202": self._lines_of_record,
        }

    def content(self, begin: int, end: int) -> None:
        """Take lines that frame nothing."""
        if self.now is not None:
            span = (begin, end)
            self.now.spans.append(span)
            self.spans.append(span)
            return
        fks = self.message.fks
        for number in range(begin, end):
            if fks[number]:
                sentence = "the line stands before the first record (FK 8000)"
                raise _refused(sentence, number, fks[number])

    def end(self) -> list[Record]:
        """End the last record; return all."""
        self._close(len(self.message.lines))
        return self.records

    # -- records ---------------------------------------------------------------------------

    def _record(self, number: int, content: str) -> None:
        self._close(number)
        satzart = content.strip()
        if not satzart:
            raise NotUnderstood("the record does not say what it is", location="FK 8000")
        record = Record(satzart, number, lines=self.message)
        self.records.append(record)
        self.open = [record]
        self.now = record
        self.start = number
        self.content(number, number + 1)

    def _record_end(self, number: int, content: str) -> None:
        record = self.records[-1] if self.open else None
        if record is None or len(self.open) > 1:
            self._unclosed(number)
        elif content.strip() != record.name:
            self.message.warn(number, "the end of the record names another Satzart", "structure")
        if record is not None:
            record.is_ended = True

    def _close(self, number: int) -> None:
        """End the present record before line `number`."""
        if not self.open:
            return
        if any(one.name.startswith("Obj_") and one.attribute for one in self.open[1:]):
            self._unclosed(number - 1)
        for one in self.open[1:]:
            self.message.warn(one.line, "the object is not ended (FK 8201)", "structure")
        record = self.records[-1]
        if record.is_nested and not record.is_ended:
            raise _refused("the record is not ended (FK 8001)", record.line, "8000")
        self._check_length(number)
        self.open, self.now = [], None

    def _record_length(self, number: int, content: str) -> None:
        """FK 8100 is the second line of a record; elsewhere it is a field like any other."""
        if number == self.start + 1 and content.strip().isdecimal():
            self.length = number, int(content)
            return
        self.content(number, number + 1)

    def _check_length(self, end: int) -> None:
        number, stated = self.length
        self.length = -1, 0
        if number < 0:
            return
        lines = self.message.lines[self.start : end]
        ends = 2 * (len(lines) - lines.count(""))
        real = sum(map(len, lines)) + ends
        if stated != real and self.message.codec == "utf-8":
            real = sum(len(line.encode()) for line in lines) + ends
        if stated != real:
            self.message.warn(number, _LENGTH_DIFFERS)

    # -- objects of LDT 3 and GDT 3.5 -----------------------------------------------------------

    def _object(self, number: int, content: str) -> None:
        parent = self.now
        if parent is None:
            raise _refused("the object stands before the first record", number, "8002")
        self.records[-1].is_nested = True
        group = Group(content.strip(), number, self._attribute(parent, number), self.message)
        parent.groups.append(group)
        self.open.append(group)
        self.now = group

    def _attribute(self, parent: Group, number: int) -> str:
        """What the line before calls the object; that line is then no field of its own."""
        spans = parent.spans
        if not spans or spans[-1][1] != number:
            return "?"
        before = number - 1
        if self.message.fks[before] not in _ATTRIBUTES:
            return "?"
        spans[-1] = self.spans[-1] = (spans[-1][0], before)
        return self.message.lines[before][7:].strip() or "?"

    def _object_end(self, number: int, content: str) -> None:
        held = self.open
        if self.now is None or len(held) < 2 or self.now.name != content.strip():
            self._unclosed(number)
        held.pop()
        self.now = held[-1]

    def _unclosed(self, number: int) -> None:
        name = f"object {self.now.name} of line {self.now.line + 1}" if self.now else "record"
        raise _refused(f"the {name} is not ended before this line", number, "")

    # -- objects of GDT 3.0 ---------------------------------------------------------------------

    def _lines(self, number: int, content: str) -> None:
        if self.now is None or not content.startswith("Obj_"):
            self.content(number, number + 1)
        else:
            group = Group(content.strip(), number, lines=self.message)
            self.now.groups.append(group)
            self.open.append(group)
            self.now = group

    def _lines_end(self, number: int, content: str) -> None:
        if self.now is None or len(self.open) < 2 or self.now.attribute:
            self.content(number, number + 1)
            return
        self._check_count(number, content, number - self.now.line + 1)
        self.open.pop()
        self.now = self.open[-1]

    def _lines_of_record(self, number: int, content: str) -> None:
        if self.now is None or not self.now.groups:
            self.content(number, number + 1)
        else:
            self._check_count(number, content, number - self.start + 1)

    def _check_count(self, number: int, content: str, real: int) -> None:
        if content.strip() != str(real):
            self.message.warn(number, "the stated number of lines differs from the real one")


def _refused(sentence: str, number: int, fk: str) -> NotConformant:
    place = f"line {number + 1} FK {fk}".removesuffix(" FK ")
    issue = Issue("error", "structure", sentence, place)
    return NotConformant(sentence, location=place, issues=(issue,))
