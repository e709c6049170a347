"""What a partner's messages have to hold: usage, cardinality, length, values, field by field.

HL7 v2.5 chapter 2.12 (conformance profiles: static definition, usage codes). Pure data: the
rules stand in a dialect, `mappers.hl7v2.conformance` holds messages against them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

_PLACE = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:-([1-9]\d{0,2})(?:\.([1-9]\d{0,2})(?:\.([1-9]\d{0,2}))?)?)?"
)
_CARDINALITY = re.compile(r"(\d{1,6})\.\.(\d{1,6}|\*)")
_CONDITION = re.compile(r"(\S+?)(!?=)(\S.*)?")
_CONDITIONAL = re.compile(r"C\((R|RE|O|X)/(R|RE|O|X)\)")
#: Usage codes: required, required but may be empty, conditional (R or RE else X), not
#: supported, optional.
_USAGES = {
    **{usage: (usage, usage) for usage in ("R", "RE", "X", "O")},
    "C": ("R", "X"),
    "CE": ("RE", "X"),
}
_ACTIONS = ("warn", "reject")


class Place(NamedTuple):
    """Segment, field, component, subcomponent; 0 where not named."""

    segment: str
    field: int = 0
    component: int = 0
    subcomponent: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when the first value of a place is (or is not) one of the values."""

    place: Place
    negated: bool
    #: Empty: when the place holds anything.
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class StatedRule:
    """What one segment, field or component has to hold, as a partner's specification puts it."""

    #: "PID", "PID-3", "PID-3.4" or "PID-3.4.2".
    place: str
    #: What the specification calls it; for people.
    name: str = ""
    #: Messages it holds for, e.g. ["ADT^A01", "ORU"]; empty: all.
    messages: tuple[str, ...] = ()
    #: R, RE, X, O; or with a condition C (R or else X), CE (RE or else X), C(R/O) and the like.
    usage: str = "O"
    #: When a conditional usage holds: "PV1-2=I|E", "PV1-2!=O", or "PV1-19" for: holds anything.
    condition: str = ""
    #: How often it comes where it comes at all, e.g. "1..3" or "2..*".
    cardinality: str = "0..*"
    #: Longest value in characters; 0: any length.
    length: int = 0
    #: Codes agreed on; empty: any.
    values: tuple[str, ...] = ()
    #: The one value it has.
    constant: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A stated rule, read."""

    place: Place
    #: "ADT^A01" or "ADT"; empty: every message.
    messages: frozenset[str]
    #: Usage where the condition holds (or there is none), and where it does not.
    usage: tuple[str, str]
    condition: Condition | None
    least: int
    #: 0: any number.
    most: int
    #: Characters; 0: any number.
    length: int
    #: Allowed codes; empty: any.
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class MessageProfile:
    """What messages from and to a partner have to hold."""

    #: warn: violations are told in the report; reject: messages are refused (AE, an ERR for each
    #: place), and those to the partner are not sent.
    action: str = "warn"
    #: The rules, see `[[profile.rules]]`.
    rules: tuple[Rule, ...] = ()


def profile_of(mapping: Mapping[str, Any]) -> MessageProfile:
    """Read `[profile]` of a dialect; raises ValueError with a sentence that names the rule."""
    if unknown := mapping.keys() - {"action", "rules"}:
        raise ValueError(f"unknown key {min(unknown)!r}; known are action, rules")
    action = mapping.get("action", "warn")
    if action not in _ACTIONS:
        raise ValueError("action is one of 'warn', 'reject'")
    rules = mapping.get("rules", [])
    if not isinstance(rules, list | tuple) or not all(isinstance(one, Mapping) for one in rules):
        raise ValueError("rules are written as [[profile.rules]]")
    return MessageProfile(action, tuple(_numbered(n, rule) for n, rule in enumerate(rules, 1)))


def _numbered(number: int, mapping: Mapping[str, Any]) -> Rule:
    try:
        return _rule(mapping)
    except (ValueError, TypeError, AttributeError) as error:
        named = mapping.get("place", "")
        raise ValueError(f"rule {number} ({named}): {error}") from error


def _rule(mapping: Mapping[str, Any]) -> Rule:
    known = [item.name for item in fields(StatedRule)]
    if unknown := mapping.keys() - set(known):
        raise ValueError(f"unknown key {min(unknown)!r}; known are {', '.join(known)}")
    stated = StatedRule(**{"place": "", **mapping})
    _check_forms(stated)
    least, most = _cardinality(stated.cardinality)
    usage = _usage(stated.usage)
    if usage[0] != usage[1] and not stated.condition:
        raise ValueError('a conditional usage needs condition = "PV1-2=I"')
    return Rule(
        read_place(stated.place),
        frozenset(stated.messages),
        usage,
        _condition(stated.condition) if stated.condition else None,
        least,
        most,
        stated.length,
        frozenset([stated.constant] if stated.constant else stated.values),
    )


def _check_forms(stated: StatedRule) -> None:
    for name in ("messages", "values"):
        listed = getattr(stated, name)
        if isinstance(listed, str) or not all(isinstance(one, str) for one in listed):
            raise ValueError(f'{name} is a list such as ["A", "B"]')
    if not isinstance(stated.length, int) or stated.length < 0:
        raise ValueError("length is a number of characters")


def read_place(text: str) -> Place:
    """Read "PID", "PID-3", "PID-3.4" or "PID-3.4.2"; raises ValueError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError("place names a segment, field or component such as PID-3.4")
    segment, *numbers = match.groups()
    return Place(segment, *(int(number or 0) for number in numbers))


def _usage(text: str) -> tuple[str, str]:
    match = _CONDITIONAL.fullmatch(text)
    if match is not None:
        return match[1], match[2]
    if text not in _USAGES:
        raise ValueError(f"usage is one of {', '.join(_USAGES)} or C(R/O)")
    return _USAGES[text]


def _cardinality(text: str) -> tuple[int, int]:
    match = _CARDINALITY.fullmatch(text)
    if match is None or (match[2] != "*" and int(match[2]) < int(match[1])):
        raise ValueError('cardinality is written as "1..*"')
    return int(match[1]), 0 if match[2] == "*" else int(match[2])


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        return Condition(read_place(text), negated=False, values=frozenset())
    values = frozenset(match[3].split("|")) if match[3] else frozenset()
    return Condition(read_place(match[1]), match[2] == "!=", values)
