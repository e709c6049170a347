"""ER7 text → segments whose fields split on demand (HL7 v2.5 chapter 2.5 and 2.6).

Every leaf (a repetition's component or subcomponent) is a `Text` that knows its place as one
int: segment | field | repetition | component | subcomponent. `Message.path` renders it as
"PID-5.1", "PID-3[2].4.2" or "DG1[2]-3.1".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from mappers.hl7v2.escape import unescaper
from mappers.hl7v2.header import Delimiters, Header, read_header
from mappers.trace import Text
from profiles.issue import Issue, NotConformant
from profiles.reading import decode_text
from profiles.reading.charset import codec_of

#: One component: None (empty), a leaf, or its subcomponents.
Component = Text | list[Text | None] | None
#: One repetition: index 0 is unused so that component numbers are those of the standard.
Repetition = list[Component]

_SUB_BITS = 10
_COMPONENT = _SUB_BITS
_REPETITION = _COMPONENT + 16
_FIELD = _REPETITION + 14
_SEGMENT = _FIELD + 10
_MOST_SUBS = 1 << 10
_MOST_COMPONENTS = 1 << 16
_MOST_REPETITIONS = 1 << 14
_MOST_FIELDS = 1 << 10

_new = str.__new__
_LINE_ENDS = re.compile(r"[\r\n]+")
DELETE = '""'


class Segment:
    """One segment; fields are split when asked for, once."""

    __slots__ = ("_message", "_parsed", "base", "first_field", "index", "name", "occurrence", "raw")

    def __init__(self, message: Message, index: int, line: str, occurrence: int) -> None:
        """Split the line into raw fields."""
        separator = message.delimiters.field
        raw = line.split(separator)
        self.name = raw[0].strip()
        self.first_field = 1
        if self.name in _WITH_SEPARATOR_AS_FIELD:
            raw.insert(1, separator)
            self.first_field = 3
        if len(raw) > _MOST_FIELDS:
            raise NotConformant("a segment has too many fields", location=self.name)
        self.raw = raw
        self.index = index
        self.occurrence = occurrence
        self.base = index << _SEGMENT
        self._message = message
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
        return found[0] if type(found) is list else found  # type: ignore[return-value]

    def component(self, field: int, number: int) -> Text | None:
        """Return a component (its first subcomponent) of the first repetition."""
        for repetition in self.repetitions(field):
            return leaf(repetition, number)
        return None

    def texts(self, field: int) -> list[Text]:
        """Return the repetitions of a text field, separators inside them kept as text."""
        raw = self.raw[field] if field < len(self.raw) else ""
        if not raw:
            return []
        parsed = self._parsed.get(field)
        if parsed is None:
            message = self._message
            base = self.base | (field << _FIELD)
            pieces = raw.split(message.delimiters.repetition)
            parsed = self._parsed[field] = []
            for number, piece in enumerate(pieces):
                made = message.leaf(piece, base | (number << _REPETITION))
                if made is not None:
                    parsed.append([None, made])
        return [found for repetition in parsed if (found := leaf(repetition, 1)) is not None]

    def _split(self, field: int, raw: str) -> list[Repetition]:
        message = self._message
        delimiters = message.delimiters
        base = self.base | (field << _FIELD)
        if message.unescape is not None and delimiters.escape in raw:
            parsed, leaves = split_field(raw, base, message.separators, message.unescape)
        elif len(raw) < _REMEMBERED:
            parsed, leaves = _split_once(raw, base, message.separators)
        else:
            parsed, leaves = split_field(raw, base, message.separators, None)
        message.leaves.extend(leaves)
        return parsed


class Message:
    """One message: its segments in order and every leaf split so far."""

    __slots__ = (
        "delimiters",
        "header",
        "issues",
        "leaves",
        "segments",
        "separators",
        "unescape",
    )

    def __init__(self, header: Header, text: str, codec: str, issues: list[Issue]) -> None:
        """Split `text` into segments; blank lines are dropped."""
        self.header = header
        self.issues = issues
        self.delimiters: Delimiters = header.delimiters
        self.separators = (
            header.delimiters.component
            + header.delimiters.repetition
            + header.delimiters.subcomponent
        )
        self.leaves: list[Text] = []
        escaped = header.delimiters.escape
        # MSH-2 itself holds the escape character: only a second one means escapes are used.
        used = bool(escaped) and text.count(escaped) > 1
        self.unescape = unescaper(header.delimiters, codec) if used else None
        self.segments = list(self._segments(text))

    def _segments(self, text: str) -> Iterator[Segment]:
        seen: dict[str, int] = {}
        lines = text.split("\r") if "\n" not in text else _LINE_ENDS.split(text)
        index = 0
        for line in lines:
            if not line or line.isspace():
                continue
            name = line[:3]
            seen[name] = occurrence = seen.get(name, 0) + 1
            yield Segment(self, index, line, occurrence)
            index += 1

    def leaf(self, raw: str, source: int) -> Text | None:
        """Make one leaf of text whose separators are text, None when blank."""
        if self.unescape is not None and self.delimiters.escape in raw:
            raw = self.unescape(raw)
        return _leaf(raw, source, self.leaves)

    def all(self, *names: str) -> list[Segment]:
        """Return the segments with one of these names, in order."""
        return [segment for segment in self.segments if segment.name in names]

    def get(self, name: str) -> Segment | None:
        """Return the first segment with this name."""
        for segment in self.segments:
            if segment.name == name:
                return segment
        return None

    @property
    def shape(self) -> str:
        """Names of the segments in order: what places mean."""
        return "|".join([segment.name for segment in self.segments])

    def split_all(self) -> None:
        """Split every field nobody has asked for, so that all leaves are known."""
        for segment in self.segments:
            parsed = segment._parsed  # noqa: SLF001  the two classes are one unit
            for number, raw in enumerate(segment.raw):
                if raw and number not in parsed and number >= segment.first_field:
                    segment.repetitions(number)

    def segment_of(self, source: int) -> tuple[Segment, int]:
        """Return the segment and the field number of a leaf."""
        return self.segments[source >> _SEGMENT], (source >> _FIELD) & (_MOST_FIELDS - 1)

    def path(self, source: int) -> str:
        """Render a leaf's place, e.g. "PID-3[2].4.2"."""
        segment = self.segments[source >> _SEGMENT]
        return _render(segment.name, segment.occurrence, source & ((1 << _SEGMENT) - 1))


