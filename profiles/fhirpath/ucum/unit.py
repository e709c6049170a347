"""UCUM unit codes: grammar and canonical form.

https://ucum.org/ucum#section-Syntax-Rules: terms of components joined by `.` and `/`, each a
number, a unit with optional prefix and exponent, an annotation or a term in parentheses.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources

#: Bounds for foreign codes: real ones are short, and exponents are small.
_LONGEST = 200
_HIGHEST_EXPONENT = 40
_DEEPEST = 10

_TOKEN = re.compile(
    r"(?P<number>\d{1,20}(?![*^\d]))"
    r"|(?P<annotation>\{[^{}]*\})"
    r"|(?P<symbol>[./()])"
    r"|(?P<unit>(?:10[*^]|(?:[^\s\d./(){}\[\]+\-*^]|\[[^\[\]\s]*\])+)(?:[+-]?\d{1,3})?)"
)
_EXPONENT = re.compile(r"(?<=[^+\-\d])[+-]?\d+\Z|(?<=10[*^])[+-]?\d+\Z")


class _UnreadableError(Exception):
    """The code is not UCUM, or has a unit that does not take part in products."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Canonical form: value in base units = (value + offset) × factor."""

    factor: Fraction
    #: Base unit → exponent, sorted, without zeros.
    dimension: tuple[tuple[str, int], ...] = ()
    #: For temperature scales only.
    offset: Fraction = field(default=Fraction(0))

    def times(self, other: Unit, sign: int = 1) -> Unit:
        """Multiply, or divide with sign -1; raises _UnreadableError for scales with an offset."""
        if self.offset or other.offset:
            raise _UnreadableError
        exponents = dict(self.dimension)
        for base, exponent in other.dimension:
            exponents[base] = exponents.get(base, 0) + sign * exponent
        return Unit(self.factor * other.factor**sign, _sorted(exponents))

    def power(self, exponent: int) -> Unit:
        """Raise to a whole power."""
        if self.offset and exponent != 1:
            raise _UnreadableError
        if abs(exponent) > _HIGHEST_EXPONENT:
            raise _UnreadableError
        if exponent == 1:
            return self
        exponents = {base: one * exponent for base, one in self.dimension}
        return Unit(self.factor**exponent, _sorted(exponents))


def _sorted(exponents: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((base, exponent) for base, exponent in exponents.items() if exponent))


ONE = Unit(Fraction(1))


@lru_cache(maxsize=2048)
def read_unit(code: str) -> Unit | None:
    """Return what a UCUM code means; None for what is no UCUM code or is logarithmic."""
    if not code or len(code) > _LONGEST:
        return None
    try:
        return _Reader(code).whole()
    except _UnreadableError:
        return None


class _Reader:
    """Reads one code from left to right."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._at = 0
        self._depth = 0
        self._kind, self._text = "", ""
        self._advance()

    def whole(self) -> Unit:
        unit = self._term()
        if self._kind:
            raise _UnreadableError
        return unit

    def _advance(self) -> None:
        if self._at == len(self._code):
            self._kind, self._text = "", ""
            return
        match = _TOKEN.match(self._code, self._at)
        if match is None:
            raise _UnreadableError
        self._kind, self._text = str(match.lastgroup), match.group()
        self._at = match.end()

    def _is(self, symbol: str) -> bool:
        return self._kind == "symbol" and self._text == symbol

    def _term(self) -> Unit:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _UnreadableError
        if self._is("/"):
            self._advance()
            unit = ONE.times(self._component(), -1)
        else:
            unit = self._component()
        while self._is(".") or self._is("/"):
            sign = 1 if self._text == "." else -1
            self._advance()
            unit = unit.times(self._component(), sign)
        self._depth -= 1
        return unit

    def _component(self) -> Unit:
        if self._is("("):
            self._advance()
            unit = self._term()
            if not self._is(")"):
                raise _UnreadableError
            self._advance()
            return unit
        kind, text = self._kind, self._text
        if kind not in ("number", "annotation", "unit"):
            raise _UnreadableError
        self._advance()
        if kind == "annotation":
            return ONE
        unit = _number(text) if kind == "number" else _simple(text)
        if self._kind == "annotation":
            self._advance()
        return unit


def _number(text: str) -> Unit:
    if not int(text):
        raise _UnreadableError
    return Unit(Fraction(int(text)))


def _simple(text: str) -> Unit:
    match = _EXPONENT.search(text)
    name, exponent = (text[: match.start()], int(match.group())) if match else (text, 1)
    return _prefixed(name).power(exponent)


def _prefixed(name: str) -> Unit:
    if name in _units():
        return _atom(name)
    for length in (2, 1):
        prefix, rest = name[:length], name[length:]
        if prefix in _prefixes() and rest in _units() and _units()[rest]["metric"] == "1":
            return _scaled(_atom(rest), _prefixes()[prefix])
    raise _UnreadableError


def _scaled(unit: Unit, exponent: int) -> Unit:
    scale = Fraction(10) ** exponent
    return Unit(unit.factor * scale, unit.dimension, unit.offset / scale)


@cache
def _atom(name: str) -> Unit:
    row = _units()[name]
    kind = row["kind"]
    if kind == "logarithmic":
        raise _UnreadableError
    if kind in ("base", "arbitrary"):
        return Unit(Fraction(1), ((name, 1),))
    unit = read_unit(row["unit"])
    if unit is None:
        raise _UnreadableError
    if kind == "affine":
        return Unit(unit.factor, unit.dimension, Fraction(row["factor"]))
    return Unit(unit.factor * Fraction(row["factor"]), unit.dimension)


@cache
def _units() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in _rows("units.csv")}


@cache
def _prefixes() -> dict[str, int]:
    return {row["code"]: int(row["exponent"]) for row in _rows("prefixes.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
