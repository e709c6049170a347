"""The R4 types, made for navigation: what each element name takes from a JSON object.

https://hl7.org/fhir/R4/fhirpath.html#polymorphism (`Observation.value`),
https://hl7.org/fhir/R4/json.html#primitive (`_birthDate`). Built from `profiles.r4.facts`, one
type at a time, when an expression first meets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from profiles.fhirpath import convert
from profiles.fhirpath.items import Items, Node, Take, Takers, Type, plain_value
from profiles.fhirpath.takers import (
    append_complex,
    append_list,
    choice_taker,
    complex_taker,
    extra_of,
    primitive_taker,
    resource_taker,
)
from profiles.r4 import facts

Facts = dict[str, Any]

#: Elements whose definition names a System type besides the FHIR one.
_SYSTEM_STRINGS = frozenset({"id", "Extension.url"})
_SYSTEM_NAMES = (
    *("Any", "Boolean", "Integer", "Long", "Decimal", "String"),
    *("Date", "DateTime", "Time", "Quantity", "SimpleTypeInfo", "ClassInfo"),
)


def _nothing(_name: str) -> Take:
    return _take_nothing


def _take_nothing(_node: Node, _out: Items) -> None:
    """Take nothing: the type has no such element."""


@cache
def system_type(name: str) -> Type | None:
    """Return a type of the System namespace."""
    if name not in _SYSTEM_NAMES:
        return None
    base = None if name == "Any" else system_type("Any")
    return Type("System", name, base, Takers(_nothing))


@lru_cache(maxsize=8192)  # expressions may name anything
def fhir_type(name: str) -> Type | None:
    """Return a FHIR type by name, or a nested one (`Patient.contact`); None for any other name."""
    if "." in name:
        return type_at(name)
    if name in facts("primitives"):
        return _primitive_type(name)
    return _complex_type(name, "") if name in facts("elements")["types"] else None


def resource_type(value: Any) -> Type:
    """Return the type a resource names; data that is no R4 resource is untyped."""
    name = value.get("resourceType") if isinstance(value, dict) else None
    known = facts("elements")["types"].get(name) if isinstance(name, str) else None
    if known is None or known["kind"] != "resource":
        return untyped()
    return _complex_type(name, "")


@cache
def _primitive_type(name: str, system: str = "") -> Type:
    base = fhir_type(facts("primitives")[name]["base"])
    type_ = Type("FHIR", name, base, Takers(_nothing), primitive=True, system=system)
    type_.convert = convert.CONVERSIONS.get(name, convert.text)
    type_.path = name
    _add_extra(type_.takers, "Extension")
    type_.elements = _extra_elements
    return type_


def _extra_elements() -> dict[str, tuple[Type, ...]]:
    extension = fhir_type("Extension")
    return {"id": (_primitive_type("string", "String"),), "extension": (extension,)}  # type: ignore[dict-item]


@cache
def untyped(*, plain: bool = False) -> Type:
    """Return the type of data without a definition; `plain` knows nothing of FHIR at all."""
    type_ = Type("", "", None, Takers(_nothing), untyped=True)
    type_.convert = plain_value
    type_.takers.unknown = _plain_taker if plain else _raw_taker
    return type_


def _raw_taker(name: str) -> Take:
    if name == "extension":
        return _extension_taker()
    return _untyped_taker(name, plain=False)


def _plain_taker(name: str) -> Take:
    return _untyped_taker(name, plain=True)


@cache
def _extension_taker() -> Take:
    extension = fhir_type("Extension")
    assert extension is not None  # noqa: S101 - R4 has it

    def take(node: Node, out: Items) -> None:
        data = node.value if node.value.__class__ is dict else node.extra
        if data:
            append_complex(data.get("extension"), extension, node, "extension", out)

    return take


def _untyped_taker(name: str, *, plain: bool) -> Take:
    under = f"_{name}"
    own = untyped(plain=plain)

    def take(node: Node, out: Items) -> None:
        data = node.value
        if data.__class__ is not dict:
            data = node.extra or {}
        value, extra = data.get(name), data.get(under)
        before = len(out)
        if value.__class__ is list or extra.__class__ is list:
            append_list(value, extra, own, node, name, out)
        elif value is not None or extra.__class__ is dict:
            out.append(Node(value, extra_of(extra), own, node, name))
        if not plain:
            _name_types(out[before:])

    return take


def _name_types(nodes: Items) -> None:
    """Resources say what they are wherever they stand."""
    for node in nodes:
        if node.value.__class__ is dict and "resourceType" in node.value:
            node.type = resource_type(node.value)


def type_at(path: str) -> Type | None:
    """Return the type of an element by its path (`Patient.contact`), or of a type's name."""
    name, *rest = path.split(".")
    type_ = fhir_type(name)
    for step in rest:
        types = type_.elements().get(step, ()) if type_ is not None else ()
        type_ = types[0] if len(types) == 1 else None
    return type_


