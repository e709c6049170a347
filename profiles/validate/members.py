"""The values of an element in JSON: https://hl7.org/fhir/R4/json.html.

A choice (`value[x]`) stands under the name of its type; id and extensions of a primitive value
stand beside it (`_birthDate`), in lists at the same index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from profiles.r4 import facts
from profiles.snapshot.elements import Element
from profiles.validate.places import Place
from profiles.validate.primitives import primitive_types

Json = dict[str, Any]
#: Names that are looked up one by one.
_FEW = 3


#: Makes an item of a tuple: there are many, and their class would take its time.
_made = tuple.__new__


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


class Members(NamedTuple):
    """All JSON names an element can stand under."""

    each: tuple[Member, ...]
    #: JSON name, of the id and extensions of primitives too → its member.
    by_name: Mapping[str, Member]

    @classmethod
    def of(cls, members: Iterable[Member]) -> Members:
        """Take the names."""
        each = tuple(members)
        beside = {f"_{one.name}": one for one in each if one.primitive}
        return cls(each, {one.name: one for one in each} | beside)


def members_of(element: Element, stem: str = "") -> Members:
    """Return the JSON names of an element: one, or one for each type of a choice."""
    name = stem or element.name
    if not name.endswith("[x]"):
        code = element.types[0].code if element.types else ""
        return Members.of((Member(name, code, code in primitive_types()),))
    plain = name.removesuffix("[x]")
    codes = dict.fromkeys(one.code for one in element.types)
    return Members.of(
        Member(plain + code[0].upper() + code[1:], code, code in primitive_types())
        for code in codes
    )


def is_formed(value: Any, code: str) -> bool:
    """Say whether a value has the JSON form of its type; where not, structure.py reports it."""
    if type(value) is dict:
        return code not in primitive_types()
    return type(value) is not list and code in primitive_types()


def items_of(holder: Json, members: Members, shown: str, above: Place) -> list[Item]:
    """Return the values an object has under some names; `shown` is the element's own name."""
    found: list[Item] = []
    # Of a choice among many types one name is there at most.
    for member in members.each if len(members.each) <= _FEW else _present(holder, members):
        _take(holder, member, shown, above, found)
    return found


def _take(holder: Json, member: Member, shown: str, above: Place, found: list[Item]) -> None:
    name, code, primitive = member
    value = holder.get(name)
    extra = holder.get(f"_{name}") if primitive else None
    if value is None and extra is None:
        return
    if type(extra) is list:
        found += _listed(value, extra, code, shown, above)
    elif type(value) is list:
        found += [
            _made(Item, (one, None, code, (above, shown, index)))
            for index, one in enumerate(value)
            if one is not None
        ]
    else:
        beside = extra if type(extra) is dict else None
        found.append(_made(Item, (value, beside, code, (above, shown))))


def _present(holder: Json, members: Members) -> Sequence[Member]:
    by_name = members.by_name
    found = [by_name[name] for name in holder if name in by_name]
    return found if len(found) <= 1 else [one for one in members.each if one in found]


def _listed(value: Any, extra: Any, code: str, shown: str, above: Place) -> Iterator[Item]:
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        beside = extras[index] if index < len(extras) else None
        if one is not None or beside is not None:
            beside = beside if isinstance(beside, dict) else None
            yield Item(one, beside, code, (above, shown, index))


def named(holder: Json, name: str, above: Place) -> list[Item]:
    """Return the values an object has for an element, choices included.

    For where no definition is at hand: the type is known of choices only.
    """
    known = _named(name)
    found: list[Item] = []
    for key in holder:
        if key in known:
            member = known[key]
            if key == member.name or member.name not in holder:
                _take(holder, member, name, above, found)
    return found


@lru_cache(maxsize=1024)
def _named(name: str) -> Mapping[str, Member]:
    """JSON name → the member; every element may be a choice, or primitive."""
    endings = {"": "", **_endings()}
    return Members.of(
        Member(name + ending, code, primitive=True) for ending, code in endings.items()
    ).by_name


@cache
def _endings() -> dict[str, str]:
    """Ends of the names of choices → data types: `Quantity`, `DateTime` → `dateTime`."""
    known = [*facts("primitives"), *facts("elements")["types"]]
    return {code[0].upper() + code[1:]: code for code in known}
