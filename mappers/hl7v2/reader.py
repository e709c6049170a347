"""Walks the segments of a message and knows what each belongs to (HL7 v2.5 chapter 2.12).

A PID begins a patient's group; inside it PID and a lone PV1 are read first wherever they stand,
everything else in its order. Segments of one order follow their ORC (or OBR), and an NTE belongs
to what was read before it. What a family does with a segment is its table `readers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mappers.hl7v2.left_out import leave_out
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment
from profiles.issue import Issue, NotConformant

#: Segments that belong to the patient before them: whose they are nobody may guess.
_BOUND = frozenset({"ORC", "OBR", "OBX", "RXA", "RXD", "RXE", "RXG", "RXO"})

Handler = Callable[["Reader", Segment], None]


class Family(NamedTuple):
    """How messages of one code are read."""

    #: Trigger events with a meaning of their own.
    events: frozenset[str]
    #: Segment name → what reads it.
    readers: Mapping[str, Handler]
    #: Segments no message of the family lacks.
    required: tuple[str, ...] = ("PID",)
    #: Event → segments it needs besides.
    also: Mapping[str, tuple[str, ...]] = {}
    #: Events that are about no patient.
    patientless: frozenset[str] = frozenset()
    #: What is done when a patient's group has been read.
    finish: tuple[Callable[[Session], None], ...] = ()


class Reader:
    """Where the reading of the groups stands."""

    __slots__ = (
        "before",
        "categorised",
        "category",
        "deferred",
        "grouped",
        "listed",
        "lone_order",
        "now",
        "origin",
        "pending",
        "replaced",
        "reports",
        "results",
        "session",
    )

    def __init__(self, session: Session) -> None:
        """Begin with nothing read."""
        self.session = session
        #: Segments waiting for the one they belong to, by name ("ORC").
        self.pending: dict[str, Segment] = {}
        #: Resources of the present order or group by type ("DiagnosticReport").
        self.now: dict[str, Draft] = {}
        #: What an NTE belongs to.
        self.before: Draft | None = None
        #: Ids of results already listed by their report.
        self.listed: set[str] = set()
        #: What reads an ORC nothing followed.
        self.lone_order: Handler | None = None
        #: Reports by order number, and results by what names them: later ones refer to them.
        self.reports: dict[str, list[Draft]] = {}
        self.results: dict[tuple[str, ...], Draft] = {}
        #: Results of the present report by sub-id, for those below them ("1" before "1.2").
        self.grouped: dict[str, Draft] = {}
        #: What stands between an ORC and the segment it waits for, and what reads it then.
        self.deferred: list[tuple[Handler, Segment]] = []
        #: The result the present report came from.
        self.origin: dict[str, Any] | None = None
        #: Category of the results below the OBR beside it.
        self.category: dict[str, Any] | None = None
        self.categorised: Segment | None = None
        #: The order a new one is to replace.
        self.replaced: Draft | None = None

    def take(self, name: str) -> Segment | None:
        """Return a waiting segment, which then waits no longer."""
        return self.pending.pop(name, None)

    def made(self, draft: Draft | None) -> Draft | None:
        """Remember a resource as the present one of its type and as what an NTE belongs to."""
        if draft is not None:
            self.now[draft.resource["resourceType"]] = draft
            self.before = draft
        return draft

    def defer(self, handler: Handler, segment: Segment) -> bool:
        """Put a segment off while an ORC waits for what is ordered; tells whether it does."""
        if "ORC" not in self.pending or "ServiceRequest" in self.now:
            return False
        self.deferred.append((handler, segment))
        return True

    def resume(self, order: Draft | None) -> None:
        """Read what was put off, now that the order is known."""
        waiting, self.deferred = self.deferred, []
        for handler, segment in waiting:
            self.before = order
            handler(self, segment)
        if waiting:
            self.before = order

    def first_time(self, draft: Draft) -> bool:
        """Tell whether a result comes for the first time; further lines of text continue it."""
        known = draft.id in self.listed
        self.listed.add(draft.id)
        return not known

    def begin_group(self) -> None:
        """Begin a patient's segments: numbers of another one's results name nothing of his."""
        self.reports.clear()
        self.results.clear()
        self.grouped.clear()
        self.replaced = None

    def end_order(self) -> None:
        """End the present order; an ORC that nothing followed is an order of its own."""
        waiting = self.pending.pop("ORC", None)
        if waiting is not None and self.lone_order is not None:
            self.lone_order(self, waiting)
        self.pending.clear()
        self.deferred.clear()
        self.now.clear()
        self.before = None

    def parent(self) -> Draft | None:
        """What a result belongs to: the report, the order, else the visit, else the patient."""
        session, now = self.session, self.now
        within = now.get("DiagnosticReport") or now.get("ServiceRequest")
        return within or session.encounter or session.patient

    def behind(self, segment: Segment) -> Iterator[Segment]:
        """The segments behind one, up to the end of the patient's group."""
        group = self.session.group
        for position in range(segment.index - group[0].index + 1, len(group)):
            yield group[position]


