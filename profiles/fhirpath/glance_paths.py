"""Paths taken out of the JSON at a glance: no nodes, one known type at each step.

What a glance cannot be sure of raises Beyond; then the engine itself is asked.
https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from profiles.fhirpath.items import Type
from profiles.fhirpath.model import fhir_type
from profiles.fhirpath.syntax import Call, Constant, Expr, Indexed, Member, Special

#: A JSON value and, of a primitive, the object with its id and extensions.
Seen = tuple[Any, Any]
#: What a path finds from one value on; `ask` answers about codes.
Take = Callable[[Seen, Any], list[Seen]]
#: A criterion: True, False, or None for an empty result.
Holds = Callable[[Seen, Any], "bool | None"]
#: Compiles a criterion about values of a type.
Criterion = Callable[[Expr, Type], Holds]

_NOTHING: list[Seen] = []


class Beyond(Exception):
    """More than a glance can tell."""


class Path(NamedTuple):
    """A compiled path."""

    take: Take
    #: None where the values may be of several types.
    type: Type | None
    #: JSON name, where it is a primitive member of the focus itself.
    member: str = ""


def path_of(expr: Expr | None, type_: Type, criterion: Criterion) -> Path | None:
    """Compile a path from values of a type; None for one that takes more than a glance."""
    match expr:
        case None | Special("this"):
            return Path(itself, type_)
        case Member(None, name) if name[:1].isupper():
            return Path(itself, type_) if type_.name == name else None
        case Member(target, name):
            return _joined(path_of(target, type_, criterion), name)
        case Call(target, "extension", (Constant(str() as url),)):
            return _extensions(path_of(target, type_, criterion), url)
        case Call(target, "where", (test,)):
            return _where(path_of(target, type_, criterion), test, criterion)
        case Call(target, "first", ()):
            return _at(path_of(target, type_, criterion), 0)
        case Indexed(target, Constant(int() as index)) if index >= 0:
            return _at(path_of(target, type_, criterion), index)
    return None


def itself(seen: Seen, _ask: Any) -> list[Seen]:
    """Take the value itself."""
    return [seen]


def _joined(above: Path | None, name: str) -> Path | None:
    step = _step(above.type, name) if above is not None and above.type is not None else None
    if above is None or step is None or above.take is itself:
        return step
    first, then = above.take, step.take

    def take(seen: Seen, ask: Any) -> list[Seen]:
        found = first(seen, ask)
        if not found:
            return _NOTHING
        return [below for one in found for below in then(one, ask)]

    return Path(take, step.type)


def _step(type_: Type, name: str) -> Path | None:
    if type_.primitive or type_.untyped:
        return None
    types = type_.elements().get(name, ())
    choices = {f"{name}{one.name[:1].upper()}{one.name[1:]}" for one in types}
    if types and all(one in type_.takers for one in choices):
        return Path(_choice(frozenset(choices)), None)
    if len(types) != 1:
        return None
    only = types[0]
    return Path(_primitive(name), only, name) if only.primitive else Path(_complex(name), only)


def _complex(name: str) -> Take:
    def take(seen: Seen, _ask: Any) -> list[Seen]:
        holder = seen[0]
        if holder.__class__ is not dict:
            raise Beyond
        value = holder.get(name)
        if value is None:
            return _NOTHING
        listed = value if value.__class__ is list else [value]
        found = [(one, None) for one in listed if one.__class__ is dict]
        if len(found) < len(listed):
            raise Beyond
        return found

    return take


def _primitive(name: str) -> Take:
    under = f"_{name}"

    def take(seen: Seen, _ask: Any) -> list[Seen]:
        holder = seen[0]
        if holder.__class__ is not dict:
            raise Beyond
        value, extra = holder.get(name), holder.get(under)
        if extra is None:
            if value is None:
                return _NOTHING
            return [(one, None) for one in _plain(value)]
        return _beside(value, extra)

    return take


def _plain(value: Any) -> list[Any]:
    """Return values that have nothing beside them."""
    listed = value if value.__class__ is list else [value]
    for one in listed:
        if one is None or one.__class__ is dict or one.__class__ is list:
            raise Beyond
    return listed


def _beside(value: Any, extra: Any) -> list[Seen]:
    """Return values with what stands beside them."""
    if extra.__class__ is dict and value.__class__ is not list and value.__class__ is not dict:
        return [(value, extra)]
    if extra.__class__ is not list or value.__class__ is not list or len(value) != len(extra):
        raise Beyond
    found = list(zip(value, extra, strict=True))
    for one, beside in found:
        if one.__class__ is str and (beside is None or beside.__class__ is dict):
            continue
        if one.__class__ is dict or one.__class__ is list or beside.__class__ is not dict:
            raise Beyond
    return found


def _choice(names: frozenset[str]) -> Take:
    beside = frozenset(f"_{one}" for one in names)

    def take(seen: Seen, _ask: Any) -> list[Seen]:
        holder = seen[0]
        if holder.__class__ is not dict or not beside.isdisjoint(holder):
            raise Beyond
        if names.isdisjoint(holder):
            return _NOTHING
        found = [(holder[one], None) for one in names if one in holder]
        if len(found) > 1 or found[0][0] is None or found[0][0].__class__ is list:
            raise Beyond
        return found

    return take


def _extensions(above: Path | None, url: str) -> Path | None:
    if above is None or above.type is None or above.type.untyped:
        return None
    holders, is_primitive = above.take, above.type.primitive
    if not is_primitive and "extension" not in above.type.takers:
        return None

    def take(seen: Seen, ask: Any) -> list[Seen]:
        found = _NOTHING
        for value, extra in holders(seen, ask):
            holder = extra if is_primitive else value
            if holder is not None:
                found = found + _with_url(holder, url) if found else _with_url(holder, url)
        return found

    return Path(take, fhir_type("Extension"))


def _with_url(holder: Any, url: str) -> list[Seen]:
    listed = holder.get("extension") if holder.__class__ is dict else ()
    if listed is None:
        return _NOTHING
    if listed.__class__ is not list:
        raise Beyond
    found = _NOTHING
    for one in listed:
        if one.__class__ is not dict:
            raise Beyond
        if one.get("url") == url:
            found = [*found, (one, None)]
    return found


def _where(above: Path | None, test: Expr, criterion: Criterion) -> Path | None:
    if above is None or above.type is None:
        return None
    items, holds = above.take, criterion(test, above.type)
    return Path(
        lambda seen, ask: [one for one in items(seen, ask) if holds(one, ask) is True], above.type
    )


def _at(above: Path | None, index: int) -> Path | None:
    if above is None:
        return None
    items = above.take
    return Path(lambda seen, ask: items(seen, ask)[index : index + 1], above.type)
