"""CWE, CE, CNE, IS and ID → CodeableConcept, Coding, code (HL7 v2.5 chapter 2.A.13).

Names of coding systems (table 0396) become canonicals; ICD-10-GM and OPS carry their year as
version. A code without a row keeps its own coding or text and becomes an issue.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from mappers.codes import rows
from mappers.hl7v2.session import PACKAGE, V2, Session
from mappers.hl7v2.tokenizer import Component, Repetition, leaf
from mappers.trace import Text, derived, text

_TABLE = re.compile(r"(?:HL7)?(\d{4})")
_GERMAN = re.compile(r"(I10G|ICD-?10-?GM|O301|OPS)[- ]?(20\d\d)", re.IGNORECASE)
_MARK = re.compile(r"([A-Z]\d\d(?:\.\d{1,2})?-?)([*+!†])")
_MARKS = {"+": "†"}
_MARK_URL = "http://fhir.de/StructureDefinition/icd-10-gm-mehrfachcodierungs-kennzeichen"
_MARK_SYSTEM = "http://fhir.de/CodeSystem/icd-10-gm-mehrfachcodierungs-kennzeichen"
_ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
_OPS = "http://fhir.de/CodeSystem/bfarm/ops"
_URI = re.compile(r"(https?://|urn:)\S+")
_OID = re.compile(r"[0-2](\.\d+){3,}")
DELETE = '""'


class System(NamedTuple):
    """A resolved name of a coding system."""

    uri: str
    version: str


def concept(
    session: Session, repetition: Repetition, name: str = "", field: str = "", default: str = ""
) -> dict[str, Any] | None:
    """CWE → CodeableConcept.

    `name` is the code table to translate by, `field` the place local codes are configured
    for, `default` the code system when the message names none.
    """
    code = leaf(repetition, 1)
    words = leaf(repetition, 2)
    if code == DELETE:
        return None
    codings: list[dict[str, Any]] = []
    if code is not None and name:
        found = session.lookup(name, code, field)
        if found is not None:
            translated = {"system": found.system, "code": text(found.code, code.source)}
            if found.display:
                translated["display"] = found.display
            codings.append(translated)
        else:
            session.unknown(code)
    own = _own_codings(session, repetition, default, translated=bool(codings))
    codings += [_translated(session, one, name) for one in own] if name else own
    made: dict[str, Any] = {"coding": codings} if codings else {}
    said = bool(own) and own[0].get("display") is words
    written = leaf(repetition, 9) or (None if said else words) or (None if codings else code)
    if written is None and not codings and len(repetition) > 5:
        written = leaf(repetition, 5)
    if written is not None and written != DELETE:
        made["text"] = written
    return made or None


def component(parts: Component) -> Repetition:
    """Return a component as if it were a field: its subcomponents become components."""
    return [None, *parts] if type(parts) is list else [None, parts]


def _translated(session: Session, own: dict[str, Any], name: str) -> dict[str, Any]:
    """An alternate that names no system may be of the field's table too."""
    found = session.lookup(name, own["code"]) if "code" in own and "system" not in own else None
    if found is None:
        return own
    code = text(found.code, own["code"].source)
    made = {**own, "system": found.system, "code": code}
    return made if "display" in made or not found.display else {**made, "display": found.display}


def _own_codings(
    session: Session, repetition: Repetition, default: str, *, translated: bool
) -> list[dict[str, Any]]:
    """Codings as the sender states them: up to three triplets."""
    made: list[dict[str, Any]] = []
    for place in _TRIPLETS if len(repetition) > 4 else _TRIPLETS[:1]:
        first = place[0]
        code = leaf(repetition, first)
        if code is None or code == DELETE:
            words = leaf(repetition, place[1]) if made else None
            if words is not None and words != DELETE:
                made.append(_named(session, repetition, place, words))
            continue
        named = leaf(repetition, place[2]) or leaf(repetition, place[3])
        if translated and first == 1 and named is None:
            continue
        made.append(coding(session, repetition, place, default if first == 1 else ""))
    return made


