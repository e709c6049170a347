"""CX, EI, EIP, PLN and DLN → Identifier (HL7 v2.5 chapter 2.A.14, 2.A.28, annex "Datatypes").

National identifiers are known by the OID of their assigner, the sender's own by its namespace.
A wrong check digit is a warning: many test numbers have one.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import code_system
from mappers.hl7v2.datatypes.houses import assigned_by
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.systems import DELETE, assigner, check_digit, number_types
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.tokenizer import Component, Repetition, leaf
from mappers.trace import Text, text
from profiles.check_digits import is_iknr, is_kvnr, is_lanr

__all__ = ["IKNR", "KVNR", "assigner", "cx", "dln", "ei", "eip", "pln"]

KVNR = "http://fhir.de/sid/gkv/kvid-10"
IKNR = "http://fhir.de/sid/arge-ik/iknr"


def cx(session: Session, repetition: Repetition, kind: str = "patient") -> dict[str, Any] | None:
    """CX → Identifier; `kind` names the sender's own system when no assigner is given."""
    value = leaf(repetition, 1)
    if value is None or value == DELETE:
        return None
    size = len(repetition)
    identifier: dict[str, Any] = {}
    type_code = leaf(repetition, 5) if size > 5 else None
    authority = repetition[4] if size > 4 else None
    system, known = assigner(session, authority, kind, type_code)
    if size > 2 and (extensions := check_digit(repetition, 2)):
        identifier["extension"] = extensions
    types = number_types(session, type_code, known)
    if types:
        identifier["type"] = {"coding": types}
    identifier["system"] = system
    identifier["value"] = value
    if known is not None and known.check:
        _check(session, known.check, value)
    if size > 6:
        _period(session, repetition, identifier)
    if size > 4:
        _assigned(session, repetition, identifier)
    return identifier


def _assigned(session: Session, repetition: Repetition, identifier: dict[str, Any]) -> None:
    """CX.4 authority, .6 facility, .9 jurisdiction and .10 department."""
    parts = [repetition[n] if n < len(repetition) else None for n in (4, 6, 10, 9)]
    authority, facility, *offices = parts
    for house in assigned_by(session, identifier, authority, facility, tuple(offices)):
        session.state(house)


def eip(session: Session, component: Component, kind: str) -> dict[str, Any] | None:
    """One half of an EIP: an EI whose parts are subcomponents."""
    parts = component if type(component) is list else [component]
    return ei(session, [None, *parts], kind)


def ei(session: Session, repetition: Repetition, kind: str) -> dict[str, Any] | None:
    """EI → Identifier; components 2 to 4 name the assigner."""
    value = leaf(repetition, 1)
    if value is None or value == DELETE:
        return None
    parts: list[Text | None] = [leaf(repetition, n) for n in (2, 3, 4)]
    system, _ = assigner(session, parts, kind, None)
    return {"system": system, "value": value}


def pln(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """PLN → Identifier: number, kind of number, until when it holds."""
    value = leaf(repetition, 1)
    if value is None or value == DELETE:
        return None
    identifier: dict[str, Any] = {}
    types = number_types(session, leaf(repetition, 2), None)
    if types:
        identifier["type"] = {"coding": types}
    identifier["system"] = f"{session.namespace}/practitioner"
    identifier["value"] = value
    words, end = leaf(repetition, 3), session.date_time(leaf(repetition, 4))
    if words is not None and types:
        identifier["type"]["text"] = words
    if end is not None:
        identifier["period"] = {"end": end}
    return identifier


def dln(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """DLN → Identifier of a driver's licence; DLN.2 names who issued it."""
    value = leaf(repetition, 1)
    if value is None or value == DELETE:
        return None
    system: str = f"{session.namespace}/driver-licence"
    issuer = leaf(repetition, 2)
    if issuer is not None and issuer != DELETE:
        system = text(code_system(session, issuer).uri, issuer.source)
    coding = {"system": V2 + "0203", "code": "DL"}
    identifier: dict[str, Any] = {"type": {"coding": [coding]}, "system": system, "value": value}
    end = session.date_time(leaf(repetition, 3))
    if end is not None:
        identifier["period"] = {"end": end}
    return identifier


def _period(session: Session, repetition: Repetition, identifier: dict[str, Any]) -> None:
    period = {}
    for number, name in ((7, "start"), (8, "end")):
        value = session.date_time(leaf(repetition, number))
        if value is not None:
            period[name] = value
    if period:
        identifier["period"] = ordered(session, period)


def _check(session: Session, rule: str, value: Text) -> None:
    if not _RULES[rule](value):
        session.issue("value", "the check digit is wrong", value, "102")


_RULES = {"kvnr": is_kvnr, "iknr": is_iknr, "lanr": is_lanr}