@lru_cache(maxsize=8192)
def _render(name: str, occurrence: int, place: int) -> str:
    """Write a place inside a segment."""
    field = place >> _FIELD
    repetition = (place >> _REPETITION) & (_MOST_REPETITIONS - 1)
    component = (place >> _COMPONENT) & (_MOST_COMPONENTS - 1)
    sub = place & (_MOST_SUBS - 1)
    segment = name if occurrence == 1 else f"{name}[{occurrence}]"
    rendered = f"{segment}-{field}"
    if repetition:
        rendered += f"[{repetition + 1}]"
    if component:
        rendered += f".{component}"
    return f"{rendered}.{sub}" if sub else rendered


_WITH_SEPARATOR_AS_FIELD = frozenset({"MSH", "FHS", "BHS"})


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


#: Fields that came before cost one look-up. Only short ones are remembered, and the lists are
#: shared between messages: nobody changes them.
_REMEMBERED = 128
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
    """Resolve escapes in every leaf, after the split as the standard demands."""
    resolved: dict[int, Text] = {}
    for old in leaves:
        made = _new(Text, unescape(old))
        made.source = old.source
        resolved[old.source] = made  # type: ignore[index]  # a leaf's source is one int

    def replace(component: Component) -> Component:
        if type(component) is list:
            return [resolved[part.source] if part is not None else None for part in component]  # type: ignore[index]
        return resolved[component.source] if component is not None else None  # type: ignore[index,union-attr]

    return [[replace(part) for part in repetition] for repetition in parsed], list(
        resolved.values()
    )


def tokenize(data: bytes, default_charset: str = "", header: Header | None = None) -> Message:
    """Decode one message and split it into segments; `header` spares reading MSH again.

    The charset is MSH-18, else `default_charset`. Raises NotUnderstood without a usable MSH
    and NotConformant when a field has absurdly many parts.
    """
    header = header or read_header(data)
    charset = header.charset or default_charset
    text, issues = decode_text(data, charset)
    text = text.strip("\x0b\x1c\r\n \t")
    return Message(header, text, codec_of(charset) or "cp1252", issues)
