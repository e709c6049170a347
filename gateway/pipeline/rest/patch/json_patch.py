"""JSON Patch (RFC 6902) with JSON Pointer (RFC 6901); numbers keep the way they were written."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from profiles.issue import NotConformant
from profiles.reading.inapplicable import Inapplicable

_INDEX = re.compile(r"(?:0|[1-9]\d{0,8})\Z")
_ESCAPE = re.compile(r"~(?![01])")
#: Most operations of one patch.
_MOST = 1_000
_MISSING: Any = object()


def apply_json_patch(document: Any, patch: Any) -> Any:
    """Return a document after a patch; the argument stays as it is.

    Raises NotConformant for what is no JSON Patch, Inapplicable where an operation does not fit.
    """
    if not isinstance(patch, list) or len(patch) > _MOST:
        raise NotConformant("A JSON Patch is a list of operations.")
    patched = deepcopy(document)
    for operation in patch:
        if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
            raise NotConformant("An operation of a JSON Patch has an op of RFC 6902.")
        patched = _OPERATIONS[operation["op"]](patched, operation)
    return patched


def _add(document: Any, operation: dict[str, Any]) -> Any:
    return _put(document, _pointer(operation, "path"), _value(operation))


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    return _taken(document, _pointer(operation, "path"))[1]


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    tokens, value = _pointer(operation, "path"), _value(operation)
    if not tokens:
        return value
    holder = _found(document, tokens[:-1])
    _found(holder, tokens[-1:])
    holder[_key(holder, tokens[-1])] = value
    return document


def _move(document: Any, operation: dict[str, Any]) -> Any:
    source, target = _pointer(operation, "from"), _pointer(operation, "path")
    if target[: len(source)] == source and target != source:
        raise Inapplicable("Nothing is moved into itself.")
    value, rest = _taken(document, source)
    return _put(rest, target, value)


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    value = deepcopy(_found(document, _pointer(operation, "from")))
    return _put(document, _pointer(operation, "path"), value)


def _test(document: Any, operation: dict[str, Any]) -> Any:
    if not _same(_found(document, _pointer(operation, "path")), _value(operation)):
        raise Inapplicable("A test of the patch does not hold.")
    return document


_OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise NotConformant("This operation of a JSON Patch needs a value.")
    return deepcopy(operation["value"])


def _pointer(operation: dict[str, Any], name: str) -> list[str]:
    pointer = operation.get(name)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise NotConformant("A place in a JSON Patch is a JSON Pointer.")
    if _ESCAPE.search(pointer):
        raise NotConformant("A place in a JSON Patch is a JSON Pointer.")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _found(value: Any, tokens: list[str]) -> Any:
    for token in tokens:
        key = _key(value, token)
        if isinstance(value, dict):
            value = value.get(key, _MISSING)
        else:
            value = value[key] if key < len(value) else _MISSING
        if value is _MISSING:
            raise Inapplicable("A place of the patch is not in the resource.")
    return value


def _key(holder: Any, token: str, *, end: bool = False) -> Any:
    if isinstance(holder, dict):
        return token
    if isinstance(holder, list):
        if end and token == "-":  # noqa: S105 - a place, no secret
            return len(holder)
        if _INDEX.match(token):
            return int(token)
    raise Inapplicable("A place of the patch is not in the resource.")


def _put(document: Any, tokens: list[str], value: Any) -> Any:
    if not tokens:
        return value
    holder = _found(document, tokens[:-1])
    key = _key(holder, tokens[-1], end=True)
    if isinstance(holder, dict):
        holder[key] = value
    elif key > len(holder):
        raise Inapplicable("A place of the patch is not in the resource.")
    else:
        holder.insert(key, value)
    return document


def _taken(document: Any, tokens: list[str]) -> tuple[Any, Any]:
    """Return what stood there, and the document without it."""
    value = _found(document, tokens)
    if not tokens:
        raise Inapplicable("A resource is not removed by a patch.")
    holder = _found(document, tokens[:-1])
    del holder[_key(holder, tokens[-1])]
    return value, document


def _same(one: Any, other: Any) -> bool:
    """Compare as RFC 6902 section 4.6 says: true is no number, 1 and 1.0 are equal."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
