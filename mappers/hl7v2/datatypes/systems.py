"""Names of assigners: HD → URI of an identifier system (HL7 v2.5 chapter 2.A.36).

National systems are known by the OID of their assigner, the sender's own by its namespace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from mappers.hl7v2.session import V2, Assigner, Session, known_systems
from mappers.hl7v2.tokenizer import Component, Repetition, leaf
from mappers.trace import Text, derived, text

#: System of identifiers that are themselves URIs (RFC 3986).
URIS = "urn:ietf:rfc:3986"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_URI = re.compile(r"(https?://|urn:)\S+")
#: Universal ID type (table 0301) → what makes a URI of the universal id.
_PREFIXES = {"ISO": "urn:oid:", "UUID": "urn:uuid:", "GUID": "urn:uuid:", "URI": "", "URL": ""}
_V2_0203 = V2 + "0203"
_V2_0301 = V2 + "0301"
DELETE = '""'


def whole(repetition: Repetition) -> Component:
    """Return a field as if it were one component: its parts become subcomponents."""
    return [part[0] if type(part) is list else part for part in repetition[1:]]  # type: ignore[misc]  # leaves


def hd(component: Component) -> list[Text | None]:
    """Return namespace id, universal id and its type, None for what is not said."""
    parts: list[Any] = component if type(component) is list else [component]
    said = [None if part == DELETE else part for part in parts[:3]]
    return said + [None] * (3 - len(said))


def assigner(
    session: Session, component: Component, kind: str, type_code: Text | None
) -> tuple[str, Assigner | None]:
    """Resolve an HD to an identifier system URI and, for national ones, what is known."""
    del type_code
    parts: list[Text | None] = component if type(component) is list else [component]  # type: ignore[list-item]
    name, oid = parts[0], parts[1] if len(parts) > 1 else None
    if oid is None and name is None:
        return f"{session.namespace}/{kind}", None
    systems = session.systems
    for given in (oid, name):
        if given is not None and given in systems:
            return derived(systems[given], *parts), _national().get(systems[given])
    number = oid if oid is not None else name
    known = known_systems().get(number) if number is not None else None
    if known is not None:
        return derived(known.system, *parts), known
    if oid is not None:
        return derived(_universal(oid), *parts), None
    return derived(_own_system(session.namespace, kind, name), *parts), None


@cache
def _national() -> Mapping[str, Assigner]:
    """URI → identifier system, of the national identifiers."""
    return {known.system: known for known in known_systems().values()}


def _universal(identifier: str) -> str:
    if _URI.fullmatch(identifier):
        return identifier
    if _OID.fullmatch(identifier):
        return f"urn:oid:{identifier}"
    return f"urn:id:{quote(identifier, safe='')}"


def _own_system(namespace: str, kind: str, name: str | None) -> str:
    """Name an assigner known to the sender only; the kind of number keeps systems apart."""
    if name is None:
        return f"{namespace}/{kind}"
    if _OID.fullmatch(name) and "." in name:
        return f"urn:oid:{name}"
    return f"{namespace}/{kind}/{quote(name, safe='')}"


def is_system(session: Session, parts: list[Text | None]) -> bool:
    """Tell whether an HD names a system of numbers rather than the house that gives them."""
    systems, known = session.systems, known_systems()
    return any(part in systems or part in known for part in parts[:2] if part is not None)


def universal_identifier(
    session: Session, kind: str, parts: list[Text | None]
) -> dict[str, Any] | None:
    """HD.2 and HD.3 → Identifier of what the HD names."""
    _, number, scheme = parts
    if number is None:
        return None
    prefix = _PREFIXES.get(scheme.upper()) if scheme is not None else None
    if prefix is None and scheme is None and _OID.fullmatch(number):
        prefix = "urn:oid:"
    if prefix is None:
        system = f"{session.namespace}/{kind}" + (f"/{quote(scheme, safe='')}" if scheme else "")
        made: dict[str, Any] = {"system": derived(system, scheme), "value": number}
    else:
        value = number if _URI.fullmatch(number) else f"{prefix}{number}"
        made = {"system": URIS, "value": text(value, number.source)}
    if scheme is not None:
        made = {"type": {"coding": [{"system": _V2_0301, "code": scheme}]}, **made}
    return made


def number_types(
    session: Session, code: Text | None, known: Assigner | None
) -> list[dict[str, str]]:
    """Codings of the kind of a number: what its national system implies, and table 0203."""
    types = []
    if known is not None and known.type_code:
        types.append({"system": known.type_system, "code": known.type_code})
    if code is None or code == DELETE:
        return types
    found = session.lookup("identifier-type", code)
    if found is None:
        types.append({"system": _V2_0203, "code": code})
        return types
    coding = {"system": found.system, "code": text(found.code, code.source)}
    if found.display:
        coding["display"] = found.display
    types.append(coding)
    return types


def check_digit(repetition: Repetition, number: int) -> list[dict[str, Any]]:
    """Check digit and its scheme, which stand at `number` and after it → extensions."""
    named = (("identifier-checkDigit", number), ("namingsystem-checkDigit", number + 1))
    return [
        {"url": _CORE + name, "valueString": found}
        for name, place in named
        if (found := leaf(repetition, place)) is not None and found != DELETE
    ]
