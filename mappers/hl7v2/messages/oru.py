"""ORU^R01: results, read segment by segment (HL7 v2.5 chapter 7.3.1).

Groups follow one another: a PID begins a patient, an OBR a report, and NTE belongs to what
stands before it. A message may hold several patients.
"""

from __future__ import annotations

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.messages.adt import read_patient, read_visit
from mappers.hl7v2.segments import (
    attachments,
    consent,
    nk1,
    notes,
    obr,
    obx,
    orders,
    pid,
    roles,
)
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, Draft, Session
from mappers.hl7v2.tokenizer import Segment
from profiles.issue import Issue, NotConformant


class _Reader:
    """Where the reading of the groups stands."""

    __slots__ = ("before", "obr", "orc", "report", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.orc: Segment | None = None
        self.obr: Segment | None = None
        self.report: Draft | None = None
        #: What an NTE belongs to.
        self.before: Draft | None = None

    def pid(self, segment: Segment) -> None:
        self.session.encounter = None
        self.orc = self.obr = self.report = self.before = None
        read_patient(self.session, segment)

    def pv1(self, segment: Segment) -> None:
        read_visit(self.session, segment)

    def orc_segment(self, segment: Segment) -> None:
        self.orc = segment
        self.report = self.before = None

    def obr_segment(self, segment: Segment) -> None:
        session = self.session
        self.obr = segment
        request = orders.service_request(session, self.orc, segment)
        self.report = obr.report(session, self.orc, segment, request)
        self.orc, self.before = None, self.report
        if self.report is not None:
            obr.specimen(session, segment, self.report)

    def obx_segment(self, segment: Segment) -> None:
        session = self.session
        parent = self.report or session.encounter or session.patient
        if parent is None:
            return
        if segment.first(2) in ("ED", "RP") and self.report is not None:
            self._attachment(segment, self.report)
            return
        category = obr.observation_category(session, self.obr)
        made = obx.observation(session, segment, parent, category)
        if made is None:
            return
        self.before = made
        self._when(made)
        if self.report is not None:
            session.append(self.report, "result", reference(made))

    def _when(self, made: Draft) -> None:
        """OBX-14 is missing: the report's time holds."""
        if "effectiveDateTime" not in made.resource and self.obr is not None:
            when = self.session.date_time(self.obr.first(7))
            if when is not None:
                made.resource["effectiveDateTime"] = when

    def _attachment(self, segment: Segment, report: Draft) -> None:
        session = self.session
        title = segment.component(3, 2) or segment.first(3)
        code = next((c for r in segment.repetitions(3) if (c := concept(session, r))), None)
        for one in attachments.attachments(session, segment, report.id):
            if title is not None:
                one["title"] = title
            if code is not None:
                one["extension"] = [{"url": ALTERNATE_CODES, "valueCodeableConcept": code}]
            session.append(report, "presentedForm", one)
        stated = segment.first(11)
        if stated is not None:
            session.ignored.append((stated, "the report has a status of its own"))

    def nte(self, segment: Segment) -> None:
        if self.before is not None:
            notes.on(self.session, self.before, segment)

    def spm(self, segment: Segment) -> None:
        if self.report is not None:
            obr.spm(self.session, segment, self.report)


def results(session: Session) -> None:
    """R01: patients with their reports and observations."""
    message = session.message
    if message.get("PID") is None:
        read_patient(session)
    reader = _Reader(session)
    handlers = {
        "PID": reader.pid,
        "PD1": lambda s: pid.pd1(session, s),
        "NK1": lambda s: nk1.next_of_kin(session, s),
        "PV1": reader.pv1,
        "ORC": reader.orc_segment,
        "OBR": reader.obr_segment,
        "OBX": reader.obx_segment,
        "NTE": reader.nte,
        "SPM": reader.spm,
    }
    for segment in message.segments:
        handler = handlers.get(segment.name)
        if handler is not None:
            if session.patient is None and segment.name != "PID":
                raise _out_of_sequence(segment)
            handler(segment)
    roles.general_practitioner(session)
    roles.document_recipients(session)
    consent.attested_consent(session)


def _out_of_sequence(segment: Segment) -> NotConformant:
    sentence = "the segment stands before the patient it belongs to"
    issue = Issue("error", "structure", sentence, segment.name, "100")
    return NotConformant(sentence, location=segment.name, issues=(issue,))
