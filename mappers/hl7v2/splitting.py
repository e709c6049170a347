"""Fields of ER7 text split into repetitions, components and subcomponents (HL7 v2.5 chapter 2.5).

Every leaf is a `Text` that knows its place. What is split is shared between messages that have the
same text at the same place: nobody changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from mappers.hl7v2.places import (
    COMPONENT,
    MOST_COMPONENTS,
    MOST_REPETITIONS,
    MOST_SUBS,
    REPETITION,
    SUB,
)
from mappers.trace import Source, Text
from profiles.issue import NotConformant

#: One component: None (empty), a leaf, or its subcomponents.
Component = Text | list[Text | None] | None
#: One repetition: index 0 is unused so that component numbers are those of the standard.
Repetition = list[Component]
#: The repetitions of a field, and its leaves in order.
Split = tuple[list[Repetition], list[Text]]

DELETE = '""'
_new = str.__new__


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


def split_text(raw: str, base: int, separator: str, unescape: Callable[[str], str] | None) -> Split:
    """Split a text field into repetitions, each one leaf."""
    leaves: list[Text] = []
    parsed: list[Repetition] = []
    pieces = raw.split(separator)
    if len(pieces) > MOST_REPETITIONS:
        raise NotConformant("a field repeats too often")
    for number, piece in enumerate(pieces):
        made = _leaf(piece, base + (number << REPETITION), leaves)
        if made is not None:
            parsed.append([None, made])
    return _unescaped(parsed, leaves, unescape) if unescape is not None else (parsed, leaves)


def split_field(
    raw: str, base: int, separators: str, unescape: Callable[[str], str] | None
) -> Split:
    """Split a raw field into repetitions and list its leaves in order.

    `separators` are those of component, repetition and subcomponent, in this order.
    """
    leaves: list[Text] = []
    if raw.isalnum():
        # Most fields are a code or a number: no separator is a letter or a digit.
        return [[None, _leaf(raw, base, leaves)]], leaves
    pieces = raw.split(separators[1])
    if len(pieces) > MOST_REPETITIONS:
        raise NotConformant("a field repeats too often")
    parsed = []
    for piece in pieces:
        if piece:
            parsed.append(_repetition(piece, base, separators, leaves))
        base += 1 << REPETITION
    if unescape is not None:
        parsed, leaves = _unescaped(parsed, leaves, unescape)
    return parsed, leaves


def _repetition(raw: str, base: int, separators: str, leaves: list[Text]) -> Repetition:
    """Split one repetition; making a leaf is written out because it is done so often."""
    components = raw.split(separators[0])
    separator = separators[2]
    has_subs = separator in raw
    if len(components) == 1 and not has_subs:
        return [None, _leaf(raw, base, leaves)]
    if len(components) >= MOST_COMPONENTS:
        raise NotConformant("a field has too many components")
    found: Repetition = [None]
    place = base
    for component in components:
        place += 1 << COMPONENT
        if not component:
            found.append(None)
        elif has_subs and separator in component:
            subcomponents, inner = _subcomponents(component, place, separator)
            found.append(subcomponents)
            leaves += inner
        elif value := component.strip():
            made = _new(Text, value)
            made.source = place
            leaves.append(made)
            found.append(made)
        else:
            found.append(None)
    return found


# Who assigns numbers stands beside numbers that never come again.
@lru_cache(maxsize=2048)
def _subcomponents(
    component: str, base: int, separator: str
) -> tuple[list[Text | None], list[Text]]:
    leaves: list[Text] = []
    pieces = component.split(separator)
    if len(pieces) >= MOST_SUBS:
        raise NotConformant("a component has too many subcomponents")
    return [_leaf(piece, base + (n << SUB), leaves) for n, piece in enumerate(pieces, 1)], leaves


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
) -> Split:
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
