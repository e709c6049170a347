"""What only its Feldkennung names → Observation of words or numbers."""

from __future__ import annotations

from typing import Any

from mappers.codes import table
from mappers.drafts import Draft
from mappers.trace import Text, Value, derived
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.results import FIELD, LOINC
from mappers.xdt.session import Session

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
#: Free categories: even Feldkennungen name them, the odd ones behind them hold the content.
_FREE = frozenset(map(str, range(6330, 6400)))


def fact(
    session: Session, group: Group, fk: str, key: tuple[str, ...], effective: str | None
) -> Draft | None:
    """A field of the table of facts → Observation; a lone number is one, else words."""
    stated = group.all(fk)
    known = table(PACKAGE, "fact").get(fk) if stated else None
    if known is None:
        return None
    codings = [{"system": FIELD, "code": fk, "display": known.display}]
    if known.code:
        codings.insert(0, {"system": LOINC, "code": known.code})
    concept = {"coding": codings, "text": known.display}
    made = _observed(session, (*key, fk), concept, effective)
    coding = {"system": _CATEGORY, "code": known.system}
    made.resource["category"] = [{"coding": [coding]}]
    first = stated[0]
    if known.code and len(stated) == 1 and first.strip().isdecimal():
        made.resource["valueInteger"] = Value(int(first), first.source)
    else:
        made.resource["valueString"] = derived("\n".join(stated), *stated)
    return made


def free_categories(
    session: Session, body: Group, key: tuple[str, ...], effective: str | None
) -> list[Draft]:
    """6330 to 6399: pairs of a name and contents the sender is free to choose."""
    pairs = _FREE & body.fields.keys()
    if not pairs:
        return []
    stated = sorted({int(fk) // 2 * 2 for fk in pairs})
    return [
        _pair(session, (*key, str(n)), body.first(str(n)), body.all(str(n + 1)), effective)
        for n in stated
    ]


def _pair(
    session: Session,
    key: tuple[str, ...],
    name: Text | None,
    contents: list[Text],
    effective: str | None,
) -> Draft:
    coding = {"system": FIELD, "code": key[-1]}
    concept: dict[str, Any] = {"coding": [coding]}
    if name is not None:
        concept["text"] = clean(name)
    made = _observed(session, key, concept, effective)
    if contents:
        made.resource["valueString"] = derived("\n".join(contents), *contents)
    else:
        absent = {
            "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
            "code": "unknown",
        }
        made.resource["dataAbsentReason"] = {"coding": [absent]}
    return made


def _observed(
    session: Session, key: tuple[str, ...], concept: dict[str, Any], effective: str | None
) -> Draft:
    draft = session.natural("Observation", *key)
    draft.resource["status"] = "final"
    draft.resource["code"] = concept
    if session.patient is not None:
        draft.resource["subject"] = reference(session.patient)
    if effective is not None:
        draft.resource["effectiveDateTime"] = effective
    return draft
