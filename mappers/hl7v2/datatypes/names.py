"""XPN and FN → HumanName with the German parts (HL7 v2.5 chapter 2.A.88, de.basisprofil)."""

from __future__ import annotations

from typing import Any

from mappers.codes import table
from mappers.hl7v2.datatypes import codings
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.session import ALTERNATE_CODES, PACKAGE, Session
from mappers.hl7v2.tokenizer import Component, Repetition, leaf, sub
from mappers.trace import Text, derived, text
from mappers.vorsatzwort import own_prefix

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_OWN_PREFIX = _CORE + "humanname-own-prefix"
_OWN_NAME = _CORE + "humanname-own-name"
_PARTNER_PREFIX = _CORE + "humanname-partner-prefix"
_PARTNER_NAME = _CORE + "humanname-partner-name"
_AFFIX = "http://fhir.de/StructureDefinition/humanname-namenszusatz"
_REPRESENTATION = _CORE + "iso21090-EN-representation"
_QUALIFIER = _CORE + "iso21090-EN-qualifier"
DELETE = '""'


def xpn(session: Session, repetition: Repetition, use: str = "") -> dict[str, Any] | None:
    """XPN → HumanName; `use` is the default where XPN.7 says nothing."""
    return _human_name(session, repetition, first=1, kind=7, use=use)


def called_by(repetition: Repetition) -> dict[str, Any] | None:
    """XPN.15 → a HumanName of its own."""
    called = leaf(repetition, 15) if len(repetition) > 15 else None
    if called is None or called == DELETE:
        return None
    return {"use": "nickname", "given": [called]}


def name_text(session: Session, repetition: Repetition) -> str | None:
    """XPN → string: prefix, given and family names as they are read."""
    name = xpn(session, repetition)
    if name is None:
        return None
    parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family")]
    said = [part for part in parts if part]
    return derived(" ".join(said), *said) if said else None


def xcn_name(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XCN components 2 to 6 (and 10) → HumanName."""
    return _human_name(session, repetition, first=2, kind=10, use="")


#: Elements that say something about a name and name nobody.
_ABOUT = frozenset({"use", "_use", "period", "extension"})


def _human_name(
    session: Session, repetition: Repetition, *, first: int, kind: int, use: str
) -> dict[str, Any] | None:
    name: dict[str, Any] = {}
    size = len(repetition)
    stated = leaf(repetition, kind) if size > kind else None
    if stated is not None and stated != DELETE:
        session.coded(name, "use", "name-use", stated)
    elif use:
        name["use"] = use
    if size > first and repetition[first] is not None:
        _family(repetition[first], name)
    given = [
        part for n in (first + 1, first + 2) if (part := leaf(repetition, n)) and part != DELETE
    ]
    if given:
        name["given"] = given
    if size > first + 3:
        _affixes(repetition, first, name)
    if size > kind + 1:
        _rest(session, repetition, first, name)
    return name if name.keys() - _ABOUT else None


def _family(component: Component, name: dict[str, Any]) -> None:
    if type(component) is list:
        _family_parts(component, name)
        return
    surname: Text = component  # type: ignore[assignment]  # not a list, so a leaf
    if surname == DELETE:
        return
    name["family"] = surname
    prefix = own_prefix(surname)
    if prefix:
        source = surname.source
        name["_family"] = {
            "extension": [
                {"url": _OWN_PREFIX, "valueString": text(prefix, source)},
                {"url": _OWN_NAME, "valueString": text(surname[len(prefix) + 1 :], source)},
            ]
        }


def _family_parts(parts: list[Text | None], name: dict[str, Any]) -> None:
    padded = [*parts, *[None] * (5 - len(parts))]
    surname, prefix, own, partner_prefix, partner = padded[:5]
    if surname is None:
        surname = derived(" ".join(p for p in (prefix, own) if p), prefix, own) or None  # type: ignore[assignment]
    elif prefix is not None and own is None and not surname.startswith(prefix):
        own, surname = surname, derived(f"{prefix} {surname}", prefix, surname)  # type: ignore[assignment]
    if surname is not None:
        name["family"] = surname
    extensions = [
        {"url": url, "valueString": part}
        for url, part in (
            (_OWN_PREFIX, prefix),
            (_OWN_NAME, own),
            (_PARTNER_PREFIX, partner_prefix),
            (_PARTNER_NAME, partner),
        )
        if part is not None
    ]
    if extensions:
        name["_family"] = {"extension": extensions}


def _affixes(repetition: Repetition, first: int, name: dict[str, Any]) -> None:
    """Suffix (in Germany Namenszusatz), prefix (academic title) and degree."""
    suffix = leaf(repetition, first + 3)
    suffixes = []
    if suffix is not None and suffix != DELETE:
        if suffix in table(PACKAGE, "namenszusatz"):
            extension = {"url": _AFFIX, "valueString": suffix}
            name.setdefault("_family", {}).setdefault("extension", []).append(extension)
        else:
            suffixes.append(suffix)
    title = leaf(repetition, first + 4)
    if title is not None and title != DELETE:
        name["prefix"] = [title]
        name["_prefix"] = [{"extension": [{"url": _QUALIFIER, "valueCode": "AC"}]}]
    degree = leaf(repetition, first + 5)
    if first == 1 and degree is not None and degree != DELETE:
        suffixes.append(degree)
    if suffixes:
        name["suffix"] = suffixes


def _rest(session: Session, repetition: Repetition, first: int, name: dict[str, Any]) -> None:
    """XPN.8 to .14, XCN.15 to .21: script, context, validity, order and professional suffix."""
    at = 10 if first == 1 else 17
    _script(session, repetition, at - 2, name)
    if len(repetition) <= at:
        return
    stated = {"start": leaf(repetition, at + 2), "end": leaf(repetition, at + 3)}
    if not any(stated.values()):
        stated = {"start": sub(repetition, at, 1), "end": sub(repetition, at, 2)}
    period = {k: when for k, v in stated.items() if (when := session.date_time(v)) is not None}
    if period:
        name["period"] = ordered(session, period)
    order = leaf(repetition, at + 1)
    if order is not None and (code := session.code("name-order", order)) is not None:
        extension = {"url": _CORE + "humanname-assembly-order", "valueCode": code}
        name.setdefault("extension", []).append(extension)
    professional = leaf(repetition, at + 4)
    if professional is not None:
        name.setdefault("suffix", []).append(professional)


def _script(session: Session, repetition: Repetition, at: int, name: dict[str, Any]) -> None:
    """In which script the name is written, and in which context the person uses it."""
    stated = leaf(repetition, at) if len(repetition) > at else None
    if stated is not None and (code := session.code("name-representation", stated)) is not None:
        extension = {"url": _REPRESENTATION, "valueCode": code}
        name.setdefault("extension", []).append(extension)
    parts = repetition[at + 1] if len(repetition) > at + 1 else None
    context = codings.concept(session, codings.component(parts))
    if context is not None:
        beside: dict[str, Any] = {"url": ALTERNATE_CODES, "valueCodeableConcept": context}
        name.setdefault("_use", {}).setdefault("extension", []).append(beside)


def display(name: dict[str, Any]) -> str:
    """Write a name for reading: "Dr. med. Ines Bergmann"."""
    parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")]
    return " ".join(part for part in parts if part)
