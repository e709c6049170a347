"""CX, EI and HD → Identifier (HL7 v2.5 chapter 2.A.14, 2.A.28, 2.A.36).

National identifiers are known by the OID of their assigner, the sender's own by its namespace.
A wrong check digit is a warning: many test numbers have one.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.session import V2, Assigner, Session, known_systems
from mappers.hl7v2.tokenizer import Component, Repetition, leaf
from mappers.trace import Text, derived, text
from profiles.check_digits import is_iknr, is_kvnr, is_lanr

KVNR = "http://fhir.de/sid/gkv/kvid-10"
IKNR = "http://fhir.de/sid/arge-ik/iknr"
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_URI = re.compile(r"(https?://|urn:)\S+")
_V2_0203 = V2 + "0203"


def cx(session: Session, repetition: Repetition, kind: str = "patient") -> dict[str, Any] | None:
    """CX → Identifier; `kind` names the sender's own system when no assigner is given."""
    value = leaf(repetition, 1)
    if value is None or value == '""':
        return None
    size = len(repetition)
    identifier: dict[str, Any] = {}
    type_code = leaf(repetition, 5) if size > 5 else None
    system, known = assigner(session, repetition[4] if size > 4 else None, kind, type_code)
    types = _types(session, type_code, known)
    if types:
        identifier["type"] = {"coding": types}
    identifier["system"] = system
    identifier["value"] = value
    if known is not None and known.check:
        _check(session, known.check, value)
    if size > 6:
        _period(session, repetition, identifier)
        facility(identifier, repetition[6])
    if size > 2 and (digit := leaf(repetition, 2)) is not None:
        _check_digit(repetition, identifier, digit)
    return identifier


def facility(identifier: dict[str, Any], component: Component) -> None:
    """CX.6 or XCN.14: the house that assigned the number."""
    parts = component if type(component) is list else [component]
    named = [part for part in parts if part is not None and part != '""']
    if named:
        shown = str(named[0])
        identifier["assigner"] = {"display": derived(shown, *named)}


def eip(session: Session, component: Component, kind: str) -> dict[str, Any] | None:
    """One half of an EIP: an EI whose parts are subcomponents."""
    parts = component if type(component) is list else [component]
    return ei(session, [None, *parts], kind)


def ei(session: Session, repetition: Repetition, kind: str) -> dict[str, Any] | None:
    """EI → Identifier; components 2 to 4 name the assigner."""
    value = leaf(repetition, 1)
    if value is None or value == '""':
        return None
    parts: list[Text | None] = [leaf(repetition, n) for n in (2, 3, 4)]
    system, _ = assigner(session, parts, kind, None)
    return {"system": system, "value": value}


def assigner(
    session: Session, component: Component, kind: str, type_code: Text | None
) -> tuple[str, Assigner | None]:
    """Resolve an HD to an identifier system URI and, for national ones, what is known."""
    parts: list[Text | None] = component if type(component) is list else [component]  # type: ignore[list-item]
    name, oid = parts[0], parts[1] if len(parts) > 1 else None
    if oid is None and name is None:
        return f"{session.namespace}/{kind}", None
    systems = session.dialect.systems
    for given in (oid, name):
        if given is not None and given in systems:
            return derived(systems[given], *parts), None
    number = oid if oid is not None else name
    known = known_systems().get(number) if number is not None else None
    if known is not None:
        return derived(known.system, *parts), known
    if oid is not None:
        return derived(_universal(oid), *parts), None
    return derived(_own_system(session.namespace, kind, name, type_code), *parts), None


def _universal(identifier: str) -> str:
    if _URI.fullmatch(identifier):
        return identifier
    if _OID.fullmatch(identifier):
        return f"urn:oid:{identifier}"
    return f"urn:id:{quote(identifier, safe='')}"


def _own_system(namespace: str, kind: str, name: str | None, type_code: Text | None) -> str:
    """Name an assigner known to the sender only; the kind of number keeps systems apart."""
    if name is None:
        return f"{namespace}/{kind}"
    if _OID.fullmatch(name) and "." in name:
        return f"urn:oid:{name}"
    del type_code
    return f"{namespace}/{kind}/{quote(name, safe='')}"


def _types(session: Session, code: Text | None, known: Assigner | None) -> list[dict[str, str]]:
    types = []
    if known is not None and known.type_code:
        types.append({"system": known.type_system, "code": known.type_code})
    if code is not None and code != '""':
        found = session.lookup("identifier-type", code)
        if found is None:
            types.append({"system": _V2_0203, "code": code})
        else:
            types.append({"system": found.system, "code": text(found.code, code.source)})
    return types


def _period(session: Session, repetition: Repetition, identifier: dict[str, Any]) -> None:
    period = {}
    for number, name in ((7, "start"), (8, "end")):
        value = session.date_time(leaf(repetition, number))
        if value is not None:
            period[name] = value
    if period:
        identifier["period"] = ordered(session, period)


def _check_digit(repetition: Repetition, identifier: dict[str, Any], digit: Text) -> None:
    base = "http://hl7.org/fhir/StructureDefinition/"
    extensions = [{"url": base + "identifier-checkDigit", "valueString": digit}]
    scheme = leaf(repetition, 3)
    if scheme is not None:
        extensions.append({"url": base + "namingsystem-checkDigit", "valueString": scheme})
    identifier["extension"] = extensions


def _check(session: Session, rule: str, value: Text) -> None:
    if not _RULES[rule](value):
        session.issue("value", "the check digit is wrong", value, "102")


_RULES = {"kvnr": is_kvnr, "iknr": is_iknr, "lanr": is_lanr}
