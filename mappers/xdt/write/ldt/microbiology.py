"""Cultures, their organisms and what these are sensitive to → 0061 with 0011."""

from __future__ import annotations

from mappers.base import Resource
from mappers.trace import derived
from mappers.xdt.results import LOINC
from mappers.xdt.write.ldt.objects import obj, stamp, words
from mappers.xdt.write.ldt.parties import FIELD, signature
from mappers.xdt.write.ldt.results import laboratory, named, status
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing, number

_ATC = "http://fhir.de/CodeSystem/bfarm/atc"
_MICROORGANISM = "11475-1"
#: Another way to find it (7281), another method of testing (7286).
_OTHER, _OTHER_METHOD = "0", "4"
_LETTERS = frozenset({"S", "I", "R", "N"})


def members(w: Writing, one: Resource) -> list[Resource]:
    """The members of an Observation that are in the delivery."""
    found = []
    for reference in one.get("hasMember", ()):
        member = w.source.resolve(reference)
        if member is not None:
            w.carried(reference)
            found.append(member)
    return found


def is_culture(w: Writing, one: Resource) -> bool:
    """Tell whether the members of an Observation are organisms."""
    found = (w.source.resolve(reference) for reference in one.get("hasMember", ()))
    return any(member is not None and w.loinc_of(member) == _MICROORGANISM for member in found)


def culture(w: Writing, one: Resource, number_: int, vessels: dict[int, str]) -> list[Field]:
    """8161: one examination."""
    put = w.pen.field
    w.carried(one.get("category"), one.get("dataAbsentReason"))
    fields = put("7304", w.identifier(one, f"{w.namespace}/result") or str(number_))
    specimen = w.source.resolve(one.get("specimen"))
    if specimen is not None and id(specimen) in vessels:
        w.carried(one.get("specimen"))
        fields += put("7364", vessels[id(specimen)])
    fields += [one_ for one_ in named(w, one) if one_[0] != "7263"]
    fields += _found_by(w, one)
    fields += put("8418", status(w, one))
    organisms = members(w, one)
    for place, organism in enumerate(organisms):
        fields += _organism(w, organism, place)
    how = w.coding(one.get("method", {}), f"{FIELD}7286")
    fields += put("7286", how if how is not None else _OTHER_METHOD)
    fields += _matrix(w, organisms)
    for note in one.get("note", ()):
        fields += words(w, "8237", note.get("text"))
    fields += stamp(w, "8225", one.get("effectiveDateTime"))
    laboratory(w, one)
    return obj("8161", fields, signature(w, one.get("performer", [])))


def _found_by(w: Writing, one: Resource) -> list[Field]:
    """7281 with 7302: how it was found."""
    method = one.get("method", {}).get("text")
    for part in one.get("component", ()):
        if w.field_of(part) == "7281":
            w.carried(part.get("code"))
            code = w.coding(part.get("valueCodeableConcept", {}), f"{FIELD}7281")
            return [*w.pen.field("7281", code or _OTHER), *w.pen.field("7302", method)]
    return [("7281", _OTHER), *w.pen.field("7302", method)]


def _organism(w: Writing, organism: Resource, place: int) -> list[Field]:
    """7354 its number in the matrix, 7355 its name, what is known of its growth."""
    put = w.pen.field
    w.carried(organism.get("status"), organism.get("category"), organism.get("code"))
    w.carried(organism.get("_status"), organism.get("performer"), organism.get("specimen"))
    fields = [("7354", _index(w, organism, place))]
    concept = organism.get("valueCodeableConcept", {})
    name = concept.get("text") or next(
        (one.get("display") or one.get("code") for one in concept.get("coding", ())), None
    )
    fields += put("7355", name)
    fields += _grown(w, organism)
    fields += put("7361", w.coding(concept, f"{w.namespace}/organism-catalogue"))
    for note in organism.get("note", ()):
        fields += words(w, "8236", note.get("text"))
    return [*fields, *stamp(w, "8225", organism.get("effectiveDateTime"))]


def _index(w: Writing, organism: Resource, place: int) -> str:
    known = w.identifier(organism, f"{w.namespace}/organism")
    w.carried(known)
    return str(known) if known is not None else f"{place + 1:02d}"


def _grown(w: Writing, organism: Resource) -> list[Field]:
    """7427 kind, 7301 whether it was found, 7357 how much grew, 7293 in which amount."""
    fields: list[Field] = []
    for fk in ("7427", "7301", "7357", "7293"):
        for part in organism.get("component", ()):
            if w.field_of(part) == fk:
                w.carried(part.get("code"))
                code = w.coding(part.get("valueCodeableConcept", {}), f"{FIELD}{fk}")
                fields += w.pen.field(fk, code or part.get("valueString"))
    return fields


def _matrix(w: Writing, organisms: list[Resource]) -> list[Field]:
    """8111: drug by drug, on which organism it was tested and what it does."""
    drugs: dict[str, list[Field]] = {}
    for place, organism in enumerate(organisms):
        index = _index(w, organism, place)
        for tested in members(w, organism):
            code = tested.get("code", {})
            key = repr(code.get("coding") or code.get("text"))
            if key not in drugs:
                drugs[key] = _drug(w, tested)
            w.carried(code)
            drugs[key] += [("7354", index), *_effect(w, tested)]
    return obj("8111", *drugs.values())


def _drug(w: Writing, tested: Resource) -> list[Field]:
    """7287 ident, 7359 ATC, 7370 name."""
    concept = tested.get("code", {})
    atc, own = w.coding(concept, _ATC), w.coding(concept, f"{w.namespace}/drug")
    generic = w.coding(concept, f"{w.namespace}/drug-generic")
    name = concept.get("text")
    ident = own or atc or w.coding(concept, LOINC) or name
    fields = w.pen.field("7287", ident) + w.pen.field("7288", generic)
    return fields + w.pen.field("7359", atc) + w.pen.field("7370", name)


def _effect(w: Writing, tested: Resource) -> list[Field]:
    """7367 sensitivity, 7289 concentration with 7369 unit, 7290 and 7424."""
    put = w.pen.field
    w.carried(tested.get("status"), tested.get("_status"), tested.get("category"))
    w.carried(tested.get("performer"), tested.get("specimen"), tested.get("dataAbsentReason"))
    w.carried(tested.get("effectiveDateTime"))
    fields: list[Field] = []
    for concept in tested.get("interpretation", ())[:1]:
        codes = [one.get("code") for one in concept.get("coding", ())] or [concept.get("text")]
        if str(codes[0]) in _LETTERS:
            w.carried(concept)
            fields += put("7367", codes[0])
    quantity = tested.get("valueQuantity")
    if quantity is not None:
        sign, value = quantity.get("comparator"), number(quantity.get("value"))
        if sign is not None and value is not None:
            value = derived(f"{sign}{value}", sign, quantity.get("value"))
        w.carried(quantity.get("system"), quantity.get("code"))
        fields += [*put("7289", value), *put("7369", quantity.get("unit"))]
    for fk in ("7290", "7424"):
        for part in tested.get("component", ()):
            if w.field_of(part) == fk:
                w.carried(part.get("code"))
                fields += put(fk, w.coding(part.get("valueCodeableConcept", {}), f"{FIELD}{fk}"))
    return fields
