"""Coverage and the payer → IN1 (HL7 v2.5 chapter 6.5.6; GKV and PKV use)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.datatypes.identifiers import KVNR
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.contacts import xad
from mappers.hl7v2.write.datatypes.identifiers import cx, own_first
from mappers.hl7v2.write.datatypes.names import xpn
from mappers.hl7v2.write.datatypes.parties import house
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import fill
from mappers.hl7v2.write.writing import Writing, meaning
from mappers.trace import Text

_VERSICHERTENART = "http://fhir.de/StructureDefinition/gkv/versichertenart"
_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"


def in1(w: Writing, coverages: list[Resource]) -> list[Segment]:
    """Coverages → IN1."""
    segments: list[Segment] = []
    for coverage in coverages:
        segment = w.segment("IN1", str(len(segments) + 1))
        _kind(w, segment, coverage)
        for payor in coverage.get("payor", ())[:1]:
            _payer(w, segment, payor)
        fill(w, segment, "in1_coverage", coverage)
        _versichertenart(w, segment, coverage)
        _insured(w, segment, coverage)
        _number(w, segment, coverage)
        if set(segment.fields) - {1}:
            segments.append(segment)
            w.carried(coverage["status"] if coverage.get("status") == "active" else None)
    return segments


def _kind(w: Writing, segment: Segment, coverage: Resource) -> None:
    """IN1-2 kind of insurance or plan, IN1-8 and IN1-9 group."""
    kind = coverage.get("type", {})
    for coding in kind.get("coding", ()):
        if (code := w.coded("versicherungsart", coding, "IN1-2")) is not None:
            segment.put(2, code, kind.get("text"))
            break
    else:
        segment.make(2, codings.cwe, w, kind) if kind and "class" not in coverage else None
    for found in coverage.get("class", ()):
        codes = {str(c.get("code")) for c in found.get("type", {}).get("coding", ())}
        value, name = found.get("value"), found.get("name")
        if "plan" in codes and not segment.has(2):
            segment.put(2, value, name)
        elif "group" in codes and not segment.has(8):
            segment.put(8, value)
            segment.put(9, name)
        else:
            continue
        w.carried(found["type"])


def _payer(w: Writing, segment: Segment, payor: dict[str, Any]) -> None:
    target = w.source.resolve(payor)
    name, chosen = house(w, payor)
    if target is not None and target["resourceType"] == "Organization":
        for identifier in own_first(w, target.get("identifier", ())):
            segment.make(3, cx, w, identifier, "payer")
        fill(w, segment, "in1_organization", target, skip=frozenset({3}))
        for contact in target.get("contact", ())[:1]:
            segment.make(6, xpn, w, contact.get("name", {}))
        return
    if chosen is not None:
        segment.make(3, cx, w, chosen, "payer")
    segment.put(4, name)


def _versichertenart(w: Writing, segment: Segment, coverage: Resource) -> None:
    found = codings.extension(coverage, _VERSICHERTENART)
    coding = (found or {}).get("valueCoding")
    if found is None or coding is None:
        return
    code = w.coded("versichertenart", coding, "IN1-15") or coding.get("code")
    known = meaning("versichertenart", str(coding.get("code")))
    shown = coding.get("display")
    implied = known is not None and shown == known.display
    if segment.put(15, code, None if implied else shown):
        w.carried(found["url"])


def _insured(w: Writing, segment: Segment, coverage: Resource) -> None:
    """IN1-16, -18, -19: the insured person, where it is not the patient."""
    subscriber = coverage.get("subscriber")
    person = w.source.resolve(subscriber)
    if subscriber is None or person is None:
        return
    w.carried(subscriber)
    if person["resourceType"] != "RelatedPerson":
        return
    for name in person.get("name", ()):
        segment.make(16, xpn, w, name)
    segment.put(18, w.time(person.get("birthDate")))
    for address in person.get("address", ()):
        segment.make(19, xad, w, address)


def _number(w: Writing, segment: Segment, coverage: Resource) -> None:
    """IN1-49 number of the insured person, IN1-36 policy number."""
    insured: Text | None = coverage.get("subscriberId")
    segment.put(49, insured)
    for identifier in own_first(w, coverage.get("identifier", ())):
        same = insured is not None and identifier.get("value") == insured
        system = identifier.get("system")
        if same and system in (KVNR, f"{w.namespace}/insured"):
            w.carried(identifier)
        elif not segment.has(36):
            _policy(w, segment, identifier)


def _policy(w: Writing, segment: Segment, identifier: dict[str, Any]) -> None:
    """IN1-36 is a plain string: the form of a KVNR tells its system."""
    system = identifier.get("system")
    if segment.put(36, identifier["value"]) and system in (KVNR, f"{w.namespace}/policy"):
        w.carried(system)
