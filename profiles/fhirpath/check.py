"""The strict check: an expression names only elements that its input can have.

https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation. Types are followed through
the expression; where they are not known (a resolved reference, a variable), nothing is refused.
Functions that depend on order are refused on what has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from profiles.fhirpath.errors import FHIRPathSemanticError
from profiles.fhirpath.items import Type
from profiles.fhirpath.model import fhir_type, system_type
from profiles.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Expr,
    Indexed,
    Member,
    QuantityConstant,
    Sign,
    SortKey,
    Special,
    TypeTest,
    Variable,
)
from profiles.fhirpath.types import type_name_of, types_named

#: Functions that give items of their input.
_KEEP = frozenset(
    {
        *("where", "first", "last", "tail", "skip", "take", "single", "trace", "intersect"),
        *("exclude", "distinct", "sort", "checkModifiers", "defineVariable"),
    }
)
#: Functions whose arguments are evaluated on each item.
_PER_ITEM = frozenset(
    {"where", "exists", "all", "select", "repeat", "repeatAll", "aggregate", "iif", "sort"}
)
_NEED_ORDER = frozenset({"first", "last", "tail", "skip", "take"})
_WITHOUT_ORDER = frozenset({"children", "descendants"})
_BOOLEAN = frozenset({"exists", "empty", "not", "all", "hasValue", "is"})
#: Types that stand for any resource.
_ANY_RESOURCE = frozenset({"Resource", "DomainResource"})
#: System types with members.
_WITH_PARTS = frozenset({"Quantity", "ClassInfo", "SimpleTypeInfo", "Any"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known about a collection before it is there."""

    #: Possible types; None when any.
    types: frozenset[Type] | None = None
    ordered: bool = True

    def with_(self, other: Shape) -> Shape:
        """Return what is known about both together."""
        if self.types is None or other.types is None:
            return Shape(None, self.ordered and other.ordered)
        return Shape(self.types | other.types, self.ordered and other.ordered)


_UNKNOWN = Shape()


def check(tree: Expr, type_: Type) -> None:
    """Raise FHIRPathSemanticError when the tree cannot be meant for this type of focus."""
    focus = Shape(frozenset({type_}))
    _Check(focus).shape(tree, focus)


def _of(type_: Type | None) -> Shape:
    return _UNKNOWN if type_ is None else Shape(frozenset({type_}))


