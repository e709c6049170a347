"""Values of search criteria: one frozen class per kind.

https://hl7.org/fhir/R4/search.html, section 3.1.1.4 (parameter types).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from profiles.search.near import NearValue

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`code` (system None: any), `|code` (system ""), `system|code`, `system|` (code None)."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class TokenSetValue:
    """Any of these (system, code); what a value set or a hierarchy came to."""

    members: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TypedIdentifierValue:
    """An identifier by the coding of its type (system "": any) and its value."""

    system: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """Any of these keys, as in `Terms.references`; with a version that one alone."""

    keys: frozenset[str]
    version: str = ""


@dataclass(frozen=True, slots=True)
class StringValue:
    """The text as given, and folded as in `Terms.strings`."""

    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class UriValue:
    """A URI, compared as it stands."""

    uri: str


@dataclass(frozen=True, slots=True)
class DateValue:
    """A range of time as in `Terms.dates`, with the comparison."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A number with its implicit precision [low, high), and the unit if one is asked for.

    system None: any; code matches the coded or the printed unit; None: any.
    """

    prefix: Prefix
    number: float
    low: float
    high: float
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class MissingValue:
    """Whether the element is to be absent."""

    missing: bool


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """Values of the parts of a composite, in their order, and the parameters that define them."""

    parts: tuple[Value, ...]
    names: tuple[str, ...]


Value = (
    TokenValue
    | TokenSetValue
    | TypedIdentifierValue
    | ReferenceValue
    | StringValue
    | UriValue
    | DateValue
    | QuantityValue
    | MissingValue
    | NearValue
    | CompositeValue
)
