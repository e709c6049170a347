"""The registry as JSON documents: dataclasses of `region` to plain values and back.

The annotations of the dataclasses say how to read; a document that does not fit is ours (the
registry is written by this module only) and raises ValueError.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gateway.domain.client import Client
from gateway.domain.region import Endpoint, Organization, Practitioner, Region, Route

T = TypeVar("T")
#: (kind, id, document).
Document = tuple[str, str, dict[str, Any]]


def documents(region: Region) -> list[Document]:
    """Return one document for each entry of the registry, organizations first."""
    found: list[Document] = []
    for kind, records in (
        ("organization", region.organizations),
        ("endpoint", region.endpoints),
        ("route", region.routes),
        ("client", region.clients),
    ):
        found += [(kind, name, _plain(record)) for name, record in records.items()]
    found += [
        ("practitioner", f"{index:08d}", _plain(practitioner))
        for index, practitioner in enumerate(region.practitioners)
    ]
    found += [("dialect", name, _plain(mapping)) for name, mapping in region.dialects.items()]
    found.append(("policy", "", _plain(region.policy)))
    return found


def region_of(revision: int, found: Iterable[Document]) -> Region:
    """Build the region from its documents; organizations and the others come back in order."""
    kinds: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, name, document in found:
        kinds.setdefault(kind, {})[name] = document

    def records(kind: str, of: type[T]) -> dict[str, T]:
        return {name: _record(of, doc) for name, doc in sorted(kinds.get(kind, {}).items())}

    return Region(
        revision=revision,
        organizations=records("organization", Organization),
        endpoints=records("endpoint", Endpoint),
        routes=records("route", Route),
        practitioners=tuple(records("practitioner", Practitioner).values()),
        clients=records("client", Client),
        dialects=dict(sorted(kinds.get("dialect", {}).items())),
        policy=kinds.get("policy", {}).get("", {}),
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


_hints = cache(get_type_hints)


def _record(kind: type[T], document: Mapping[str, Any]) -> T:
    hints: dict[str, Any] = _hints(cast("Any", kind))
    unknown = document.keys() - hints.keys()
    if unknown:
        raise ValueError(f"a document of {kind.__name__} has unknown members")
    return kind(**{name: _value(hints[name], item) for name, item in document.items()})


def _value(hint: Any, item: Any) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(cast("type[Any]", hint), item)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if item is None else _value(_other(hint), item)
    if origin is tuple:
        inner = get_args(hint)
        kinds = (inner[0],) * len(item) if len(inner) == 2 and inner[1] is ... else inner
        return tuple(_value(kind, part) for kind, part in zip(kinds, item, strict=True))
    return item


def _other(hint: Any) -> Any:
    """The kind beside None in `X | None`."""
    return next(kind for kind in get_args(hint) if kind is not type(None))
