"""Modifiers of ClaML: which codes they make below which classes.

ClaML 2.0.0 (ISO 13120), ModifiedBy, ExcludeModifier, ValidModifierClass; the BfArM's Meta
`excludeOnPrecedingModifier` says after which class of an earlier modifier a class is not valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from profiles.reading.limits import refused

#: Codes that modifiers may make; ICD-10-GM has some thousand.
_MOST_MADE = 500_000
#: Modifiers one after the other.
_MOST_STEPS = 4
_THREE_CHARACTERS = re.compile(r"[A-Z]\d\d")


@dataclass(frozen=True, slots=True)
class ModifierClass:
    """One value of a modifier."""

    code: str
    display: str
    #: (modifier, code) after which it is not valid.
    not_after: frozenset[tuple[str, str]] = frozenset()
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Modified:
    """A class, as far as modifiers are concerned; also one they made."""

    code: str
    display: str
    parent: str
    is_leaf: bool = True
    #: Chapter or block.
    is_group: bool = False
    #: Modifiers it names, each with its valid codes (None: all).
    modified_by: tuple[tuple[str, frozenset[str] | None], ...] = ()
    #: Modifiers of the classes above that do not hold for it and what is below.
    excludes: frozenset[str] = frozenset()
    #: Meta and usage; codes that modifiers make below have them too.
    properties: tuple[tuple[str, str], ...] = ()


class Modifiers:
    """The modifiers of a document."""

    def __init__(self) -> None:
        """Start with none."""
        self._classes: dict[str, list[ModifierClass]] = {}

    def add(self, modifier: str, value: ModifierClass) -> None:
        """Add a value to a modifier."""
        self._classes.setdefault(modifier, []).append(value)

    def applied(self, classes: Mapping[str, Modified]) -> Iterator[Modified]:
        """Yield what modifiers make; a code that is a class already is not made again.

        Raises NotConformant (too-costly) when there would be too many.
        """
        if not self._classes:
            return
        count = 0
        for leaf in list(classes.values()):
            if not leaf.is_leaf or leaf.is_group:
                continue
            steps = self._in_order(_steps(leaf, classes))[:_MOST_STEPS]
            for made in self._below(leaf, steps, frozenset(), classes):
                count += 1
                if count > _MOST_MADE:
                    raise refused("the modifiers make too many codes", code="too-costly")
                yield made

    def _in_order(
        self, steps: list[tuple[str, frozenset[str] | None]]
    ) -> list[tuple[str, frozenset[str] | None]]:
        """Put the fourth character before the fifth, and what is excluded by another after it."""

        def rank(step: tuple[str, frozenset[str] | None]) -> tuple[bool, bool]:
            values = self._classes.get(step[0], ())
            return (
                not any(one.code.startswith(".") for one in values),
                any(one.not_after for one in values),
            )

        return sorted(steps, key=rank)

    def _below(
        self,
        base: Modified,
        steps: list[tuple[str, frozenset[str] | None]],
        before: frozenset[tuple[str, str]],
        classes: Mapping[str, Modified],
    ) -> Iterator[Modified]:
        """Apply the first modifier to a class, and the others to what it makes."""
        for at, (modifier, valid) in enumerate(steps):
            made = [
                (one, code)
                for one in self._classes.get(modifier, ())
                if (valid is None or one.code in valid) and before.isdisjoint(one.not_after)
                if (code := _joined(base.code, one.code, modifier)) and code not in classes
            ]
            for one, code in made:
                child = Modified(
                    code=code,
                    display=f"{base.display}: {one.display}",
                    parent=base.code,
                    properties=_inherited(base.properties, one.properties),
                )
                yield child
                after = before | {(modifier, one.code)}
                yield from self._below(child, steps[at + 1 :], after, classes)
            if made:
                return


def _steps(
    leaf: Modified, classes: Mapping[str, Modified]
) -> list[tuple[str, frozenset[str] | None]]:
    """Return the modifiers that hold for a class, those of the classes above first."""
    excluded: set[str] = set()
    seen: set[str] = set()
    steps: list[tuple[str, frozenset[str] | None]] = []
    at: Modified | None = leaf
    while at is not None and at.code not in seen:
        seen.add(at.code)
        named = [one for one in at.modified_by if one[0] not in excluded]
        steps = [*named, *steps]
        excluded |= at.excludes | {one for one, _ in named}
        at = classes.get(at.parent)
    return steps


def _inherited(
    base: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """What a class is counts for what modifiers make of it, unless they say otherwise."""
    said = {name for name, _ in own}
    return (*(one for one in base if one[0] not in said), *own)


def _joined(base: str, modifier_code: str, modifier: str) -> str:
    """Write the code; empty when the modifier belongs at a place that is taken.

    A fifth character on a three-character class keeps its place with `X` (`M45.X0`).
    """
    if modifier_code.startswith("."):
        return "" if "." in base else base + modifier_code
    if not _THREE_CHARACTERS.fullmatch(base):
        return base + modifier_code
    return f"{base}.{'X' if modifier.endswith('_5') else ''}{modifier_code}"
