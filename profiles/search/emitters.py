"""Values of FHIR data types as search terms.

https://hl7.org/fhir/R4/search.html#table. One factory per (kind of parameter, data type):
it returns a closure over the names of the parameters that search this value, so that a
value needed by several parameters is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from profiles.search.dates import range_of_value
from profiles.search.folding import folded

Names = tuple[str, ...]
Program = dict[str, Any]


class Sink:
    """Where emitters put terms; one list per kind of term, as in `Terms`."""

    __slots__ = ("dates", "quantities", "references", "strings", "tokens", "uris")

    def __init__(self) -> None:
        """Start empty."""
        self.tokens: list[tuple[str, str, str]] = []
        self.references: list[tuple[str, str]] = []
        self.strings: list[tuple[str, str]] = []
        self.uris: list[tuple[str, str]] = []
        self.dates: list[tuple[str, int, int]] = []
        self.quantities: list[tuple[str, str, str, float]] = []


Emit = Callable[[Any, Sink], None]
Factory = Callable[[Names, Program], Emit]


def emitter(kind: str, names: Names, program: Program) -> Emit:
    """Return what emits a value selected by `program` for the parameters `names`."""
    return _FACTORIES[kind, program["type"]](names, program)


def _tokens(names: Names, sink: Sink, system: str, code: str) -> None:
    for name in names:
        sink.tokens.append((name, system, code))


def _token_code(names: Names, program: Program) -> Emit:
    system = program.get("system", "")

    def emit(value: Any, sink: Sink) -> None:
        if isinstance(value, str):
            _tokens(names, sink, system, value)

    return emit


def _token_boolean(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        _tokens(names, sink, "", "true" if value is True else "false")

    return emit


def _token_exists(names: Names, _program: Program) -> Emit:
    """`exists() and … != false`: anything but false counts."""

    def emit(value: Any, sink: Sink) -> None:
        _tokens(names, sink, "", "false" if value is False else "true")

    return emit


def _token_coding(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        if code := value.get("code"):
            _tokens(names, sink, value.get("system") or "", code)

    return emit


def _token_concept(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for coding in value.get("coding", ()):
            if code := coding.get("code"):
                _tokens(names, sink, coding.get("system") or "", code)

    return emit


def _token_identifier(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        if code := value.get("value"):
            _tokens(names, sink, value.get("system") or "", code)

    return emit


def _token_contact_point(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        if code := value.get("value"):
            _tokens(names, sink, "", code)

    return emit


def _reference(names: Names, program: Program) -> Emit:
    """`Type/id`, URL or `|system|value`; with a target only what is known to point there.

    References to contained resources are found nowhere.
    """
    target = program.get("target", "")

    def emit(value: Any, sink: Sink) -> None:
        text = value.get("reference")
        if text and text[0] != "#" and (not target or _points_to(target, text, value)):
            key = text.partition("/_history/")[0]
            for name in names:
                sink.references.append((name, key))
        if "identifier" in value and (not target or value.get("type") == target):
            _logical_reference(names, sink, value["identifier"])

    return emit


def _points_to(target: str, text: str, value: Any) -> bool:
    if stated := value.get("type"):
        return bool(stated == target)
    return text.startswith(f"{target}/") or f"/{target}/" in text


def _logical_reference(names: Names, sink: Sink, identifier: Any) -> None:
    if number := identifier.get("value"):
        key = f"|{identifier.get('system') or ''}|{number}"
        for name in names:
            sink.references.append((name, key))


def _reference_canonical(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for key in _canonical_keys(value):
            for name in names:
                sink.references.append((name, key))

    return emit


def _canonical_keys(value: Any) -> Iterator[str]:
    """Yield a canonical as it stands and without its version (`url|version`)."""
    if isinstance(value, str):
        yield value
        url, version, _ = value.partition("|")
        if version:
            yield url


def _reference_resource(names: Names, _program: Program) -> Emit:
    """A resource in the place of a reference (Bundle.entry[0].resource)."""

    def emit(value: Any, sink: Sink) -> None:
        if logical_id := value.get("id"):
            for name in names:
                sink.references.append((name, f"{value.get('resourceType', '')}/{logical_id}"))

    return emit


def _string(names: Names, program: Program) -> Emit:
    parts = TEXT_PARTS.get(program["type"], ())

    def emit(value: Any, sink: Sink) -> None:
        for text in texts_of(value, parts):
            key = folded(text)
            for name in names:
                sink.strings.append((name, key))

    return emit


#: Data type → (JSON name, many?) of the texts a string parameter searches.
TEXT_PARTS: dict[str, tuple[tuple[str, bool], ...]] = {
    "HumanName": (
        ("family", False),
        ("given", True),
        ("prefix", True),
        ("suffix", True),
        ("text", False),
    ),
    "Address": (
        ("line", True),
        ("city", False),
        ("district", False),
        ("state", False),
        ("postalCode", False),
        ("country", False),
        ("text", False),
    ),
}


def texts_of(value: Any, parts: tuple[tuple[str, bool], ...]) -> list[str]:
    """Return the texts of a HumanName, an Address (by its parts) or a plain string."""
    if isinstance(value, str):
        return [value]
    texts = []
    for name, many in parts if isinstance(value, dict) else ():
        if found := value.get(name):
            if many:
                texts.extend([text for text in found if isinstance(text, str)])
            else:
                texts.append(found)
    return texts


def _uri(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for key in _canonical_keys(value):
            for name in names:
                sink.uris.append((name, key))

    return emit


def _date(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        found = range_of_value(value)
        if found is not None:
            for name in names:
                sink.dates.append((name, *found))

    return emit


def _quantity(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        number = value.get("value")
        if number is None:
            return
        for system, code in _units(value):
            for name in names:
                sink.quantities.append((name, system, code, float(number)))

    return emit


def _units(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the coded unit, and the printed one as a code without a system."""
    if "currency" in value:
        return [("urn:iso:std:iso:4217", value["currency"])]
    code, unit = value.get("code") or "", value.get("unit") or ""
    units = [(value.get("system") or "", code)] if code or not unit else []
    return [*units, ("", unit)] if unit and unit != code else units


