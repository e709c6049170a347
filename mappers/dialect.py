"""A sender's peculiarities as configuration: `dialects/<sender>.toml` → Dialect.

Identifier systems by assigner, charset, time zone, local codes, Z-segment rows, fields to
ignore, where the general practitioner and letter recipients stand, attested consent.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from profiles.issue import NotConformant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AttestedConsent:
    """How a sender states in its messages that the patient consents."""

    #: Where the statement stands: "CON" or a field such as "ZEW-2".
    place: str
    #: Source code → "permit" | "deny"; other values become an issue and no Consent.
    values: Mapping[str, str] = field(default_factory=dict)
    #: Where a document or form number stands, e.g. "ZEW-3"; empty: none.
    reference: str = ""
    #: Where the end of validity stands, e.g. "ZEW-4"; empty: none.
    valid_until: str = ""
    #: Consent.scope code (http://terminology.hl7.org/CodeSystem/consentscope).
    scope: str = "patient-privacy"
    #: Consent.category code in LOINC; 59284-0 is "Consent Document".
    category: str = "59284-0"
    #: v3-PurposeOfUse codes the statement covers.
    purpose: tuple[str, ...] = ("TREAT",)
    #: Identifiers of those who may receive, "system|value"; empty: every recipient.
    recipients: tuple[str, ...] = ()
    #: Sentence naming the legal basis, e.g. "§ 39 (1a) SGB V".
    legal_basis: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One further mapping row: a source field goes to an element of a resource."""

    #: "ZPD-3" or "ZPD-3.1".
    source: str
    #: Resource type of the target; must exist in the message.
    resource: str
    #: Top-level element of it, e.g. "extension".
    element: str
    #: Datatype map, e.g. "CWE", "ST", "DTM", "XTN", "CX".
    datatype: str = "ST"
    #: Extension URL when the element is "extension".
    url: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything that differs from the standard for one sender."""

    name: str = "standard"
    #: Charset when the message declares none; table 0211 spelling or a Python codec name.
    charset: str = ""
    #: IANA zone of times that carry none.
    timezone: str = "Europe/Berlin"
    #: Assigner (OID or namespace id) → identifier system URI.
    systems: Mapping[str, str] = field(default_factory=dict)
    #: Name of coding system (CWE.3) → code system URI.
    code_systems: Mapping[str, str] = field(default_factory=dict)
    #: Field ("PV1-10") → local code → standard source code.
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Field or segment ("PID-18", "ZXX") → reason why it is left out.
    ignore: Mapping[str, str] = field(default_factory=dict)
    #: Further rows, mostly for Z-segments.
    rows: tuple[Row, ...] = ()
    #: True: take HL7 v2 messages of a type or event without a mapping of its own as well, read
    #: by the segments they hold; else they are rejected (AR, 200 or 201).
    any_event: bool = False
    #: Places that name the general practitioner, in order of preference.
    general_practitioner: tuple[str, ...] = ("PD1-4", "ROL", "PRT")
    #: Places that name the recipients of a document.
    document_recipients: tuple[str, ...] = ("TXA-23", "PRT", "OBR-28")
    #: Attested consent; None when the sender states none.
    consent: AttestedConsent | None = None

    @classmethod
    def from_mapping(cls, name: str, mapping: Mapping[str, Any]) -> Dialect:
        """Build a dialect from a parsed TOML table.

        Raises NotConformant for unknown keys, naming the nearest known one, and for unknown zones.
        """
        known = {item.name for item in fields(cls)} - {"name"}
        _check_keys(mapping, known, f"dialects/{name}")
        values: dict[str, Any] = dict(mapping)
        for key in ("general_practitioner", "document_recipients"):
            if key in values:
                values[key] = tuple(values[key])
        if "rows" in values:
            values["rows"] = tuple(
                _build(Row, row, f"dialects/{name} rows") for row in values["rows"]
            )
        if "consent" in values:
            values["consent"] = _consent(values["consent"], name)
        _check_zone(values.get("timezone", "Europe/Berlin"), name)
        return cls(name=name, **values)


def _consent(mapping: Mapping[str, Any], name: str) -> AttestedConsent:
    values = dict(mapping)
    for key in ("purpose", "recipients"):
        if key in values:
            values[key] = tuple(values[key])
    return _build(AttestedConsent, values, f"dialects/{name} consent")


def _build(cls: type[T], mapping: Mapping[str, Any], place: str) -> T:
    known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
    _check_keys(mapping, known, place)
    try:
        return cls(**mapping)
    except TypeError as error:
        raise NotConformant(f"{place}: a required key is missing", location=place) from error


def _check_keys(mapping: Mapping[str, Any], known: set[str], place: str) -> None:
    for key in mapping:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise NotConformant(
                f"{place}: unknown key {key!r}; the nearest known key is {near[0]!r}",
                location=place,
            )


def _check_zone(zone: str, name: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise NotConformant(f"dialects/{name}: unknown time zone", location="timezone") from error
