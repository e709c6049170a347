"""The mapping rows read backwards: target element → source field.

The same CSV drives both directions. Where several rows name one target (PID-13 and PID-14), each
value goes to the row it fits best; what a field may hold is the business of the segment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from html import unescape
from typing import Any, NamedTuple

from mappers.codes import rows
from mappers.hl7v2.session import PACKAGE
from mappers.hl7v2.write.datatypes import codings, contacts, identifiers, names, parties
from mappers.hl7v2.write.er7 import Repetition, Segment
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text, derived, text
from profiles.reading.decimals import literal_of

#: Yields the values a resource has at a target, and the leaves their place implies.
Values = Callable[[dict[str, Any]], Iterator[tuple[Any, list[Any]]]]

_EXTENSION = re.compile(r"extension\((.+)\)\.(\w+)(?:\((.+)\))?")
#: Datatypes of rows that are CodeableConcepts.
_CONCEPTS = frozenset({"CWE", "language"})
#: Datatypes of times, and of values that have elements.
_TIMES = frozenset({"DTM", "DT", "instant"})
_STRUCTURED = frozenset(
    {"CX", "EI", "XPN", "XAD", "XTN", "XCN", "XON", "Observer", "Typed", "Social"}
)
_UNDETERMINED = ("urn:ietf:bcp:47", "und")
_DIV = re.compile(r"<div[^>]*>([^<]*)</div>")


class Row(NamedTuple):
    """One row of a segment's table."""

    field: int
    datatype: str
    argument: str


class Target(NamedTuple):
    """An element and the rows that name it, in order."""

    #: Top-level element.
    element: str
    values: Values
    rows: tuple[Row, ...]


@cache
def _table(name: str) -> tuple[Target, ...]:
    grouped: dict[str, list[Row]] = {}
    for row in rows(PACKAGE, "rows", name):
        if row["datatype"] in _WRITERS or row["datatype"] in _CONCEPTS:
            made = Row(int(row["field"]), row["datatype"], row["argument"])
            grouped.setdefault(row["target"], []).append(made)
    return tuple(Target(*_target(target), tuple(found)) for target, found in grouped.items())


def fill(
    w: Writing,
    segment: Segment,
    name: str,
    resource: dict[str, Any],
    skip: frozenset[int] = frozenset(),
) -> None:
    """Fill a segment from a resource by the rows of `name`, but for the fields in `skip`."""
    for target in _table(name):
        if target.element not in resource:
            continue
        left = [row for row in target.rows if row.field not in skip]
        if not left:
            continue
        for value, implied in target.values(resource):
            for row in _best(w, left, value):
                if segment.make(row.field, _write, w, segment.name, row, value):
                    w.carried(implied)
                    break


def values_at(resource: dict[str, Any], target: str) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the values a resource has at a target of a row, and the leaves their place implies."""
    element, values = _target(target)
    return values(resource) if element in resource else iter(())


def converted(w: Writing, datatype: str, value: Any) -> Repetition | None:
    """Convert a value without a table, for fields that are the partner's own.

    None where the datatype is not written, or the value is of another kind.
    """
    if isinstance(value, Text):
        return (w.time(value),) if datatype in _TIMES else (value,)
    if not isinstance(value, dict):
        return (number(value),) if datatype != "boolean" else _boolean(w, value, "")
    if datatype in _CONCEPTS:
        return codings.cwe(w, value)
    convert = _WRITERS.get(datatype)
    return convert(w, value, "") if convert is not None and datatype in _STRUCTURED else None


def _best(w: Writing, candidates: list[Row], value: Any) -> list[Row]:
    """The rows a value fits best, in order of their fields' preference."""
    if len(candidates) == 1:
        return candidates
    fits = [_fits(w, row, value) for row in candidates]
    return [row for row, fit in zip(candidates, fits, strict=True) if fit == max(fits)]


def _target(target: str) -> tuple[str, Values]:
    """Return the top-level element of a target, and what yields its values."""
    extension = _EXTENSION.fullmatch(target)
    if extension is not None:
        url, value, inner = extension.groups()
        return "extension", partial(_extensions, url, value, inner)
    steps = [(step.removesuffix("[]"), step.endswith("[]")) for step in target.split(".")]
    return steps[0][0], partial(_elements, steps)


