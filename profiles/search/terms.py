"""Index terms of a resource: what each search parameter finds it by.

https://hl7.org/fhir/R4/search.html. The programs of a resource type are merged into one
tree of closures over its JSON members: only members that are there cost anything, and a
value used by several parameters is read once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from profiles.search.emitters import Emit, Program, Sink, emitter
from profiles.search.parameters import Parameter, parameters_of

#: Kinds of parameters that are answered from the resource: their parts are indexed already.
_UNINDEXED = frozenset({"composite", "special", "text"})
#: Sets of parameters whose extraction is remembered.
_REMEMBERED = 1_024
T = TypeVar("T")
Extract = Callable[[dict[str, Any]], "Terms"]
#: What distinguishes two ways to go on from one place: name, many, where, index.
Turn = tuple[str, bool, tuple[str, str] | None, int | None]


class Terms(NamedTuple):
    """Everything a resource is found by; each tuple starts with the parameter's name."""

    #: (param, system, code); system "" where the value has none.
    tokens: tuple[tuple[str, str, str], ...] = ()
    #: (param, "Type/id" | URL | "urn:uuid:…" | "|system|value" for a logical reference).
    references: tuple[tuple[str, str], ...] = ()
    #: (param, text folded by `folded`).
    strings: tuple[tuple[str, str], ...] = ()
    uris: tuple[tuple[str, str], ...] = ()
    #: (param, low, high): half-open, microseconds since 1970-01-01T00:00Z.
    dates: tuple[tuple[str, int, int], ...] = ()
    #: (param, system, code, value); plain numbers have neither system nor code.
    quantities: tuple[tuple[str, str, str, float], ...] = ()


def index_terms(
    resource: dict[str, Any],
    names: frozenset[str] | None = None,
    own: tuple[Parameter, ...] = (),
) -> Terms:
    """Return the terms of a structurally valid resource, without repetitions.

    With `names` only those of these parameters, and of `own`, which the standard does not know: to
    match a few conditions costs little. Contained
    resources are not indexed (https://hl7.org/fhir/R4/search.html#contained).
    """
    if names is None:
        return _extractor(resource["resourceType"])(resource)
    return _extractor_of(resource["resourceType"], names, own)(resource)


@dataclass(slots=True)
class _Node:
    """One place in the tree of paths, while it is built."""

    turns: dict[Turn, _Node] = field(default_factory=dict)
    #: (kind, target, system, data type) → the program and the parameters that end here.
    ends: dict[tuple[str, ...], tuple[Program, list[str]]] = field(default_factory=dict)

    def at(self, steps: list[dict[str, Any]]) -> _Node:
        node = self
        for step in steps:
            where = tuple(step["where"]) if "where" in step else None
            turn = (step["name"], step.get("many", False), where, step.get("index"))
            node = node.turns.setdefault(turn, _Node())
        return node

    def end(self, kind: str, name: str, program: Program) -> None:
        marks = (kind, program.get("target", ""), program.get("system", ""), program["type"])
        self.ends.setdefault(marks, (program, []))[1].append(name)

    def emit(self) -> Emit:
        """Return what emits everything below a value at this place."""
        emits = [
            emitter(marks[0], tuple(names), program)
            for marks, (program, names) in self.ends.items()
        ]
        if self.turns:
            emits.append(_members(tuple(self.members().items())))
        return _all(emits)

    def members(self) -> dict[str, Emit]:
        """Return JSON name → what emits the member's value."""
        found: dict[str, list[Emit]] = {}
        for turn, node in self.turns.items():
            found.setdefault(turn[0], []).append(_turned(turn, node.emit()))
        return {name: _all(emits) for name, emits in found.items()}


def _all(emits: list[Emit]) -> Emit:
    if len(emits) == 1:
        return emits[0]

    def emit(value: Any, sink: Sink) -> None:
        for one in emits:
            one(value, sink)

    return emit


def _members(members: tuple[tuple[str, Emit], ...]) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for name, emit_member in members:
            inner = value.get(name)
            if inner is not None:
                emit_member(inner, sink)

    return emit


def _turned(turn: Turn, inner: Emit) -> Emit:
    """Apply what a step says about the items of its member."""
    _, many, where, index = turn
    if index is not None:
        return _at(index, inner)
    if where is not None:
        return _where(*where, inner)
    return _each(inner) if many else inner


def _each(inner: Emit) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for item in value:
            if item is not None:
                inner(item, sink)

    return emit


def _where(name: str, expected: str, inner: Emit) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for item in value:
            if item.get(name) == expected:
                inner(item, sink)

    return emit


def _at(index: int, inner: Emit) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        if index < len(value):
            inner(value[index], sink)

    return emit


@cache
def _extractor(resource_type: str) -> Extract:
    return _made(resource_type, frozenset(parameters_of(resource_type)))


@lru_cache(maxsize=_REMEMBERED)
def _extractor_of(resource_type: str, names: frozenset[str], own: tuple[Parameter, ...]) -> Extract:
    return _made(resource_type, names, own)


def _made(resource_type: str, names: frozenset[str], own: tuple[Parameter, ...] = ()) -> Extract:
    root = _Node()
    known = {one.name: one for one in own} | dict(parameters_of(resource_type))
    for name, parameter in known.items():
        programs = parameter.programs if name in names else ()
        for program in programs if parameter.kind not in _UNINDEXED else ():
            root.at(program["steps"]).end(parameter.kind, name, dict(program))
    members = root.members()
    absent = [one for one in _absent(resource_type) if one[0] in names]

    def extract(resource: dict[str, Any]) -> Terms:
        sink = Sink()
        for name, value in resource.items():
            emit = members.get(name)
            if emit is not None:
                emit(value, sink)
        for name, elements in absent:
            if not any(element in resource for element in elements):
                sink.tokens.append((name, "", "false"))
        return _terms(sink)

    return extract


def _absent(resource_type: str) -> list[tuple[str, list[str]]]:
    """Parameters that are false, not missing, when their elements are absent."""
    return [
        (name, [program["steps"][0]["name"] for program in parameter.programs])
        for name, parameter in parameters_of(resource_type).items()
        if parameter.kind not in _UNINDEXED
        and all(program["type"].endswith(".exists") for program in parameter.programs)
    ]


def _terms(sink: Sink) -> Terms:
    return Terms(
        _unique(sink.tokens),
        _unique(sink.references),
        _unique(sink.strings),
        _unique(sink.uris),
        _unique(sink.dates),
        _unique(sink.quantities),
    )


def _unique(terms: list[T]) -> tuple[T, ...]:
    """Drop repetitions and keep the order."""
    if not terms:
        return ()
    return tuple(dict.fromkeys(terms)) if len(terms) > 1 else tuple(terms)
