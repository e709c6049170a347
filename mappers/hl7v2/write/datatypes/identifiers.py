"""Identifier → CX, EI and HD (HL7 v2.5 chapter 2.A.14, 2.A.28, 2.A.36).

The mirror of reading: national systems get the OID of their assigner, the partner's own its
configured name, other URIs travel as universal ids of type URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from mappers.hl7v2.session import V2, Assigner, known_systems
from mappers.hl7v2.write.er7 import Repetition
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text, derived, text

GATEWAY = "urn:ietf:rfc:3986"
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_V2_0203 = V2 + "0203"
_V2_0301 = V2 + "0301"
_CORE = "http://hl7.org/fhir/StructureDefinition/"

Hd = tuple[str | None, str | None, str | None]
_NONE: Hd = (None, None, None)


def assigner(w: Writing, system: Text | None, kind: str) -> Hd:
    """Name the assigner of a system as namespace id, universal id and its type."""
    if system is None:
        return _NONE
    for name, known in w.dialect.systems.items():
        if known == system:
            return _named(name, system)
    national = _oids().get(system)
    for number, scheme in (
        (national, "ISO"),
        (_after(system, "urn:oid:"), "ISO"),
        (_after(system, "urn:id:"), "L"),
    ):
        if number:
            return None, text(unquote(number), system.source), scheme
    own = f"{w.namespace}/{kind}"
    if system == own:
        w.carried(system)
        return _NONE
    if name := _after(system, own + "/"):
        return text(unquote(name), system.source), None, None
    return None, system, "URI"


def assigned(w: Writing, identifier: dict[str, Any], kind: str) -> tuple[Hd, Hd]:
    """Name the authority and the facility that gave a number, as HD each.

    The house that assigned it is the authority where the system says no more than its name or
    object identifier, else the facility.
    """
    system = identifier.get("system")
    reference = identifier.get("assigner")
    house = w.source.resolve(reference)
    if house is None or house["resourceType"] != "Organization":
        return assigner(w, system, kind), _NONE
    named = house_hd(w, house)
    w.carried(reference)
    name, number, _ = named
    if number is not None and system == f"urn:oid:{number}":
        w.carried(system)
        return named, _NONE
    if name is not None and system == f"{w.namespace}/{kind}/{quote(name, safe='')}":
        w.carried(system)
        return named, _NONE
    return assigner(w, system, kind), named


def house_hd(w: Writing, resource: dict[str, Any]) -> Hd:
    """Organization, Location or Device → the HD its identifiers were made of."""
    name = number = scheme = None
    own = f"{w.namespace}/{resource['resourceType'].lower()}"
    for identifier in resource.get("identifier", ()):
        system, value = identifier.get("system"), identifier.get("value")
        kind = _scheme(identifier)
        if kind is not None and value is not None:
            w.carried(system, identifier["type"])
            number = text(re.sub("^urn:(oid|uuid):", "", value), value.source)
            scheme = kind
        elif system == own and value is not None:
            w.carried(system)
            name = value
    return name, number, scheme


def _scheme(identifier: dict[str, Any]) -> str | None:
    """Universal ID type (table 0301) of an identifier."""
    for coding in identifier.get("type", {}).get("coding", ()):
        if coding.get("system") == _V2_0301:
            return coding.get("code")  # type: ignore[no-any-return]  # traced JSON
    return None


@cache
def _oids() -> dict[str, str]:
    return {national.system: oid for oid, national in known_systems().items()}


@cache
def _national() -> dict[str, Assigner]:
    return {assigner.system: assigner for assigner in known_systems().values()}


def _after(uri: str, prefix: str) -> str:
    return uri[len(prefix) :] if uri.startswith(prefix) else ""


def _named(name: str, system: Text) -> Hd:
    written = text(name, system.source)
    return (None, written, "ISO") if _OID.fullmatch(name) and "." in name else (written, None, None)


def cx(w: Writing, identifier: dict[str, Any], kind: str = "patient") -> Repetition | None:
    """Identifier → CX; `kind` is the partner's own kind of number."""
    value = identifier.get("value")
    if value is None:
        return None
    period = identifier.get("period", {})
    digit, scheme = check_digit(w, identifier)
    authority, facility = assigned(w, identifier, kind)
    return (
        value,
        digit,
        scheme,
        authority,
        type_code(w, identifier),
        facility,
        w.time(period.get("start")),
        w.time(period.get("end")),
    )


def check_digit(w: Writing, identifier: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the check digit of a number and the name of its scheme."""
    found: dict[str, str] = {}
    for extension in identifier.get("extension", ()):
        name = str(extension.get("url", "")).removeprefix(_CORE)
        if name in ("identifier-checkDigit", "namingsystem-checkDigit"):
            found[name] = extension.get("valueString")
            w.carried(extension["url"])
    return found.get("identifier-checkDigit"), found.get("namingsystem-checkDigit")


def type_code(w: Writing, identifier: dict[str, Any]) -> str | None:
    """Identifier.type → code of table 0203; types the national system implies are carried."""
    national = _national().get(identifier.get("system", ""))
    found: str | None = None
    if identifier.get("type", {}).get("text") == "visit number":
        w.carried(identifier["type"]["text"])
    for coding in identifier.get("type", {}).get("coding", ()):
        system, code = coding.get("system"), coding.get("code")
        if national is not None and (system, code) == (national.type_system, national.type_code):
            w.carried(coding)
            continue
        if found is None:
            found = w.coded("identifier-type", coding)
        if found is None and system == _V2_0203 and code is not None:
            found = derived(code, code, system)
    return found


def ei(w: Writing, identifier: dict[str, Any], kind: str) -> Repetition | None:
    """Identifier → EI."""
    value = identifier.get("value")
    if value is None:
        return None
    return (value, *assigner(w, identifier.get("system"), kind))


def own_first(w: Writing, identifiers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order identifiers: those of people and houses; the gateway's own only when alone."""
    given = [item for item in identifiers if "value" in item]
    theirs = [i for i in given if not _is_gateways(i)]
    for identifier in given:
        if theirs and _is_gateways(identifier):
            w.source.neutral.update(_leaves(identifier))
    return theirs or given


def _is_gateways(identifier: dict[str, Any]) -> bool:
    value = str(identifier.get("value", ""))
    return identifier.get("system") == GATEWAY and value.startswith("urn:uuid:")


def _leaves(identifier: dict[str, Any]) -> Iterable[int]:
    for element in ("system", "value"):
        source = identifier[element].source
        yield from (source,) if isinstance(source, int) else source
