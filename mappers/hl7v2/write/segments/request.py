"""ServiceRequest as an order of its own → ORC, TQ1, OBR and what comes with it.

HL7 v2.5 chapter 4.4.6 (OMG^O19), 4.4.1 (ORM^O01), 4.5.1 (ORC), 4.5.4 (TQ1).
"""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import fill
from mappers.hl7v2.write.segments import clinical, results
from mappers.hl7v2.write.segments.notes import notes
from mappers.hl7v2.write.segments.orders import control, order_numbers, ordering, request, spm
from mappers.hl7v2.write.writing import Writing

#: Status → ORC-1 (table 0119); a request under way is new or changed.
_CONTROL = {
    "revoked": "CA",
    "entered-in-error": "CA",
    "on-hold": "HD",
    "completed": "SC",
    "unknown": "SC",
}
#: Version from which TQ1 says when, in place of ORC-7 and OBR-27.
_TQ1_SINCE = "2.5"


def order(w: Writing, found: Resource, set_id: int) -> list[Segment]:
    """ServiceRequest → ORC, TQ1, OBR, NTE and SPM."""
    obr = w.segment("OBR", str(set_id))
    order_numbers(w, obr, {"basedOn": ()}, found)
    obr.add(27, _timing(w, found))
    request(w, obr, found)
    specimens = [w.source.resolve(reference) for reference in found.get("specimen", ())]
    held = [s for s in specimens if s is not None and s["resourceType"] == "Specimen"]
    w.carried(*[r for r, s in zip(found.get("specimen", ()), specimens, strict=True) if s in held])
    samples = spm(w, held, obr)
    orc = _orc(w, obr, found)
    for repetition in orc.fields.get(12, ()):
        obr.add(16, repetition)
    return [orc, *_tq1(w, found), obr, *notes(w, found), *samples]


def _orc(w: Writing, obr: Segment, found: Resource) -> Segment:
    status = found.get("status")
    usual = _CONTROL.get(str(status), "XO" if w.source.is_known(found) else "NW")
    code = control(w, found) or usual
    orc = w.segment("ORC", code)
    for field in (2, 3):
        for repetition in obr.fields.get(field, ()):
            orc.add(field, repetition)
    if code == "NW":
        w.carried(status if status == "active" else None)
    else:
        orc.put(5, w.code("order-status", status))
    if not w.since(_TQ1_SINCE):
        orc.add(7, _timing(w, found))
    fill(w, orc, "orc_servicerequest", found)
    ordering(w, orc, found)
    return orc


def _when(w: Writing, found: Resource) -> tuple[str | None, str | None]:
    period = found.get("occurrencePeriod", {})
    start = found.get("occurrenceDateTime") or period.get("start")
    return w.time(start), w.time(period.get("end"))


def _timing(w: Writing, found: Resource) -> tuple[Any, ...]:
    """TQ of old versions: start, end and priority."""
    start, end = _when(w, found)
    return None, None, None, start, end, w.code("order-priority", found.get("priority"))


def _tq1(w: Writing, found: Resource) -> list[Segment]:
    segment = w.segment("TQ1", "1")
    start, end = _when(w, found)
    segment.put(7, start)
    segment.put(8, end)
    code = w.code("order-priority", found.get("priority"))
    if code is not None:
        segment.put(9, code, None, "HL70485")
    return [segment] if segment.has(7, 8, 9) else []


def surroundings(
    w: Writing, found: Resource, stay: Resource | None, *, last: bool
) -> list[Segment]:
    """Diagnoses and observations an order names; the last one takes those nobody names."""
    named = [
        target
        for element in ("reasonReference", "supportingInfo")
        for reference in found.get(element, ())
        if (target := w.source.resolve(reference)) is not None
    ]
    conditions, observations = (_of(w, kind, named, last) for kind in ("Condition", "Observation"))
    segments = clinical.dg1(w, conditions, stay) + results.observations(w, observations)
    if segments:
        told = [*conditions, *observations]
        for element in ("reasonReference", "supportingInfo"):
            for reference in found.get(element, ()):
                if any(w.source.resolve(reference) is one for one in told):
                    w.carried(reference)
    return segments


def _of(w: Writing, kind: str, named: list[Resource], last: bool) -> list[Resource]:  # noqa: FBT001
    own = [one for one in named if one["resourceType"] == kind]
    if not last:
        return own
    claimed = [
        w.source.resolve(reference)
        for request in w.source.of("ServiceRequest")
        for element in ("reasonReference", "supportingInfo")
        for reference in request.get(element, ())
    ]
    free = [one for one in w.source.of(kind) if not any(one is c for c in claimed)]
    return own + free
