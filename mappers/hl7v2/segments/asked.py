"""QPD, RCP, QRD, QRF and QAK → Parameters of the question; ERR → the outcome of an answer.

What was asked and what went wrong is said of the message, of no patient: both are contained in
its Provenance (HL7 v2.5 chapter 5.5, 2.15.5; v2.3 chapter 2.24.18).
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.segments.facts import components
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import derived

#: Questions about a number (IHE PIX, CORRESPONDING IDENTIFIERS): QPD-3 is a CX.
_ABOUT_A_NUMBER = frozenset({"Q21", "Q23", "Q24", "K21", "K23", "K24"})
#: Segments with a table of their own, in the order of the parameters.
_TABLES = ("QRD", "QRF", "RCP", "QAK")
_FIRST_PARAMETER = 3
_SEVERITY = {"I": "information", "W": "warning", "E": "error", "F": "fatal"}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "QPD-3": ("Provenance.contained(Parameters.parameter)",),
    "QPD": ("Provenance.contained(Parameters.parameter)",),
    "ERR-1": ("Provenance.contained(OperationOutcome.issue.location)",),
    "ERR-2": ("Provenance.contained(OperationOutcome.issue.location)",),
    "ERR-3": (
        "Provenance.contained(OperationOutcome.issue.code)",
        "Provenance.contained(OperationOutcome.issue.details)",
    ),
    "ERR-4": ("Provenance.contained(OperationOutcome.issue.severity)",),
    "ERR-5": ("Provenance.contained(OperationOutcome.issue.details)",),
    "ERR-6": ("Provenance.contained(OperationOutcome.issue.diagnostics)",),
    "ERR-7": ("Provenance.contained(OperationOutcome.issue.diagnostics)",),
    "ERR-8": ("Provenance.contained(OperationOutcome.issue.details.text)",),
}


def tell(session: Session, made: dict[str, Any]) -> None:
    """Add what was asked and how it went to the Provenance of the message."""
    parameters = [one for segment in session.message.all("QPD") for one in _asked(session, segment)]
    for segment in session.message.all(*_TABLES):
        parameters += [_parameter(found) for found in components(session, segment)]
    if parameters:
        _contain(made, {"resourceType": "Parameters", "id": "query", "parameter": parameters})
    issues = [_issue(session, segment) for segment in session.message.all("ERR")]
    if issues:
        _contain(made, {"resourceType": "OperationOutcome", "id": "outcome", "issue": issues})


def _contain(made: dict[str, Any], resource: dict[str, Any]) -> None:
    made.setdefault("contained", []).append(resource)
    made["entity"].append({"role": "source", "what": {"reference": f"#{resource['id']}"}})


def _parameter(component: dict[str, Any]) -> dict[str, Any]:
    """A fact → a parameter, whose name is text and whose value has the same types."""
    return {"name": component.pop("code")["text"], **component}


def _asked(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """QPD-3 and on: names with values ("@PID.5.1^Weiß"), a number, or words."""
    found = []
    for field in range(_FIRST_PARAMETER, len(segment.raw)):
        for repetition in segment.repetitions(field):
            value = _value(session, field, repetition)
            if value is not None:
                found.append({"name": f"QPD-{field}", **value})
    return found


def _value(session: Session, field: int, repetition: Repetition) -> dict[str, Any] | None:
    name = leaf(repetition, 1)
    if name is not None and name.startswith("@"):
        words = leaves_of(repetition[2:])
        return {"name": name, "valueString": derived(" ".join(words), *words)} if words else None
    if field == _FIRST_PARAMETER and session.event in _ABOUT_A_NUMBER:
        number = cx(session, repetition)
        if number is not None:
            return {"valueIdentifier": number}
    words = leaves_of(repetition)
    return {"valueString": derived(" ".join(words), *words)} if words else None


def _issue(session: Session, segment: Segment) -> dict[str, Any]:
    """ERR → an issue of an OperationOutcome."""
    severity, code = segment.first(4), segment.first(3)
    known = session.lookup("message-error", code) if code is not None else None
    made: dict[str, Any] = {
        "severity": derived(_SEVERITY.get(severity or "E", "error"), severity),
        "code": derived(known.code if known is not None else "processing", code),
    }
    details = _details(session, segment)
    if details:
        made["details"] = details
    words = [leaf_ for n in (6, 7) for r in segment.repetitions(n) for leaf_ in leaves_of(r)]
    if words:
        made["diagnostics"] = derived("\n".join(words), *words)
    places = [_place(one) for number in (1, 2) for one in segment.repetitions(number)]
    if any(places):
        made["location"] = [place for place in places if place]
    return made


def _details(session: Session, segment: Segment) -> dict[str, Any]:
    """ERR-3 and ERR-5 as codings, ERR-8 as text."""
    found = [
        coded
        for field, table in ((3, "0357"), (5, "0533"))
        for repetition in segment.repetitions(field)
        if (coded := concept(session, repetition, default=V2 + table)) is not None
    ]
    made: dict[str, Any] = {}
    codings = [coding for one in found for coding in one.get("coding", ())]
    if codings:
        made["coding"] = codings
    words = [*segment.texts(8), *(one["text"] for one in found if "text" in one)]
    if words:
        made["text"] = derived("\n".join(words), *words)
    return made


def _place(repetition: Repetition) -> str:
    """ERL (or ELD of old versions): segment, its number, field and what follows."""
    parts = leaves_of(repetition)
    return derived("^".join(parts), *parts) if parts else ""
