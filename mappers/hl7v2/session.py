"""One translation of an HL7 v2 message in progress: what the segments' functions share.

To what every format shares it adds the segments of the present patient, the names and codes of
the sender's dialect, and how HL7 v2 writes times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from mappers import times
from mappers.base import Context
from mappers.codes import Coded, rows, table
from mappers.dialect import Dialect
from mappers.drafts import Draft, Stated
from mappers.hl7v2.segment import kept_fields
from mappers.hl7v2.tokenizer import Message, Segment
from mappers.session import Session as Translation
from mappers.shipped import understood
from mappers.trace import Text, derived
from mappers.uris import ALTERNATE_CODES, ORIGINAL_TEXT, V2

__all__ = [
    "ALTERNATE_CODES",
    "ORIGINAL_TEXT",
    "PACKAGE",
    "V2",
    "Assigner",
    "Draft",
    "Session",
    "Stated",
    "known_systems",
]

PACKAGE = "mappers.hl7v2"


class Assigner(NamedTuple):
    """A known identifier system."""

    system: str
    type_system: str
    type_code: str
    #: Name of the check digit rule: "kvnr", "iknr", "lanr" or "".
    check: str


@cache
def known_systems() -> Mapping[str, Assigner]:
    """OID → identifier system, of the national identifiers."""
    return {
        row["oid"]: Assigner(row["system"], row["type_system"], row["type_code"], row["check"])
        for row in rows(PACKAGE, "codes", "identifier-systems")
    }


class _Names(NamedTuple):
    """What a sender calls things, the shipped dialect's names below its own."""

    dialect: Dialect
    systems: Mapping[str, str]
    code_systems: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]
    local_codes: frozenset[str]


def _names(context: Context) -> _Names:
    dialect, kept = context.dialect, context.memory.kept
    known: _Names | None = kept.get((_names, id(dialect)))
    if known is None or known.dialect is not dialect:
        base = dialect.base
        codes = understood(base, "codes", dialect.codes)
        known = kept[_names, id(dialect)] = _Names(
            dialect,
            understood(base, "systems", dialect.systems),
            understood(base, "code_systems", dialect.code_systems),
            codes,
            frozenset().union(*codes.values()),
        )
    return known


class Session(Translation):
    """The state of one translation."""

    __slots__ = (
        "_kept",
        "_known",
        "code_systems",
        "codes",
        "consumed",
        "deleted",
        "group",
        "local_codes",
        "message",
        "systems",
    )

    def __init__(self, message: Message, context: Context, event: str) -> None:
        """Begin the translation of `message`; `event` is the trigger, e.g. "A01"."""
        super().__init__(context, event, message.path, message.issues)
        self.message = message
        #: Fields and repetitions the tokenizer has met before and kept, by id.
        self._kept = kept_fields()
        #: What was converted before.
        self._known = context.memory.kept
        names = _names(context)
        #: Names and codes of the dialect and of the shipped one below it.
        self.systems = names.systems
        self.code_systems = names.code_systems
        self.codes = names.codes
        #: Every code of their own, whatever its field.
        self.local_codes = names.local_codes
        #: The segments of the patient being read; all where a message has one patient.
        self.group: list[Segment] = message.segments
        #: Leaves that say `""` and led to a cleared element.
        self.deleted: list[Text] = []
        #: Indexes of segments read within an order, which say nothing of the visit.
        self.consumed: set[int] = set()

    # -- segments ------------------------------------------------------------------------

    def begin_group(self, segments: list[Segment]) -> None:
        """Begin the segments of one patient."""
        self.group = segments
        self.patient = self.encounter = None

    def all(self, *names: str) -> list[Segment]:
        """Return the segments of the present patient with one of these names, in order."""
        if self.message.names.isdisjoint(names):
            return []
        return [segment for segment in self.group if segment.name in names]

    def get(self, name: str) -> Segment | None:
        """Return the present patient's first segment with this name."""
        for segment in self.group:
            if segment.name == name:
                return segment
        return None

    # -- memory ----------------------------------------------------------------------------

    def once(
        self,
        convert: Callable[[Session, Any], Any],
        parsed: Any,
        name: Any = None,
        *,
        kept: bool = False,
    ) -> Any:
        """Convert a field or segment, or recall what the same was converted to before.

        What the tokenizer meets again is the same object; what it meets for the first time is
        converted as it is, unless it is `kept` elsewhere. Results are shared: nobody changes
        them. What has a side effect on the session is not remembered, entries of the directory
        are stated again.
        """
        key = (name or convert, id(parsed))
        known = self._known.get(key)
        if known is not None and known[0] is parsed:
            for stated in known[2]:
                self.state(stated)
            return known[1]
        if kept or id(parsed) in self._kept or (type(parsed) is Segment and parsed.returned):
            return self._remembered(key, convert, parsed)
        return convert(self, parsed)

    def _remembered(self, key: Any, convert: Callable[[Session, Any], Any], parsed: Any) -> Any:
        before, first = self._effects(), len(self.directory)
        made = convert(self, parsed)
        if before == self._effects():
            stated = tuple(self.directory[first:])
            self.context.memory.offer(key, (parsed, made, stated), parsed)
        return made

    def _effects(self) -> int:
        """Grows with every side effect that cannot be done again from memory."""
        told = len(self.issues) + len(self.ignored) + len(self.echoes) + len(self.drafts)
        return told - self.replayed

    # -- codes -----------------------------------------------------------------------------

    def lookup(self, name: str, leaf: Text, field: str = "") -> Coded | None:
        """Translate a code by a table; the dialect's local codes come first."""
        code: str = leaf
        if leaf in self.local_codes:
            local = self.codes.get(field or self._field(leaf), {})
            code = local.get(leaf, leaf)
        codes = table(PACKAGE, name)
        return codes.get(code) or codes.get(code.upper())

    def _field(self, leaf: Text) -> str:
        """Name the field a leaf stands in ("PID-16"); empty for one that stands in none."""
        source = leaf.source
        if not isinstance(source, int):
            return ""
        segment, number = self.message.segment_of(source)
        return f"{segment.name}-{number}"

    # -- times -----------------------------------------------------------------------------

    def moment(self, leaf: Text | None) -> times.Moment | None:
        """Read a timestamp; an invalid one becomes an issue and None."""
        if leaf is None:
            return None
        found = times.moment(leaf, self.zone)
        if found is None:
            self.issue("value", "not a valid HL7 timestamp", leaf, "102")
        elif found.doubt:
            self.issue("informational", f"{found.doubt} local time at a clock change", leaf)
        return found

    def date_time(self, leaf: Text | None) -> str | None:
        """Return a FHIR dateTime in the precision of the source."""
        found = self.moment(leaf)
        return derived(found.fhir, leaf) if found is not None else None

    def date(self, leaf: Text | None) -> str | None:
        """Return a FHIR date; a time of day is left to others."""
        found = self.moment(leaf)
        return derived(found.fhir[:10], leaf) if found is not None else None

    def instant(self, leaf: Text | None) -> str | None:
        """Return a FHIR instant; parts the source leaves out are the earliest ones."""
        found = self.moment(leaf)
        return derived(found.instant, leaf) if found is not None else None
