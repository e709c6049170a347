"""Functions whose arguments are expressions: evaluated per item, or only when needed.

https://hl7.org/fhirpath/N1/#filtering-and-projection, #aggregates, #iif; sort(),
defineVariable(), repeatAll() and coalesce() are STU in the current build.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.equality import Seen
from profiles.fhirpath.errors import FHIRPathError, FHIRPathSemanticError
from profiles.fhirpath.items import Items, Node
from profiles.fhirpath.logic import answering
from profiles.fhirpath.results import plain
from profiles.fhirpath.singles import single, text
from profiles.fhirpath.sorting import Compile, Run, build_sort, focus_itself
from profiles.fhirpath.syntax import Binary, Constant, Expr, Member
from profiles.fhirpath.types import of_type, test_as, test_is, type_name_of


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function that is compiled with its arguments."""

    #: (compile, target, arguments) → closure.
    build: Callable[[Compile, Run, Sequence[Expr]], Run]
    least: int = 1
    most: int = 1


#: Names whose variables belong to the specifications.
RESERVED = frozenset({"context", "resource", "rootResource", "ucum", "sct", "loinc"})


def quick_test(criterion: Expr) -> Callable[[Any], bool | None] | None:
    """Return a shortcut for `name = 'text'`; it answers None where it does not know."""
    match criterion:
        case Binary("=", Member(None, name), Constant(str() as wanted)):
            under = f"_{name}"
        case _:
            return None

    def test(item: Any) -> bool | None:
        if item.__class__ is not Node or name not in item.type.texts:
            return None
        found = item.value.get(name)
        if found.__class__ is str:
            return bool(found == wanted)
        return None if found is not None or under in item.value else False

    return test


def _criterion(compile_: Compile, expr: Expr) -> Callable[[Evaluation, Any], bool]:
    answer = answering(expr, compile_)
    quick = quick_test(expr)

    def holds(evaluation: Evaluation, item: Any) -> bool:
        return answer(evaluation, [item]) is True

    if quick is None:
        return holds

    def holds_quickly(evaluation: Evaluation, item: Any) -> bool:
        known = quick(item)
        return holds(evaluation, item) if known is None else known

    return holds_quickly


