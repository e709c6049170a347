"""One segment of ER7 text, its fields split when first asked for (HL7 v2.5 chapter 2.5 and 2.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import lru_cache

from mappers.hl7v2.places import FIELD, MOST_FIELDS, SEGMENT
from mappers.hl7v2.splitting import (
    DELETE,
    Repetition,
    Split,
    leaf,
    split_field,
    split_once,
    split_text,
)
from mappers.trace import Text
from profiles.issue import Issue, NotConformant

_WITH_SEPARATOR_AS_FIELD = frozenset({"MSH", "FHS", "BHS"})
#: Fields that hold text: separators other than that of repetitions belong to it.
_TEXT_FIELDS = {"NTE": (3,), "OBX": (5, 7), "AL1": (5,), "MSA": (3,), "ERR": (8,)}
_TEXT_TYPES = frozenset({"TX", "FT", "ST", ""})
#: Lines and fields that came before cost one look-up. Only short ones are remembered, and what
#: is made of them is shared between messages: nobody changes it.
_SHORT_LINE = 512
_SHORT_FIELD = 128
#: The repetitions of an empty field.
_NONE: list[Repetition] = []


class Segment:
    """One segment; its fields are split when one is asked for, once."""

    __slots__ = (
        "_fields",
        "_separators",
        "_unescape",
        "base",
        "first_field",
        "index",
        "leaves",
        "name",
        "occurrence",
        "raw",
    )

    def __init__(
        self,
        line: str,
        index: int,
        occurrence: int,
        separators: str,
        unescape: Callable[[str], str] | None = None,
    ) -> None:
        """Split the line into raw fields.

        `separators` are those of field, component, repetition and subcomponent.
        """
        raw = line.split(separators[0])
        self.name = raw[0].strip()
        self.first_field = 1
        if self.name in _WITH_SEPARATOR_AS_FIELD:
            raw.insert(1, separators[0])
            self.first_field = 3
        if len(raw) > MOST_FIELDS:
            raise too_many("a segment has too many fields", self.name)
        self.raw = raw
        self.index = index
        self.occurrence = occurrence
        self.base = index << SEGMENT
        #: The leaves of all fields once they are split, in order.
        self.leaves: list[Text] = []
        self._separators = separators[1:]
        self._unescape = unescape
        self._fields: list[list[Repetition]] | None = None

    def has(self, field: int) -> bool:
        """Tell whether a field holds anything, `""` included."""
        return field < len(self.raw) and self.raw[field] != ""

    def deletes(self, field: int) -> bool:
        """Tell whether a field says `""`: delete the stored value."""
        return field < len(self.raw) and self.raw[field] == DELETE

    def repetitions(self, field: int) -> list[Repetition]:
        """Return the non-empty repetitions of a field, split into components.

        Of the fields that are separators (MSH-1, MSH-2) there are none.
        """
        fields = self._fields or self.split_all()
        return fields[field] if field < len(fields) else _NONE

    def first(self, field: int) -> Text | None:
        """Return the first leaf of a field: component 1, subcomponent 1."""
        fields = self._fields or self.split_all()
        if field >= len(fields) or not fields[field]:
            return None
        found = fields[field][0][1]
        return found[0] if type(found) is list else found  # type: ignore[return-value]  # a leaf

    def component(self, field: int, number: int) -> Text | None:
        """Return a component (its first subcomponent) of the first repetition."""
        for repetition in self.repetitions(field):
            return leaf(repetition, number)
        return None

    def texts(self, field: int) -> list[Text]:
        """Return the first leaf of every repetition: for text fields, the whole of it."""
        return [
            found
            for repetition in self.repetitions(field)
            if (found := leaf(repetition, 1)) is not None
        ]

    def split_all(self) -> list[list[Repetition]]:
        """Split all fields; every leaf is to be accounted for, so none is split in vain."""
        if self._fields is None:
            leaves: list[Text] = []
            fields = [_NONE] * len(self.raw)
            for number in range(self.first_field, len(self.raw)):
                if self.raw[number]:
                    fields[number], found = self._split(number, self.raw[number])
                    leaves += found
            self.leaves, self._fields = leaves, fields
        return self._fields

    def emptied(self, fields: Iterable[int]) -> Segment:
        """Return this segment with nothing in some fields; its leaves are the same."""
        split = self.split_all()
        made = copy(self)
        made.raw, made._fields = [*self.raw], [*split]
        for number in fields:
            if number < len(made.raw):
                made.raw[number], made._fields[number] = "", _NONE
        return made

    def _split(self, field: int, raw: str) -> Split:
        base = self.base | (field << FIELD)
        try:
            if self.name in _TEXT_FIELDS and self._is_text(field):
                return split_text(raw, base, self._separators[1], self._unescape)
            if self._unescape is None and len(raw) < _SHORT_FIELD:
                return split_once(raw, base, self._separators)
            return split_field(raw, base, self._separators, self._unescape)
        except NotConformant as error:
            raise too_many(error.text, f"{self.name}-{field}") from error

    def _is_text(self, field: int) -> bool:
        if field not in _TEXT_FIELDS.get(self.name, ()):
            return False
        if self.name != "OBX" or field != 5:
            return True
        return len(self.raw) <= 2 or self.raw[2] in _TEXT_TYPES


#: A line seen before at the same place of the same kind of message is not split again.
remembered_segment = lru_cache(maxsize=4096)(Segment)


def make_segment(
    line: str,
    index: int,
    occurrence: int,
    separators: str,
    unescape: Callable[[str], str] | None,
) -> Segment:
    """Make a segment, or take the one made of the same line before."""
    if unescape is not None or len(line) >= _SHORT_LINE:
        return Segment(line, index, occurrence, separators, unescape)
    return remembered_segment(line, index, occurrence, separators)


def too_many(sentence: str, location: str) -> NotConformant:
    """Refuse a segment or field with more parts than anybody means (ERR-2, ERR-3)."""
    issue = Issue("error", "too-costly", sentence, location, "102")
    return NotConformant(sentence, location=location, issues=(issue,))
