"""A sender's peculiarities as configuration: `dialects/<sender>.toml` → Dialect.

Identifier systems by assigner, charset, time zone, local codes, Z-segment rows, fields to
ignore, where the general practitioner and letter recipients stand, attested consent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from mappers.message_profile import MessageProfile, profile_of
from mappers.shipped import DEFAULT, NAMES, mapping_of, scalars_of
from profiles.issue import NotConformant

T = TypeVar("T")

#: Allowed values of `Outgoing`.
_OUTGOING: Mapping[str, tuple[str, ...]] = {
    "version": ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8"),
    "missing_characters": ("refuse", "transliterate"),
    "orders": ("", "OMG", "ORM"),
    "xdt": ("GDT", "LDT"),
    "gdt_version": ("02.10", "03.00", "03.01"),
    "gdt_charset": ("cp1252", "cp437", "din66003"),
    "gdt_files": ("beside", "inside"),
}
#: What may separate in HL7 v2: nothing that stands in a number, a time, a code or `""`.
SEPARATORS = frozenset("!#$%&'()*,:;<=>?@[\\]^`{|}~")
#: What may become of fields no mapping takes.
_UNMAPPED = ("report", "basic")
#: How dates are written in xDT.
_DATES = ("", "TTMMJJJJ", "JJJJMMTT")
_CERTAINTY = re.compile(r"(?:(?:DG1|Z[A-Z0-9]{2})-[1-9]\d?)?")
#: A segment must hold its name and a value of some length.
_SHORTEST = 80


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

    #: "ZPD-3" or "ZPD-3.1"; in xDT "9999" or "GDT 9999".
    source: str
    #: Resource type of the target: one the message makes, or Basic, made for the segment.
    resource: str
    #: Top-level element of it, e.g. "extension".
    element: str
    #: Datatype map, e.g. "CWE", "ST", "DTM", "XTN", "CX".
    datatype: str = "ST"
    #: Extension URL when the element is "extension".
    url: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How a partner wants HL7 v2 messages and GDT records written."""

    #: Version of HL7 (MSH-12): 2.3, 2.3.1, 2.4, 2.5, 2.5.1, 2.6, 2.7 or 2.8.
    version: str = "2.5"
    #: MSH-1 and MSH-2 in one: separators of field, component, repetition, escape, subcomponent.
    delimiters: str = "|^~\\&"
    #: What becomes of a character the partner's character set lacks: refuse the message, or
    #: transliterate (ł → l, „ → ") and count the element as left out.
    missing_characters: str = "refuse"
    #: Longest segment in characters; longer ones are continued in ADD segments. 0: any length.
    longest_segment: int = 0
    #: Message orders are told by, OMG or ORM; empty: what the version prefers.
    orders: str = ""
    #: Field of DG1 or of a Z segment after it that holds the Diagnosesicherheit (A, G, V, Z),
    #: e.g. "ZDG-2"; empty: it is left out.
    diagnosis_certainty: str = ""
    #: Member of the xDT family that is written: GDT, or LDT (version 3; reports only).
    xdt: str = "GDT"
    #: Version of GDT (9218): 02.10, 03.00 or 03.01.
    gdt_version: str = "02.10"
    #: Character set of GDT records (9206): cp1252 (ISO 8859-1), cp437 or din66003 (7-bit).
    gdt_charset: str = "cp1252"
    #: Where files of a GDT record are: beside it (6305), or inside (6329, GDT 3 only).
    gdt_files: str = "beside"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything that differs from the standard for one sender."""

    name: str = DEFAULT
    #: Shipped dialect it builds upon: "de" (HL7 Deutschland) or "standard" (HL7 as it is).
    base: str = DEFAULT
    #: Charset when the message declares none; table 0211 spelling or a Python codec name.
    charset: str = ""
    #: IANA zone of times that carry none.
    timezone: str = "Europe/Berlin"
    #: How dates are written in xDT, TTMMJJJJ or JJJJMMTT; empty: as the standard says.
    dates: str = ""
    #: Assigner (OID or namespace id) → identifier system URI.
    systems: Mapping[str, str] = field(default_factory=dict)
    #: Name of coding system (CWE.3) → code system URI.
    code_systems: Mapping[str, str] = field(default_factory=dict)
    #: Field ("PV1-10") → local code → standard source code.
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Field or segment ("PID-18", "ZXX") → reason why it is left out; empty: it is not.
    ignore: Mapping[str, str] = field(default_factory=dict)
    #: Further rows, mostly for Z-segments.
    rows: tuple[Row, ...] = ()
    #: What becomes of fields no mapping takes: "report" names them in the loss report; "basic"
    #: carries them to the receiver as well, in a Basic resource of their segment.
    unmapped: str = "report"
    #: True: take HL7 v2 messages of a type or event without a mapping of its own as well, read
    #: by the segments they hold; else they are rejected (AR, 200 or 201).
    any_event: bool = False
    #: Places that name the general practitioner, in order of preference.
    general_practitioner: tuple[str, ...] = ("PD1-4", "ROL", "PRT")
    #: Places that name the recipients of a document.
    document_recipients: tuple[str, ...] = ("TXA-23", "PRT", "OBR-28")
    #: Attested consent; None when the sender states none.
    consent: AttestedConsent | None = None
    #: How messages to this partner are written.
    outgoing: Outgoing = field(default_factory=Outgoing)
    #: What messages from and to this partner have to hold; None when nothing is agreed on.
    profile: MessageProfile | None = None

    @classmethod
    def from_mapping(cls, name: str, mapping: Mapping[str, Any]) -> Dialect:
        """Build a dialect from a parsed TOML table.

        Raises NotConformant for unknown keys, naming the nearest known one, and for unknown zones.
        """
        known = {item.name for item in fields(cls)} - {"name"}
        _check_keys(mapping, known, f"dialects/{name}")
        base = mapping.get("base", DEFAULT)
        _check_choice(base, NAMES, f"dialects/{name}: base")
        _check_choice(mapping.get("unmapped", "report"), _UNMAPPED, f"dialects/{name}: unmapped")
        _check_choice(mapping.get("dates", ""), _DATES, f"dialects/{name}: dates")
        values = {**scalars_of(base), **mapping}
        for key in ("general_practitioner", "document_recipients"):
            if key in values:
                values[key] = tuple(values[key])
        if "rows" in values:
            values["rows"] = tuple(
                _build(Row, row, f"dialects/{name} rows") for row in values["rows"]
            )
        if "consent" in values:
            values["consent"] = _consent(values["consent"], name)
        if "outgoing" in values:
            values["outgoing"] = _outgoing(values["outgoing"], name)
        if "profile" in values:
            values["profile"] = _profile(values["profile"], name)
        _check_zone(values.get("timezone", "Europe/Berlin"), name)
        return cls(name=name, **values)

    @property
    def carries_more(self) -> bool:
        """Tell whether a message's fields go elsewhere than the mapping says."""
        return bool(self.rows) or self.unmapped != "report"

    @classmethod
    def shipped(cls, name: str = DEFAULT) -> Dialect:
        """Return a dialect that comes with the package; raises KeyError when there is none."""
        mapping_of(name)
        return cls.from_mapping(name, {"base": name})


