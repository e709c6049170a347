"""Observation → 0060 with its value, normal values and texts (KBV: LDT 3.2, chapter 11.43)."""

from __future__ import annotations

import re
from typing import Any

from mappers.base import Resource
from mappers.codes import table
from mappers.trace import Text, derived
from mappers.xdt.charset import PACKAGE
from mappers.xdt.results import LOINC, TEST_STATUS
from mappers.xdt.write.ldt.objects import obj, stamp, words
from mappers.xdt.write.ldt.parties import FIELD, signature
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing, number

_STATUS = {
    "registered": "02",
    "preliminary": "05",
    "final": "06",
    "corrected": "08",
    "amended": "08",
    "cancelled": "12",
}
#: UCUM codes of what laboratories call SI units.
_SI = re.compile(r"mol|kat|^(?:[mnpu]?g/L|L/L|1|%|fL|pg|10\*\d+/L)$")
_COMPARATORS = {"<": "02", "<=": "02", ">": "03", ">=": "03"}
#: Normal values without a specification of their own: other standards.
_OTHER_STANDARDS = "13"


def finding(
    w: Writing, one: Resource, number_: int, vessels: dict[int, str], said: Resource | None = None
) -> list[Field]:
    """One result; `said` is the component it is of, where it is a part of a panel."""
    put = w.pen.field
    said = said or one
    w.carried(one.get("category"))
    fields = put("7304", w.identifier(one, f"{w.namespace}/result") or str(number_))
    for reference in [one.get("specimen"), *one.get("focus", ())]:
        specimen = w.source.resolve(reference)
        if specimen is not None and id(specimen) in vessels:
            w.carried(reference)
            fields += put("7364", vessels[id(specimen)])
    fields += _catalogue(w, said)
    fields += named(w, said)
    fields += put("8418", status(w, one))
    fields += put("7302", one.get("method", {}).get("text"))
    fields += _value(w, said)
    fields += _ranges(w, said)
    fields += stamp(w, "8225", one.get("effectiveDateTime"))
    fields += _texts(w, one, said)
    laboratory(w, one)
    return obj("8160", fields, signature(w, one.get("performer", [])))


def laboratory(w: Writing, one: Resource) -> None:
    """The houses that performed a result are those of the header."""
    for reference in one.get("performer", ()):
        house = w.source.resolve(reference)
        if house is not None and house["resourceType"] == "Organization":
            w.carried(reference)


def _catalogue(w: Writing, said: Resource) -> list[Field]:
    """7260 another catalogue of the laboratory's, 7251 its name, 7365 and 7366 what it holds."""
    put = w.pen.field
    for one in said.get("code", {}).get("coding", ()):
        if one.get("system") == f"{w.namespace}/catalogue":
            w.carried(one.get("system"))
            fields = [("7260", "3"), *put("7251", one.get("version"))]
            return [*fields, *put("7365", one.get("code")), *put("7366", one.get("display"))]
    return []


def named(w: Writing, said: Resource) -> list[Field]:
    """8410 the ident, 8411 in words, 7263 LOINC."""
    put = w.pen.field
    concept = said.get("code", {})
    ident, loinc = w.coding(concept, f"{w.namespace}/test"), w.coding(concept, LOINC)
    shown = concept.get("text") or next(
        (one["display"] for one in concept.get("coding", ()) if "display" in one), None
    )
    code = ident or next((one.get("code") for one in concept.get("coding", ())), None)
    if ident is None and code is not None and loinc is None:
        w.carried(concept.get("coding"))
    fields = put("8410", code if code is not None else shown)
    fields += put("8411", shown if shown is not None else code)
    return fields + put("7263", loinc)


def status(w: Writing, one: Resource) -> str:
    """8418 as it came, else by the status."""
    w.carried(one.get("status"))
    for held in one.get("_status", {}).get("extension", ()):
        code = w.coding(held.get("valueCodeableConcept", {}), TEST_STATUS)
        if code is not None and code.isdecimal():
            w.carried(held.get("url"))
            return code
    w.carried(one.get("dataAbsentReason"))
    if "dataAbsentReason" in one and one.get("status") == "final":
        return "09"
    return _STATUS.get(str(one.get("status", "")), "01")