def _elements(
    steps: list[tuple[str, bool]], resource: dict[str, Any]
) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the values at a path and the leaves their place implies: none."""
    nodes: list[Any] = [resource]
    for name, many in steps:
        found = [node[name] for node in nodes if name in node]
        nodes = [item for value in found for item in value] if many else found
    return ((node, []) for node in nodes)


def _extensions(
    url: str, value_name: str, inner: str | None, resource: dict[str, Any]
) -> Iterator[tuple[Any, list[Any]]]:
    for extension in resource["extension"]:
        if extension.get("url") != url:
            continue
        holders = extension.get("extension", ()) if inner else [extension]
        for holder in holders:
            if value_name in holder and (inner is None or holder.get("url") == inner):
                yield holder[value_name], [extension["url"], holder["url"]]


def _fits(w: Writing, row: Row, value: Any) -> int:
    if row.datatype == "XTN":
        wanted = "work" if value.get("use") == "work" else "home"
        return int(row.argument == wanted)
    if row.datatype in _CONCEPTS:
        table, system = _coded_by(row.argument)
        systems = {str(coding.get("system", "")) for coding in value.get("coding", ())}
        known = table and any(w.knows(table, coding) for coding in value.get("coding", ()))
        return int(bool(known)) or int(bool(system) and system in systems)
    return 0


def _coded_by(argument: str) -> tuple[str, str]:
    """Split an argument into code table and default code system."""
    name, _, default = argument.partition(" ")
    return ("", name) if name.startswith(("http", "urn:")) else (name, default)


def _write(w: Writing, segment: str, row: Row, value: Any) -> Repetition | None:
    if row.datatype in _CONCEPTS:
        table, default = _coded_by(row.argument)
        value = _stated(w, value) if row.datatype == "language" else value
        field = f"{segment}-{row.field}"
        if w.is_code(segment, row.field):
            return (codings.plain(w, value, table, field, default),)
        return codings.cwe(w, value, table, field)
    return _WRITERS[row.datatype](w, value, row.argument)


def _stated(w: Writing, concept: dict[str, Any]) -> dict[str, Any]:
    """A language without the code "undetermined" that reading adds to one nobody knows."""
    codings = concept.get("coding", ())
    kept = [one for one in codings if (one.get("system"), one.get("code")) != _UNDETERMINED]
    if len(kept) == len(codings) or not (kept or "text" in concept):
        return concept
    w.carried(*[one for one in codings if one not in kept])
    return {**concept, "coding": kept}


def _boolean(_w: Writing, value: Any, _argument: str) -> Repetition:
    return (derived("Y" if value.value else "N", value),)


def number(value: Any) -> str:
    """Integer or decimal → NM, its digits as written."""
    plain = value.value
    return derived(str(plain) if isinstance(plain, int | float) else literal_of(plain), value)


def _days(w: Writing, value: dict[str, Any], _argument: str) -> Repetition | None:
    if value.get("code") != "d" or "value" not in value:
        return None
    w.carried(value.get("unit"), value.get("system"), value["code"])
    return (number(value["value"]),)


def _coding(w: Writing, value: dict[str, Any], _argument: str) -> Repetition:
    code, shown, system, _ = codings.triplet(w, value)
    return (code, shown, system)


def _place(w: Writing, value: dict[str, Any], _argument: str) -> Repetition | None:
    """Reference to a Location → its code (DLD.1)."""
    return _code_of(w, value, f"{w.namespace}/location")


def _organization(w: Writing, value: dict[str, Any], _argument: str) -> Repetition | None:
    """Reference to an Organization → its code (IS)."""
    return _code_of(w, value, f"{w.namespace}/organization")


def _code_of(w: Writing, reference: dict[str, Any], own: str) -> Repetition | None:
    name, identifier = parties.house(w, reference)
    code = (identifier or {}).get("value")
    if identifier is None or code is None:
        return (name,) if name else None
    if identifier.get("system") == own:
        w.carried(identifier["system"])
    if reference.get("display") == code:
        w.carried(reference["display"])
    return (code,)


def by_number(
    w: Writing, reference: dict[str, Any], convert: Callable[..., Repetition | None], kind: str
) -> Repetition | None:
    """Reference to something with a number → the number."""
    target = w.source.resolve(reference)
    known = identifiers.own_first(w, (target or {}).get("identifier", ()))
    identifier = known[0] if known else reference.get("identifier")
    if identifier is None:
        return None
    w.carried(reference.get("type"), reference["reference"] if target is not None else None)
    return convert(w, identifier, kind)


def _narrative(w: Writing, value: dict[str, Any], _argument: str) -> Repetition | None:
    div = value.get("div")
    match = _DIV.fullmatch(div) if isinstance(div, Text) else None
    if match is None or div is None or value.get("status") != "additional":
        return None
    w.carried(value["status"])
    return (text(unescape(match.group(1)), div.source),)


_WRITERS: dict[str, Callable[[Writing, Any, str], Repetition | None]] = {
    "ST": lambda _w, value, _: (value,),
    "XON.name": lambda _w, value, _: (value,),
    "ID": lambda w, value, table: (w.code(table, value),),
    "Coding": _coding,
    "Device": lambda w, value, _: by_number(w, value, identifiers.ei, "device"),
    "Episode": lambda w, value, _: by_number(w, value, identifiers.cx, "episode"),
    "TQ6": lambda w, value, _: (*[None] * 5, w.code("order-priority", value)),
    "CX": lambda w, value, kind: identifiers.cx(w, value, kind or "patient"),
    "XPN": lambda w, value, _: names.xpn(w, value),
    "XAD": lambda w, value, _: contacts.xad(w, value),
    "XTN": lambda w, value, _: contacts.xtn(w, value),
    "XCN": lambda w, value, _: parties.xcn(w, value),
    "Observer": lambda w, value, _: parties.xcn(w, value),
    "Typed": lambda w, value, kind: identifiers.cx(w, value, kind.partition(" ")[0]),
    "Social": lambda w, value, _: identifiers.cx(w, value, "social-security"),
    "XON": lambda w, value, _: parties.xon(w, value),
    "EI": identifiers.ei,
    "DTM": lambda w, value, _: (w.time(value),),
    "instant": lambda w, value, _: (w.time(value),),
    "DT": lambda w, value, _: (w.time(value),),
    "boolean": _boolean,
    "positive": lambda _w, value, _: (number(value),),
    "days": _days,
    "family": lambda _w, value, _: (value,),
    "Text": lambda _w, value, _: (_address_text(value),),
    "Place": _place,
    "Organization": _organization,
    "Narrative": _narrative,
}


def _address_text(address: dict[str, Any]) -> str | None:
    """Address → words: its text, else city and country."""
    if "text" in address:
        return address["text"]  # type: ignore[no-any-return]  # traced JSON
    parts = [address[name] for name in ("city", "state", "country") if name in address]
    return derived(", ".join(parts), *parts) if parts else None
