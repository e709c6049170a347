"""Syntax tree to Python closures.

A closure takes the evaluation and the focus and returns a collection. What can be decided
once (functions, types, constants, shortcuts) is decided here; what depends on the data is looked
up in the types of the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.errors import FHIRPathSemanticError
from profiles.fhirpath.extensions import extensions
from profiles.fhirpath.factory import factory_functions
from profiles.fhirpath.functions import FUNCTIONS
from profiles.fhirpath.functions.aggregates import FUNCTIONS as AGGREGATES
from profiles.fhirpath.items import Items, Node, Type, TypeInfo
from profiles.fhirpath.lambdas import LAMBDAS, as_type, is_type
from profiles.fhirpath.logic import LOGIC, Answering, answering, compile_logic
from profiles.fhirpath.numbers import long_integer
from profiles.fhirpath.operators import OPERATORS, negated, positive
from profiles.fhirpath.quantity import Quantity
from profiles.fhirpath.singles import whole_number
from profiles.fhirpath.sorting import Run, focus_itself
from profiles.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Empty,
    Expr,
    Indexed,
    LongConstant,
    Member,
    QuantityConstant,
    Sign,
    Special,
    TemporalConstant,
    TypeTest,
    Variable,
    parts_of,
)
from profiles.fhirpath.temporal import read_literal
from profiles.fhirpath.types import type_name_of
from profiles.fhirpath.variables import variable


def compile_tree(expr: Expr) -> Run:
    """Compile a tree; raises FHIRPathSemanticError for unknown functions, types and arities."""
    compile_: Callable[[Any], Run] = _COMPILERS[type(expr)]
    return compile_(expr)


def compile_answer(expr: Expr) -> Answering:
    """Compile a tree as a condition."""
    return answering(expr, _scoped)


def _constant(items: Items) -> Run:
    return lambda _evaluation, _focus: items


def _empty(_expr: Empty) -> Run:
    return _constant([])


def _value(expr: Constant) -> Run:
    return _constant([expr.value])


def _long(expr: LongConstant) -> Run:
    number = long_integer(expr.value)
    if number is None:
        raise FHIRPathSemanticError("a Long has 64 bits")
    return _constant([number])


def _temporal(expr: TemporalConstant) -> Run:
    known = read_literal(expr.text[1:])
    if known is None:
        raise FHIRPathSemanticError(f"{expr.text} is not in the calendar")
    return _constant([known])


def _quantity(expr: QuantityConstant) -> Run:
    return _constant([Quantity(expr.value, expr.unit, "calendar" if expr.calendar else "ucum")])


def _special(expr: Special) -> Run:
    if expr.name == "index":
        return lambda evaluation, _focus: [evaluation.index]
    if expr.name == "total":
        return lambda evaluation, _focus: evaluation.total
    return focus_itself


def _variable(expr: Variable) -> Run:
    name = expr.name
    return lambda evaluation, _focus: variable(evaluation, name)


def _member(expr: Member) -> Run:
    name = expr.name
    if expr.target is None:
        return _root(name) if name[:1].isupper() else _step(focus_itself, name)
    return _step(compile_tree(expr.target), name)


def _step(target: Run, name: str) -> Run:
    def run(evaluation: Evaluation, focus: Items) -> Items:
        out: Items = []
        for item in target(evaluation, focus):
            if item.__class__ is Node:
                item.type.takers[name](item, out)
            else:
                _take_part(item, name, out)
        evaluation.budget -= len(out)
        if evaluation.budget < 0:
            evaluation.spend(0)
        return out

    return run


def _take_part(item: Any, name: str, out: Items) -> None:
    """Members of System values: a type's name, a quantity's value."""
    if item.__class__ is TypeInfo:
        parts: dict[str, Any] = {
            "namespace": item.namespace,
            "name": item.name,
            "baseType": item.base,
        }
    elif item.__class__ is Quantity:
        parts = {"value": item.value, "unit": item.unit}
    else:
        return
    if name in parts:
        out.append(parts[name])


def _root(name: str) -> Run:
    """`Patient` at the beginning of a path is the focus itself when it is a Patient."""
    step = _step(focus_itself, name)

    def run(evaluation: Evaluation, focus: Items) -> Items:
        own = [item for item in focus if _is_called(item, name)]
        return own or step(evaluation, focus)

    return run


def _is_called(item: Any, name: str) -> bool:
    if item.__class__ is not Node:
        return False
    current: Type | None = item.type
    if item.type.untyped:
        return item.value.__class__ is dict and item.value.get("resourceType") == name
    while current is not None:
        if current.name == name:
            return True
        current = current.base
    return False


def _indexed(expr: Indexed) -> Run:
    target, index = compile_tree(expr.target), compile_tree(expr.index)

    def run(evaluation: Evaluation, focus: Items) -> Items:
        items = target(evaluation, focus)
        place = whole_number(index(evaluation, focus), "an index")
        return [] if place is None or place < 0 else items[place : place + 1]

    return run


def _sign(expr: Sign) -> Run:
    operand = compile_tree(expr.operand)
    apply = negated if expr.sign == "-" else positive
    return lambda evaluation, focus: apply(operand(evaluation, focus))


def _type_test(expr: TypeTest) -> Run:
    compile_test = is_type if expr.operator == "is" else as_type
    return compile_test(compile_tree(expr.operand), expr.type)


def _scoped(expr: Expr) -> Run:
    """Compile a part whose variables are its own (defineVariable)."""
    run = compile_tree(expr)
    if not any(isinstance(part, Call) and part.name == "defineVariable" for part in parts_of(expr)):
        return run

    def scoped(evaluation: Evaluation, focus: Items) -> Items:
        outer = evaluation.variables
        found = run(evaluation, focus)
        evaluation.variables = outer
        return found

    return scoped


def _binary(expr: Binary) -> Run:
    if expr.operator in LOGIC:
        return compile_logic(expr, _scoped)
    left, right = _scoped(expr.left), _scoped(expr.right)
    operate = OPERATORS[expr.operator]
    return lambda evaluation, focus: operate(
        evaluation, left(evaluation, focus), right(evaluation, focus)
    )


def _call(expr: Call) -> Run:
    if isinstance(expr.target, Variable) and expr.target.name == "factory":
        return _made(expr)
    target = focus_itself if expr.target is None else compile_tree(expr.target)
    count = len(expr.arguments)
    special = LAMBDAS.get(expr.name)
    if special is not None and not (expr.name == "exists" and not count):
        _check_count(expr, special.least, special.most)
        return special.build(_scoped, target, expr.arguments)
    function = FUNCTIONS.get(expr.name) or AGGREGATES.get(expr.name)
    if function is None:
        raise FHIRPathSemanticError(f"there is no function {expr.name}()")
    _check_count(expr, function.least, function.most)
    match expr:
        case Call(_, "extension", (Constant(str() as url),)):
            return extensions(target, url)
    return _plain_call(function.call, target, [_scoped(one) for one in expr.arguments])


def _made(expr: Call) -> Run:
    """Compile a call of %factory; `create` takes a type's name."""
    function = factory_functions().get(expr.name)
    if function is None:
        raise FHIRPathSemanticError(f"%factory cannot make {expr.name}")
    _check_count(expr, function.least, function.most)
    if expr.name == "create":
        name = _constant([type_name_of(expr.arguments[0])])
        return _plain_call(function.call, focus_itself, [name])
    return _plain_call(function.call, focus_itself, [_scoped(one) for one in expr.arguments])


def _check_count(expr: Call, least: int, most: int) -> None:
    if not least <= len(expr.arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise FHIRPathSemanticError(f"{expr.name}() takes {wanted} arguments")


def _plain_call(call: Callable[..., Items], target: Run, arguments: Sequence[Run]) -> Run:
    if not arguments:
        return lambda evaluation, focus: call(evaluation, target(evaluation, focus))
    if len(arguments) == 1:
        first = arguments[0]
        return lambda evaluation, focus: call(
            evaluation, target(evaluation, focus), first(evaluation, focus)
        )
    return lambda evaluation, focus: call(
        evaluation, target(evaluation, focus), *[one(evaluation, focus) for one in arguments]
    )


_COMPILERS: dict[type, Callable[[Any], Run]] = {
    Empty: _empty,
    Constant: _value,
    LongConstant: _long,
    TemporalConstant: _temporal,
    QuantityConstant: _quantity,
    Special: _special,
    Variable: _variable,
    Member: _member,
    Call: _call,
    Indexed: _indexed,
    Sign: _sign,
    TypeTest: _type_test,
    Binary: _binary,
}