def _add_extra(takers: Takers, extension: str) -> None:
    """A primitive's id and extensions stand in its sibling."""

    def take_id(node: Node, out: Items) -> None:
        if node.extra and (value := node.extra.get("id")) is not None:
            out.append(Node(value, None, _primitive_type("string", "String"), node, "id"))

    def take_extension(node: Node, out: Items) -> None:
        if node.extra:
            append_complex(node.extra.get("extension"), _known(extension), node, "extension", out)

    takers["id"] = take_id
    takers["extension"] = take_extension


def _known(name: str) -> Type:
    type_ = fhir_type(name)
    return untyped() if type_ is None else type_


@cache
def _complex_type(name: str, path: str) -> Type:
    """Make a type, or the nested type at a path inside one (`Patient`, `contact`)."""
    structure = facts("elements")["types"][name]
    type_ = Type("FHIR", name, None, Takers(_raw_taker))
    type_.path = f"{name}.{path}" if path else name
    if path:
        base = next(one["types"][0] for one in structure["elements"] if one["path"] == path)
        type_.base, type_.name = fhir_type(base), base
    else:
        type_.base = fhir_type(structure["base"]) if "base" in structure else None
    if _is_quantity(type_):
        type_.convert = convert.quantity
    elements = list(_own_elements(name, path))
    type_.elements = _lazy_elements(name, elements)
    type_.texts = frozenset(short for short, one in elements if _is_text(one))
    _fill(type_.takers, name, elements)
    return type_


def _is_quantity(type_: Type) -> bool:
    current: Type | None = type_
    while current is not None:
        if current.name == "Quantity":
            return True
        current = current.base
    return False


def _is_text(element: Facts) -> bool:
    types = element.get("types", ())
    return (
        element["max"] == "1"
        and len(types) == 1
        and not element["path"].endswith("[x]")
        and types[0] in facts("primitives")
        and types[0] not in convert.CONVERSIONS
    )


def _own_elements(name: str, path: str) -> Iterator[tuple[str, Facts]]:
    prefix = f"{path}." if path else ""
    for element in facts("elements")["types"][name]["elements"]:
        rest = element["path"].removeprefix(prefix)
        if element["path"].startswith(prefix) and "." not in rest:
            yield rest, element


def _lazy_elements(name: str, elements: list[tuple[str, Facts]]) -> Any:
    @cache
    def known() -> dict[str, tuple[Type, ...]]:
        return {
            short.removesuffix("[x]"): tuple(
                _element_type(name, element, code) for code in _codes(element)
            )
            for short, element in elements
        }

    return known


def _codes(element: Facts) -> list[str]:
    if "content" in element:
        return [""]
    codes: list[str] = element["types"]
    return codes


def _element_type(owner: str, element: Facts, code: str) -> Type:
    if "content" in element:
        type_name, _, path = element["content"].partition(".")
        return _complex_type(type_name, path)
    if code in ("BackboneElement", "Element"):
        return _complex_type(owner, element["path"])
    if code in facts("primitives"):
        is_system = element["path"] == "id" or f"{owner}.{element['path']}" in _SYSTEM_STRINGS
        is_system = is_system or element["path"].endswith(".id")
        return _primitive_type(code, "String" if is_system else "")
    return _known(code)


class _LazyTaker:
    """Builds the element's type when it is first taken; types refer to each other in rings."""

    def __init__(self, takers: Takers, key: str, owner: str, element: Facts, code: str) -> None:
        self._takers, self._key = takers, key
        self._owner, self._element, self._code = owner, element, code

    def __call__(self, node: Node, out: Items) -> None:
        short = self._element["path"].rpartition(".")[2]
        name = short.removesuffix("[x]")
        json = name + _capital(self._code) if short != name else name
        taker = _taker(name, json, _element_type(self._owner, self._element, self._code))
        self._takers[self._key] = taker
        taker(node, out)


def _taker(name: str, json: str, type_: Type) -> Take:
    if type_.name == "Resource":
        return resource_taker(name, json, resource_type)
    make = primitive_taker if type_.primitive else complex_taker
    return make(name, json, type_)


def _capital(code: str) -> str:
    return code[:1].upper() + code[1:]


def _fill(takers: Takers, owner: str, elements: list[tuple[str, Facts]]) -> None:
    for short, element in elements:
        if not short.endswith("[x]"):
            code = _codes(element)[0]
            takers[short] = _LazyTaker(takers, short, owner, element, code)
            continue
        name = short.removesuffix("[x]")
        choices: Takers = Takers(_nothing)
        for code in element["types"]:
            json = name + _capital(code)
            choices[json] = _LazyTaker(choices, json, owner, element, code)
            if code in facts("primitives"):
                choices[f"_{json}"] = _LazyTaker(choices, f"_{json}", owner, element, code)
            takers[json] = _LazyTaker(takers, json, owner, element, code)
        takers[name] = choice_taker(choices)
