"""Segments being written, and their ER7 text (HL7 v2.5 chapter 2.5 to 2.7 and 2.10).

A value is fitted when it is put: to what the partner's version knows of the field, to what its
character set has, and to what may stand in a field at all. What does not fit is not there, so
that the account of what a message carries is true without knowing versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from mappers.hl7v2.header import Delimiters
from mappers.hl7v2.write.form import Form
from mappers.hl7v2.write.versions import CODES, Shape, fields, later, shape
from mappers.letters import Letters
from mappers.trace import Text
from profiles.issue import NotConformant

#: One component: nothing, a leaf, or its subcomponents.
Component = str | Sequence[str | None] | None
#: The components of one repetition, the first one at index 0.
Repetition = Sequence[Component]

_DELETE = '""'
#: What no field may hold: control characters frame messages, `""` and blanks alone say something.
_UNWRITABLE = re.compile(r'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\A(?:""|\s+)\Z')
#: Version from which a long segment may go on in ADD segments of the same message (2.10.2).
_ADD_SINCE = "2.4"
_ADD = "ADD"
_NO_SHAPE = Shape("", repeats=True, parts=(), dates=frozenset())


class Pen:
    """Begins segments and writes them in the form of one partner."""

    __slots__ = ("_allowed", "_known", "_letters", "_special", "form", "order")

    def __init__(self, form: Form, order: Sequence[str]) -> None:
        """Write a message that has a place for the segments in `order`."""
        self.form = form
        #: Names of the message's segments in their order.
        self.order = order
        self._known = fields(form.version)
        self._allowed = frozenset(order)
        self._letters = Letters(form.codec, transliterate=form.transliterate)
        self._special = _escapes(form.delimiters)

    def segment(self, name: str, *values: str | None) -> Segment:
        """Begin a segment with its first plain fields.

        One the message has no place for takes nothing; Z segments are the partners' own.
        """
        known: Mapping[int, Shape] | None = None
        if not name.startswith("Z"):
            known = self._known.get(name, {}) if name in self._allowed else {}
        segment = Segment(name, known, self._letters)
        for number, value in enumerate(values, 1):
            segment.put(number, value)
        return segment

    def knows(self, segment: str, field: int) -> Shape | None:
        """Return the shape of a field in this message; None where there is no such field."""
        return self._known.get(segment, {}).get(field) if segment in self._allowed else None

    def fitted(self, datatype: str, repetition: Repetition) -> Repetition:
        """Cut a repetition to what a datatype holds in this version, for a field of any type."""
        return _fit(shape(self.form.version, datatype), repetition)

    def render(self, segments: Iterable[Segment], seen: set[int]) -> str:
        """Write segments as ER7 text and collect the leaves they carry."""
        end = "\r"
        lines = [self._line(segment, seen) for segment in segments if segment.fields]
        if self.form.longest:
            lines = [piece for line in lines for piece in self._pieces(line)]
        return end.join([*lines, ""])

    def _line(self, segment: Segment, seen: set[int]) -> str:
        held = segment.fields
        repetition = self.form.delimiters.repetition
        written = [segment.name]
        at = 0
        for number in sorted(held):
            written += [""] * (number - at - 1)
            at = number
            repetitions = held[number]
            if len(repetitions) == 1:
                written.append(self._repetition(repetitions[0], seen))
            else:
                written.append(repetition.join([self._repetition(r, seen) for r in repetitions]))
        return self.form.delimiters.field.join(written)

    def _repetition(self, components: Repetition, seen: set[int]) -> str:
        if len(components) == 1 and type(components[0]) is Text:
            return self._leaf(components[0], seen)
        d = self.form.delimiters
        written = [
            self._leaf(part, seen)
            if part is None or isinstance(part, str)
            else d.subcomponent.join([self._leaf(p, seen) for p in part]).rstrip(d.subcomponent)
            for part in components
        ]
        return d.component.join(written).rstrip(d.component)

    def _leaf(self, leaf: str | None, seen: set[int]) -> str:
        if leaf is None:
            return ""
        if type(leaf) is Text:
            source = leaf.source
            if type(source) is int:
                seen.add(source)
            else:
                seen.update(source)  # type: ignore[arg-type]  # a tuple
        if leaf.isalnum():
            return leaf
        if "\r" in leaf:
            return leaf.replace("\r\n", "\n").translate(self._special)
        return leaf.translate(self._special)

    def _pieces(self, line: str) -> Iterator[str]:
        """Cut a line that is too long; never inside an escape sequence.

        Raises NotConformant where the version has no continuation.
        """
        form = self.form
        if len(line) <= form.longest:
            yield line
            return
        if not later(form.version, _ADD_SINCE):
            raise NotConformant("a segment is longer than the partner takes", location=line[:3])
        head, at = "", 0
        mark = form.delimiters.escape
        while at < len(line):
            end = min(at + form.longest - len(head), len(line))
            if end < len(line) and line.count(mark, at, end) % 2:
                end = line.rfind(mark, at, end)
            yield head + line[at:end]
            head, at = _ADD + form.delimiters.field, end


class Segment:
    """One segment; fields are put in any order."""

    __slots__ = ("_known", "_letters", "fields", "name")

    def __init__(self, name: str, known: Mapping[int, Shape] | None, letters: Letters) -> None:
        """Begin a segment whose fields are `known`, None for any."""
        self.name = name
        self.fields: dict[int, list[Repetition]] = {}
        self._known = known
        self._letters = letters

    def put(self, field: int, *components: Component) -> bool:
        """Add a repetition to a field.

        False when it would be empty, or the field is taken and does not repeat, or the version
        has no such field.
        """
        known = _NO_SHAPE if self._known is None else self._known.get(field)
        if known is None or (field in self.fields and not known.repeats):
            return False
        fitted = self._fitted(known, components)
        if fitted is None:
            return False
        self.fields.setdefault(field, []).append(fitted)
        return True

    def add(self, field: int, repetition: Repetition | None) -> bool:
        """Add a repetition made elsewhere; False when there is none."""
        return repetition is not None and self.put(field, *repetition)

    def takes(self, field: int) -> bool:
        """Tell whether a repetition can be added to a field: the version has it, it is free."""
        known = _NO_SHAPE if self._known is None else self._known.get(field)
        return known is not None and (known.repeats or field not in self.fields)

    def make(self, field: int, convert: Callable[..., Repetition | None], *source: Any) -> bool:
        """Add what `convert` makes of `source`, which is not asked where nothing can be added."""
        return self.takes(field) and self.add(field, convert(*source))

    def has(self, *fields: int) -> bool:
        """Tell whether one of these fields is valued."""
        return any(field in self.fields for field in fields)

    def first(self, field: int) -> str:
        """Return the first component of a field as it was put; empty when there is none."""
        found = self.fields.get(field)
        leaf = found[0][0] if found else None
        return leaf if isinstance(leaf, str) else ""

    def _fitted(self, known: Shape, components: Repetition) -> Repetition | None:
        if not known.parts and known.datatype not in ("", "varies"):
            leaf = self._clean(_one(known, components))
            return None if leaf is None else (_day(leaf) if known.dates else leaf,)
        if known.parts:
            components = _fit(known, components)
        clean = self._clean
        found: list[Component] = []
        valued = False
        for part in components:
            cleaned: Component = None
            if isinstance(part, str):
                cleaned = clean(part)
            elif part is not None:
                leaves = [clean(leaf) for leaf in part]
                cleaned = leaves if any(leaves) else None
            valued = valued or cleaned is not None
            found.append(cleaned)
        return found if valued else None

    def _clean(self, leaf: str | None) -> str | None:
        if not leaf or _UNWRITABLE.search(leaf) is not None:
            return None
        return leaf if leaf.isascii() else self._letters.written(leaf)


@cache
def _escapes(d: Delimiters) -> dict[int, str]:
    """Escape sequences of what may not stand in a value, for `str.translate`."""
    mark = d.escape
    letters = {d.escape: "E", d.field: "F", d.component: "S", d.subcomponent: "T"}
    letters |= {d.repetition: "R", "\r": ".br", "\n": ".br"}
    return str.maketrans({character: mark + what + mark for character, what in letters.items()})


def _one(known: Shape, components: Repetition) -> str | None:
    """The one value of a field without components: a code, or the first words there are."""
    for part in components[:1] if known.datatype in CODES else components:
        if (found := _first(part)) is not None:
            return found
    return None


def _first(part: Component) -> str | None:
    if part is None or isinstance(part, str):
        return part or None
    return next((leaf for leaf in part if leaf), None)


def _fit(known: Shape, components: Repetition) -> Repetition:
    """Cut a repetition to the components its datatype has in this version."""
    if known.moves:
        components = _moved(known.moves, components)
    fitted: list[Component] = []
    for part, most in zip(components, known.parts, strict=False):
        if part is None or not most:
            fitted.append(None)
        elif isinstance(part, str):
            fitted.append(part)
        else:
            fitted.append(_first(part) if most == 1 else part[:most])
    for number in known.dates:
        if number < len(fitted) and isinstance(day := fitted[number], str):
            fitted[number] = _day(day)
    return fitted


def _moved(moves: Iterable[tuple[int, int]], components: Repetition) -> list[Component]:
    """A component that is gone in this version goes where it is now, if nothing is there."""
    given = list(components)
    for place, other in moves:
        if place >= len(given) or given[place] is None:
            continue
        given += [None] * (other + 1 - len(given))
        if given[other] is None:
            # Words beside a code become its name: told, but not as what they were.
            value = given[place]
            given[other] = str(value) if other == 1 else value
            given[place] = None
    return given


def _day(leaf: str) -> str:
    """A date without time; what is cut off does not count as carried."""
    return leaf if len(leaf) <= 8 else str(leaf[:8])