def _named(
    session: Session, repetition: Repetition, place: tuple[int, ...], words: Text
) -> dict[str, Any]:
    """An alternate that has a name and no code."""
    made: dict[str, Any] = {}
    name, version = _said(repetition, place[2]), _said(repetition, place[3])
    if name is not None:
        made["system"] = text(code_system(session, name).uri, name.source)
    if version is not None:
        made["version"] = version
    made["display"] = words
    return made


#: Component numbers of code, text, system, version and the system's OID.
_TRIPLETS = ((1, 2, 3, 7, 14), (4, 5, 6, 8, 17), (10, 11, 12, 13, 20))


def coding(
    session: Session,
    repetition: Repetition,
    place: tuple[int, int, int, int, int] = (1, 2, 3, 7, 14),
    default: str = "",
) -> dict[str, Any]:
    """One triplet of a CWE → Coding; the code must be there."""
    code: Text = leaf(repetition, place[0])  # type: ignore[assignment]  # the caller checked
    made: dict[str, Any] = {}
    name = _said(repetition, place[2])
    version = _said(repetition, place[3])
    oid = _said(repetition, place[4]) if len(repetition) > 14 else None
    if name is None:
        name, oid = oid, None
    if name is not None:
        system = code_system(session, name)
        made["system"] = derived(system.uri, name, oid)
        if system.version:
            made["version"] = text(system.version, name.source)
    elif default:
        made["system"] = default
    if version is not None:
        made["version"] = version
    made["code"] = token(code)
    if made.get("system") == _ICD:
        _icd(code, made)
    words = leaf(repetition, place[1])
    if words is not None and words != DELETE:
        made["display"] = words
    return made


def _said(repetition: Repetition, number: int) -> Text | None:
    """A component that is not `""`."""
    found = leaf(repetition, number)
    return None if found == DELETE else found


def token(leaf: Text) -> Text:
    """Return a code as FHIR writes it: single spaces, no line breaks (datatypes.html#code)."""
    joined = " ".join(leaf.split())
    return leaf if joined == leaf else text(joined, leaf.source)


def _icd(code: Text, made: dict[str, Any]) -> None:
    """Take the dagger, asterisk or exclamation mark out of an ICD-10-GM code."""
    match = _MARK.fullmatch(code)
    if match is None:
        return
    mark = _MARKS.get(match.group(2), match.group(2))
    made["code"] = text(match.group(1), code.source)
    value = {"system": _MARK_SYSTEM, "code": text(mark, code.source)}
    made["extension"] = [{"url": _MARK_URL, "valueCoding": value}]


def code_system(session: Session, name: str) -> System:
    """Resolve a name of a coding system (CWE.3) to a canonical and, in Germany, a year."""
    configured = session.code_systems.get(name)
    if configured is not None:
        return System(configured, "")
    known = _known().get(name.upper())
    if known is not None:
        return known
    german = _GERMAN.fullmatch(name)
    if german is not None:
        uri = _OPS if german.group(1)[0] in "Oo" else _ICD
        return System(uri, german.group(2))
    table = _TABLE.fullmatch(name)
    if table is not None:
        return System(V2 + table.group(1), "")
    if _URI.fullmatch(name):
        return System(name, "")
    if _OID.fullmatch(name):
        return System(f"urn:oid:{name}", "")
    return System(f"{session.namespace}/code/{quote(name, safe='')}", "")


@cache
def _known() -> dict[str, System]:
    return {
        row["name"]: System(row["system"], row["version"])
        for row in rows(PACKAGE, "codes", "coding-systems")
    }


def plain(repetition: Repetition) -> Text | None:
    """CWE → its code, or its text where there is no code."""
    found = leaf(repetition, 1) or leaf(repetition, 2)
    return None if found == DELETE else found


def text_concept(value: str) -> dict[str, Any]:
    """Text → CodeableConcept."""
    return {"text": value}
