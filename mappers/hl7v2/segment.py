"""One segment of ER7 text, its fields split when first asked for (HL7 v2.5 chapter 2.5 and 2.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from copy import copy
from functools import cache

from mappers.hl7v2.places import MOST_FIELDS, field_place, segment_place
from mappers.hl7v2.splitting import (
    DELETE,
    Repetition,
    Split,
    leaf,
    split_field,
    split_text,
)
from mappers.returning import Returning
from mappers.trace import Text
from profiles.issue import Issue, NotConformant

_WITH_SEPARATOR_AS_FIELD = frozenset({"MSH", "FHS", "BHS"})
#: Fields that hold text: separators other than that of repetitions belong to it.
_TEXT_FIELDS = {"NTE": (3,), "OBX": (5, 7), "AL1": (5,), "MSA": (3,), "ERR": (8,)}
_TEXT_TYPES = frozenset({"TX", "FT", "ST", ""})
#: Lines and fields that came before cost one look-up. Only short ones are remembered, and what
#: is made of them is shared between messages: nobody changes it.
_SHORT_LINE = 512
_USUAL = "^~&"
_SHORT_FIELD = 128
#: The repetitions of an empty field.
_NONE: list[Repetition] = []
_PLACES = tuple(map(field_place, range(MOST_FIELDS)))


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
        "returned",
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
        self.base = segment_place(index)
        #: The leaves of all fields once they are split, in order.
        self.leaves: list[Text] = []
        #: True: the same line came before and this is the object made of it then.
        self.returned = False
        self._separators = separators[1:]
        self._unescape = unescape
        self._fields: list[list[Repetition]] | None = None

    def has(self, field: int) -> bool:
        """Tell whether a field holds anything, `""` included."""
        return field < len(self.raw) and self.raw[field] != ""

    def deletes(self, field: int) -> bool:
        """Tell whether a field says `""`: delete the stored value."""
        return field < len(self.raw) and self.raw[field] == DELETE

    def states(self, first: int = 2) -> bool:
        """Tell whether any field from `first` on (behind the set id) says more than `""`."""
        return any(value and value != DELETE for value in self.raw[first:])

    def repetitions(self, field: int) -> list[Repetition]:
        """Return the non-empty repetitions of a field, split into components.

        Of the fields that are separators (MSH-1, MSH-2) there are none.
        """
        fields = self._fields or self.split_all()
        return fields[field] if field < len(fields) else _NONE

    def first(self, field: int) -> Text | None:
        """Return the first leaf of a field: component 1, subcomponent 1."""
        fields = self._fields or self.split_all()
        if field >= len(fields):
            return None
        repetitions = fields[field]
        if not repetitions:
            return None
        found = repetitions[0][1]
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
            base, texts, first = self.base, _TEXT_FIELDS.get(self.name, ()), self.first_field
            known = _fields_met().kept.get if self._is_remembered else _nothing
            for number, raw in enumerate(self.raw[first:], first):
                if raw:
                    place = base + _PLACES[number]
                    # The same text is another field where it is one of text.
                    found = known((place, raw)) if number not in texts else None
                    fields[number], new = found or self._split(number, raw, place)
                    leaves += new
            self.leaves, self._fields = leaves, fields
        return self._fields

    @property
    def _is_remembered(self) -> bool:
        """Fields are remembered as they mostly are: without escapes, with the usual separators."""
        return self._unescape is None and self._separators == _USUAL

    def emptied(self, fields: Iterable[int]) -> Segment:
        """Return this segment with nothing in some fields; its leaves are the same."""
        split = self.split_all()
        made = copy(self)
        made.raw, made._fields = [*self.raw], [*split]
        for number in fields:
            if number < len(made.raw):
                made.raw[number], made._fields[number] = "", _NONE
        return made

    def _split(self, field: int, raw: str, place: int) -> Split:
        try:
            if field in _TEXT_FIELDS.get(self.name, ()):
                if self._is_text(field):
                    return split_text(raw, place, self._separators[1], self._unescape)
                return split_field(raw, place, self._separators, self._unescape)
            found = split_field(raw, place, self._separators, self._unescape)
        except NotConformant as error:
            raise too_many(error.text, f"{self.name}-{field}") from error
        if len(raw) < _SHORT_FIELD and self._is_remembered:
            _fields_met().met((place, raw), found)
        return found

    def _is_text(self, field: int) -> bool:
        """Tell whether a field that may be of text is."""
        if self.name != "OBX" or field != 5:
            return True
        return len(self.raw) <= 2 or self.raw[2] in _TEXT_TYPES


def _nothing(key: tuple[int, str]) -> None:
    """What is known of fields that are not remembered."""
    del key


class _Fields(Returning):
    """Fields that came before at the same place cost one look-up."""

    __slots__ = ("parsed",)

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        #: What is kept and each of its repetitions, by id.
        self.parsed: set[int] = set()

    def forget(self) -> None:
        """Forget everything."""
        super().forget()
        self.parsed.clear()

    def met(self, key: tuple[int, str], split: Split) -> None:
        """Keep a field that is met again."""
        if self.again(key):
            self.keep(key, split)
            self.parsed.add(id(split[0]))
            self.parsed.update(map(id, split[0]))


@cache
def _fields_met() -> _Fields:
    return _Fields()


@cache
def _lines_met() -> Returning:
    """Lines that came before at the same place are not split again."""
    return Returning()


def kept_fields() -> AbstractSet[int]:
    """The ids of fields and repetitions that came before and are the same objects as then."""
    return _fields_met().parsed


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
    known = _lines_met()
    key = line, index, occurrence, separators
    segment: Segment | None = known.kept.get(key)
    if segment is None:
        segment = Segment(line, index, occurrence, separators)
        if known.again(key):
            segment.returned = True
            known.keep(key, segment)
    return segment


def too_many(sentence: str, location: str) -> NotConformant:
    """Refuse a segment or field with more parts than anybody means (ERR-2, ERR-3)."""
    issue = Issue("error", "too-costly", sentence, location, "102")
    return NotConformant(sentence, location=location, issues=(issue,))
