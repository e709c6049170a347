"""Builders of small consents, requests and resources, each with overrides."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from gateway.consent import Actor, Policy, Request, evaluate

REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
IKNR = "http://fhir.de/sid/arge-ik/iknr"


def concept(code, system=""):
    return {"coding": [{"system": system, "code": code} if system else {"code": code}]}


def purposes(*codes):
    return [{"system": REASON, "code": code} for code in codes]


def label(code):
    return {"system": CONFIDENTIALITY if len(code) == 1 else ACT, "code": code}


def actor(reference, role="IRCP"):
    named = {"reference": reference} if isinstance(reference, str) else reference
    system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    return {"role": concept(role, system), "reference": named}


def permit(*nested, **elements):
    return _provision("permit", nested, elements)


def deny(*nested, **elements):
    return _provision("deny", nested, elements)


def _provision(kind, nested, elements):
    named = {name.removesuffix("_"): value for name, value in elements.items()}
    return {"type": kind, **named, **({"provision": list(nested)} if nested else {})}


def consent(provision=None, **overrides):
    return {
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "scope": concept("patient-privacy", "http://terminology.hl7.org/CodeSystem/consentscope"),
        "patient": {"reference": "Patient/p"},
        "dateTime": "2026-01-10",
        "performer": [{"reference": "Patient/p"}],
        "organization": [{"reference": "Organization/netz"}],
        "policy": [{"uri": "https://region.example/policy"}],
        "provision": permit() if provision is None else provision,
        **overrides,
    }


def ask(**overrides):
    member = Actor("Organization/praxis", (f"{IKNR}|260510007",), kind="practice")
    return Request(
        **{
            "actor": Actor("Practitioner/anna", member_of=(member,), display="Dr. Anna Weber"),
            "purposes": ("TREAT",),
            "action": "access",
            "role": "physician",
            "time": datetime.fromisoformat("2026-06-15T10:00:00+02:00"),
            **overrides,
        }
    )


def observation(ident="o", *labels, **overrides):
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        **({"meta": {"security": [label(code) for code in labels]}} if labels else {}),
        "code": concept("85354-9", "http://loinc.org"),
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-03-01",
        **overrides,
    }


def decided(consents, resources=None, request=None, policy=None, **options):
    given = consents if isinstance(consents, list) else [consents]
    return evaluate(
        given,
        request or ask(),
        [observation()] if resources is None else resources,
        Policy.from_mapping(policy or {}),
        **options,
    )


@pytest.fixture(scope="session")
def make():
    return SimpleNamespace(
        concept=concept,
        purposes=purposes,
        label=label,
        actor=actor,
        permit=permit,
        deny=deny,
        consent=consent,
        ask=ask,
        observation=observation,
        decided=decided,
        iknr=IKNR,
        act=ACT,
    )
