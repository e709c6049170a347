"""Search criteria: `Type?name=value&name:modifier=value,value`.

https://hl7.org/fhir/R4/search.html, as in Subscription.criteria. All conditions must hold;
of the comma-separated values of one condition, any. Chains (`subject.name`), `_has` and `_list`
are taken only where somebody follows them for the asker: they would tell about resources the
asker may not see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from urllib.parse import parse_qsl

from profiles.issue import Issue, NotConformant, NotSupported
from profiles.r4 import facts
from profiles.search.filter_expression import Comparison, Expression, read_filter
from profiles.search.nodes import (
    AllOf,
    AnyOf,
    Condition,
    Criteria,
    Has,
    Link,
    Listed,
    Negated,
    Node,
)
from profiles.search.parameters import Parameter, unsupported
from profiles.search.reading_values import read_value, split, wrong_value
from profiles.search.surroundings import NOWHERE, Surroundings

#: Bounds for the cost of one search.
_MOST_CONDITIONS = 50
_MOST_VALUES = 200
#: Steps of a chain.
_DEEPEST = 5
#: Resource types a chain may lead to without naming one.
_MOST_TARGETS = 12
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
#: Kind of parameter → modifiers, besides `missing` and, for references, resource types.
MODIFIERS: dict[str, frozenset[str]] = {
    "token": frozenset({"not", "text", "in", "not-in", "above", "below"}),
    "string": frozenset({"exact", "contains"}),
    "reference": frozenset({"identifier"}),
    "uri": frozenset({"above", "below"}),
}
#: Modifiers whose values somebody has to look up.
ASKING_TERMINOLOGY = frozenset({"in", "not-in", "above", "below"})
#: Parameters that ask about other resources or combine conditions; no type defines them.
COMBINING = frozenset({"_has", "_list", "_filter"})


def parse_criteria(
    query: str,
    *,
    parameters: Iterable[tuple[str, str]] | None = None,
    around: Surroundings = NOWHERE,
) -> Criteria:
    """Read criteria from `Type?name=value…`.

    With `parameters`, pairs that a web server has decoded already, `query` is the type
    alone. Raises NotSupported for unknown parameters and modifiers and for what `around` does not
    provide, NotConformant for values that cannot be read.
    """
    resource_type, _, encoded = query.strip().partition("?")
    _check_type(resource_type)
    pairs = _pairs(encoded) if parameters is None else list(parameters)
    if len(pairs) > _MOST_CONDITIONS:
        raise _too_costly()
    nodes = (_node(resource_type, name, text, around, 0) for name, text in pairs)
    return Criteria(resource_type, tuple(nodes))


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


def _node(type_: str, full_name: str, text: str, around: Surroundings, depth: int) -> Node:
    """Read one parameter with its values, whatever it asks about."""
    if depth > _DEEPEST:
        raise _too_costly()
    if full_name == "_filter" and not depth:
        return _filtered(type_, read_filter(text), around)
    if full_name.startswith("_has:") or full_name == "_has":
        return _has(type_, full_name, text, around, depth)
    if full_name == "_list":
        return _listed(text, around)
    head, dot, rest = full_name.partition(".")
    if dot:
        return _followed(
            type_, head, around, depth, lambda one, deep: _node(one, rest, text, around, deep)
        )
    return _condition(type_, full_name, text, around)


def _condition(type_: str, full_name: str, text: str, around: Surroundings) -> Condition:
    name, _, modifier = full_name.partition(":")
    parameter = _parameter(type_, name, around)
    _check_modifier(parameter, modifier)
    parts = split(text, ",")
    if len(parts) > _MOST_VALUES:
        raise _too_costly()
    values = tuple(read_value(parameter, modifier, part, around) for part in parts)
    return Condition(name, parameter.kind, modifier, values, parameter)


def _parameter(type_: str, name: str, around: Surroundings) -> Parameter:
    parameter = around.parameters.of(type_).get(name)
    if parameter is None:
        raise _unknown(type_, name, around)
    return parameter


def _unknown(resource_type: str, name: str, around: Surroundings) -> NotSupported:
    if reason := unsupported(resource_type).get(name):
        return NotSupported(f"search parameter {name} is not supported: {reason}")
    close = get_close_matches(name, around.parameters.of(resource_type), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return NotSupported(f"{resource_type} has no such search parameter{hint}")


def _check_modifier(parameter: Parameter, modifier: str) -> None:
    if modifier == "" or (modifier == "missing" and parameter.kind not in {"composite", "text"}):
        return
    if modifier in MODIFIERS.get(parameter.kind, ()):
        return
    if modifier == "of-type" and any(one.get("type") == "Identifier" for one in parameter.programs):
        return
    if parameter.kind == "reference" and modifier in parameter.targets:
        return
    raise NotSupported(f"search parameter {parameter.name} does not take this modifier")


def _check_linked(around: Surroundings) -> None:
    if not around.linked:
        raise NotSupported("chained search is not supported")


def _followed(
    type_: str, head: str, around: Surroundings, depth: int, leaf: Callable[[str, int], Node]
) -> Link | AnyOf:
    """Follow `subject:Patient`, or `subject` to all types that the rest can be asked of."""
    _check_linked(around)
    if depth > _DEEPEST:
        raise _too_costly()
    name, _, target = head.partition(":")
    parameter = _parameter(type_, name, around)
    if parameter.kind != "reference" or (target and target not in parameter.targets):
        raise NotSupported("only references are followed, to types they may point to")
    if target:
        return Link(name, Criteria(target, (leaf(target, depth + 1),)))
    if len(parameter.targets) > _MOST_TARGETS:
        raise NotSupported(f"search parameter {name} needs a resource type to be followed")
    links, refusals = [], [NotSupported("the chain leads nowhere")]
    for one in parameter.targets:
        try:
            links.append(Link(name, Criteria(one, (leaf(one, depth + 1),))))
        except NotSupported as error:
            refusals.append(error)
    if not links:
        raise refusals[-1]
    return links[0] if len(links) == 1 else AnyOf(tuple(links))


def _has(type_: str, full_name: str, text: str, around: Surroundings, depth: int) -> Has:
    """`_has:Observation:patient:code`, nested by a further `_has` at its end."""
    _check_linked(around)
    parts = full_name.split(":", 3)
    if len(parts) != 4 or not parts[3]:
        raise NotSupported("_has takes a resource type, a reference and a search parameter")
    _, source, name, rest = parts
    _check_type(source)
    parameter = _parameter(source, name, around)
    if parameter.kind != "reference" or type_ not in parameter.targets:
        raise NotSupported("_has takes a reference that may point to this type")
    return Has(name, Criteria(source, (_node(source, rest, text, around, depth + 1),)))


def _listed(text: str, around: Surroundings) -> Listed:
    _check_linked(around)
    lists = tuple(part.removeprefix("List/") for part in split(text, ","))
    if any(one.startswith("$") for one in lists):
        raise NotSupported("functional lists are not supported")
    if len(lists) > _MOST_VALUES or not all(_ID.match(one) for one in lists):
        raise wrong_value("_list")
    return Listed(lists)


def _filtered(type_: str, expression: Expression, around: Surroundings) -> Node:
    """`_filter`: comparisons as conditions, combined."""
    if isinstance(expression, Comparison):
        return _compared(type_, expression.path, expression, around, 1)
    nodes = tuple(_filtered(type_, one, around) for one in expression.parts)
    if expression.operator == "not":
        return Negated(nodes[0])
    return AllOf(nodes) if expression.operator == "and" else AnyOf(nodes)


def _compared(type_: str, path: str, asked: Comparison, around: Surroundings, depth: int) -> Node:
    head, dot, rest = path.partition(".")
    if dot:
        return _followed(
            type_, head, around, depth, lambda one, deep: _compared(one, rest, asked, around, deep)
        )
    full_name, text = asked.pair(path, _parameter(type_, path, around).kind)
    return _condition(type_, full_name, text, around)
