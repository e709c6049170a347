"""Consent.provision → Rule, every element of it or none.

https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.consent import compiled
from gateway.consent.codes import (
    ACT_CODE,
    ACT_REASON,
    BREAK_GLASS,
    CONFIDENTIALITY,
    POLICY_SYSTEMS,
    RANK,
)
from gateway.consent.compiled import ActorTest, Code, DataTest, Named, Rule
from gateway.consent.dates import Span, period
from gateway.consent.references import identifier_key, relative

_CONSENT_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
_ACTIONS = frozenset({"collect", "access", "use", "disclose", "correct"})
_CAPACITIES = {
    "IRCP": compiled.RECIPIENT,
    "PRCP": compiled.RECIPIENT,
    "CST": compiled.CUSTODIAN,
    "AUT": compiled.AUTHOR,
}
_MEANINGS = frozenset({"instance", "related", "dependents", "authoredby"})
_DEEPEST = 20


class UnreadableError(Exception):
    """A part of a provision the engine does not evaluate; the text names it, never its value."""


def read_rule(
    value: Any, inherited: Mapping[str, Any], where: ZoneInfo, contained: Any, depth: int = 0
) -> Rule:
    """Read one provision with everything below it; raises UnreadableError.

    `inherited` holds the elements stated further up, which a permit takes over (rule R14).
    """
    given = _object(value, "provision")
    if depth > _DEEPEST:
        raise UnreadableError("provisions are nested too deeply")
    kind = _type(given, depth)
    own = {
        name: _READERS[name](element, where, contained)
        for name, element in given.items()
        if name not in ("id", "type", "provision") and _evaluated(name)
    }
    stated = {**inherited, **own}
    children = tuple(
        read_rule(child, stated, where, contained, depth + 1)
        for child in (_objects(given["provision"], "provision") if "provision" in given else ())
    )
    return _rule(kind, stated if kind == compiled.PERMIT else own, children)


def _type(given: Mapping[str, Any], depth: int) -> str:
    kind = given.get("type")
    if kind in (compiled.PERMIT, compiled.DENY):
        return str(kind)
    if kind is not None:
        raise UnreadableError("provision.type is neither permit nor deny")
    if depth:
        raise UnreadableError("a nested provision has no type")
    if set(given) - {"id", "provision"}:
        raise UnreadableError("the root provision has no type but constraints")
    return compiled.NONE


def _evaluated(name: str) -> bool:
    if name not in _READERS:
        raise UnreadableError(
            f"provision.{name} is not evaluated" if name.isalnum() else "unknown part"
        )
    return True


def _rule(kind: str, elements: Mapping[str, Any], children: tuple[Rule, ...]) -> Rule:
    policy_codes, codes = elements.get("code", (frozenset(), ()))
    purposes = elements.get("purpose", ())
    named_purposes = {code for _, code in purposes}
    return Rule(
        type=kind,
        period=elements.get("period"),
        actors=elements.get("actor", ()),
        actions=elements.get("action", frozenset()),
        purposes=purposes,
        policy_codes=policy_codes,
        classes=elements.get("class", ()),
        labels=elements.get("securityLabel", ()),
        codes=codes,
        data_period=elements.get("dataPeriod"),
        data=elements.get("data", ()),
        children=children,
        names_emergency=bool(named_purposes & {BREAK_GLASS, "ETREAT"}),
        names_break_glass=BREAK_GLASS in named_purposes,
    )


def _period(value: Any, where: ZoneInfo, _contained: Any) -> Span:
    read = period(value, where)
    if read is None:
        raise UnreadableError("a period cannot be read")
    return read


def _actors(value: Any, _where: ZoneInfo, contained: Any) -> tuple[ActorTest, ...]:
    return tuple(_actor(item, contained) for item in _objects(value, "actor"))


def _actor(item: Mapping[str, Any], contained: Any) -> ActorTest:
    _only(item, {"id", "role", "reference"}, "actor")
    codes = [code for _, code in _concept(item.get("role"), "actor.role")]
    capacities = {_CAPACITIES[code] for code in codes if code in _CAPACITIES}
    capacity = capacities.pop() if len(capacities) == 1 else ""
    return ActorTest(capacity or compiled.UNKNOWN_ROLE, named(item.get("reference"), contained))


def named(reference: Any, contained: Any) -> Named:
    """Read a Reference (raises UnreadableError); contained ones are known by their identifiers."""
    given = _object(reference, "reference")
    literal = given.get("reference")
    literal = literal if isinstance(literal, str) else ""
    identifiers = [given.get("identifier")]
    if literal.startswith("#"):
        for resource in contained if isinstance(contained, list) else ():
            if isinstance(resource, Mapping) and resource.get("id") == literal[1:]:
                own = resource.get("identifier")
                identifiers += own if isinstance(own, list) else [own]
        literal = ""
    local = relative(literal)
    keys = tuple(key for key in map(identifier_key, identifiers) if key)
    return Named(local or literal, comparable=bool(local), identifiers=keys)


def _actions(value: Any, _where: ZoneInfo, _contained: Any) -> frozenset[str]:
    found = [c for item in _objects(value, "action") for c in _concept(item, "action")]
    if any(s not in ("", _CONSENT_ACTION) or c not in _ACTIONS for s, c in found):
        raise UnreadableError("provision.action has a code that is not evaluated")
    return frozenset(code for _, code in found)


def _codings(value: Any, _where: ZoneInfo, _contained: Any) -> tuple[Code, ...]:
    return tuple(_coding(item, "coding") for item in _objects(value, "coding"))


def _purposes(value: Any, where: ZoneInfo, contained: Any) -> tuple[Code, ...]:
    return tuple((s or ACT_REASON, code) for s, code in _codings(value, where, contained))


def _labels(value: Any, where: ZoneInfo, contained: Any) -> tuple[Code, ...]:
    return tuple(
        (s or (CONFIDENTIALITY if code in RANK else ACT_CODE), code)
        for s, code in _codings(value, where, contained)
    )


def _code(
    value: Any, _where: ZoneInfo, _contained: Any
) -> tuple[frozenset[Code], tuple[Code, ...]]:
    """Tell policy codes from clinical codes by their system; a mixture cannot be interpreted."""
    found = [c for item in _objects(value, "code") for c in _concept(item, "code")]
    policies = frozenset(code for code in found if code[0] in POLICY_SYSTEMS)
    clinical = tuple(code for code in found if code[0] not in POLICY_SYSTEMS)
    if policies and clinical:
        raise UnreadableError("provision.code mixes policies and data")
    return policies, clinical


def _data(value: Any, _where: ZoneInfo, contained: Any) -> tuple[DataTest, ...]:
    return tuple(_datum(item, contained) for item in _objects(value, "data"))


def _datum(item: Mapping[str, Any], contained: Any) -> DataTest:
    _only(item, {"id", "meaning", "reference"}, "data")
    meaning = item.get("meaning")
    if not isinstance(meaning, str) or meaning not in _MEANINGS:
        raise UnreadableError("provision.data.meaning is not known")
    return DataTest(meaning, named(item.get("reference"), contained))


_READERS: Mapping[str, Callable[[Any, ZoneInfo, Any], Any]] = {
    "period": _period,
    "actor": _actors,
    "action": _actions,
    "securityLabel": _labels,
    "purpose": _purposes,
    "class": _codings,
    "code": _code,
    "dataPeriod": _period,
    "data": _data,
}


def _concept(value: Any, name: str) -> list[Code]:
    """Read a CodeableConcept that must be coded: text alone is not evaluated."""
    given = _object(value, name)
    return [_coding(item, name) for item in _objects(given.get("coding"), name)]


def _coding(item: Mapping[str, Any], name: str) -> Code:
    system, code = item.get("system", ""), item.get("code")
    if not isinstance(system, str) or not isinstance(code, str) or not code:
        raise UnreadableError(f"provision.{name} has a coding without code")
    return system, code


def _only(item: Mapping[str, Any], names: set[str], where: str) -> None:
    if not set(item) <= names:
        raise UnreadableError(f"provision.{where} has a part that is not evaluated")


def _objects(value: Any, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not value:
        raise UnreadableError(f"provision.{name} is not a list with content")
    return [_object(item, name) for item in value]


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise UnreadableError(f"provision.{name} is not an object with content")
    return value
