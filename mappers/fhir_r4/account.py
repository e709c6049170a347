"""Account: what became of every leaf of a FHIR document.

Resources are kept element by element. Around them stands how they travelled: of a document or
collection it goes on with the Bundle as it came, of the others it is used and ends here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mappers.base import Loss, Resource
from mappers.fhir_r4.entries import WHOLE, Entry

#: Elements of a Bundle and its entries → why they are no part of any resource.
_REASONS = {
    "type": "says how the resources travelled",
    "timestamp": "decides what is newer, then ends",
    "fullUrl": "references were followed by it",
    "request": "says what to do with the resource; was done",
    "MessageHeader": "says how the message travelled",
}
_WHOLE = "stays in the document, which goes on as it came"
#: Conditions the gateway does not evaluate: nobody may believe it did.
_NOT_EVALUATED = frozenset({"ifMatch", "ifNoneMatch", "ifModifiedSince"})
_OTHERWISE = "belongs to the exchange, not to a resource"

Leaf = tuple[str, str]


def account(document: Resource, dropped: Sequence[Leaf]) -> Loss:
    """Count the leaves of a document; `dropped` are (path, reason) of its resources' own."""
    around = list(_around(document)) if document["resourceType"] == "Bundle" else []
    unmapped = tuple((path, why) for path, why in around if not why)
    ignored = (*dropped, *(leaf for leaf in around if leaf[1]))
    fields = leaves(document)
    return Loss(
        fields,
        fields - len(ignored) - len(unmapped),
        len(ignored),
        tuple((path, _value(document, path)) for path, _ in unmapped),
        ignored,
    )


def lineage_of(stated: list[Entry]) -> dict[str, tuple[str, ...]]:
    """Every element comes from the same element of what was sent."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in stated:
        begin, skipped = len(entry.type) + 1, {f"{entry.type}.id", f"{entry.type}.resourceType"}
        for path in _paths(entry.resource, entry.type):
            if entry.method != "DELETE" and path not in skipped:
                element = path[begin:]
                found[f"{entry.type}/{entry.id}.{element}"] = (f"{entry.place}.{element}",)
    return found


def leaves(value: Any) -> int:
    """Count what a value says; null says nothing."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    if isinstance(value, list):
        return sum(map(leaves, value))
    return value is not None


def _around(bundle: Resource) -> Iterator[Leaf]:
    """Every leaf that stands around the resources, with the reason; "" where there is none."""
    whole = bundle["type"] in WHOLE
    for name, value in bundle.items():
        if name != "entry":
            yield from _with(_paths(value, f"Bundle.{name}"), name, whole=whole)
    for index, entry in enumerate(bundle["entry"]):
        for name, value in entry.items():
            place = f"Bundle.entry[{index}].{name}"
            if name != "resource":
                yield from _with(_paths(value, place), name, whole=whole)
            elif bundle["type"] == "message" and value["resourceType"] == "MessageHeader":
                yield from _with(_paths(value, place), "MessageHeader", whole=whole)


def _with(paths: Iterator[str], name: str, *, whole: bool) -> Iterator[Leaf]:
    reason = _WHOLE if whole else _REASONS.get(name, _OTHERWISE)
    for path in paths:
        yield path, "" if path.rpartition(".")[2] in _NOT_EVALUATED else reason


def _paths(value: Any, path: str) -> Iterator[str]:
    """Name every leaf below a path, as FHIRPath writes it."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _paths(child, f"{path}.{name}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _paths(child, f"{path}[{index}]")
    elif value is not None:
        yield path


def _value(bundle: Resource, path: str) -> str:
    """The value of an element of an entry's request."""
    index, _, rest = path.removeprefix("Bundle.entry[").partition("].")
    value: Any = bundle["entry"][int(index)]
    for step in rest.split("."):
        value = value[step]
    return str(value)
