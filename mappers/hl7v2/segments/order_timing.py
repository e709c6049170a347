"""TQ1, ORC-7 and OBR-27 → when, how often and how much of a ServiceRequest (chapter 4.5.4).

TQ1 took the place of the two fields in v2.5; what they say in common is said once.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.segments.timing import Schedule, of_field, of_segment, set_priority
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaves_of
from mappers.trace import Value, derived

_WHEN = ("ServiceRequest.occurrenceTiming", "ServiceRequest.occurrencePeriod")
_FIELD = (*_WHEN, "ServiceRequest.quantityQuantity", "ServiceRequest.priority")

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ORC-7": (*_FIELD, "ServiceRequest.note"),
    "OBR-27": (*_FIELD, "ServiceRequest.note"),
    "TQ1-2": ("ServiceRequest.quantityQuantity",),
    "TQ1-3": (*_WHEN, "ServiceRequest.asNeededBoolean"),
    "TQ1-4": _WHEN,
    "TQ1-5": _WHEN,
    "TQ1-6": _WHEN,
    "TQ1-7": (*_WHEN, "ServiceRequest.occurrenceDateTime"),
    "TQ1-8": _WHEN,
    "TQ1-9": ("ServiceRequest.priority",),
    "TQ1-10": ("ServiceRequest.note",),
    "TQ1-11": ("ServiceRequest.note",),
    "TQ1-13": _WHEN,
    "TQ1-14": _WHEN,
    "TQ2": ("ServiceRequest.orderDetail",),
}


def quantity_timing(
    session: Session, orc: Segment | None, obr: Segment | None, draft: Draft
) -> None:
    """ORC-7 and OBR-27: TQ, the form before v2.5."""
    for segment, field in ((obr, 27), (orc, 7)):
        for repetition in segment.repetitions(field) if segment is not None else ():
            _place(session, of_field(session, repetition), draft)


def tq1(session: Session, segment: Segment, draft: Draft) -> None:
    """TQ1 of a ServiceRequest."""
    _place(session, of_segment(session, segment), draft)


def tq2(session: Session, segment: Segment, draft: Draft) -> None:
    """TQ2 → the order this one waits for and how, in words."""
    said = [part for n in range(2, 11) for r in segment.repetitions(n) for part in leaves_of(r)]
    if said:
        session.append(draft, "orderDetail", {"text": derived(" ".join(said), *said)})


def _place(session: Session, schedule: Schedule, draft: Draft) -> None:
    resource = draft.resource
    if schedule.quantity is not None:
        session.say(draft, "quantityQuantity", schedule.quantity)
    for timing in schedule.timings[:1]:
        _when(session, timing, draft)
    held = dict(resource)
    set_priority(session, resource, schedule.priority)
    if "priority" in held and schedule.priority is not None:
        probe: dict[str, Any] = {}
        set_priority(session, probe, schedule.priority)
        if probe.get("priority") == held["priority"]:
            session.echoes.append(probe)
    for words in (*schedule.conditions, *schedule.texts):
        session.append(draft, "note", {"text": words})
    if schedule.as_needed is not None:
        session.say(draft, "asNeededBoolean", Value(True, schedule.as_needed.source))  # noqa: FBT003


def _when(session: Session, timing: dict[str, Any], draft: Draft) -> None:
    """A start alone is a dateTime, a span alone a Period, all else a Timing."""
    repeat = timing.get("repeat", {})
    period = repeat.get("boundsPeriod")
    if period is None or len(repeat) > 1 or len(timing) > 1:
        _state(session, draft, "occurrenceTiming", timing)
    elif "end" in period:
        _state(session, draft, "occurrencePeriod", period)
    else:
        _state(session, draft, "occurrenceDateTime", period["start"])


def settle(session: Session, draft: Draft) -> None:
    """Keep one occurrence[x] where a requested moment came to stand beside another."""
    resource = draft.resource
    held = next((n for n in ("occurrenceTiming", "occurrencePeriod") if n in resource), None)
    if held is not None and "occurrenceDateTime" in resource:
        _keep(session, held, resource[held], resource.pop("occurrenceDateTime"))


def _state(session: Session, draft: Draft, element: str, value: Any) -> None:
    """One occurrence[x] only: the more detailed one stays, and keeps the moment of the other."""
    resource = draft.resource
    held = next((name for name in resource if name.startswith("occurrence")), None)
    if held is None:
        resource[element] = value
    elif resource[held] == value:
        session.echoes.append(value)
    elif held == "occurrenceDateTime" and element != held:
        moment = resource.pop(held)
        resource[element] = value
        _keep(session, element, value, moment)


def _keep(session: Session, element: str, value: dict[str, Any], moment: str) -> None:
    """The requested moment: an event of the timing, unless the span begins with it."""
    period = value if element == "occurrencePeriod" else value.get("repeat", {}).get("boundsPeriod")
    if period is not None and period.get("start") == moment:
        session.echoes.append(moment)
    elif element == "occurrenceTiming":
        value.setdefault("event", []).append(moment)
