"""What every message may say about a patient and a visit, segment by segment.

`READERS` is the part all families share (HL7 v2.5 chapter 3.3); a family adds its own to it.
"""

from __future__ import annotations

from mappers.hl7v2.reader import Handler, Reader, plain
from mappers.hl7v2.segments import (
    arv,
    clinical,
    consent,
    facts,
    ft1,
    gt1,
    heritage,
    iam,
    in2,
    insurance,
    nk1,
    notes,
    obx,
    pid,
    pid_others,
    roles,
    visit,
)
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Segment
from profiles.issue import Issue, NotConformant


def read_patient(reader: Reader, segment: Segment) -> None:
    """PID → Patient; raises NotConformant for an empty one."""
    session = reader.session
    if not (any(segment.raw[2:]) or session.context.lenient):
        issue = Issue("error", "required", "the message holds no PID segment", "PID", "100")
        raise NotConformant(issue.text, location="PID", issues=(issue,))
    reader.before = draft = pid.patient(session, segment)
    pid_others.mother(session, segment)
    said = heritage.heritage(segment, draft) if segment.has(10) or segment.has(22) else ()
    facts.about(session, segment, draft, said)
    if segment.has(33):
        pid_others.updated(session, segment)


def read_visit(reader: Reader, segment: Segment) -> None:
    """PV1 → Encounter."""
    visit.read_visit(reader.session, segment)
    reader.before = reader.session.encounter


def read_more_visit(reader: Reader, segment: Segment) -> None:
    """PV2 → the same Encounter."""
    visit.read_more(reader.session, segment)
    reader.before = reader.session.encounter


def demographics(reader: Reader, segment: Segment) -> None:
    """PD1 → Patient; what has no element there is a fact about the patient."""
    pid.pd1(reader.session, segment)
    facts.facts(reader, segment)
    reader.before = None


def observation(reader: Reader, segment: Segment) -> None:
    """OBX outside a report: height, weight and the like of the visit, else of the patient."""
    parent = reader.session.encounter or reader.session.patient
    if parent is not None:
        reader.made(obx.observation(reader.session, segment, parent, None))


def allergy(reader: Reader, segment: Segment) -> None:
    """IAM → AllergyIntolerance."""
    reader.made(iam.allergy(reader.session, segment))


def read_coverage(reader: Reader, segment: Segment) -> None:
    """IN1 → Coverage, which IN2 and IN3 continue."""
    reader.made(insurance.coverage(reader.session, segment))


def read_more_coverage(reader: Reader, segment: Segment) -> None:
    """IN2 → the Coverage of the IN1 before it."""
    coverage = reader.now.get("Coverage")
    if coverage is not None:
        in2.details(reader.session, segment, coverage)


def note(reader: Reader, segment: Segment) -> None:
    """NTE → a note of what was read before it."""
    if reader.before is not None:
        notes.on(reader.session, reader.before, segment)


def finish(session: Session) -> None:
    """What is decided when all of a patient's segments are known."""
    pid_segment = session.get("PID")
    if session.encounter is None and pid_segment is not None and pid_segment.has(18):
        # Beside a visit PID-18 is the number of the visit's account, which it carries.
        gt1.account(session)
    named = session.all("ROL", "PRT")
    roles.role_segments(session, [s for s in named if s.index not in session.consumed])
    roles.general_practitioner(session)
    consent.attested_consent(session)


def finish_with_recipients(session: Session) -> None:
    """As `finish`, for what somebody is to receive."""
    finish(session)
    roles.document_recipients(session)


READERS: dict[str, Handler] = {
    **facts.READERS,
    "PID": read_patient,
    "PD1": demographics,
    "NK1": plain(nk1.next_of_kin),
    "PV1": read_visit,
    "PV2": read_more_visit,
    "DG1": plain(clinical.diagnosis),
    "PR1": plain(clinical.procedure),
    "AL1": plain(clinical.allergy),
    "IAM": allergy,
    "IN1": read_coverage,
    "IN2": read_more_coverage,
    "GT1": plain(gt1.guarantor),
    "BLG": plain(ft1.billing),
    "ARV": plain(arv.restriction),
    "OBX": observation,
    "NTE": note,
}
