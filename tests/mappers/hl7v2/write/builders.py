"""Builders for Bundles to write and for reading what was written."""

from __future__ import annotations

from typing import Any

from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2.tokenizer import Message, tokenize
from mappers.hl7v2.write import Encoded, encode

NAMESPACE = "https://region.example/sid/haus"
KVNR = "http://fhir.de/sid/gkv/kvid-10"
V2 = "http://terminology.hl7.org/CodeSystem/v2-"

Resource = dict[str, Any]


def context(**dialect: Any) -> Context:
    return Context(b"key of the test", Dialect(**dialect), NAMESPACE)


def patient(**elements: Any) -> Resource:
    found: Resource = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": f"{NAMESPACE}/patient", "value": "4711"}],
        "name": [{"use": "official", "family": "Weiß", "given": ["Änne"]}],
    }
    return {**found, **elements}


def encounter(**elements: Any) -> Resource:
    found: Resource = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "IMP",
        },
        "subject": {"reference": "Patient/p1"},
        "identifier": [{"system": f"{NAMESPACE}/encounter", "value": "F-1"}],
    }
    return {**found, **elements}


def document(**elements: Any) -> Resource:
    found: Resource = {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "docStatus": "final",
        "masterIdentifier": {"system": f"{NAMESPACE}/document", "value": "DOK-1"},
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
        "subject": {"reference": "Patient/p1"},
        "content": [{"attachment": {"contentType": "application/pdf", "data": "JVBERi0="}}],
    }
    return {**found, **elements}


def observation(**elements: Any) -> Resource:
    found: Resource = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1988-5", "display": "CRP"}]},
        "subject": {"reference": "Patient/p1"},
    }
    return {**found, **elements}


def bundle(*resources: Resource) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in resources],
    }


def told(mapped: Mapped) -> Resource:
    """The Bundle of everything one message said, with the record of its translation."""
    resources = [change.resource for change in mapped.changes if not change.partial]
    return bundle(*resources, *([mapped.provenance] if mapped.provenance else []))


def write(content: Resource, charset: str = "", with_context: Context | None = None) -> Encoded:
    return encode(
        content,
        with_context or context(),
        sending=("GATEWAY", "REGION"),
        receiving=("KIS", "HAUS"),
        control_id="C-1",
        time="20261121120000+0100",
        charset=charset,
    )


def message(content: Resource, with_context: Context | None = None) -> Message:
    return tokenize(write(content, with_context=with_context).data)


def line(content: Resource, name: str, with_context: Context | None = None) -> list[str]:
    """Raw fields of the first segment of this name; index 0 is the name."""
    found = message(content, with_context).get(name)
    assert found is not None, name
    return found.raw