def _check_choice(value: object, allowed: tuple[str, ...], place: str) -> None:
    if value not in allowed:
        raise NotConformant(f"{place} is one of {', '.join(allowed)}", location=place)


def _consent(mapping: Mapping[str, Any], name: str) -> AttestedConsent:
    values = dict(mapping)
    for key in ("purpose", "recipients"):
        if key in values:
            values[key] = tuple(values[key])
    return _build(AttestedConsent, values, f"dialects/{name} consent")


def are_separators(stated: str) -> bool:
    """Tell whether a text is MSH-1 and MSH-2 in one: five different separators."""
    return len(stated) == 5 == len(set(stated)) and SEPARATORS.issuperset(stated)


def _profile(mapping: Mapping[str, Any], name: str) -> MessageProfile:
    place = f"dialects/{name} profile"
    try:
        return profile_of(mapping)
    except ValueError as error:
        raise NotConformant(f"{place}: {error}", location=place) from error


def _outgoing(mapping: Mapping[str, Any], name: str) -> Outgoing:
    place = f"dialects/{name} outgoing"
    made = _build(Outgoing, mapping, place)
    for key, allowed in _OUTGOING.items():
        if getattr(made, key) not in allowed:
            listed = ", ".join(repr(one) for one in allowed)
            raise NotConformant(f"{place}: {key} is one of {listed}", location=place)
    if not isinstance(made.longest_segment, int) or 0 < made.longest_segment < _SHORTEST:
        raise NotConformant(
            f"{place}: longest_segment is 0 or at least {_SHORTEST}", location=place
        )
    if not are_separators(made.delimiters):
        raise NotConformant(f"{place}: delimiters are five different separators", location=place)
    if not _CERTAINTY.fullmatch(made.diagnosis_certainty):
        raise NotConformant(f"{place}: diagnosis_certainty names a field of DG1 or of a Z segment")
    return made


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
