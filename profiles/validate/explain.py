"""What is wrong with the structure of a resource, object by object.

https://hl7.org/fhir/R4/validation.html ("Structure"). A schema's errors come all at once, each
with a copy of what it is about: for a large document far more than anybody reads. So each object
is looked at without what is in its members, long lists in pieces, and only as far as asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from profiles.issue import Issue
from profiles.reading import write_json
from profiles.validate.sentences import issues_of
from profiles.validate.shapes import Shape, shape

Json = dict[str, Any]
#: An object, its type or backbone element, its place.
Placed = tuple[str, str, Json]
#: A piece of an object, the index its lists begin with.
Piece = tuple[Json, int]
#: Unknown elements of one object that are told.
MOST_UNKNOWN = 1_000
#: Items of a list that are looked at together.
_TOGETHER = 1_000


def explained(place: str, resource: Json, resource_type: str) -> Iterator[Issue]:
    """Go through what is wrong with a resource, the resources in it left out.

    Lazily: an object is looked at when what is wrong with those before it was taken.
    """
    waiting: list[Iterator[Placed]] = [iter([(place, resource_type, resource)])]
    while waiting:
        placed = next(waiting[-1], None)
        if placed is None:
            waiting.pop()
            continue
        at, name, value = placed
        one = shape(name)
        yield from _once(_own(at, value, one))
        waiting.append(_inside(at, value, one))


def plain(item: Any) -> Any:
    """Return numbers as the validator knows them: a WrittenDecimal becomes a float."""
    try:
        return orjson.loads(write_json(item))
    except TypeError:  # an integer beyond 64 bits, which the validator takes as it stands
        return _with_floats(item)


def _with_floats(item: Any) -> Any:
    if isinstance(item, dict):
        return {name: _with_floats(one) for name, one in item.items()}
    if isinstance(item, list):
        return [_with_floats(one) for one in item]
    return float(item) if isinstance(item, Decimal) else item


def _once(issues: Iterator[Issue]) -> Iterator[Issue]:
    told: set[Issue] = set()
    for issue in issues:
        if issue not in told:
            told.add(issue)
            yield issue


def _inside(place: str, value: Json, one: Shape) -> Iterator[Placed]:
    """Go through the objects in an object."""
    for member, inner in value.items():
        name = one.inner.get(member)
        if name is None:
            continue
        at = f"{place}.{one.shown.get(member, member)}"
        if isinstance(inner, dict):
            yield at, name, inner
        elif isinstance(inner, list):
            for index, item in enumerate(inner):
                if isinstance(item, dict):
                    yield f"{at}[{index}]", name, item


def _own(place: str, value: Json, one: Shape) -> Iterator[Issue]:
    outline = _outline(value, one)
    if _is_valid(one, outline):
        return
    for piece, first in _pieces(plain(outline)):
        for error in one.validator.iter_errors(piece):
            path = _path(error, one, first)
            if path is not None:
                yield from issues_of(error, path, place, one.schema)


def _is_valid(one: Shape, outline: Json) -> bool:
    try:
        return one.validator.is_valid(outline)
    except ValueError:  # what the validator does not take as it stands
        return False


def _outline(value: Json, one: Shape) -> Json:
    """Return an object as far as its shape tells about it, with a limited number of strangers."""
    unknown = (member for member in value if member not in one.members)
    strange = dict.fromkeys(islice(unknown, MOST_UNKNOWN))
    return {
        member: inner if member in one.ruled else _outlined(inner)
        for member, inner in value.items()
        if member in one.members or member in strange
    }


def _outlined(value: Any) -> Any:
    """Leave out what is in a member: its shape tells."""
    return [_emptied(one) for one in value] if isinstance(value, list) else _emptied(value)


def _emptied(value: Any) -> Any:
    if isinstance(value, dict):
        return {"resourceType": ""} if "resourceType" in value else {}
    return [] if isinstance(value, list) else value


def _pieces(outline: Json) -> Iterator[Piece]:
    """Go through an object and then through what is left of its long lists."""
    lists = {name: one for name, one in outline.items() if isinstance(one, list)}
    yield {**outline, **{name: one[:_TOGETHER] for name, one in lists.items()}}, 0
    for name in {one.removeprefix("_"): None for one in lists if len(lists[one]) > _TOGETHER}:
        beside = {one: lists[one] for one in (name, f"_{name}") if one in lists}
        for first in range(_TOGETHER, max(map(len, beside.values())), _TOGETHER):
            cut = {key: one[first : first + _TOGETHER] for key, one in beside.items()}
            yield {key: one for key, one in cut.items() if one}, first


def _path(error: jsonschema_rs.ValidationError, one: Shape, first: int) -> list[str | int] | None:
    """Return the path below an object in FHIRPath's names; None for what a piece cannot tell."""
    path = list(error.instance_path)
    if path:
        path[0] = one.shown.get(str(path[0]), path[0])
    if not first:
        return path
    if len(path) < 2 or not isinstance(path[1], int):
        return None
    return [path[0], path[1] + first, *path[2:]]
