"""What collections hold: values of the System types, and nodes of a resource.

https://hl7.org/fhirpath/N1/#collections, https://hl7.org/fhir/R4/fhirpath.html#types: a node
is an element as it stands in JSON, with its FHIR type, its sibling of id and extensions
(`_birthDate`) and where it was found. Its value is converted when an operator needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from profiles.fhirpath.numbers import Long
from profiles.fhirpath.quantity import Quantity
from profiles.fhirpath.temporal import Temporal

#: A collection: nodes and System values (bool, int, Long, Decimal, str, Temporal, Quantity,
#: TypeInfo), in order.
Items = list[Any]
#: Appends the children of a node to a collection.
Take = Callable[["Node", Items], None]


class Takers(dict[str, Take]):
    """Element name → how to take it from a node; `unknown` makes one for other names."""

    __slots__ = ("unknown",)

    def __init__(self, unknown: Callable[[str], Take]) -> None:
        """Begin without names."""
        super().__init__()
        self.unknown = unknown

    def __missing__(self, name: str) -> Take:
        """Make the taker of an undefined name; it is not kept."""
        return self.unknown(name)


@dataclass(eq=False, slots=True)
class Type:
    """A type of the System or FHIR namespace."""

    namespace: str
    name: str
    base: Type | None
    takers: Takers
    #: JSON value → System value; None for types without one.
    convert: Callable[[Any], Any] | None = None
    #: Element name → possible types; the strict check reads it.
    elements: Callable[[], dict[str, tuple[Type, ...]]] = dict
    #: Single elements whose value is a plain text, for quick comparisons.
    texts: frozenset[str] = frozenset()
    primitive: bool = False
    #: What the definitions call this type besides, e.g. System.String for Resource.id.
    system: str = ""
    #: Nothing is known about the type: data without a FHIR definition.
    untyped: bool = False
    #: Path of a nested element (`Patient.contact`), else the type's name.
    path: str = ""

    def is_a(self, other: Type) -> bool:
        """Say whether this is the other type or derived from it."""
        current: Type | None = self
        while current is not None:
            if current.name == other.name and current.namespace == other.namespace:
                return True
            current = current.base
        return False


class Node:
    """An element of a resource."""

    __slots__ = ("extra", "index", "name", "parent", "type", "value")

    def __init__(
        self,
        value: Any,
        extra: dict[str, Any] | None,
        type_: Type,
        parent: Node | None = None,
        name: str = "",
        index: int = -1,
    ) -> None:
        """Make a node; `value` of a complex type is a JSON object."""
        #: The JSON value; None for a primitive that has extensions only.
        self.value = value
        #: The JSON object with id and extensions of a primitive.
        self.extra = extra
        self.type = type_
        self.parent = parent
        self.name = name
        #: Position in its list; -1 where there is none.
        self.index = index

    @property
    def path(self) -> str:
        """Where it stands, as FHIRPath: `Patient.name[0].given[1]`."""
        parts = []
        node: Node | None = self
        while node is not None:
            parts.append(node.name if node.index < 0 else f"{node.name}[{node.index}]")
            node = node.parent
        return ".".join(reversed(parts))


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What type() gives: https://hl7.org/fhirpath/N1/#reflection."""

    namespace: str
    name: str
    base: str = ""


def system(item: Any) -> Any:
    """Return the System value of an item; a node without one is None or, if complex, itself."""
    if item.__class__ is not Node:
        return item
    convert = item.type.convert
    if convert is None:
        return item
    return None if item.value is None else convert(item.value)


def has_value(item: Any) -> bool:
    """Say whether an item is a System value or a primitive with a value."""
    if item.__class__ is not Node:
        return item.__class__ is not Quantity
    return item.value is not None and item.value.__class__ is not dict


def plain_value(raw: Any) -> Any:
    """Return the System value of JSON data of unknown type."""
    kind = raw.__class__
    if kind is str or kind is bool or kind is int:
        return raw
    if kind is float:
        return Decimal(repr(raw))
    return raw if isinstance(raw, Decimal) else None


_SYSTEM_NAMES: dict[type, str] = {
    bool: "Boolean",
    int: "Integer",
    Long: "Long",
    Decimal: "Decimal",
    str: "String",
    Quantity: "Quantity",
    TypeInfo: "ClassInfo",
}


def system_name(value: Any) -> str:
    """Return the name of a System value's type."""
    if isinstance(value, Temporal):
        return value.kind
    name = _SYSTEM_NAMES.get(value.__class__)
    return name or ("Decimal" if isinstance(value, Decimal) else "")
