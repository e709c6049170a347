"""Values of a result (8420 in the display of 7306) → value[x] (KBV: rule E058)."""

from __future__ import annotations

import re
from typing import Any

from mappers.trace import Text, Value, derived, text
from mappers.xdt.datatypes import clean, unit
from mappers.xdt.group import Group
from mappers.xdt.ldt.values import concept
from mappers.xdt.session import Session
from profiles.reading.decimals import decimal_from_literal

_NUMBER = re.compile(
    r"(?P<sign><=|>=|<|>|≤|≥)?\s*(?P<minus>[+-]?)0*(?P<whole>\d{1,64})(?:[.,](?P<part>\d{1,64}))?"
    r"(?:\s*[eE](?P<power>[+-]?\d{1,3})|\s*[x*×]\s*10\^?(?P<ten>[+-]?\d{1,3}))?"
)
_TITRE = re.compile(r"(\d{1,9})\s*:\s*(\d{1,9})")
_COMPARATORS = {"≤": "<=", "≥": ">="}
_TITRES = frozenset({"05", "06", "07"})
_WORDS = frozenset({"04", "99"})
_DIMENSIONLESS = {"unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}


def value(session: Session, section: Group, display: Text | None) -> dict[str, Any]:
    """8420 with 8419 and 8421 → one value[x]; what is no number stays as words."""
    leaf, units = section.first("8420"), section.first("8421")
    if leaf is None:
        return {}
    kind = display.strip() if display is not None else ""
    if kind == "08":
        return {"valueCodeableConcept": concept(session, "8420", leaf, "test")}
    titre = _TITRE.fullmatch(leaf.strip()) if kind in _TITRES else None
    if titre is not None:
        one, other = (Value(int(part), leaf.source) for part in titre.groups())
        return {"valueRatio": {"numerator": {"value": one}, "denominator": {"value": other}}}
    number = None if kind in _WORDS else _NUMBER.fullmatch(leaf.strip())
    if number is not None:
        return {"valueQuantity": _quantity(session, section, leaf, number)}
    if units is None:
        return {"valueString": clean(leaf)}
    return {"valueString": derived(f"{leaf.strip()} {units.strip()}", leaf, units)}


def _quantity(session: Session, section: Group, leaf: Text, match: re.Match[str]) -> dict[str, Any]:
    sign, minus, whole, part, power, ten = match.groups()
    literal = f"{'-' if minus == '-' else ''}{whole}" + (f".{part}" if part else "")
    exponent = power or ten
    literal += f"e{exponent}" if exponent else ""
    made: dict[str, Any] = {"value": Value(decimal_from_literal(literal), leaf.source)}
    if sign:
        made["comparator"] = text(_COMPARATORS.get(sign, sign), leaf.source)
    units, system = section.first("8421"), section.first("8419")
    if units is not None:
        return {**made, **unit(session, units)}
    if system is not None and system.strip() == "9":
        session.echoes.append(system)
        return {**made, **_DIMENSIONLESS}
    return made
