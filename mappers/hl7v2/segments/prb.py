"""PRB, GOL, PTH and VAR → Condition, Goal, CarePlan and what deviates (HL7 v2.5 chapter 12.4).

The official guide has no tables for them: what FHIR has an element for stands there, the rest is an
Observation about the Condition, Goal or CarePlan (`facts`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Action, Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.reader import Reader
from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import derived, text

_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_EPISODE = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
#: Events and action codes (table 0287) that take it back.
_DELETES = frozenset({"PC3", "PC8", "PCD", "PCJ"})
_DELETED = frozenset({"DE", "DELETE"})
_ADDED = frozenset({"AD", "ADD"})
#: Invariant con-4: only these may have ended.
_ENDED = frozenset({"inactive", "remission", "resolved"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PRB": ("Condition.subject", "Condition.encounter", "Condition.category"),
    "PRB-1": ("Condition.verificationStatus",),
    "PRB-2": ("Condition.recordedDate",),
    "PRB-5": ("Condition.extension",),
    "PRB-13": ("Condition.verificationStatus",),
    "PRB-14": ("Condition.clinicalStatus",),
    "GOL": ("Goal.subject", "Goal.addresses"),
    "GOL-1": ("Goal.lifecycleStatus",),
    "GOL-18": ("Goal.lifecycleStatus",),
    "PTH": ("CarePlan.subject", "CarePlan.addresses", "CarePlan.goal", "CarePlan.intent"),
    "PTH-1": ("CarePlan.status",),
    "PTH-5": ("CarePlan.status",),
    "VAR": ("Observation.focus",),
    "VAR-1": ("Observation.identifier",),
    "VAR-2": ("Observation.effective",),
    "VAR-4": ("Observation.performer",),
}


class _Kind(NamedTuple):
    """What the three segments have in common, and where they differ."""

    resource: str
    #: Fields of the code, the number and the episode of care (0: none).
    code: int
    number: int
    episode: int
    #: What the sender's own numbers are called.
    name: str


_KINDS = {
    "PRB": _Kind("Condition", 3, 4, 5, "problem"),
    "GOL": _Kind("Goal", 3, 4, 0, "goal"),
    "PTH": _Kind("CarePlan", 2, 3, 0, "pathway"),
}


def problem(reader: Reader, segment: Segment) -> None:
    """PRB → Condition."""
    draft = _begun(reader.session, segment)
    if draft is None:
        return
    session, resource = reader.session, draft.resource
    coding = {"system": _CATEGORY, "code": "problem-list-item"}
    session.append(draft, "category", {"coding": [coding]})
    _recorded(session, segment, draft)
    _verified(session, segment, draft)
    _clinical(session, segment, draft)
    if "onsetDateTime" in resource and segment.has(17):
        words = segment.first(17)
        session.append(draft, "note", {"text": words})
    _kept(reader, segment, draft)


def goal(reader: Reader, segment: Segment) -> None:
    """GOL → Goal."""
    draft = _begun(reader.session, segment)
    if draft is None:
        return
    session, resource = reader.session, draft.resource
    resource.setdefault("description", {"text": "unknown"})
    _life_cycle(session, segment, 18, draft, "lifecycleStatus", "goal-life-cycle")
    _kept(reader, segment, draft)


def pathway(reader: Reader, segment: Segment) -> None:
    """PTH → CarePlan."""
    draft = _begun(reader.session, segment)
    if draft is None:
        return
    draft.resource["intent"] = "plan"
    _life_cycle(reader.session, segment, 5, draft, "status", "pathway-life-cycle")
    _kept(reader, segment, draft)


def variance(reader: Reader, segment: Segment) -> None:
    """VAR → Observation about what it stands behind."""
    session, about = reader.session, reader.before
    made = _facts(reader, segment, about)
    if made is None:
        return
    for repetition in segment.repetitions(1):
        identifier = ei(session, repetition, "variance")
        if identifier is not None:
            session.append(made, "identifier", identifier)
    when = session.date_time(segment.first(2))
    if when is not None:
        made.resource["effectiveDateTime"] = when
    for repetition in segment.repetitions(4):
        who = practitioner(session, repetition)
        if who is not None:
            session.append(made, "performer", who)


def _begun(session: Session, segment: Segment) -> Draft | None:
    """By its number, else by patient and code."""
    kind, patient = _KINDS[segment.name], session.patient
    if patient is None or not any(segment.raw[2:]):
        return None
    draft = None
    for repetition in segment.repetitions(kind.number):
        identifier = ei(session, repetition, kind.name)
        if identifier is not None:
            key = Key(kind.resource, str(identifier["system"]), str(identifier["value"]))
            draft = session.draft(kind.resource, key)
            break
    if draft is None:
        said = segment.first(kind.code) or segment.component(kind.code, 2) or ""
        draft = session.natural(kind.resource, patient.id, kind.name, said)
    draft.resource["subject"] = reference(patient)
    if session.encounter is not None and kind.resource != "Goal":
        draft.resource["encounter"] = reference(session.encounter)
    apply_rows(session, segment, table(f"{segment.name}_{kind.resource}".lower()), draft)
    for repetition in segment.repetitions(kind.episode) if kind.episode else ():
        identifier = ei(session, repetition, "episode")
        if identifier is not None:
            whole = {"type": "EpisodeOfCare", "identifier": identifier}
            extension = {"url": _EPISODE, "valueReference": whole}
            draft.resource.setdefault("extension", []).append(extension)
    return draft


def _is_deleted(session: Session, segment: Segment) -> bool:
    return session.event in _DELETES or (segment.first(1) or "").upper() in _DELETED


def _recorded(session: Session, segment: Segment, draft: Draft) -> None:
    """PRB-2: when it was put on the list; of a change it only fills what nobody has said."""
    when = session.date_time(segment.first(2))
    if when is not None:
        draft.resource["recordedDate"] = when
        if (segment.first(1) or "").upper() not in _ADDED:
            draft.weak += ("recordedDate",)


def _verified(session: Session, segment: Segment, draft: Draft) -> None:
    if _is_deleted(session, segment):
        draft.action = Action.CANCEL
        error = derived("entered-in-error", segment.first(1))
        coding = {"system": _VERIFICATION, "code": error}
        draft.resource["verificationStatus"] = {"coding": [coding]}
        return
    for repetition in segment.repetitions(13):
        code = leaf(repetition, 1)
        if code is not None and session.lookup("problem-confirmation", code) is not None:
            stated = concept(session, repetition, "problem-confirmation")
            draft.resource["verificationStatus"] = stated
        elif code is not None:
            session.unknown(code)


def _clinical(session: Session, segment: Segment, draft: Draft) -> None:
    """PRB-14; what has ended is resolved (con-4), what is an error has no status (con-5)."""
    resource = draft.resource
    stated: dict[str, Any] | None = None
    found = ""
    for repetition in segment.repetitions(14):
        code = leaf(repetition, 1)
        known = session.lookup("problem-life-cycle", code) if code is not None else None
        if known is not None:
            found, stated = known.code, concept(session, repetition, "problem-life-cycle")
        elif code is not None and code != '""':
            session.unknown(code)
    if draft.action is Action.CANCEL:
        return
    ended = resource.get("abatementDateTime")
    if ended is not None and found not in _ENDED:
        implied: dict[str, Any] = {"system": _CLINICAL, "code": derived("resolved", ended)}
        resource["clinicalStatus"] = {"coding": [implied]}
        if stated is not None:
            resource["clinicalStatus"]["text"] = segment.first(14)
        return
    if stated is None:
        stated = {"coding": [{"system": _CLINICAL, "code": "active"}]}
        draft.weak += ("clinicalStatus",)
    resource["clinicalStatus"] = stated


def _life_cycle(
    session: Session, segment: Segment, field: int, draft: Draft, element: str, name: str
) -> None:
    """GOL-18 and PTH-5 → status; a code nobody knows stays beside `active`."""
    resource = draft.resource
    if _is_deleted(session, segment):
        draft.action = Action.CANCEL
        resource[element] = derived("entered-in-error", segment.first(1))
        return
    code = segment.first(field)
    known = session.lookup(name, code) if code is not None else None
    resource[element] = "active"
    if code is not None and known is not None:
        resource[element] = text(known.code, code.source)
    else:
        draft.weak += (element,)
        if code is not None and code != '""':
            session.unknown(code)
    for repetition in segment.repetitions(field):
        stated = concept(session, repetition)
        if stated is not None and (known is None or len(repetition) > 2):
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": stated}
            resource[f"_{element}"] = {"extension": [extension]}


def _kept(reader: Reader, segment: Segment, draft: Draft) -> None:
    """Link what belongs together, and say what FHIR has no element for."""
    now = reader.now
    _begin_anew(now, draft.resource["resourceType"])
    reader.made(draft)
    for about, element, target in _LINKS:
        one, other = now.get(about), now.get(target)
        if one is not None and other is not None and draft in (one, other):
            reader.session.append(one, element, reference(other))
    _facts(reader, segment, draft)


#: (resource, element, what it names)
_LINKS = (
    ("Goal", "addresses", "Condition"),
    ("CarePlan", "addresses", "Condition"),
    ("CarePlan", "goal", "Goal"),
)


def _begin_anew(now: dict[str, Draft], kind: str) -> None:
    """A second one of the kind that leads ends what belongs to the first; others just follow."""
    if next(iter(now), "") == kind:
        now.clear()


def _facts(reader: Reader, segment: Segment, about: Draft | None) -> Draft | None:
    """The rest as an Observation about the resource, which an NTE still belongs to."""
    before = reader.now.get("Observation")
    facts.facts(reader, segment)
    made = reader.now.get("Observation")
    if made is before or made is None:
        return None
    if about is not None:
        reader.session.append(made, "focus", reference(about))
    reader.before = about
    if before is not None:
        reader.now["Observation"] = before
    else:
        del reader.now["Observation"]
    return made
