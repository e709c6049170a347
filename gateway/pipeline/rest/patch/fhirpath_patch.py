"""FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html): add, insert, delete, replace, move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.pipeline.rest.patch.places import Place, member, of_choice, places
from profiles.issue import NotConformant
from profiles.r4 import facts
from profiles.reading.fhir_elements import Member
from profiles.reading.inapplicable import Inapplicable

Json = dict[str, Any]

_MOST = 1_000
_VALUE = "value"


@dataclass(frozen=True, slots=True)
class _Content:
    """What a patch brings: a value of a type, or the parts of an element without one."""

    #: "" for parts.
    type: str
    value: Any = None
    #: What stands beside a primitive: id and extensions.
    extra: Json | None = None
    parts: tuple[Json, ...] = ()


def apply_fhirpath_patch(resource: Json, parameters: Json) -> Json:
    """Apply a patch to a resource, in place, and return it.

    Raises NotConformant for what is no FHIRPath Patch, Inapplicable where it does not fit.
    """
    operations = parameters.get("parameter", [])
    if not isinstance(operations, list) or len(operations) > _MOST:
        raise NotConformant("A FHIRPath patch has parameters.")
    for operation in operations:
        if not isinstance(operation, dict) or operation.get("name") != "operation":
            raise NotConformant("Each parameter of a FHIRPath patch is called operation.")
        asked = _parts(operation)
        apply = _OPERATIONS.get(_text(asked, "type"))
        if apply is None:
            raise NotConformant("An operation is add, insert, delete, replace or move.")
        apply(resource, asked)
    return resource


def _add(resource: Json, asked: dict[str, Json]) -> None:
    place = _one(resource, asked)
    content = _content(asked)
    name, definition = _named(place, _text(asked, "name"), content)
    holder = _object_of(place)
    if definition.many:
        _insert_at(holder, name, len(_values(holder, name)), content, definition)
    elif name in holder or f"_{name}" in holder or _has_choice(holder, place.type, definition):
        raise Inapplicable("An element that stands once is there already.")
    else:
        _set(holder, name, content, definition)


def _insert(resource: Json, asked: dict[str, Json]) -> None:
    holder, name, definition = _list(resource, asked)
    index = _number(asked, "index")
    if index > len(_values(holder, name)):
        raise Inapplicable("An index of the patch lies behind the list.")
    _insert_at(holder, name, index, _content(asked), definition)


def _delete(resource: Json, asked: dict[str, Json]) -> None:
    found = places(resource, _text(asked, "path"))
    if not found:
        return
    if len(found) > 1:
        raise Inapplicable("A deletion names several elements.")
    place = found[0]
    if place.holder is None:
        raise Inapplicable("A resource is not deleted by a patch.")
    _remove(place.holder, place.name, place.index)


def _replace(resource: Json, asked: dict[str, Json]) -> None:
    place, content = _one(resource, asked), _content(asked)
    if place.holder is None:
        raise Inapplicable("A resource is not replaced by a patch.")
    definition = Member("", place.type, many=place.index >= 0, rank=0)
    if place.index >= 0:
        value, extra = _made(content, definition)
        _values(place.holder, place.name)[place.index] = value
        _beside(place.holder, place.name, place.index, extra)
        _tidy(place.holder, place.name)
        return
    name = _renamed(place, content)
    _remove(place.holder, place.name, -1)
    _set(place.holder, name, content, definition)


def _move(resource: Json, asked: dict[str, Json]) -> None:
    holder, name, _ = _list(resource, asked)
    source, target = _number(asked, "source"), _number(asked, "destination")
    for one in (name, f"_{name}"):
        values = holder.get(one)
        if isinstance(values, list):
            if one.startswith("_"):
                values += [None] * (len(_values(holder, name)) - len(values))
            if max(source, target) >= len(values):
                raise Inapplicable("An index of the patch lies behind the list.")
            values.insert(target, values.pop(source))


_OPERATIONS: dict[str, Callable[[Json, dict[str, Json]], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}


# what is asked ------------------------------------------------------------------------
def _parts(parameter: Json) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for part in parameter.get("part", ()):
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name in found:
            raise NotConformant("The parts of an operation have names, each once.")
        found[name] = part
    return found


def _text(asked: dict[str, Json], name: str) -> str:
    part = asked.get(name, {})
    for key in ("valueString", "valueCode"):
        if isinstance(part.get(key), str):
            return str(part[key])
    raise NotConformant(f"An operation of this type needs {name}.")


def _number(asked: dict[str, Json], name: str) -> int:
    part = asked.get(name, {})
    for key in ("valueInteger", "valueUnsignedInt", "valuePositiveInt"):
        value = part.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    raise NotConformant(f"An operation of this type needs {name}.")


def _content(asked: dict[str, Json]) -> _Content:
    part = asked.get(_VALUE)
    if part is None:
        raise NotConformant("An operation of this type needs value.")
    return _content_of(part)


def _content_of(part: Json) -> _Content:
    names = {name.lstrip("_") for name in part if name.lstrip("_").startswith(_VALUE)}
    if len(names) == 1:
        (name,) = names
        code = name.removeprefix(_VALUE)
        lower = code[:1].lower() + code[1:]
        type_ = lower if lower in facts("primitives") else code
        return _Content(type_, part.get(name), part.get(f"_{name}"))
    if names:
        raise NotConformant("A value of a patch has one type.")
    if isinstance(part.get("resource"), dict):
        return _Content("Resource", part["resource"])
    parts = part.get("part", ())
    if not parts:
        raise NotConformant("A value of a patch is not empty.")
    return _Content("", parts=tuple(parts))


# where it belongs ------------------------------------------------------------------------
def _one(resource: Json, asked: dict[str, Json]) -> Place:
    found = places(resource, _text(asked, "path"))
    if len(found) != 1:
        raise Inapplicable("A path of the patch does not name exactly one element.")
    return found[0]


def _list(resource: Json, asked: dict[str, Json]) -> tuple[Json, str, Member]:
    """Return the list all elements a path names stand in."""
    found = places(resource, _text(asked, "path"))
    lists = {(id(one.holder), one.name) for one in found}
    if len(lists) != 1 or found[0].index < 0 or found[0].holder is None:
        raise Inapplicable("A path of the patch does not name one list.")
    place = found[0]
    holder = place.holder
    assert holder is not None  # noqa: S101 - for the type checker
    return holder, place.name, Member("", place.type, many=True, rank=0)


def _named(place: Place, name: str, content: _Content) -> tuple[str, Member]:
    found = member(place.type, name)
    if found is None and content.type:
        found = of_choice(place.type, name, content.type)
    if found is None:
        raise Inapplicable("The element to be added is not one FHIR R4 defines there.")
    return found


def _renamed(place: Place, content: _Content) -> str:
    """Return the name after a replacement: an element of a choice is called by its type."""
    suffix = place.type[:1].upper() + place.type[1:]
    stem = place.name.removesuffix(suffix)
    if stem in ("", place.name) or not content.type or content.type == place.type:
        return place.name
    return stem + content.type[:1].upper() + content.type[1:]


def _object_of(place: Place) -> Json:
    """Return the object an element is; one for a primitive that has none yet."""
    if place.value is not None:
        return place.value
    assert place.holder is not None  # noqa: S101 - a resource is an object
    made: Json = {}
    if place.index < 0:
        place.holder[f"_{place.name}"] = made
    else:
        _beside(place.holder, place.name, place.index, made)
    return made


def _has_choice(holder: Json, type_name: str, definition: Member) -> bool:
    from profiles.reading.fhir_elements import members

    return any(
        one.shown == definition.shown and name in holder for name, one in members(type_name).items()
    )


# what becomes of it ------------------------------------------------------------------------
def _made(content: _Content, definition: Member) -> tuple[Any, Json | None]:
    """Return the JSON of a content, and what stands beside it."""
    if content.type:
        return content.value, content.extra
    made: Json = {}
    for part in content.parts:
        name = part.get("name")
        if not isinstance(name, str):
            raise NotConformant("The parts of a value have names.")
        inner = _content_of(part)
        place = Place(None, "", -1, definition.type, made)
        key, of_part = _named(place, name, inner)
        if of_part.many:
            _insert_at(made, key, len(_values(made, key)), inner, of_part)
        else:
            _set(made, key, inner, of_part)
    return made, None


def _set(holder: Json, name: str, content: _Content, definition: Member) -> None:
    value, extra = _made(content, definition)
    if value is not None:
        holder[name] = value
    if extra:
        holder[f"_{name}"] = extra


def _insert_at(holder: Json, name: str, index: int, content: _Content, definition: Member) -> None:
    value, extra = _made(content, definition)
    values = _values(holder, name)
    extras = holder.get(f"_{name}")
    values.insert(index, value)
    if isinstance(extras, list) and index < len(extras):
        extras.insert(index, None)
    _beside(holder, name, index, extra)
    _tidy(holder, name)


def _values(holder: Json, name: str) -> list[Any]:
    """Return the list of an element; where only something beside it is there, one of nulls."""
    values = holder.setdefault(name, [None] * len(holder.get(f"_{name}", ())))
    if not isinstance(values, list):
        raise Inapplicable("A path of the patch does not name one list.")
    return values


def _beside(holder: Json, name: str, index: int, extra: Json | None) -> None:
    """Set what stands beside a primitive in a list."""
    key = f"_{name}"
    if extra is None and key not in holder:
        return
    extras = holder.setdefault(key, [])
    extras += [None] * (index + 1 - len(extras))
    extras[index] = extra


def _remove(holder: Json, name: str, index: int) -> None:
    if index < 0:
        holder.pop(name, None)
        holder.pop(f"_{name}", None)
        return
    for one in (name, f"_{name}"):
        values = holder.get(one)
        if isinstance(values, list) and index < len(values):
            del values[index]
    _tidy(holder, name)


def _tidy(holder: Json, name: str) -> None:
    """Leave no list that says nothing."""
    for one in (name, f"_{name}"):
        values = holder.get(one)
        if isinstance(values, list) and all(value is None for value in values):
            del holder[one]
