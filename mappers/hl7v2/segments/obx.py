"""OBX → Observation (HL7 v2.5 chapter 7.4.2); values by OBX-2, decimals as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.base import Action
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.ranges import reference_ranges
from mappers.hl7v2.datatypes.sampled import sampled_data
from mappers.hl7v2.datatypes.values import (
    coded_value,
    money_value,
    numeric,
    other_text,
    period_value,
    quantity_value,
    range_text,
    structured_numeric,
    time_value,
    timestamp_value,
)
from mappers.hl7v2.segments.attachments import attachments
from mappers.hl7v2.segments.obx_details import absent, further, performers, sub_id, units_of_text
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaves_of
from mappers.trace import Text, derived

#: R5's Observation.value, which may be an Attachment.
_VALUE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value"
#: Number of the last field most results have; what stands behind is read where it is there.
_PLAIN = 26
_TEXT = frozenset({"ST", "TX", "FT"})
Convert = Callable[[Session, Segment, Repetition], dict[str, Any] | None]
_VALUES: dict[str, Convert] = {
    "NM": numeric,
    "SN": structured_numeric,
    "CE": coded_value,
    "CWE": coded_value,
    "CNE": coded_value,
    "CF": coded_value,
    "IS": coded_value,
    "ID": coded_value,
    "DT": timestamp_value,
    "DTM": timestamp_value,
    "TS": timestamp_value,
    "TM": time_value,
    "DR": period_value,
    "NR": range_text,
    "CQ": quantity_value,
    "MO": money_value,
    "CP": money_value,
}
_DELETED = frozenset({"D", "W"})


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBX": ("Observation.subject", "Observation.encounter"),
    "OBX-4": ("Observation.extension",),
    "OBX-2": ("Observation.value",),
    "OBX-5": ("Observation.value", "Observation.component"),
    "OBX-6": ("Observation.value",),
    "OBX-7": ("Observation.referenceRange",),
    "OBX-11": ("Observation.status", "Observation.dataAbsentReason"),
}


def observation(
    session: Session, segment: Segment, parent: Draft, category: dict[str, Any] | None
) -> Draft | None:
    """OBX → Observation below a report (or a visit, or a patient)."""
    found = result(session, segment, parent, category)
    return found[0] if found is not None else None


def result(
    session: Session, segment: Segment, parent: Draft, category: dict[str, Any] | None
) -> tuple[Draft, tuple[str, ...]] | None:
    """As `observation`, with what names it (`result_key`)."""
    patient = session.patient
    code = session.once(_code, segment.repetitions(3))
    if patient is None or code is None:
        return None
    stated = segment.repetitions(4)
    sub_ids = [part for r in stated for part in leaves_of(r)] if stated else []
    key = result_key(parent, code, ".".join(sub_ids) if sub_ids else "")
    draft, continued = _named(session, segment, key)
    resource = draft.resource
    _status(session, segment, draft)
    if category is not None:
        resource["category"] = [category]
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    if continued:
        session.echoes.append((code, sub_ids))
    elif sub_ids:
        sub_id(session, segment, draft, sub_ids)
    apply_rows(session, segment, table("obx_observation"), draft)
    performers(session, segment, draft)
    kind = segment.first(2)
    _value(session, segment, draft, kind)
    _datatype(session, segment, resource, kind)
    if not continued:
        _ranges(session, segment, resource)
    if len(segment.raw) > _PLAIN or segment.has(9):
        further(session, segment, draft)
    return draft, key


def _ranges(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    ranges = reference_ranges(session, segment) if segment.has(7) else []
    if ranges:
        resource["referenceRange"] = ranges


def _code(session: Session, repetitions: list[Repetition]) -> dict[str, Any] | None:
    """OBX-3: the first repetition that names what was observed."""
    return next((c for r in repetitions if (c := concept(session, r))), None)


def result_key(parent: Draft, code: dict[str, Any], sub_id: str) -> tuple[str, ...]:
    """What names a result: its parent, the code and the sub-id."""
    coding = code.get("coding", [{}])[0]
    named = str(coding.get("code") or code.get("text", ""))
    return parent.id, str(coding.get("system", "")), named, sub_id


def _named(session: Session, segment: Segment, key: tuple[str, ...]) -> tuple[Draft, bool]:
    """Begin the result of this name, or continue its text; tells which.

    Others of the same name are told apart by their instance id or time, else by their count.
    """
    count = session.counts.get(key, 1)
    if count == 1:
        draft = session.natural("Observation", *key)
        if "code" not in draft.resource:
            return draft, False
        if _continues(segment, draft):
            return draft, True
        apart = segment.first(21) or segment.first(14)
        if apart is not None:
            draft = session.natural("Observation", *key, apart)
            if "code" not in draft.resource:
                return draft, False
    while True:
        draft = session.natural("Observation", *key, count) if count > 1 else draft
        is_new = "code" not in draft.resource
        if is_new or (count > 1 and _continues(segment, draft)):
            session.counts[key] = count
            return draft, not is_new
        count += 1


def _continues(segment: Segment, draft: Draft) -> bool:
    return segment.first(2) in _TEXT and "valueString" in draft.resource


def _status(session: Session, segment: Segment, draft: Draft) -> None:
    stated = segment.first(11)
    status = session.code("observation-status", stated)
    if stated is not None and stated in _DELETED:
        draft.action = Action.CANCEL
    if stated == "X":
        coding = {"system": V2 + "0085", "code": stated}
        held = {"url": ALTERNATE_CODES, "valueCodeableConcept": {"coding": [coding]}}
        draft.resource["_status"] = {"extension": [held]}
    session.say(draft, "status", status or "unknown")


def _value(session: Session, segment: Segment, draft: Draft, kind: Text | None) -> None:
    resource = draft.resource
    if segment.deletes(5):
        session.deleted += segment.texts(5)
        draft.cleared.append("value[x]")
    elif not segment.has(5):
        # What is taken back need not be said again: it keeps its value.
        taken_back = segment.first(11) in _DELETED
        if not taken_back and not any(key.startswith("value") for key in resource):
            resource.setdefault("dataAbsentReason", absent(session, segment))
    elif kind in ("ED", "RP"):
        _attached(session, segment, draft)
    elif kind in ("NA", "MA"):
        _sampled(session, segment, kind, resource)
    elif kind is None or kind in _TEXT:
        if kind is None:
            session.issue("required", "the value's datatype is missing; read as text", "OBX-2")
        _text_value(segment, resource)
        units_of_text(session, segment, draft)
    else:
        _typed_values(session, segment, kind.upper(), resource)


def _datatype(
    session: Session, segment: Segment, resource: dict[str, Any], kind: Text | None
) -> None:
    """OBX-2: the name of the element says it, as long as the value did not become text."""
    if kind is None or not segment.has(5) or segment.deletes(5):
        return
    if (kind in _TEXT) is ("valueString" in resource):
        session.echoes.append(kind)


def _typed_values(session: Session, segment: Segment, kind: str, resource: dict[str, Any]) -> None:
    convert = _VALUES.get(kind, other_text)
    found = []
    for repetition in segment.repetitions(5):
        value = convert(session, segment, repetition) or other_text(session, segment, repetition)
        if value is not None:
            found.append(value)
    if len(found) == 1:
        resource.update(found[0])
        return
    # All of them are components: beside one with the same code there may be no value (obs-7).
    for one in found:
        component = {"code": resource["code"], **one}
        resource.setdefault("component", []).append(component)


def _text_value(segment: Segment, resource: dict[str, Any]) -> None:
    lines: list[str] = [line for line in segment.texts(5) if line != '""']
    before = resource.get("valueString")
    if before is not None:
        lines = [before, *lines]
    if lines:
        resource["valueString"] = derived("\n".join(lines), *lines)


def _attached(session: Session, segment: Segment, draft: Draft) -> None:
    """A file outside a report: R5 has an Attachment for its value."""
    made = attachments(session, segment, draft.id)
    for one in made:
        session.append(draft, "extension", {"url": _VALUE, "valueAttachment": one})
    if not made:
        draft.resource.setdefault("dataAbsentReason", absent(session, segment))


def _sampled(session: Session, segment: Segment, kind: str, resource: dict[str, Any]) -> None:
    """NA and MA: a curve, or words where it is none."""
    curve = sampled_data(session, segment, kind)
    if curve is not None:
        resource["valueSampledData"] = curve
    else:
        said = [part for r in segment.repetitions(5) for part in leaves_of(r)]
        resource["valueString"] = derived(" ".join(said), *said)
