"""OBX-7 → reference ranges (HL7 v2.5 chapter 7.4.2.7; https://hl7.org/fhir/R4/observation.html).

`low-high`, one limit or words; by sex (`m: 13-17; w: 12-16`) and age (`18-60 J.: 3-5`) where they
say so. The words are always kept; only what is plain is also told as numbers.
"""

from __future__ import annotations

import re
from typing import Any

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


def reference_ranges(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """OBX-7 → one range, or one for each of the groups it names."""
    lines = [line for line in segment.texts(7) if line != DELETE]
    if not lines:
        return []
    unit = unit_of(session, segment)
    pieces = _pieces(lines)
    found = [_range(piece, unit) for piece in pieces]
    if len(found) > 1 and not all("appliesTo" in one or "age" in one for one in found):
        return [{"text": derived(" ".join(lines), *lines)}]
    return found


def _pieces(lines: list[Text]) -> list[Text]:
    """One piece per group: they are parted by semicolons, lines or repetitions."""
    pieces = []
    for line in lines:
        for piece in re.split(r"[;\n]", line) if ";" in line or "\n" in line else [line]:
            words = piece.strip()
            if words:
                pieces.append(text(words, line.source))
    return pieces


def _range(stated: Text, unit: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    rest: str = stated
    if not stated[:1].isdigit() and stated[:1] not in "<>+-":
        rest = _population(stated, rest, made)
    if ":" in rest:
        rest = _age(stated, rest, made)
    _limits(stated, rest.strip().strip("()[]").strip(), unit, made)
    made["text"] = stated
    return made


def _population(stated: Text, rest: str, made: dict[str, Any]) -> str:
    match = _SEX.match(rest)
    if match is None or match.end() == len(rest):
        return rest
    code = "female" if match.group("sex").lower() in _FEMALE else "male"
    coding = {"system": _GENDER, "code": text(code, stated.source)}
    made["appliesTo"] = [{"coding": [coding]}]
    return rest[match.end() :]


def _age(stated: Text, rest: str, made: dict[str, Any]) -> str:
    match = _AGE.match(rest)
    if match is None:
        return rest
    name, code = _AGE_UNITS.get(match.group("unit")[0].lower(), ("a", "a"))
    unit = {"unit": name, "system": _UCUM, "code": code}
    first, last = match.group("first"), match.group("last")
    sign = (match.group("sign") or "").lower()
    if last is not None:
        made["age"] = {"low": _bound(first, stated, unit), "high": _bound(last, stated, unit)}
    elif sign in _UPPER:
        made["age"] = {"high": _bound(first, stated, unit)}
    else:
        made["age"] = {"low": _bound(first, stated, unit)}
    return rest[match.end() :]


def _limits(stated: Text, rest: str, unit: dict[str, Any], made: dict[str, Any]) -> None:
    """Low and high; a unit written here counts only where it is the one of the value."""
    match = _SPAN.fullmatch(rest) or _LIMIT.fullmatch(rest)
    if match is None:
        return
    parts = match.groupdict()
    own = parts["unit"]
    if own is not None and own not in (unit.get("unit"), unit.get("code")):
        unit = {"unit": text(own, stated.source)}
    if parts.get("low") is not None:
        made["low"] = _bound(parts["low"], stated, unit)
        made["high"] = _bound(parts["high"], stated, unit)
    else:
        side = "high" if parts["sign"].lower() in _UPPER else "low"
        made[side] = _bound(parts["limit"], stated, unit)


def _bound(literal: str, stated: Text, unit: dict[str, Any]) -> dict[str, Any]:
    sign = "-" if literal.startswith("-") else ""
    whole, dot, rest = literal.lstrip("+-").replace(",", ".").partition(".")
    number = decimal_from_literal(f"{sign}{whole.lstrip('0') or '0'}{dot}{rest}")
    return {"value": Value(number, stated.source), **unit}
