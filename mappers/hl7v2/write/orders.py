"""Orders → OMG^O19 or ORM^O01, referrals → REF^I12 (HL7 v2.5 chapters 4.4 and 11.3)."""

from __future__ import annotations

from mappers.base import Resource
from mappers.dialect import Outgoing
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.form import Form
from mappers.hl7v2.write.plan import Choice, Plan, decisive, only_visit, refuse
from mappers.hl7v2.write.segments import clinical, insurance, person, referral, request, visit
from mappers.hl7v2.write.versions import later
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source

#: Referral of a patient (SNOMED CT), as category or code of a request.
_REFERRALS = frozenset({"3457005", "306206005", "103696004"})
#: Versions before this one know no OMG, or prefer ORM.
_OMG_SINCE = "2.5"
_OTHERS = frozenset({"DiagnosticReport"})
#: Status of a referral → event; what is not here is new or changed.
_ENDED = {"revoked": "I14", "entered-in-error": "I14"}


def choose_order(source: Source, form: Form, wishes: Outgoing) -> Choice | None:
    """Choose an order message for requests that no result of the Bundle answers."""
    requests = source.of("ServiceRequest")
    kinds = decisive(source)
    if not requests or kinds & _OTHERS or _answered(source):
        return None
    if "Appointment" in kinds:
        raise refuse(kinds)
    stay = only_visit(source)
    if len(requests) == 1 and _is_referral(requests[0]):
        return _referral(source, requests[0], stay)
    message = f"{wishes.orders or _preferred(form)}^{_EVENTS[wishes.orders or _preferred(form)]}"

    def plan(patient: Resource) -> Plan:
        return Plan(message, lambda w: _segments(w, patient, stay, requests), stay)

    return plan


_EVENTS = {"OMG": "O19", "ORM": "O01"}


def _preferred(form: Form) -> str:
    return "OMG" if later(form.version, _OMG_SINCE) else "ORM"


def _answered(source: Source) -> bool:
    """Tell whether an Observation of the Bundle is the result of a request."""
    return source.event.startswith("R") or any(
        (found := source.resolve(reference)) is not None
        and found["resourceType"] == "ServiceRequest"
        for observation in source.of("Observation")
        for reference in observation.get("basedOn", ())
    )


def _is_referral(order: Resource) -> bool:
    concepts = [*order.get("category", ()), order.get("code", {})]
    return any(
        coding.get("code") in _REFERRALS
        for concept in concepts
        for coding in concept.get("coding", ())
    )


def _referral(source: Source, order: Resource, stay: Resource | None) -> Choice:
    known = "I13" if source.is_known(order) else "I12"
    event = _ENDED.get(str(order.get("status")), known)

    def plan(patient: Resource) -> Plan:
        return Plan(f"REF^{event}", lambda w: _referred(w, patient, stay, order), stay)

    return plan


def _visit(w: Writing, pid: Segment, stay: Resource | None) -> list[Segment]:
    if stay is None:
        return []
    first = visit.pv1(w, stay)
    visit.account(w, pid, stay)
    visit.status_is_said(w, stay, "", first)
    return [first, *visit.pv2(w, stay, first)]


def _segments(
    w: Writing, patient: Resource, stay: Resource | None, requests: list[Resource]
) -> list[Segment]:
    pid = person.pid(w, patient)
    of = w.source.of
    segments = [pid, *person.pd1(w, patient), *person.nk1(w, patient), *_visit(w, pid, stay)]
    segments += insurance.in1(w, of("Coverage"))
    segments += clinical.al1(w, of("AllergyIntolerance"))
    for count, order in enumerate(requests, 1):
        segments += request.order(w, order, count)
        segments += request.surroundings(w, order, stay, last=count == len(requests))
    return segments


def _referred(
    w: Writing, patient: Resource, stay: Resource | None, order: Resource
) -> list[Segment]:
    pid = person.pid(w, patient)
    of = w.source.of
    segments = [*referral.rf1(w, order), *referral.prd(w, order), pid, *person.nk1(w, patient)]
    segments += insurance.in1(w, of("Coverage"))
    segments += clinical.dg1(w, of("Condition"), stay)
    segments += clinical.al1(w, of("AllergyIntolerance"))
    segments += clinical.pr1(w, of("Procedure"), stay)
    segments += referral.ordered(w, order)
    return segments + _visit(w, pid, stay)
