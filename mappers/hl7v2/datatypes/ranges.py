"""OBX-7 → reference ranges (HL7 v2.5 chapter 7.4.2.7; https://hl7.org/fhir/R4/observation.html).

`low-high`, one limit or words; by sex (`m: 13-17; w: 12-16`) and age (`18-60 J.: 3-5`) where they
say so. The words are always kept; only what is plain is also told as numbers.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.values import unit_of
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import Text, Value, derived, text
from profiles.reading.decimals import decimal_from_literal

_NUMBER = r"[+-]?\d+(?:[.,]\d+)?"
_UNIT = r"(?:\s*(?P<unit>[^\s\d<>=≤≥;:-][^\s;:]{0,19}))?"
_SPAN = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?:-|–|bis|to|\.\.\.?)\s*(?P<high>{_NUMBER}){_UNIT}", re.IGNORECASE
)
_LIMIT = re.compile(
    rf"(?P<sign><=|>=|=<|=>|<|>|≤|≥|bis|up to|max\.?|unter|ab|über|min\.?)\s*"
    rf"(?P<limit>{_NUMBER}){_UNIT}",
    re.IGNORECASE,
)
_UPPER = frozenset({"<", "<=", "=<", "≤", "bis", "up to", "max", "max.", "unter"})
_SEX = re.compile(
    r"\(?(?P<sex>männer|männlich|frauen|weiblich|male|female|men|women|m|w|f)\b\)?\.?\s*:?\s*",
    re.IGNORECASE,
)
_FEMALE = frozenset({"frauen", "weiblich", "female", "women", "w", "f"})
_AGE = re.compile(
    r"(?:(?P<sign><|>|≤|≥|bis|ab)?\s*(?P<first>\d{1,3})(?:\s*(?:-|–|bis)\s*(?P<last>\d{1,3}))?)\s*"
    r"(?P<unit>jahren|jahre|jahr|years|year|j\.|j|y|monate|mon\.|mo|tage|d)\s*:\s*",
    re.IGNORECASE,
)
_AGE_UNITS = {"m": ("mo", "mo"), "t": ("d", "d"), "d": ("d", "d")}
_UCUM = "http://unitsofmeasure.org"
_GENDER = "http://hl7.org/fhir/administrative-gender"
DELETE = '""'


class _Part(NamedTuple):
    """What one range says; texts, so that it can be remembered."""

    words: str
    sex: str
    #: Ages from and to, and their unit by name and code; None: no age.
    age: tuple[Decimal | None, Decimal | None, tuple[str, str]] | None
    low: Decimal | None
    high: Decimal | None
    #: Unit written beside the numbers.
    unit: str


def reference_ranges(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """OBX-7 → one range, or one for each of the groups it names."""
    lines = [line for line in segment.texts(7) if line != DELETE]
    if not lines:
        return []
    unit = unit_of(session, segment)
    if "_unit" in unit:
        unit = {k: v for k, v in unit.items() if k != "_unit"}
    found = [
        _range(part, text(part.words, line.source), unit) for line in lines for part in _parts(line)
    ]
    if len(found) > 1 and not all("appliesTo" in one or "age" in one for one in found):
        return [{"text": derived(" ".join(lines), *lines)}]
    return found


def _range(part: _Part, stated: Text, unit: dict[str, Any]) -> dict[str, Any]:
    source = stated.source
    made: dict[str, Any] = {}
    if part.unit and part.unit not in (unit.get("unit"), unit.get("code")):
        unit = {"unit": text(part.unit, source)}
    if part.low is not None:
        made["low"] = {"value": Value(part.low, source), **unit}
    if part.high is not None:
        made["high"] = {"value": Value(part.high, source), **unit}
    if part.sex:
        coding = {"system": _GENDER, "code": text(part.sex, source)}
        made["appliesTo"] = [{"coding": [coding]}]
    if part.age is not None:
        first, last, (name, code) = part.age
        years = {"unit": name, "system": _UCUM, "code": code}
        made["age"] = {
            side: {"value": Value(end, source), **years}
            for side, end in (("low", first), ("high", last))
            if end is not None
        }
    made["text"] = stated
    return made


@lru_cache(maxsize=4096)
def _parts(line: str) -> tuple[_Part, ...]:
    """Read a line; groups are parted by semicolons or line breaks."""
    pieces = re.split(r"[;\n]", line) if ";" in line or "\n" in line else [line]
    return tuple([_part(words) for piece in pieces if (words := piece.strip())])


def _part(words: str) -> _Part:
    sex, rest = _population(words)
    age, rest = _age(rest) if ":" in rest else (None, rest)
    low, high, unit = _limits(rest.strip().strip("()[]").strip())
    return _Part(words, sex, age, low, high, unit)


def _population(words: str) -> tuple[str, str]:
    match = _SEX.match(words)
    if match is None or match.end() == len(words):
        return "", words
    is_female = match.group("sex").lower() in _FEMALE
    return ("female" if is_female else "male"), words[match.end() :]


def _age(words: str) -> tuple[Any, str]:
    match = _AGE.match(words)
    if match is None:
        return None, words
    unit = _AGE_UNITS.get(match.group("unit")[0].lower(), ("a", "a"))
    first, last = match.group("first"), match.group("last")
    rest = words[match.end() :]
    if last is not None:
        return (_number(first), _number(last), unit), rest
    if (match.group("sign") or "").lower() in _UPPER:
        return (None, _number(first), unit), rest
    return (_number(first), None, unit), rest


def _limits(words: str) -> tuple[Decimal | None, Decimal | None, str]:
    """Low, high and the unit beside them, where it is an interval or a limit and nothing else."""
    match = _SPAN.fullmatch(words)
    if match is not None:
        low, high, unit = match.group("low", "high", "unit")
        return _number(low), _number(high), unit or ""
    match = _LIMIT.fullmatch(words)
    if match is None:
        return None, None, ""
    sign, limit, unit = match.group("sign", "limit", "unit")
    if sign.lower() in _UPPER:
        return None, _number(limit), unit or ""
    return _number(limit), None, unit or ""


def _number(literal: str) -> Decimal:
    """A number in German or English writing, its digits kept."""
    sign = "-" if literal.startswith("-") else ""
    whole, dot, rest = literal.lstrip("+-").replace(",", ".").partition(".")
    return decimal_from_literal(f"{sign}{whole.lstrip('0') or '0'}{dot}{rest}")
