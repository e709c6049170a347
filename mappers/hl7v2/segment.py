"""One segment of ER7 text, its fields split on demand (HL7 v2.5 chapter 2.5 and 2.6).

Every leaf (a repetition's component or subcomponent) is a `Text` that knows its place as one
int: segment | field | repetition | component | subcomponent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from mappers.trace import Source, Text
from profiles.issue import Issue, NotConformant

#: One component: None (empty), a leaf, or its subcomponents.
Component = Text | list[Text | None] | None
#: One repetition: index 0 is unused so that component numbers are those of the standard.
Repetition = list[Component]

_SUB_BITS = 10
_COMPONENT = _SUB_BITS
_REPETITION = _COMPONENT + 16
_FIELD = _REPETITION + 18
_SEGMENT = _FIELD + 10
_MOST_SUBS = 1 << 10
_MOST_COMPONENTS = 1 << 16
_MOST_REPETITIONS = 1 << 18
_MOST_FIELDS = 1 << 10

_new = str.__new__
DELETE = '""'
_WITH_SEPARATOR_AS_FIELD = frozenset({"MSH", "FHS", "BHS"})
#: Fields that hold text: separators other than that of repetitions belong to it.
_TEXT_FIELDS = {"NTE": (3,), "OBX": (5, 7), "AL1": (5,), "MSA": (3,), "ERR": (8,)}
_TEXT_TYPES = frozenset({"TX", "FT", "ST", ""})
#: Lines and fields that came before cost one look-up. Only short ones are remembered, and what
#: is made of them is shared between messages: nobody changes it.
_SHORT_LINE = 512
_SHORT_FIELD = 128


class Segment:
    """One segment; fields are split when asked for, once."""

    __slots__ = (
        "_parsed",
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
        if len(raw) > _MOST_FIELDS:
            raise too_many("a segment has too many fields", self.name)
        self.raw = raw
        self.index = index
        self.occurrence = occurrence
        self.base = index << _SEGMENT
        #: Leaves split so far.
        self.leaves: list[Text] = []
        self._separators = separators[1:]
        self._unescape = unescape
        self._parsed: dict[int, list[Repetition]] = {}

    def has(self, field: int) -> bool:
        """Tell whether a field holds anything, `""` included."""
        return field < len(self.raw) and self.raw[field] != ""

    def deletes(self, field: int) -> bool:
        """Tell whether a field says `""`: delete the stored value."""
        return field < len(self.raw) and self.raw[field] == DELETE

    def repetitions(self, field: int) -> list[Repetition]:
        """Return the non-empty repetitions of a field, split into components."""
        parsed = self._parsed.get(field)
        if parsed is None:
            if field >= len(self.raw) or not self.raw[field]:
                return []
            parsed = self._parsed[field] = self._split(field, self.raw[field])
        return parsed

    def first(self, field: int) -> Text | None:
        """Return the first leaf of a field: component 1, subcomponent 1."""
        parsed = self._parsed.get(field)
        if parsed is None:
            if field >= len(self.raw) or not self.raw[field]:
                return None
            parsed = self._parsed[field] = self._split(field, self.raw[field])
        if not parsed:
            return None
        found = parsed[0][1]
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

    def split_all(self) -> None:
        """Split every field nobody has asked for, so that all leaves are known."""
        parsed = self._parsed
        for number, raw in enumerate(self.raw):
            if raw and number not in parsed and number >= self.first_field:
                parsed[number] = self._split(number, raw)

    def _split(self, field: int, raw: str) -> list[Repetition]:
        try:
            return self._split_raw(field, raw)
        except NotConformant as error:
            raise too_many(error.text, f"{self.name}-{field}") from error

    def _split_raw(self, field: int, raw: str) -> list[Repetition]:
        base = self.base | (field << _FIELD)
        if self._is_text(field):
            parsed, leaves = split_text(raw, base, self._separators[1], self._unescape)
        elif self._unescape is not None:
            parsed, leaves = split_field(raw, base, self._separators, self._unescape)
        elif len(raw) < _SHORT_FIELD:
            parsed, leaves = _split_once(raw, base, self._separators)
        else:
            parsed, leaves = split_field(raw, base, self._separators, None)
        self.leaves.extend(leaves)
        return parsed

    def _is_text(self, field: int) -> bool:
        if self.name not in _TEXT_FIELDS or field not in _TEXT_FIELDS[self.name]:
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


def leaf(repetition: Repetition, number: int) -> Text | None:
    """Return a component of a repetition, its first subcomponent where it has several."""
    if number >= len(repetition):
        return None
    found = repetition[number]
    if type(found) is list:
        return found[0]
    return found  # type: ignore[return-value]  # mypy keeps the list after the type() test


def leaves_of(repetition: Repetition) -> list[Text]:
    """Return every leaf of a repetition, deletions left out."""
    found: list[Text] = []
    for component in repetition:
        if type(component) is list:
            found += [part for part in component if part is not None and part != DELETE]
        elif component is not None and component != DELETE:
            found.append(component)  # type: ignore[arg-type]  # not a list, so a leaf
    return found


def sub(repetition: Repetition, number: int, position: int) -> Text | None:
    """Return a subcomponent; a component without subcomponents is its own first one."""
    if number >= len(repetition):
        return None
    found = repetition[number]
    if type(found) is list:
        return found[position - 1] if position <= len(found) else None
    return found if position == 1 else None  # type: ignore[return-value]  # see leaf


def split_text(
    raw: str, base: int, separator: str, unescape: Callable[[str], str] | None
) -> tuple[list[Repetition], list[Text]]:
    """Split a text field into repetitions, each one leaf."""
    leaves: list[Text] = []
    parsed: list[Repetition] = []
    pieces = raw.split(separator)
    if len(pieces) > _MOST_REPETITIONS:
        raise NotConformant("a field repeats too often")
    for number, piece in enumerate(pieces):
        made = _leaf(piece, base | (number << _REPETITION), leaves)
        if made is not None:
            parsed.append([None, made])
    return _unescaped(parsed, leaves, unescape) if unescape is not None else (parsed, leaves)


def split_field(
    raw: str, base: int, separators: str, unescape: Callable[[str], str] | None
) -> tuple[list[Repetition], list[Text]]:
    """Split a raw field into repetitions and list its leaves in order.

    `separators` are those of component, repetition and subcomponent, in this order.
    """
    leaves: list[Text] = []
    pieces = raw.split(separators[1])
    if len(pieces) > _MOST_REPETITIONS:
        raise NotConformant("a field repeats too often")
    parsed = []
    for piece in pieces:
        if piece:
            repetition = _repetition(piece, base, separators, leaves)
            if repetition is not None:
                parsed.append(repetition)
        base += 1 << _REPETITION
    if unescape is not None:
        parsed, leaves = _unescaped(parsed, leaves, unescape)
    return parsed, leaves


_split_once = lru_cache(maxsize=8192)(partial(split_field, unescape=None))


def _repetition(raw: str, base: int, separators: str, leaves: list[Text]) -> Repetition | None:
    """Split one repetition; the loop is written out because it runs for every leaf."""
    components = raw.split(separators[0])
    separator = separators[2]
    has_subs = separator in raw
    if len(components) == 1 and not has_subs:
        return [None, _leaf(raw, base, leaves)]
    if len(components) >= _MOST_COMPONENTS:
        raise NotConformant("a field has too many components")
    found: Repetition = [None]
    place = base
    for component in components:
        place += 1 << _COMPONENT
        if not component:
            found.append(None)
        elif has_subs and separator in component:
            found.append(_subcomponents(component.split(separator), place, leaves))
        else:
            found.append(_leaf(component, place, leaves))
    return found


def _subcomponents(pieces: list[str], base: int, leaves: list[Text]) -> list[Text | None]:
    if len(pieces) >= _MOST_SUBS:
        raise NotConformant("a component has too many subcomponents")
    return [_leaf(piece, base + n, leaves) for n, piece in enumerate(pieces, 1)]


def _leaf(raw: str, source: int, leaves: list[Text]) -> Text | None:
    value = raw.strip()
    if not value:
        return None
    made = _new(Text, value)
    made.source = source
    leaves.append(made)
    return made


def _unescaped(
    parsed: list[Repetition], leaves: list[Text], unescape: Callable[[str], str]
) -> tuple[list[Repetition], list[Text]]:
    """Resolve escapes in every leaf, after the split as the standard demands.

    What then holds nothing but white space (`\\.br\\`, `\\H\\`) is no leaf: it says nothing.
    """
    resolved: dict[Source, Text] = {}
    for old in leaves:
        value = unescape(old)
        if value and not value.isspace():
            made = _new(Text, value)
            made.source = old.source
            resolved[old.source] = made

    def replace(component: Component) -> Component:
        if type(component) is list:
            return [resolved.get(part.source) if part is not None else None for part in component]
        return resolved.get(component.source) if component is not None else None  # type: ignore[union-attr]  # not a list

    replaced = [[replace(part) for part in repetition] for repetition in parsed]
    return replaced, list(resolved.values())


def segment_index(source: int) -> int:
    """Return the number of the segment a leaf stands in."""
    return source >> _SEGMENT


def field_number(source: int) -> int:
    """Return the number of the field a leaf stands in."""
    return (source >> _FIELD) & (_MOST_FIELDS - 1)


def inside_segment(source: int) -> int:
    """Return the place of a leaf inside its segment."""
    return source & ((1 << _SEGMENT) - 1)


def inside_field(source: int) -> int:
    """Return the place of a leaf inside its field; 0 for a field that is one leaf."""
    return source & ((1 << _FIELD) - 1)


@lru_cache(maxsize=8192)
def render(name: str, occurrence: int, place: int) -> str:
    """Write a place inside a segment, e.g. "PID-3[2].4.2"."""
    field = place >> _FIELD
    repetition = (place >> _REPETITION) & (_MOST_REPETITIONS - 1)
    component = (place >> _COMPONENT) & (_MOST_COMPONENTS - 1)
    subcomponent = place & (_MOST_SUBS - 1)
    segment = name if occurrence == 1 else f"{name}[{occurrence}]"
    rendered = f"{segment}-{field}"
    if repetition:
        rendered += f"[{repetition + 1}]"
    if component:
        rendered += f".{component}"
    return f"{rendered}.{subcomponent}" if subcomponent else rendered
