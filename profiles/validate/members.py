"""The values of an element in JSON: https://hl7.org/fhir/R4/json.html.

A choice (`value[x]`) stands under the name of its type; id and extensions of a primitive value
stand beside it (`_birthDate`), in lists at the same index.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from profiles.r4 import facts
from profiles.snapshot.elements import Element
from profiles.validate.places import Place
from profiles.validate.primitives import primitive_types

Json = dict[str, Any]
#: Names that are looked up one by one.
_FEW = 3


class Item(NamedTuple):
    """One value of an element."""

    #: JSON value; None when a primitive has extensions only.
    value: Any
    #: Id and extensions of a primitive value.
    extra: Json | None
    #: FHIR type by the member's name; "" where the definition leaves it open.
    type: str
    place: Place

    @property
    def below(self) -> Json | None:
        """The object that holds what is below this value."""
        return self.value if isinstance(self.value, dict) else self.extra


class Member(NamedTuple):
    """One JSON name an element can stand under."""

    name: str
    type: str
    primitive: bool


def members_of(element: Element, stem: str = "") -> tuple[Member, ...]:
    """Return the JSON names of an element: one, or one for each type of a choice."""
    name = stem or element.name
    if not name.endswith("[x]"):
        code = element.types[0].code if element.types else ""
        return (Member(name, code, code in primitive_types()),)
    plain = name.removesuffix("[x]")
    codes = dict.fromkeys(one.code for one in element.types)
    return tuple(
        Member(plain + code[0].upper() + code[1:], code, code in primitive_types())
        for code in codes
    )


def is_formed(value: Any, code: str) -> bool:
    """Say whether a value has the JSON form of its type; where not, structure.py reports it."""
    if type(value) is dict:
        return code not in primitive_types()
    return type(value) is not list and code in primitive_types()


def items_of(holder: Json, members: tuple[Member, ...], shown: str, above: Place) -> list[Item]:
    """Return the values an object has under some names; `shown` is the element's own name."""
    if len(members) > _FEW:
        # Of a choice among many types one name is there at most.
        members = tuple(_present(holder, members))
    found: list[Item] = []
    for name, code, primitive in members:
        value = holder.get(name)
        extra = holder.get(f"_{name}") if primitive else None
        if value is None and extra is None:
            continue
        if type(value) is list or type(extra) is list:
            found += _listed(value, extra, code, shown, above)
        else:
            beside = extra if type(extra) is dict else None
            found.append(Item(value, beside, code, (above, shown)))
    return found


def _present(holder: Json, members: tuple[Member, ...]) -> Iterator[Member]:
    stem = members[0].name[:2]
    if any(name.startswith((stem, f"_{stem}")) for name in holder):
        yield from (one for one in members if one.name in holder or f"_{one.name}" in holder)


def _listed(value: Any, extra: Any, code: str, shown: str, above: Place) -> Iterator[Item]:
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        beside = extras[index] if index < len(extras) else None
        if one is not None or beside is not None:
            beside = beside if isinstance(beside, dict) else None
            yield Item(one, beside, code, (above, shown, index))


def named(holder: Json, name: str, above: Place) -> Iterator[Item]:
    """Go through the values an object has for an element, choices included.

    For where no definition is at hand: the type is known of choices only.
    """
    for key in holder:
        plain = key.removeprefix("_")
        if plain == name or _is_choice(name, plain):
            if plain != key and plain in holder:
                continue
            code = _endings().get(plain[len(name) :], "")
            yield from items_of(holder, (Member(plain, code, primitive=True),), name, above)


def _is_choice(name: str, key: str) -> bool:
    return key.startswith(name) and key[len(name) :] in _endings()


@cache
def _endings() -> dict[str, str]:
    """Ends of the names of choices → data types: `Quantity`, `DateTime` → `dateTime`."""
    known = [*facts("primitives"), *facts("elements")["types"]]
    return {code[0].upper() + code[1:]: code for code in known}
