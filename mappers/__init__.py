"""What messages mean: foreign formats to FHIR R4 and back, as pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from mappers.apply import apply, statement_clock
from mappers.base import (
    MAPPING_VERSION,
    Action,
    Change,
    Context,
    Encoded,
    Format,
    Key,
    Loss,
    Mapped,
    PatientFacts,
)
from mappers.claim import claim
from mappers.dialect import Dialect
from mappers.mend import broken, left_out
from mappers.parcel import pack
from mappers.recency import same_content, without_clock
from profiles.issue import Issue, NotConformant, NotSupported

#: Name of a format → module that exposes FORMAT; imported on first use, asked in this order.
FORMATS: dict[str, str] = {
    "hl7v2": "mappers.hl7v2",
    "xdt": "mappers.xdt",
    "fhir_r4": "mappers.fhir_r4",
}

#: What is left out may leave its surroundings broken; as often as this one looks again.
_MOST_ROUNDS = 4

#: Key and namespace of `convert`: public, so that everybody gets the same ids.
PUBLIC_KEY = b"region-gateway public key for conversion without a region"
PUBLIC_NAMESPACE = "https://region-gateway.example/sid/sender"

__all__ = [
    "FORMATS",
    "MAPPING_VERSION",
    "Action",
    "Change",
    "Context",
    "Encoded",
    "Format",
    "Key",
    "Loss",
    "Mapped",
    "PatientFacts",
    "apply",
    "convert",
    "encode",
    "format_named",
    "mend",
    "recognise",
    "same_content",
    "split",
    "statement_clock",
    "translate",
    "without_clock",
    "writable",
    "write",
]


@cache
def format_named(name: str) -> Format:
    """Return a format; raises NotSupported when there is none of this name."""
    if name not in FORMATS:
        raise NotSupported(f"there is no format named {name!r}")
    found: Format = import_module(FORMATS[name]).FORMAT
    return found


def recognise(data: bytes) -> str:
    """Name the format of these bytes; raises NotSupported when no format knows them."""
    for name in FORMATS:
        if format_named(name).recognises(data):
            return name
    raise NotSupported("no format recognises the content")


def split(data: bytes, *, format: str = "auto") -> Iterator[bytes]:  # noqa: A002  the stable API's word
    """Yield the messages of a file or frame, in order."""
    name = recognise(data) if format == "auto" else format
    return format_named(name).split(data)


def translate(data: bytes, format: str, context: Context) -> Mapped:  # noqa: A002  the stable API's word
    """Translate one message; what cannot be translated is told in `Mapped.refusal`."""
    return _translated(format_named(format), data, context)


def _translated(chosen: Format, data: bytes, context: Context) -> Mapped:
    mapped = chosen.translate(data, context)
    return mapped if chosen.keeps_claims else claim(mapped)


def convert(
    data: bytes,
    *,
    format: str = "auto",  # noqa: A002  the stable API's word
    dialect: Dialect | None = None,
    lineage: bool = False,
) -> Iterator[Mapped]:
    """Translate every message of a file, with public ids and the default namespace.

    Raises NotSupported when no format recognises the content; what a single message lacks is
    told in its `Mapped.refusal`.
    """
    name = recognise(data) if format == "auto" else format
    chosen = format_named(name)
    context = Context(PUBLIC_KEY, dialect or Dialect(), PUBLIC_NAMESPACE, lineage, lenient=True)
    for message in chosen.split(data):
        yield mend(_translated(chosen, message, context), message, context)


def mend(mapped: Mapped, data: bytes, context: Context) -> Mapped:
    """Translate once more without what FHIR does not allow; what it was is told in issues.

    What cannot be mended, because too little would be left, is returned as it is; a sender's own
    FHIR is not mended but refused.
    """
    chosen = format_named(mapped.format)
    if chosen.foreign:
        return _sound(mapped)
    known: dict[str, tuple[Issue, ...]] = {}
    for _ in range(_MOST_ROUNDS):
        found = broken(mapped)
        if not found:
            break
        for key, issues in found.items():
            known[key] = tuple(dict.fromkeys((*known.get(key, ()), *issues)))
        places = {key: tuple(one.location for one in issues) for key, issues in known.items()}
        mapped = _translated(chosen, data, replace(context, without=places))
    return replace(mapped, issues=(*mapped.issues, *left_out(known))) if known else mapped


def _sound(mapped: Mapped) -> Mapped:
    """Refuse a sender's resources that FHIR does not allow; `Mapped.refusal` says why."""
    issues = tuple(dict.fromkeys(one for found in broken(mapped).values() for one in found))
    if not issues:
        return mapped
    return Mapped(
        mapped.format, mapped.message_type, issues=issues, refusal=NotConformant(issues=issues)
    )


def writable() -> list[str]:
    """Name the formats FHIR can be written as."""
    return [name for name in FORMATS if name != "fhir_r4" and format_named(name).encode]


def write(bundle: dict[str, Any], *, format: str, dialect: Dialect | None = None) -> bytes:  # noqa: A002  the stable API's word
    """Write a Bundle in a partner's format, files beside it packed with it (`mappers.parcel`).

    Raises NotSupported when it cannot be written.
    """
    return pack(encode(bundle, format, Context(PUBLIC_KEY, dialect or Dialect(), PUBLIC_NAMESPACE)))


def encode(bundle: dict[str, Any], format: str, context: Context) -> Encoded:  # noqa: A002  the stable API's word
    """Write a Bundle as its envelope in the context addresses it.

    Raises NotSupported when the format is not written, or cannot carry the content, and
    NotConformant when the partner's character set or settings cannot.
    """
    writing = format_named(format).encode
    if writing is None:
        raise NotSupported(f"FHIR cannot be written as {format!r}")
    return writing(bundle, context)
