"""Coded contents of LDT 3 and what only a Feldkennung names (KBV: LDT 3.2, "Erlaubte Inhalte")."""

from __future__ import annotations

from typing import Any

from mappers.codes import Coded, table
from mappers.trace import Text, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.results import field_code
from mappers.xdt.session import Session

FIELD = "urn:region-gateway:xdt:"


def known(values: str, leaf: Text) -> Coded | None:
    """A code of a list of values; one digit may have a zero before it."""
    words = leaf.strip()
    held = table(PACKAGE, "ldt-value")
    bare = words.lstrip("0") or "0"
    for one in (words, bare, bare.zfill(2)):
        found = held.get(f"{values}|{one}")
        if found is not None:
            return found
    return None


def concept(session: Session, fk: str, leaf: Text, values: str = "") -> dict[str, Any]:
    """A code of a field → CodeableConcept; one its list does not hold is an issue."""
    found = known(values or fk, leaf)
    coding: dict[str, Any] = {"system": f"{FIELD}{fk}", "code": clean(leaf)}
    if found is None:
        session.unknown(leaf)
    else:
        coding["code"] = text(found.code, leaf.source)
        coding["display"] = found.display
    return {"coding": [coding]}


def components(session: Session, group: Group) -> list[dict[str, Any]]:
    """What a finding says field by field → Observation.component."""
    fields = table(PACKAGE, "ldt-finding")
    made: list[dict[str, Any]] = []
    for fk, leaf in group.entries:
        field = fields.get(fk)
        if field is None or not leaf:
            continue
        code = field_code(fk, field.display)
        if field.code and known(field.code, leaf) is not None:
            value = concept(session, fk, leaf, field.code)
            made.append({"code": code, "valueCodeableConcept": value})
        else:
            made.append({"code": code, "valueString": clean(leaf)})
    return made
