"""What a sender's messages show of its peculiarities: the proposal of a dialect.

Counts places, assigners, character sets, zones and codes without a table. No value of a patient is
kept: of fields nobody maps only the shape is told ("A99999" for a letter and five digits).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2.session import known_systems
from mappers.hl7v2.splitting import leaf, sub
from mappers.hl7v2.tokenizer import Message, Segment, tokenize
from mappers.hl7v2.translate import translate
from mappers.shipped import DEFAULT, mapping_of
from mappers.toml_text import toml_text
from profiles.check_digits import is_kvnr
from profiles.issue import GatewayError
from profiles.reading import write_json

_NAMESPACE = "https://region-gateway.example/sid"
_LOCAL = re.compile(rb'"system":"' + re.escape(f"{_NAMESPACE}/code/").encode() + rb'([^"]+)"')
_INDEX = re.compile(r"\[\d+\]")
_OFFSET = re.compile(r"\d([+-]\d{4})$")
_OID = re.compile(r"[0-2](\.\d+){3,}")
#: Fields of type CX and their place of the assigner; XCN has it elsewhere.
_NUMBERS = {"PID": (2, 3, 4, 18), "PV1": (19, 50), "MRG": (1, 3, 5), "IN1": (49,)}
_PERSONS = {"PD1": (4,), "PV1": (7, 8, 9, 17), "ROL": (4,), "PRT": (5,), "OBR": (16,)}
_CX_PARTS, _XCN_PARTS = (4, 5), (9, 13)
#: Places that may name the general practitioner, in order of preference.
_PRACTITIONERS = ("PD1-4", "ROL", "PRT", "PV1-9", "PV1-8")
#: The first of them name nobody else.
_SURE = 3
_ROLES = frozenset({"PP", "FHCP", "GP"})
#: What is surely a code; anything else may be a value of a patient.
_CODE = re.compile(r"[A-Z0-9]{1,6}|[A-Z0-9]{1,6}[._-][A-Z0-9]{1,4}|[a-z]{1,6}")
#: Fields with codes of systems named in component 3.
_CODED = {
    "DG1": (3,),
    "PR1": (3,),
    "OBR": (4,),
    "OBX": (3, 5, 6),
    "AL1": (3,),
    "IAM": (3,),
    "RXE": (2,),
    "RXO": (1,),
    "RXD": (2,),
    "RXA": (5,),
    "IN1": (2,),
    "ORC": (16,),
    "FT1": (7,),
}
_SYSTEM = 3
#: Different things remembered of one kind.
_MOST = 2_000
#: Lines of one comment.
_SHOWN = 40


class Survey:
    """Counts over messages of one sender."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.messages = 0
        self.counts: dict[str, Counter[str]] = {}
        self._context = Context(b"survey", Dialect(any_event=True), _NAMESPACE, lenient=True)

    def add(self, data: bytes) -> None:
        """Count one message; what is no message counts as such."""
        try:
            message = tokenize(data)
        except GatewayError:
            self._count("no message", "parts that are no message")
            return
        self.messages += 1
        self._header(message, data)
        for segment in message.segments:
            self._assigners(segment, _NUMBERS, _CX_PARTS)
            self._assigners(segment, _PERSONS, _XCN_PARTS)
            self._practitioner(segment)
            self._systems_named(segment)
        self._mapping(message, translate(data, self._context))

    def _count(self, kind: str, name: str) -> None:
        counter = self.counts.setdefault(kind, Counter())
        if name in counter or len(counter) < _MOST:
            counter[name] += 1

    def _header(self, message: Message, data: bytes) -> None:
        header = message.header
        self._count("senders", f"{header.sending_application} | {header.sending_facility}")
        self._count("types", header.message_type)
        self._count("charset declared", header.charset or "none")
        self._count("charset seen", _charset(data))
        if offset := _OFFSET.search(header.time):
            self._count("offsets", offset[1])

    def _assigners(
        self, segment: Segment, places: dict[str, tuple[int, ...]], parts: tuple[int, int]
    ) -> None:
        for field in places.get(segment.name, ()):
            for repetition in segment.repetitions(field):
                name, oid = (str(sub(repetition, parts[0], n) or "") for n in (1, 2))
                kind = str(leaf(repetition, parts[1]) or "-")
                place = f"{segment.name}-{field}"
                if name or oid:
                    self._count("assigners", f"{name}\t{oid}")
                    self._count(f"assigner {name}\t{oid}", f"{place} {kind}")
                if is_kvnr(str(leaf(repetition, 1) or "")):
                    self._count("kvnr", place)

    def _systems_named(self, segment: Segment) -> None:
        for field in _CODED.get(segment.name, ()):
            for repetition in segment.repetitions(field):
                name = leaf(repetition, _SYSTEM)
                if name is not None and len(repetition) > _SYSTEM:
                    self._count("code systems", f"{segment.name}-{field} {name}")

    def _practitioner(self, segment: Segment) -> None:
        for place in _PRACTITIONERS:
            name, _, field = place.partition("-")
            if segment.name != name:
                continue
            role = str(segment.first(3 if name == "ROL" else 4) or "")
            if segment.has(int(field)) if field else role in _ROLES:
                self._count("practitioners", place)

    def _mapping(self, message: Message, mapped: Mapped) -> None:
        if mapped.refusal is not None:
            for issue in mapped.refusal.issues:
                self._count("refused", f"{issue.location or 'MSH'}: {issue.text}")
        for change in mapped.changes:
            for name in _LOCAL.findall(write_json(change.resource)):
                self._count("local systems", unquote(name.decode()))
        coded = {issue.location for issue in mapped.issues if issue.hl7_code == "103"}
        if coded:
            for segment in message.segments:
                self._codes(message, segment, coded)
        for path, value in mapped.loss.unmapped:
            place = _INDEX.sub("", path)
            self._count("unmapped", place)
            self._count(f"shape {place}", shape(value))

    def _codes(self, message: Message, segment: Segment, coded: set[str]) -> None:
        for found in segment.leaves:
            path = message.path(found.source)  # type: ignore[arg-type]  # a leaf's is one int
            if path in coded:
                place = _INDEX.sub("", path)
                self._count("coded", place)
                self._count(f"codes {place}", found if _CODE.fullmatch(found) else shape(found))

    # -- the proposal --------------------------------------------------------------------------

    def proposal(self) -> str:
        """Write the dialect: what is sure as keys, what a person decides as comments."""
        values: dict[str, Any] = {"timezone": "Europe/Berlin"}
        if charset := self._charset():
            values["charset"] = charset
        found = self.counts.get("practitioners", Counter())
        sure = [place for place in _PRACTITIONERS[:_SURE] if place in found]
        if places := sure or [place for place in _PRACTITIONERS if place in found]:
            values["general_practitioner"] = places
        if systems := self._systems():
            values["systems"] = systems
        notes = {
            "timezone": self._listed("offsets", "offsets in MSH-7"),
            "charset": self._listed("charset declared", "declared in MSH-18"),
            "general_practitioner": self._listed("practitioners", "places with a practitioner"),
            "systems": self._listed("kvnr", "KVNR found in"),
        }
        head = [f"# Proposed from {self.messages} messages; comments are for you to decide."]
        head += [f"# {line}" for part in self._head() for line in part.splitlines()]
        tail = [f"# {line}" for part in self._tail() for line in part.splitlines()]
        return "\n".join([*head, "", toml_text(values, notes), *tail]).rstrip() + "\n"

    def _charset(self) -> str:
        """What the bytes are, where nothing (or nothing true) is declared."""
        declared = self.counts.get("charset declared", Counter())
        seen = Counter(self.counts.get("charset seen", Counter()))
        seen.pop("ASCII", None)
        return seen.most_common(1)[0][0] if seen and "none" in declared else ""

    def _systems(self) -> dict[str, str]:
        """Systems of assigners that say their OID; the national ones are known anyway."""
        found = {}
        for both in self.counts.get("assigners", ()):
            name, _, oid = both.partition("\t")
            if name and _OID.fullmatch(oid):
                known = known_systems().get(oid)
                found[name] = known.system if known is not None else f"urn:oid:{oid}"
        return found

    def _head(self) -> Iterator[str]:
        yield self._listed("senders", "senders (MSH-3 | MSH-4)")
        yield self._listed("types", "message types")
        yield self._listed("refused", "refused")
        yield self._listed("no message", "no message")
        yield self._listed("charset seen", "character set of the bytes")

    def _tail(self) -> Iterator[str]:
        yield from self._local_assigners()
        local = self.counts.get("local systems", Counter())
        for both, count in self.counts.get("code systems", Counter()).most_common():
            place, _, name = both.partition(" ")
            if name in local:
                yield f'[code_systems] "{_printable(name)}" = "…"  {count} times in {place}'
        for place, _ in self.counts.get("coded", Counter()).most_common(_SHOWN):
            yield self._listed(f"codes {place}", f'[codes."{place}"] local codes without a table')
        unmapped = self.counts.get("unmapped", Counter())
        for title, own in (("fields of Z segments", True), ("fields nobody maps", False)):
            rows = [(p, n) for p, n in unmapped.most_common() if (p[0] == "Z") is own][:_SHOWN]
            if rows:
                yield f"{title}: carry them with [[rows]] or unmapped, or say why in [ignore]"
            for place, count in rows:
                shapes = self.counts[f"shape {place}"].most_common(3)
                yield f"  {place}: {count} times, shaped {', '.join(one for one, _ in shapes)}"

    def _local_assigners(self) -> Iterator[str]:
        """Assigners without an OID: their system is for a person to name, unless it is known."""
        known = mapping_of(DEFAULT)["systems"]
        for both, count in self.counts.get("assigners", Counter()).most_common(_SHOWN):
            name, _, oid = both.partition("\t")
            if not _OID.fullmatch(oid) and name not in known:
                kinds = ", ".join(one for one, _ in self.counts[f"assigner {both}"].most_common(5))
                yield f'[systems] "{_printable(name or oid)}" = "…"  {count} times: {kinds}'

    def _listed(self, kind: str, title: str) -> str:
        counter = self.counts.get(kind)
        if not counter:
            return ""
        lines = [f"  {_printable(name)}: {count}" for name, count in counter.most_common(_SHOWN)]
        return "\n".join([f"{title}:", *lines])


def shape(value: str) -> str:
    """Tell the form of a value without the value: letters A or a, digits 9, runs as A…."""
    shaped = "".join(
        "A" if c.isupper() else "a" if c.isalpha() else "9" if c.isdigit() else c
        for c in value[:200]
        if c.isprintable()
    )
    return re.sub(r"([Aa ])\1+", r"\1…", shaped)[:30]


def _charset(data: bytes) -> str:
    if data.isascii():
        return "ASCII"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "8859/1"
    return "UNICODE UTF-8"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