class _Check:
    """Follows the types through one expression."""

    def __init__(self, context: Shape) -> None:
        self._context = context

    def shape(self, expr: Expr, focus: Shape) -> Shape:
        """Return what an expression gives on a focus."""
        rules: dict[type, Callable[[Any, Shape], Shape]] = {
            Constant: self._constant,
            QuantityConstant: self._quantity,
            Special: self._special,
            Variable: self._variable,
            Member: self._member,
            Call: self._call,
            Indexed: self._indexed,
            Sign: self._sign,
            SortKey: self._sort_key,
            Binary: self._binary,
            TypeTest: self._type_test,
        }
        rule = rules.get(type(expr))
        return _UNKNOWN if rule is None else rule(expr, focus)

    def _constant(self, expr: Constant, _focus: Shape) -> Shape:
        names = {bool: "Boolean", str: "String", int: "Integer"}
        return _of(system_type(names.get(type(expr.value), "Decimal")))

    def _quantity(self, _expr: QuantityConstant, _focus: Shape) -> Shape:
        return _of(system_type("Quantity"))

    def _special(self, expr: Special, focus: Shape) -> Shape:
        return focus if expr.name == "this" else _UNKNOWN

    def _variable(self, expr: Variable, _focus: Shape) -> Shape:
        return self._context if expr.name == "context" else _UNKNOWN

    def _member(self, expr: Member, focus: Shape) -> Shape:
        if expr.target is not None:
            return _step(self.shape(expr.target, focus), expr.name)
        if expr.name[:1].isupper() and _is_named(focus, expr.name):
            return focus
        return _step(focus, expr.name)

    def _indexed(self, expr: Indexed, focus: Shape) -> Shape:
        target = self.shape(expr.target, focus)
        self.shape(expr.index, focus)
        _check_order(target, "an index")
        return target

    def _sign(self, expr: Sign, focus: Shape) -> Shape:
        return self.shape(expr.operand, focus)

    def _sort_key(self, expr: SortKey, focus: Shape) -> Shape:
        return self.shape(expr.key, focus)

    def _binary(self, expr: Binary, focus: Shape) -> Shape:
        left, right = self.shape(expr.left, focus), self.shape(expr.right, focus)
        return left.with_(right) if expr.operator == "|" else _UNKNOWN

    def _type_test(self, expr: TypeTest, focus: Shape) -> Shape:
        self.shape(expr.operand, focus)
        if expr.operator == "is":
            return _of(system_type("Boolean"))
        return Shape(frozenset(types_named(expr.type)))

    def _call(self, expr: Call, focus: Shape) -> Shape:
        if isinstance(expr.target, Variable) and expr.target.name == "factory":
            return _UNKNOWN
        target = focus if expr.target is None else self.shape(expr.target, focus)
        name = expr.name
        if name in ("ofType", "as"):
            return Shape(frozenset(types_named(type_name_of(expr.arguments[0]))))
        if name == "is":
            return _of(system_type("Boolean"))
        if name in _NEED_ORDER:
            _check_order(target, f"{name}()")
        arguments = self._arguments(expr, target, focus)
        if name == "iif":
            _check_criterion(arguments[0])
        return self._result(name, target, arguments)

    def _arguments(self, expr: Call, target: Shape, focus: Shape) -> list[Shape]:
        if expr.name in ("repeat", "repeatAll"):
            return [self._repeated(expr.arguments[0], target)]
        per_item = expr.name in _PER_ITEM
        found = []
        for place, argument in enumerate(expr.arguments):
            inner = per_item or (expr.name in ("trace", "defineVariable") and place > 0)
            found.append(self.shape(argument, target if inner else focus))
        return found

    def _repeated(self, argument: Expr, target: Shape) -> Shape:
        """What is found is searched again; elements of later rounds are of the same types."""
        first = self.shape(argument, target)
        if first.types is None or target.types is None:
            return first
        try:
            return first.with_(self.shape(argument, first))
        except FHIRPathSemanticError:
            return first

    def _result(self, name: str, target: Shape, arguments: list[Shape]) -> Shape:
        if name in _KEEP:
            return target
        if name in ("select", "repeat", "repeatAll"):
            return arguments[0]
        if name in ("union", "combine"):
            return target.with_(arguments[0])
        if name == "iif":
            return arguments[1].with_(arguments[2]) if len(arguments) > 2 else arguments[1]
        if name in _WITHOUT_ORDER:
            return Shape(None, ordered=False)
        if name == "extension":
            return _of(fhir_type("Extension"))
        return _of(system_type("Boolean")) if name in _BOOLEAN else _UNKNOWN


def _check_order(shape: Shape, what: str) -> None:
    if not shape.ordered:
        raise FHIRPathSemanticError(f"{what} is asked of a collection without order")


def _check_criterion(shape: Shape) -> None:
    if shape.types and all(
        one.namespace == "System" and one.name not in ("Boolean", "Any") for one in shape.types
    ):
        raise FHIRPathSemanticError("the criterion of iif() is no Boolean")


def _is_named(shape: Shape, name: str) -> bool:
    """A type's name at the beginning of a path: its own or that of a type it derives from."""
    if shape.types is None:
        return True
    return any(_has_ancestor(one, name) for one in shape.types)


def _has_ancestor(type_: Type, name: str) -> bool:
    current: Type | None = type_
    while current is not None:
        if current.name == name:
            return True
        current = current.base
    # Of "any resource" it may be the one that is named.
    named = fhir_type(name)
    return type_.name in _ANY_RESOURCE and named is not None and named.is_a(type_)


def _step(shape: Shape, name: str) -> Shape:
    if shape.types is None:
        return shape
    found: set[Type] = set()
    for type_ in shape.types:
        members = type_.elements()
        if name in members:
            found.update(members[name])
        elif _is_open(type_):
            return Shape(None, shape.ordered)
    if not found:
        known = ", ".join(sorted({one.path or one.name for one in shape.types})[:5])
        raise FHIRPathSemanticError(f"{name} is no element of {known}")
    if any(one.untyped or one.name in _ANY_RESOURCE for one in found):
        return Shape(None, shape.ordered)
    return Shape(frozenset(found), shape.ordered)


def _is_open(type_: Type) -> bool:
    if type_.namespace == "System":
        return type_.name in _WITH_PARTS
    return type_.untyped or type_.name in _ANY_RESOURCE