def _where(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    quick = quick_test(arguments[0]) or _no_shortcut
    criterion = answering(arguments[0], compile_)

    def run(evaluation: Evaluation, focus: Items) -> Items:
        outer = evaluation.index
        out = []
        items = target(evaluation, focus)
        evaluation.spend(len(items))
        for evaluation.index, item in enumerate(items):
            answer = quick(item)
            if answer is None:
                answer = criterion(evaluation, [item])
            if answer:
                out.append(item)
        evaluation.index = outer
        return out

    return run


def _no_shortcut(_item: Any) -> bool | None:
    return None


def _exists(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    found = _where(compile_, target, arguments)
    return lambda evaluation, focus: [bool(found(evaluation, focus))]


def _all(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    holds = _criterion(compile_, arguments[0])

    def run(evaluation: Evaluation, focus: Items) -> Items:
        outer = evaluation.index
        answer = True
        items = target(evaluation, focus)
        evaluation.spend(len(items))
        for evaluation.index, item in enumerate(items):
            if not holds(evaluation, item):
                answer = False
                break
        evaluation.index = outer
        return [answer]

    return run


def _select(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    projection = compile_(arguments[0])

    def run(evaluation: Evaluation, focus: Items) -> Items:
        outer = evaluation.index
        out: Items = []
        items = target(evaluation, focus)
        for evaluation.index, item in enumerate(items):
            found = projection(evaluation, [item])
            evaluation.spend(len(found) + 1)
            out += found
        evaluation.index = outer
        return out

    return run


def _repeat(*, unique: bool) -> Callable[[Compile, Run, Sequence[Expr]], Run]:
    def build(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
        projection = _select(compile_, focus_itself, arguments)

        def run(evaluation: Evaluation, focus: Items) -> Items:
            out: Items = []
            seen = Seen(evaluation)
            level = target(evaluation, focus)
            while level:
                found = projection(evaluation, level)
                level = [one for one in found if seen.add(one)] if unique else found
                out += level
            return out

        return run

    return build


def _aggregate(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    aggregator = compile_(arguments[0])
    start = compile_(arguments[1]) if len(arguments) > 1 else None

    def run(evaluation: Evaluation, focus: Items) -> Items:
        outer = evaluation.index, evaluation.total
        items = target(evaluation, focus)
        total = [] if start is None else start(evaluation, focus)
        for index, item in enumerate(items):
            evaluation.index, evaluation.total = index, total
            total = aggregator(evaluation, [item])
            evaluation.spend(len(total) + 1)
        evaluation.index, evaluation.total = outer
        return total

    return run


def _iif(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    criterion, then = answering(arguments[0], compile_), compile_(arguments[1])
    otherwise = compile_(arguments[2]) if len(arguments) > 2 else None

    def run(evaluation: Evaluation, focus: Items) -> Items:
        items = target(evaluation, focus)
        if len(items) > 1:
            raise FHIRPathError("iif() works on at most one item")
        if criterion(evaluation, items):
            return then(evaluation, items)
        return [] if otherwise is None else otherwise(evaluation, items)

    return run


def _trace(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    name = compile_(arguments[0])
    projection = _select(compile_, focus_itself, arguments[1:]) if len(arguments) > 1 else None

    def run(evaluation: Evaluation, focus: Items) -> Items:
        items = target(evaluation, focus)
        tracer = evaluation.services.trace
        label = text(name(evaluation, focus), "trace()")
        if tracer is not None:
            shown = items if projection is None else projection(evaluation, items)
            tracer(label or "", plain(shown))
        return items

    return run


def _define_variable(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    name = compile_(arguments[0])
    value = compile_(arguments[1]) if len(arguments) > 1 else None

    def run(evaluation: Evaluation, focus: Items) -> Items:
        items = target(evaluation, focus)
        key = text(name(evaluation, focus), "defineVariable()")
        if key is None:
            raise FHIRPathError("defineVariable() needs a name")
        if key in RESERVED or key in evaluation.variables or key.startswith(("vs-", "ext-")):
            raise FHIRPathSemanticError(f"the variable %{key} is already defined")
        found = items if value is None else value(evaluation, items)
        evaluation.variables = {**evaluation.variables, key: found}
        return items

    return run


def _coalesce(compile_: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    choices = [compile_(one) for one in arguments]

    def run(evaluation: Evaluation, focus: Items) -> Items:
        target(evaluation, focus)
        for choice in choices:
            if found := choice(evaluation, focus):
                return found
        return []

    return run


def _of_type(_compile: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    test = test_as(type_name_of(arguments[0]))
    return lambda evaluation, focus: of_type(target(evaluation, focus), test)


def _as(_compile: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    return as_type(target, type_name_of(arguments[0]))


def _is(_compile: Compile, target: Run, arguments: Sequence[Expr]) -> Run:
    return is_type(target, type_name_of(arguments[0]))


def as_type(target: Run, name: str) -> Run:
    """Compile `as`, operator or function."""
    test = test_as(name)

    def run(evaluation: Evaluation, focus: Items) -> Items:
        item = single(target(evaluation, focus))
        return [] if item is None or not test(item) else [item]

    return run


def is_type(target: Run, name: str) -> Run:
    """Compile `is`, operator or function."""
    test = test_is(name)

    def run(evaluation: Evaluation, focus: Items) -> Items:
        item = single(target(evaluation, focus))
        return [] if item is None else [test(item)]

    return run


LAMBDAS: dict[str, Lambda] = {
    "where": Lambda(_where),
    "exists": Lambda(_exists),
    "all": Lambda(_all),
    "select": Lambda(_select),
    "repeat": Lambda(_repeat(unique=True)),
    "repeatAll": Lambda(_repeat(unique=False)),
    "aggregate": Lambda(_aggregate, 1, 2),
    "iif": Lambda(_iif, 2, 3),
    "trace": Lambda(_trace, 1, 2),
    "sort": Lambda(build_sort, 0, 20),
    "defineVariable": Lambda(_define_variable, 1, 2),
    "coalesce": Lambda(_coalesce, 1, 20),
    "ofType": Lambda(_of_type),
    "as": Lambda(_as),
    "is": Lambda(_is),
}