def plain(function: Callable[[Session, Segment], object]) -> Handler:
    """Make a handler of a function that needs no more than the session."""

    def handler(reader: Reader, segment: Segment) -> None:
        function(reader.session, segment)
        reader.before = None

    return handler


def read(session: Session, family: Family) -> None:
    """Read a message; raises NotConformant when a segment it needs is missing."""
    leave_out(session)
    names = {segment.name for segment in session.message.segments}
    _check_required(session, family, names)
    readers = family.readers
    reader = Reader(session)
    for group in _groups(session):
        session.begin_group(group)
        reader.begin_group()
        if "PID" not in names and session.event not in family.patientless:
            session.patient = _nobody()
        _read_group(reader, group, readers)
        reader.end_order()
        for finish in family.finish:
            finish(session)


def _nobody() -> Draft:
    """Stand for the patient a message does not name: what refers to it says so."""
    return Draft({"resourceType": "Patient", "id": ""}, (), "")


def _check_required(session: Session, family: Family, names: set[str]) -> None:
    for name in (*family.required, *family.also.get(session.event, ())):
        if name in names or (name == "PID" and session.event in family.patientless):
            continue
        sentence = f"the message holds no {name} segment"
        if not session.context.lenient:
            issue = Issue("error", "required", sentence, name, "100")
            raise NotConformant(sentence, location=name, issues=(issue,))
        session.issue("required", sentence, name, "100")


def _groups(session: Session) -> Iterator[list[Segment]]:
    """Split at every PID; what stands before the first belongs to its group."""
    segments = session.message.segments
    starts = [n for n, segment in enumerate(segments) if segment.name == "PID"]
    if starts and (len(starts) > 1 or not session.context.lenient):
        _check_sequence(segments[: starts[0]])
    if len(starts) < 2:
        yield segments
        return
    begins = [0, *starts[1:]]
    for begin, end in zip(begins, [*starts[1:], len(segments)], strict=True):
        yield segments[begin:end]


def _check_sequence(before: list[Segment]) -> None:
    for segment in before:
        if segment.name in _BOUND:
            sentence = "the segment stands before the patient it belongs to"
            issue = Issue("error", "structure", sentence, segment.name, "100")
            raise NotConformant(sentence, location=segment.name, issues=(issue,))


def _read_group(reader: Reader, group: list[Segment], readers: Mapping[str, Handler]) -> None:
    """Read PID first, then the visit where there is only one, then everything in its place.

    What stands behind one of them belongs to it, though it was read before.
    """
    before: dict[int, Draft | None] = {}
    for segment in _first(group):
        handler = readers.get(segment.name)
        if handler is not None:
            handler(reader, segment)
        before[segment.index] = reader.before
    for segment in group:
        if segment.index in before:
            reader.before = before[segment.index]
        elif (handler := readers.get(segment.name)) is not None:
            handler(reader, segment)


def _first(group: list[Segment]) -> list[Segment]:
    first = [segment for segment in group if segment.name == "PID"]
    visits = [segment for segment in group if segment.name == "PV1"]
    return first + visits if len(visits) == 1 else first
