"""Observation → the fields of a test (FK 8410 to 8480)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from mappers.base import Resource
from mappers.codes import table
from mappers.trace import Text, derived
from mappers.xdt.charset import PACKAGE
from mappers.xdt.results import FIELD, LOINC, TEST_STATUS
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing, number


def result(w: Writing, observation: Resource) -> list[Field]:
    """One Observation; the parts of a panel are tests of their own."""
    w.carried(observation.get("status"), observation.get("category"))
    parts = [one for one in observation.get("component", ()) if w.field_of(one) == ""]
    if not parts:
        return _test(w, observation, observation)
    w.carried(observation.get("code"))
    fields = _test(w, parts[0], observation)
    for part in parts[1:]:
        fields += _test(w, part, {**observation, "note": [], "_status": {}, "component": []})
    return fields


def _test(w: Writing, said: Resource, observation: Resource) -> list[Field]:
    """The fields of one test in the order of the standard."""
    put = w.pen.field
    fields = _named(w, said)
    fields += put("8418", _status(w, observation))
    fields += _value(w, said)
    fields += _specimen(w, observation)
    effective = observation.get("effectiveDateTime")
    fields += put("8432", w.day(effective))
    fields += put("8433" if w.objects else "8439", w.clock(effective))
    for fk in ("8437", "8438"):
        for part in observation.get("component", ()):
            if w.field_of(part) == fk:
                w.carried(part.get("code"))
                fields += w.pen.lines(fk, part.get("valueString"))
    fields += _range(w, said)
    for note in observation.get("note", ()):
        fields += w.pen.lines("8470", note.get("text"))
    return fields + _words(w, said)


def _named(w: Writing, said: Resource) -> list[Field]:
    """8410 the partner's ident, else that of the table of tests, else LOINC; 8411 in words."""
    concept = said.get("code", {})
    ident = w.coding(concept, f"{w.namespace}/test")
    loinc = w.coding(concept, LOINC)
    words = concept.get("text")
    if ident is None and loinc is not None:
        own = _idents().get(str(loinc), str(loinc))
        ident = derived(w.local(own, "8410"), loinc)  # type: ignore[assignment]  # traced text
    elif ident is None:
        ident = next((one.get("code") for one in concept.get("coding", ())), words)
    if loinc is not None and ident is not None:
        w.carried(loinc)
    fields = w.pen.field("8410", ident)
    if words is None:
        words = next(
            (one["display"] for one in concept.get("coding", ()) if "display" in one), None
        )
    if words is not None and not (words == ident and fields):
        fields += w.pen.field("8411", words)
    elif words is not None:
        w.carried(words)
    return fields + (_oids(w, said) if w.objects else [])


def _oids(w: Writing, said: Resource) -> list[Field]:
    """8412 of the test, 8413 of the device."""
    test = w.coding(said.get("code", {}), "urn:ietf:rfc:3986")
    device = said.get("device", {}).get("identifier", {}).get("value")
    return [
        field
        for fk, value in (("8412", test), ("8413", device))
        if value is not None
        for field in w.pen.field(fk, derived(value.removeprefix("urn:oid:"), value))
    ]


@cache
def _idents() -> Mapping[str, str]:
    """LOINC → the first ident of the table of tests."""
    found: dict[str, str] = {}
    for ident, known in table(PACKAGE, "test").items():
        found.setdefault(known.code, ident)
    return found


def _status(w: Writing, observation: Resource) -> Text | str | None:
    """8418 as it came, else by the status; GDT 3 requires one."""
    for held in observation.get("_status", {}).get("extension", ()):
        code = w.coding(held.get("valueCodeableConcept", {}), TEST_STATUS)
        if code is not None:
            w.carried(held.get("url"))
            return code
    status = str(observation.get("status", ""))
    if w.objects:
        return _STATUS_3.get(status, "01")
    return {"corrected": "K", "amended": "K", "registered": "F"}.get(status)


_STATUS_3 = {
    "registered": "02",
    "preliminary": "03",
    "final": "06",
    "corrected": "08",
    "amended": "08",
    "cancelled": "12",
}


def _value(w: Writing, said: Resource) -> list[Field]:
    """8420 and 8421; words stand in 8480."""
    quantity = said.get("valueQuantity")
    if quantity is None:
        if "valueInteger" in said:
            return w.pen.field("8420", number(said["valueInteger"]))
        w.carried(said.get("dataAbsentReason"))
        return []
    sign = quantity.get("comparator")
    value = number(quantity.get("value"))
    if sign is not None and value is not None:
        value = derived(f"{sign}{value}", sign, value)
    fields = w.pen.field("8420", value)
    unit = quantity.get("unit") or quantity.get("code")
    w.carried(quantity.get("system"), quantity.get("code"))
    return fields + w.pen.field("8421", unit)


def _range(w: Writing, said: Resource) -> list[Field]:
    fields: list[Field] = []
    for one in said.get("referenceRange", ())[:1]:
        fields += w.pen.lines("8460", one.get("text"))
        for fk, side in (("8461", "low"), ("8462", "high")):
            limit = one.get(side, {})
            if "value" in limit:
                fields += w.pen.field(fk, number(limit["value"]))
                w.carried(limit.get("unit"), limit.get("system"), limit.get("code"))
    return fields


def _words(w: Writing, said: Resource) -> list[Field]:
    """8480: the value in words, else what the numbers mean; codes of 8422 have no field here."""
    if "valueString" in said:
        return w.pen.lines("8480", said["valueString"])
    concept = said.get("valueCodeableConcept", {})
    shown = concept.get("text") or next(
        (one.get("display") for one in concept.get("coding", ())), None
    )
    fields = w.pen.lines("8480", shown)
    for one in said.get("interpretation", ()):
        if "coding" not in one:
            fields += w.pen.lines("8480", one.get("text"))
    return fields


def _specimen(w: Writing, observation: Resource) -> list[Field]:
    """8428 ident, 8429 index, 8430 name, 8431 specification."""
    specimen = w.source.resolve(observation.get("specimen"))
    if specimen is None:
        return []
    w.carried(observation.get("specimen"), specimen.get("collection"))
    kind = specimen.get("type", {})
    fields = w.pen.field("8428", w.coding(kind, f"{w.namespace}/specimen"))
    fields += w.pen.field("8429", w.identifier(specimen, f"{w.namespace}/specimen-index"))
    fields += w.pen.field("8430", kind.get("text"))
    for note in specimen.get("note", ()):
        fields += w.pen.lines("8431", note.get("text"))
    return fields


def fact(w: Writing, observation: Resource, fk: str) -> list[Field]:
    """An Observation that only its Feldkennung names."""
    w.carried(observation.get("status"), observation.get("category"), observation.get("code"))
    effective: Any = observation.get("effectiveDateTime")
    w.carried(effective)
    if "valueInteger" in observation:
        return w.pen.field(fk, number(observation["valueInteger"]))
    return w.pen.lines(fk, observation.get("valueString"))


def pair(w: Writing, observation: Resource, name: str, content: str) -> list[Field]:
    """A free category: its name and what it says."""
    w.carried(observation.get("status"), observation.get("effectiveDateTime"))
    concept = observation.get("code", {})
    w.coding(concept, FIELD)
    w.carried(concept.get("coding"), observation.get("dataAbsentReason"))
    fields = w.pen.field(name, concept.get("text"))
    return fields + w.pen.lines(content, observation.get("valueString"))
