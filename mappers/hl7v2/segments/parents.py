"""OBR-26, -29 and -50: the result an order or report came from (HL7 v2.5 chapter 7.4.1.26).

An antibiogram names the organism it was made for by the order, the code and the sub-id of that
result. Where it is in the same message its Observation is meant; else its words are told.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import eip
from mappers.hl7v2.segments.obx import result_key
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import Text, derived

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "OBR-26": ("Observation.derivedFrom",),
    "OBR-29": ("Observation.derivedFrom",),
    "OBR-50": ("Observation.derivedFrom",),
}


def parent_result(
    session: Session,
    obr: Segment,
    reports: dict[str, list[Draft]],
    results: dict[tuple[str, ...], Draft],
) -> dict[str, Any] | None:
    """Reference to the Observation the results of this OBR came from; None: none is named.

    `reports` are those read so far by order number, `results` theirs by `obx.result_key`.
    """
    for repetition in obr.repetitions(26)[:1]:
        named = _place(repetition)
        code = concept(session, named)
        if code is None:
            return None
        sub_id = leaf(repetition, 2)
        for report in _reports(session, obr, reports):
            found = results.get(result_key(report, code, str(sub_id or "")))
            if found is not None:
                session.echoes.append([repetition[1:], obr.repetitions(50)])
                return reference(found)
        return _told(obr, repetition)
    return None


def _place(repetition: Repetition) -> Repetition:
    """PRL.1 is a CE whose parts are subcomponents."""
    first = repetition[1] if len(repetition) > 1 else None
    return [None, *first] if type(first) is list else [None, first]


def _reports(session: Session, obr: Segment, known: dict[str, list[Draft]]) -> list[Draft]:
    """The reports with the number of OBR-29; without one all reports of the same order."""
    found: list[Draft] = []
    for repetition in obr.repetitions(29)[:1]:
        for half in repetition[1:3]:
            number = eip(session, half, "order")
            if number is not None:
                found += known.get(str(number["value"]), ())
    if not obr.has(29):
        for field in (3, 2):
            found += known.get(str(obr.first(field) or ""), ())
    return found


def _told(obr: Segment, repetition: Repetition) -> dict[str, Any] | None:
    """The parent is elsewhere: say what it is called."""
    further: list[Text] = [part for r in obr.repetitions(50) for part in leaves_of(r)]
    said = [*leaves_of(repetition), *further]
    if not said:
        return None
    return {"type": "Observation", "display": derived(" ".join(said), *said)}
