"""OBX behind an RXA → elements of the Immunization (LOINC codes of the CDC guide 2.5.1, chapter 5).

Every OBX stays an Observation of its own. What FHIR has an element for is said there besides:
funding and eligibility, information given, doses of the series, reactions, indications. OBX-4
groups what belongs together; evaluation and forecast become resources of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf
from mappers.trace import Text, Value, derived

_LOINC = "http://loinc.org"
#: Kind of date of a forecast → LOINC code of the criterion.
_CRITERIA = {"due": "30980-7", "earliest": "30981-5", "latest": "59777-3", "overdue": "59778-1"}
_DOSE_STATUS = "http://terminology.hl7.org/CodeSystem/immunization-evaluation-dose-status"
DELETE = '""'

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBX-3": ("Immunization.education", "Immunization.protocolApplied"),
    "OBX-5": (
        "Immunization.fundingSource",
        "Immunization.programEligibility",
        "Immunization.education",
        "Immunization.protocolApplied",
        "Immunization.reasonCode",
        "Immunization.note",
        "ImmunizationEvaluation.doseStatus",
        "ImmunizationRecommendation.recommendation",
    ),
    "OBX-14": ("Immunization.reaction.date",),
}

#: Datatypes that name no document.
_DATES = frozenset({"DT", "TS", "DTM"})

Said = Mapping[str, list[Segment]]


def fact(session: Session, segment: Segment) -> str:
    """What an OBX speaks of, by its LOINC code; empty for what is an Observation only."""
    for repetition in segment.repetitions(3):
        for number in (1, 4):
            code = leaf(repetition, number)
            found = session.lookup("vaccination-observation", code) if code is not None else None
            if found is not None:
                return found.code
    return ""


def facts(session: Session, draft: Draft, observations: list[Segment]) -> None:
    """Put what the OBX of one vaccination say into it."""
    groups: dict[str, dict[str, list[Segment]]] = defaultdict(lambda: defaultdict(list))
    for segment in observations:
        kind = fact(session, segment)
        if kind in ("fundingSource", "programEligibility", "reasonCode", "note"):
            _element(session, segment, draft, kind)
        elif kind:
            groups[str(segment.first(4) or "")][kind].append(segment)
    for name, said in groups.items():
        _education(session, draft, said)
        _protocol(session, draft, said)
        _evaluation(session, draft, said, name)
        _recommendation(session, draft, said, name)


def _concepts(session: Session, segments: list[Segment]) -> list[dict[str, Any]]:
    return [
        found
        for segment in segments
        for repetition in segment.repetitions(5)
        if (found := concept(session, repetition)) is not None
    ]


def _element(session: Session, segment: Segment, draft: Draft, kind: str) -> None:
    for found in _concepts(session, [segment]):
        if kind == "fundingSource":
            session.say(draft, kind, found)
        elif kind == "note":
            words = found.get("text") or found["coding"][0].get("display")
            words = words or found["coding"][0]["code"]
            session.append(draft, "note", {"text": words})
        else:
            session.append(draft, kind, found)


def reaction(session: Session, segment: Segment, draft: Draft, result: Draft) -> None:
    """A reaction is the Observation that tells it; OBX-14 is when."""
    if fact(session, segment) != "reaction":
        return
    made: dict[str, Any] = {"detail": reference(result)}
    when = session.date_time(segment.first(14))
    if when is not None:
        made = {"date": when, **made}
    session.append(draft, "reaction", made)


def _education(session: Session, draft: Draft, said: Said) -> None:
    """Vaccine information statement: which, published and presented when (imm-1: which)."""
    named = said.get("documentType", []) or said.get("vaccineType", [])
    documents = _concepts(session, [one for one in named if one.first(2) not in _DATES])
    published = _dates(session, said.get("publicationDate", []))
    presented = _dates(session, said.get("presentationDate", []))
    if "documentType" not in said and not (published or presented):
        return
    for found in documents:
        coding = found.get("coding", [{}])[0]
        words = found.get("text") or coding.get("display") or coding.get("code")
        made: dict[str, Any] = {"documentType": words}
        if published:
            made["publicationDate"] = published[0]
        if presented:
            made["presentationDate"] = presented[0]
        session.append(draft, "education", made)


def _dates(session: Session, segments: list[Segment]) -> list[str]:
    return [
        when
        for segment in segments
        for stated in segment.texts(5)
        if (when := session.date_time(stated)) is not None
    ]


def _protocol(session: Session, draft: Draft, said: Said) -> None:
    """Dose number, doses of the series, schedule and disease; a protocol has a dose number."""
    number = _positive(said.get("doseNumber", []))
    if number is None:
        return
    made = _numbers(said, number)
    for found in _concepts(session, said.get("series", []))[:1]:
        coding = found.get("coding", [{}])[0]
        made["series"] = found.get("text") or coding.get("display") or coding.get("code")
    diseases = _concepts(session, said.get("targetDisease", []))
    if diseases:
        made["targetDisease"] = diseases
    session.append(draft, "protocolApplied", made)


def _numbers(said: Said, number: Text) -> dict[str, Any]:
    """Dose number and doses of the series, as numbers where they are."""
    made: dict[str, Any] = {}
    for name, stated in (
        ("doseNumber", number),
        ("seriesDoses", _positive(said.get("seriesDoses", []))),
    ):
        if stated is None:
            continue
        if stated.isdecimal() and len(stated) <= 10 and 0 < int(stated) < 2**31:
            made[f"{name}PositiveInt"] = Value(int(stated), stated.source)
        else:
            made[f"{name}String"] = stated
    return made


def _positive(segments: list[Segment]) -> Text | None:
    for segment in segments:
        stated = segment.first(5)
        if stated is not None and stated != DELETE:
            return stated
    return None


def _evaluation(session: Session, draft: Draft, said: Said, group: str) -> None:
    """Whether the dose counts → ImmunizationEvaluation."""
    stated = said.get("doseStatus", [])
    diseases = _concepts(session, said.get("targetDisease", []) or said.get("vaccineType", []))
    validity = _validity(session, stated)
    if validity is None or session.patient is None:
        return
    made = session.natural("ImmunizationEvaluation", draft.id, group)
    resource = made.resource
    resource["status"] = "completed"
    resource["patient"] = reference(session.patient)
    resource["targetDisease"] = diseases[0] if diseases else draft.resource["vaccineCode"]
    resource["immunizationEvent"] = reference(draft)
    resource["doseStatus"] = validity
    reasons = _concepts(session, said.get("doseStatusReason", []))
    if reasons:
        resource["doseStatusReason"] = reasons
    number = _positive(said.get("doseNumber", []))
    if number is not None:
        resource.update(_numbers(said, number))


def _validity(session: Session, segments: list[Segment]) -> dict[str, Any] | None:
    """Y and N are valid and not valid; other answers stay as they are."""
    for segment in segments:
        code = segment.first(5)
        if code is not None and code.upper() in ("Y", "N", "TRUE", "FALSE"):
            word = "valid" if code.upper() in ("Y", "TRUE") else "notvalid"
            return {"coding": [{"system": _DOSE_STATUS, "code": derived(word, code)}]}
    found = _concepts(session, segments)
    return found[0] if found else None


def _recommendation(session: Session, draft: Draft, said: Said, group: str) -> None:
    """What is due when → ImmunizationRecommendation."""
    criteria = [
        {"code": {"coding": [{"system": _LOINC, "code": code}]}, "value": when}
        for name, code in _CRITERIA.items()
        for when in _dates(session, said.get(name, []))[:1]
    ]
    vaccines = _concepts(session, said.get("dueVaccine", []))
    status = _concepts(session, said.get("forecastStatus", []))
    if not (vaccines or criteria) or session.patient is None:
        return
    vaccines = vaccines or _concepts(session, said.get("vaccineType", []))
    recommendation: dict[str, Any] = {}
    recommendation["vaccineCode"] = vaccines or [draft.resource["vaccineCode"]]
    recommendation["forecastStatus"] = status[0] if status else {"text": "due"}
    reasons = _concepts(session, said.get("doseStatusReason", []))
    if reasons:
        recommendation["forecastReason"] = reasons
    if criteria:
        recommendation["dateCriterion"] = criteria
    made = session.natural("ImmunizationRecommendation", draft.id, group)
    resource = made.resource
    resource["patient"] = reference(session.patient)
    resource["date"] = session.date_time(session.message.segments[0].first(7)) or "1970-01-01"
    resource["recommendation"] = [recommendation]
