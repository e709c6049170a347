"""What is known of the patient besides the person → Obj_Basisdiagnostik and its like (GDT 3).

GDT 2.1 knows height, weight and diagnoses in words.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.trace import Text, derived
from mappers.xdt.diagnoses import DIAGNOSIS, ICD_10_GM, PERMANENT, Fields
from mappers.xdt.write.pen import Block, Field
from mappers.xdt.write.reader import Writing, number
from mappers.xdt.write.results import fact, pair

#: LOINC → Feldkennung of what has a field of its own.
BODY = {"8302-2": "3622", "29463-7": "3623"}
_FACTS = ("3654", "3658", "3662", "3664", "3666", "3668", "3670", "3672")
_PZN = "http://fhir.de/CodeSystem/ifa/pzn"


def basics(w: Writing, alone: list[Resource]) -> list[Block]:
    """Everything a record may say of the patient, whatever it is about."""
    measured = _measures(w, alone)
    if not w.objects:
        return [Block("", measured), Block("", _in_words(w))]
    held = [*measured, *_facts(w, alone), *_allergies_and_operations(w)]
    return [Block("Obj_Basisdiagnostik", held), *_drugs(w), *_conditions(w)]


def _measures(w: Writing, alone: list[Resource]) -> list[Field]:
    """The first height and weight."""
    fields: list[Field] = []
    for one in alone:
        fk = BODY.get(w.loinc_of(one), "")
        if not fk or any(known == fk for known, _ in fields):
            continue
        w.carried(one.get("status"), one.get("category"), one.get("code"))
        w.carried(one.get("effectiveDateTime"))
        quantity = one.get("valueQuantity", {})
        fields += w.pen.field(fk, number(quantity.get("value")))
        w.carried(*(quantity.get(name) for name in ("unit", "system", "code")))
    return fields


def _facts(w: Writing, alone: list[Resource]) -> list[Field]:
    fields: list[Field] = []
    for one in alone:
        fk = w.field_of(one)
        if fk in _FACTS:
            fields += fact(w, one, fk)
        elif fk == "6330":
            fields += pair(w, one, "3700", "3701")
    return fields


def _allergies_and_operations(w: Writing) -> list[Field]:
    fields: list[Field] = []
    for allergy in w.source.of("AllergyIntolerance"):
        w.carried(allergy.get("clinicalStatus"), allergy.get("verificationStatus"))
        fields += w.pen.field("3656", allergy.get("code", {}).get("text"))
    for operation in w.source.of("Procedure"):
        w.carried(operation.get("status"))
        fields += w.pen.field("3660", operation.get("code", {}).get("text"))
    return fields


def _drugs(w: Writing) -> list[Block]:
    """3651 since, 3652 name, 0950 PZN, 0957 dose form."""
    put = w.pen.field
    made = []
    for one in w.source.of("MedicationStatement"):
        w.carried(one.get("status"))
        medication = w.source.resolve(one.get("medicationReference")) or {}
        w.carried(one.get("medicationReference"))
        concept = one.get("medicationCodeableConcept") or medication.get("code", {})
        fields = put("3651", w.day(one.get("effectivePeriod", {}).get("start")))
        fields += put("3652", concept.get("text")) + put("0950", w.coding(concept, _PZN))
        fields += put("0957", medication.get("form", {}).get("text"))
        made.append(Block("Obj_Dauermedikament", fields))
    return made


def _in_words(w: Writing) -> list[Field]:
    """6205: diagnoses GDT 2.1 can only name; a code without words has no place."""
    fields: list[Field] = []
    for one in w.source.of("Condition"):
        if _is_excluded(one):
            continue
        w.carried(one.get("category"), one.get("clinicalStatus"), one.get("verificationStatus"))
        fields += w.pen.field("6205", one.get("code", {}).get("text"))
    return fields


def _is_excluded(condition: Resource) -> bool:
    """A refuted diagnosis in words alone would say the opposite."""
    stated = condition.get("verificationStatus", {}).get("coding", ())
    return any(str(one.get("code")) in ("refuted", "entered-in-error") for one in stated)


def _conditions(w: Writing) -> list[Block]:
    made = []
    for one in w.source.of("Condition"):
        kinds = [c.get("code") for k in one.get("category", ()) for c in k.get("coding", ())]
        w.carried(one.get("category"), one.get("clinicalStatus"), one.get("verificationStatus"))
        words = w.pen.field(
            "3650" if "problem-list-item" in kinds else "6205", one.get("code", {}).get("text")
        )
        if "problem-list-item" in kinds:
            since = w.pen.field("3649", w.day(one.get("onsetDateTime")))
            fields = [*since, *words, *_coded(w, one, PERMANENT)]
            made.append(Block("Obj_Dauerdiagnose", fields))
        else:
            made.append(Block("Obj_Diagnose", [*_coded(w, one, DIAGNOSIS), *words]))
    return made


def _coded(w: Writing, condition: Resource, names: Fields) -> list[Field]:
    """The code with its mark, certainty, side; notes as explanations."""
    put = w.pen.field
    fields: list[Field] = []
    for coding in condition.get("code", {}).get("coding", ()):
        if coding.get("system") != ICD_10_GM or "code" not in coding:
            continue
        w.carried(coding.get("system"), coding.get("version"), coding.get("display"))
        mark = _held(w, coding, "mehrfachcodierungs-kennzeichen")
        code: Text | str = coding["code"]
        fields += put(names.code, derived(f"{code}{_mark(mark)}", code, mark))
        fields += put(names.certainty, _held(w, coding, "icd-10-gm-diagnosesicherheit"))
        fields += put(names.side, _held(w, coding, "seitenlokalisation"))
        break
    for note in condition.get("note", ()):
        fields += w.pen.lines(names.explanation, note.get("text"))
    return fields


def _mark(mark: Text | None) -> str:
    """† is written + ."""
    return "" if mark is None else "+" if mark == "†" else str(mark)


def _held(w: Writing, coding: dict[str, Any], url: str) -> Text | None:
    found = w.extension(coding, url)
    if found is None:
        return None
    value = found["valueCoding"]
    w.carried(value.get("system"), value.get("display"))
    return value.get("code")  # type: ignore[no-any-return]  # traced JSON
