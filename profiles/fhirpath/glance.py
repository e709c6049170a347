"""Conditions that the JSON meets at a glance: most invariants, most of the time.

https://hl7.org/fhirpath/N1/. A glance only ever confirms, for the commonest shapes of expressions
(`exists()`, `empty()`, `all()`, `= 'text'`, `extension(url)` …): whatever it does not confirm,
the engine decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from profiles.fhirpath import convert, regex
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.glance_paths import Beyond, Holds, Path, Seen, itself, path_of
from profiles.fhirpath.items import Type
from profiles.fhirpath.logic import LOGIC
from profiles.fhirpath.syntax import Binary, Call, Constant, Expr, Member, Special, parts_of

#: Says that a value (JSON; id and extensions of a primitive) surely meets a condition; asks the
#: last argument about codes (context.Terminology, or None).
Glance = Callable[[Any, Any, Any], bool]

_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_glance(expr: Expr, type_: Type) -> Glance | None:
    """Compile a condition about values of a type; None where a glance never suffices."""
    holds = _condition(expr, type_)
    if holds is _beyond:
        return None

    def glance(value: Any, extra: Any, ask: Any) -> bool:
        try:
            return holds((value, extra), ask) is not False
        except (Beyond, FHIRPathError):
            return False

    return glance


def _beyond(_seen: Seen, _ask: Any) -> bool | None:
    raise Beyond


def _condition(expr: Expr, type_: Type) -> Holds:
    match expr:
        case Binary(name, left, right) if name in LOGIC:
            return _logical(name, left, right, type_)
        case Binary(name, Call(target, "count" | "length" as size, ()), Constant(int() as number)):
            path = path_of(target, type_, _condition)
            return _sized(path, _COMPARED.get(name), number, of_text=size == "length")
        case Binary("=" | "!=" as name, left, Constant(str() | bool() as wanted)):
            return _equal(path_of(left, type_, _condition), wanted, is_equal=name == "=")
        case Call(target, "not", ()) if target is not None:
            return _negated(_condition(target, type_))
        case Call(target, name, ()) if name in _PLAIN:
            path = path_of(target, type_, _condition)
            return _beyond if path is None else _PLAIN[name](path)
        case Call(target, "all" | "exists" as name, (test,)):
            return _each(name, path_of(target, type_, _condition), test)
        case Call(target, name, (Constant(str() as argument),)) if name in _OF_TEXT:
            path = path_of(target, type_, _condition)
            return _beyond if path is None or not _is_text(path) else _OF_TEXT[name](path, argument)
    return _beyond


def _logical(name: str, left: Expr, right: Expr, type_: Type) -> Holds:
    sides = _condition(left, type_), _condition(right, type_)
    if name == "or" and isinstance(right, Call) and right.name == "hasValue" and _cannot_fail(left):
        sides = sides[1], sides[0]  # the quicker one first
    return _combined(name, *sides)


def _cannot_fail(expr: Expr) -> bool:
    """Say whether nothing in an expression is ever an error, so that it need not be evaluated."""
    return all(
        isinstance(part, Member | Special | Constant)
        or (isinstance(part, Call) and part.name in {"extension", "empty"})
        for part in parts_of(expr)
    )


def _combined(name: str, left: Holds, right: Holds) -> Holds:
    combine, settling, settled = LOGIC[name]
    if left is _beyond:
        return _beyond

    def holds(seen: Seen, ask: Any) -> bool | None:
        first = left(seen, ask)
        if first is not None and first is settling:
            return settled
        return combine(first, right(seen, ask))

    return holds


def _negated(inner: Holds) -> Holds:
    if inner is _beyond:
        return _beyond

    def holds(seen: Seen, ask: Any) -> bool | None:
        found = inner(seen, ask)
        return None if found is None else not found

    return holds


def _exists(path: Path) -> Holds:
    take = path.take
    return lambda seen, ask: bool(take(seen, ask))


def _empty(path: Path) -> Holds:
    take = path.take
    return lambda seen, ask: not take(seen, ask)


def _has_value(path: Path) -> Holds:
    if path.type is None or not path.type.primitive:
        return _beyond
    take, is_this, member = path.take, path.take is itself, path.member

    def holds(seen: Seen, ask: Any) -> bool | None:
        if seen[0].__class__ is str if is_this else member and _is_single(seen[0], member):
            return True
        found = take(seen, ask)
        return len(found) == 1 and found[0][0] is not None

    return holds


def _is_single(holder: Any, member: str) -> bool:
    """Say whether a primitive element is one text, as most are; False says nothing."""
    return (
        holder.__class__ is dict
        and holder.get(member).__class__ is str
        and holder.get(f"_{member}").__class__ is not list
    )


def _is_valued(holder: Any, member: str) -> bool:
    """Say whether all there is of a primitive element are texts; False says nothing."""
    if holder.__class__ is not dict:
        return False
    value, beside = holder.get(member), holder.get(f"_{member}")
    if value.__class__ is not list:
        return _is_single(holder, member)
    if beside is not None and (beside.__class__ is not list or len(beside) != len(value)):
        return False
    return {one.__class__ for one in value} == {str}


_PLAIN: dict[str, Callable[[Path], Holds]] = {
    "exists": _exists,
    "empty": _empty,
    "hasValue": _has_value,
}


def _each(name: str, path: Path | None, test: Expr) -> Holds:
    if path is None or path.type is None:
        return _beyond
    take, criterion = path.take, _condition(test, path.type)
    member = path.member if _wants_values(test) else ""

    def every(seen: Seen, ask: Any) -> bool | None:
        if member and _is_valued(seen[0], member):
            return True
        for one in take(seen, ask):  # noqa: SIM110 - a generator costs more
            if criterion(one, ask) is not True:
                return False
        return True

    def some(seen: Seen, ask: Any) -> bool | None:
        # Later items are looked at as well: an error in one of them is an error.
        return True in [criterion(one, ask) is True for one in take(seen, ask)]

    return every if name == "all" else some


def _wants_values(test: Expr) -> bool:
    """Say whether a criterion is met by whatever has a value."""
    match test:
        case Binary("or", left, Call(None | Special("this"), "hasValue", ())):
            return _cannot_fail(left)
    return False


def _is_text(path: Path) -> bool:
    kind = path.type
    return kind is not None and kind.primitive and kind.convert is convert.text


def _only(found: list[Seen], kind: type) -> Any:
    """Return the value of the only item, None for none."""
    if not found:
        return None
    if len(found) > 1 or found[0][0].__class__ is not kind:
        raise Beyond
    return found[0][0]


def _equal(path: Path | None, wanted: str | bool, *, is_equal: bool) -> Holds:  # noqa: FBT001
    kind = wanted.__class__
    if path is None or path.type is None:
        return _beyond
    if not (_is_text(path) if kind is str else path.type.name == "boolean"):
        return _beyond
    take = path.take

    def holds(seen: Seen, ask: Any) -> bool | None:
        found = _only(take(seen, ask), kind)
        return None if found is None else (found == wanted) is is_equal

    return holds


def _sized(
    path: Path | None, compare: Callable[[int, int], bool] | None, number: int, *, of_text: bool
) -> Holds:
    if path is None or compare is None or number.__class__ is not int:
        return _beyond
    take = path.take
    if not of_text:
        return lambda seen, ask: compare(len(take(seen, ask)), number)
    if not _is_text(path):
        return _beyond

    def holds(seen: Seen, ask: Any) -> bool | None:
        found = _only(take(seen, ask), str)
        return None if found is None else compare(len(found), number)

    return holds


def _matches(path: Path, pattern: str) -> Holds:
    take = path.take

    def holds(seen: Seen, ask: Any) -> bool | None:
        found = _only(take(seen, ask), str)
        return None if found is None else regex.search(pattern, found, "")

    return holds


def _starts_with(path: Path, start: str) -> Holds:
    take = path.take

    def holds(seen: Seen, ask: Any) -> bool | None:
        found = _only(take(seen, ask), str)
        return None if found is None else bool(found.startswith(start))

    return holds


def _member_of(path: Path, value_set: str) -> Holds:
    take = path.take

    def holds(seen: Seen, ask: Any) -> bool | None:
        found = _only(take(seen, ask), str)
        if found is None or ask is None:
            return None
        answer: bool | None = ask.member_of(found, value_set)
        return answer

    return holds


_OF_TEXT: dict[str, Callable[[Path, str], Holds]] = {
    "matches": _matches,
    "startsWith": _starts_with,
    "memberOf": _member_of,
}