def _range(names: Names, program: Program) -> Emit:
    """Both ends of a Range."""
    emit_end = _quantity(names, program)

    def emit(value: Any, sink: Sink) -> None:
        for end in ("low", "high"):
            if quantity := value.get(end):
                emit_end(quantity, sink)

    return emit


def _number(names: Names, _program: Program) -> Emit:
    def emit(value: Any, sink: Sink) -> None:
        for name in names:
            sink.quantities.append((name, "", "", float(value)))

    return emit


_TEXTS = ("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid")

_FACTORIES: dict[tuple[str, str], Factory] = {
    **{("token", code): _token_code for code in _TEXTS},
    ("token", "boolean"): _token_boolean,
    ("token", "boolean.exists"): _token_exists,
    ("token", "dateTime.exists"): _token_exists,
    ("token", "Coding"): _token_coding,
    ("token", "CodeableConcept"): _token_concept,
    ("token", "Identifier"): _token_identifier,
    ("token", "ContactPoint"): _token_contact_point,
    ("reference", "Reference"): _reference,
    ("reference", "Resource"): _reference_resource,
    **{("reference", code): _reference_canonical for code in ("canonical", "uri", "url")},
    **{("string", code): _string for code in (*_TEXTS, "HumanName", "Address")},
    **{("uri", code): _uri for code in ("uri", "url", "canonical", "oid", "uuid")},
    **{("date", code): _date for code in ("date", "dateTime", "instant", "Period", "Timing")},
    **{
        ("quantity", code): _quantity
        for code in ("Quantity", "Age", "Duration", "Distance", "Count", "Money")
    },
    ("quantity", "Range"): _range,
    ("number", "Range"): _range,
    **{("number", code): _number for code in ("integer", "positiveInt", "unsignedInt", "decimal")},
}
