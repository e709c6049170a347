"""Search criteria: `Type?name=value&name:modifier=value,value`.

https://hl7.org/fhir/R4/search.html, as in Subscription.criteria. All conditions must hold;
of the comma-separated values of one condition, any. Chains (`subject.name`, `_has`) are not
taken: they would tell about resources the asker may not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl

from profiles.issue import Issue, NotConformant, NotSupported
from profiles.r4 import facts
from profiles.search.matching import holds
from profiles.search.parameters import Parameter, parameters_of, unsupported
from profiles.search.terms import Terms, index_terms
from profiles.search.values import Value, read_value

#: Bounds the cost of one search.
_MOST_CONDITIONS = 50
_MOST_VALUES = 200
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
#: Kind of parameter → modifiers, besides `missing` and, for references, resource types.
_MODIFIERS: dict[str, frozenset[str]] = {
    "token": frozenset({"not"}),
    "string": frozenset({"exact", "contains"}),
    "reference": frozenset({"identifier"}),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter with its values; holds when any of them does."""

    name: str
    #: token, reference, string, date, uri, quantity, number, composite or special.
    kind: str
    #: "", missing, not, exact, contains, identifier or a resource type.
    modifier: str
    #: All of the class that belongs to kind and modifier (values.py).
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Criteria:
    """A resource type and the conditions that all must hold."""

    resource_type: str
    conditions: tuple[Condition, ...] = ()

    def matches(self, resource: dict[str, Any], *, terms: Terms | None = None) -> bool:
        """Say whether a resource meets the criteria.

        `terms` are its index terms, if the caller has them already.
        """
        if resource.get("resourceType") != self.resource_type:
            return False
        if not self.conditions:
            return True
        found = index_terms(resource) if terms is None else terms
        parameters = parameters_of(self.resource_type)
        return all(
            holds(one.kind, one.modifier, one.values, parameters[one.name], resource, found)
            for one in self.conditions
        )


def parse_criteria(query: str, *, parameters: Iterable[tuple[str, str]] | None = None) -> Criteria:
    """Read criteria from `Type?name=value…`.

    With `parameters`, pairs that a web server has decoded already, `query` is the type
    alone. Raises NotSupported for unknown parameters, chains and modifiers, NotConformant
    for values that cannot be read.
    """
    resource_type, _, encoded = query.strip().partition("?")
    _check_type(resource_type)
    pairs = _pairs(encoded) if parameters is None else list(parameters)
    if len(pairs) > _MOST_CONDITIONS:
        raise _too_costly()
    conditions = (_condition(resource_type, name, text) for name, text in pairs)
    return Criteria(resource_type, tuple(conditions))


def _check_type(resource_type: str) -> None:
    known = facts("elements")["types"].get(resource_type, {"abstract": True})
    if known.get("abstract") or known["kind"] != "resource":
        raise NotSupported("the criteria name no FHIR R4 resource type")


def _pairs(encoded: str) -> list[tuple[str, str]]:
    if not encoded:
        return []
    try:
        return parse_qsl(
            encoded,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_CONDITIONS,
        )
    except ValueError:
        text = "the criteria are no list of name=value"
        raise NotConformant(text, issues=(Issue("error", "value", text),)) from None


def _too_costly() -> NotConformant:
    text = "the criteria have too many conditions or values"
    return NotConformant(text, issues=(Issue("error", "too-costly", text),))


def _condition(resource_type: str, full_name: str, text: str) -> Condition:
    name, _, modifier = full_name.partition(":")
    parameter = parameters_of(resource_type).get(name)
    if parameter is None:
        raise _unknown(resource_type, name)
    _check_modifier(parameter, modifier)
    parts = _UNESCAPED_COMMA.split(text)
    if len(parts) > _MOST_VALUES:
        raise _too_costly()
    values = tuple(read_value(parameter, modifier, part) for part in parts)
    return Condition(name, parameter.kind, modifier, values)


def _unknown(resource_type: str, name: str) -> NotSupported:
    if reason := unsupported(resource_type).get(name):
        return NotSupported(f"search parameter {name} is not supported: {reason}")
    if "." in name or name == "_has":
        return NotSupported("chained search is not supported")
    close = get_close_matches(name, parameters_of(resource_type), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return NotSupported(f"{resource_type} has no such search parameter{hint}")


def _check_modifier(parameter: Parameter, modifier: str) -> None:
    if "." in modifier or ":" in modifier:
        raise NotSupported("chained search is not supported")
    if modifier == "" or (modifier == "missing" and parameter.kind != "composite"):
        return
    if modifier in _MODIFIERS.get(parameter.kind, ()):
        return
    if parameter.kind == "reference" and modifier in parameter.targets:
        return
    raise NotSupported(f"search parameter {parameter.name} does not take this modifier")
