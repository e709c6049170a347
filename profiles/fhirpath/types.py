"""is, as and ofType: which items are of a type.

https://hl7.org/fhirpath/N1/#types, https://hl7.org/fhir/R4/fhirpath.html#types. A name without
namespace is looked for in FHIR first; `Quantity` is both. `as` and `ofType` take FHIR primitives
of exactly the named type (a `code` is no `string` there), `is` their subtypes as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiles.fhirpath.errors import FHIRPathSemanticError
from profiles.fhirpath.items import Items, Node, Type, plain_value, system, system_name
from profiles.fhirpath.model import fhir_type, system_type
from profiles.fhirpath.syntax import Constant, Expr, Member

Test = Callable[[Any], bool]


def type_name_of(argument: Expr) -> str:
    """Read a type specifier given as function argument; raises FHIRPathSemanticError."""
    if isinstance(argument, Member):
        prefix = "" if argument.target is None else f"{type_name_of(argument.target)}."
        return prefix + argument.name
    if isinstance(argument, Constant) and isinstance(argument.value, str):
        return argument.value
    raise FHIRPathSemanticError("a type name is expected as argument")


def types_named(name: str) -> list[Type]:
    """Return the types a specifier means; raises FHIRPathSemanticError for none."""
    namespace, _, local = name.rpartition(".")
    candidates = []
    if namespace in ("", "FHIR"):
        candidates.append(fhir_type(local))
    if namespace in ("", "System"):
        candidates.append(system_type(local))
    found = [one for one in candidates if one is not None]
    if not found and namespace != "System":
        raise FHIRPathSemanticError(f"there is no type {name}")
    return found


def test_is(name: str) -> Test:
    """Return the test of `is`."""
    types = types_named(name)
    return lambda item: any(_is(item, one) for one in types)


def test_as(name: str) -> Test:
    """Return the test of `as` and `ofType`."""
    types = types_named(name)
    return lambda item: any(_is_exactly(item, one) for one in types)


def _is(item: Any, type_: Type) -> bool:
    if type_.namespace == "System":
        return _is_system(item, type_)
    return item.__class__ is Node and item.type.is_a(type_)


def _is_system(item: Any, type_: Type) -> bool:
    if item.__class__ is Node:
        if not item.type.untyped:
            return bool(item.type.system) and item.type.system == type_.name
        item = plain_value(item.value)
        if item is None:
            return False
    return type_.name in ("Any", system_name(item))


def _is_exactly(item: Any, type_: Type) -> bool:
    if type_.namespace == "System":
        return _is_system(item, type_) or _has_system_value(item, type_)
    if item.__class__ is not Node:
        return False
    if type_.primitive:
        return bool(item.type.name == type_.name)
    return bool(item.type.is_a(type_))


def _has_system_value(item: Any, type_: Type) -> bool:
    """A FHIR primitive converts to its System type where one is asked for by name."""
    if item.__class__ is not Node or not item.type.primitive:
        return False
    known = system(item)
    return known is not None and system_name(known) == type_.name


def of_type(items: Items, test: Test) -> Items:
    """Keep the items of a type."""
    return [item for item in items if test(item)]