def _value(w: Writing, said: Resource) -> list[Field]:
    """7306, 8420, 8419 and 8421."""
    put = w.pen.field
    quantity, ratio = said.get("valueQuantity"), said.get("valueRatio")
    if quantity is not None:
        sign = quantity.get("comparator")
        value = number(quantity.get("value"))
        if value is not None and sign is not None:
            value = derived(f"{sign}{value}", sign, quantity.get("value"))
        display = _COMPARATORS.get(str(sign), "01")
        return [("7306", display), *put("8420", value), *_unit(w, quantity)]
    if ratio is not None:
        parts = [ratio.get(name, {}).get("value") for name in ("numerator", "denominator")]
        if all(parts):
            value = derived(":".join(str(part.value) for part in parts), *parts)
            return [("7306", "05"), *put("8420", value)]
    threefold = w.coding(said.get("valueCodeableConcept", {}), f"{FIELD}8420")
    if threefold is not None:
        return [("7306", "08"), *put("8420", threefold)]
    said_ = _words(w, said)
    if said_ is None or "\n" in said_:
        return []
    return [("7306", "04"), *put("8420", said_)]


def _words(w: Writing, said: Resource) -> Text | None:
    concept = said.get("valueCodeableConcept")
    if concept is None:
        for element in ("valueInteger", "valueBoolean"):
            if element in said:
                return number(said[element])  # type: ignore[return-value]  # traced text
        return said.get("valueString")
    w.carried(concept.get("coding"))
    codings = concept.get("coding", ())
    shown: Text | None = next((one.get("display") or one.get("code") for one in codings), None)
    return concept.get("text") or shown


def _unit(w: Writing, quantity: dict[str, Any]) -> list[Field]:
    """8419 SI or not, 8421 in words; without a unit it has no dimension."""
    unit, code = quantity.get("unit") or quantity.get("code"), quantity.get("code")
    w.carried(quantity.get("system"), code)
    if unit is None or (unit == "1" and code == "1"):
        w.carried(unit)
        return [("8419", "9")]
    kind = "1" if _SI.search(str(code or unit)) else "2"
    return [("8419", kind), *w.pen.field("8421", unit)]


def _ranges(w: Writing, said: Resource) -> list[Field]:
    """8142: normal values with the interpretation, alarm values with those before them."""
    ranges = said.get("referenceRange", ())
    normal = [one for one in ranges if not _is_alarm(one)]
    alarm = next((one for one in ranges if _is_alarm(one)), None)
    flags = [field for one in said.get("interpretation", ()) for field in _flag(w, one)]
    if not (normal or alarm or flags):
        return []
    made = []
    for place, one in enumerate(normal or [{}]):
        kind = w.coding(one.get("type", {}), f"{FIELD}8424")
        fields = w.pen.field("8424", kind if kind is not None else _OTHER_STANDARDS)
        fields += w.pen.lines("8460", one.get("text")) if one.get("text") is not None else []
        fields += _limits(w, one, ("8461", "8462"))
        if place == 0:
            fields += _limits(w, alarm or {}, ("7363", "7371"))
            w.carried((alarm or {}).get("type"))
            fields += flags
        made += obj("8142", fields)
    return made


def _is_alarm(one: dict[str, Any]) -> bool:
    return bool(one.get("type", {}).get("text") == "Alarmwert")


def _limits(w: Writing, one: dict[str, Any], fks: tuple[str, str]) -> list[Field]:
    fields: list[Field] = []
    for fk, side in zip(fks, ("low", "high"), strict=True):
        limit = one.get(side)
        if limit is not None:
            fields += [*w.pen.field(fk, number(limit.get("value"))), *_unit(w, limit)]
    return fields


def _flag(w: Writing, concept: dict[str, Any]) -> list[Field]:
    """8422: the sign as it came, else that of the code."""
    known = table(PACKAGE, "limit")
    shown = concept.get("text")
    if shown is not None and str(shown) in known:
        w.carried(concept.get("coding"))
        return w.pen.field("8422", shown)
    for coding in concept.get("coding", ()):
        code = coding.get("code")
        sign = next((sign for sign, coded in known.items() if coded.code == code), None)
        if sign is not None:
            w.carried(coding)
            return [("8422", sign)]
    return []


def _texts(w: Writing, one: Resource, said: Resource) -> list[Field]:
    """8237 the result over several lines; 8236 notes."""
    fields = []
    words_ = said.get("valueString")
    if words_ is not None and "\n" in words_:
        fields += words(w, "8237", words_)
    for note in one.get("note", ()):
        fields += words(w, "8236", note.get("text"))
    return fields
