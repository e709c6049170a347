from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.evidence import audit_event as events
from gateway.evidence.write_event import written

PATIENT = "0a3c1c5e-7d7f-4a52-9a0e-0f2f6c1d2e3f"
GATEWAY = events.Party("Device/gateway", address="https://gateway.example/fhir")
HOSPITAL = events.Party("Organization/klinikum", address="10.20.0.5")
PRACTICE = events.Party("Organization/praxis-weber", address="https://praxis.example/fhir")
DOCTOR = events.Party(system="https://gematik.de/fhir/sid/telematik-id", value="1-20012345")


@dataclass(frozen=True)
class Decision:
    outcome: str = "permit"
    rule: str = "R9 permit"
    reason: str = "permit"
    consents: tuple[tuple[str, str], ...] = (("c-1", "2"),)
    obligations: tuple[str, ...] = ("mask-references-to-removed",)


@pytest.fixture
def stamp() -> events.Stamp:
    return events.Stamp(
        "7f3c1c5e-7d7f-4a52-9a0e-0f2f6c1d2e3f",
        "2026-11-03T09:15:00.123456Z",
        GATEWAY,
        "gateway.example",
    )


@pytest.fixture
def made(stamp) -> dict[str, dict[str, Any]]:
    """One event of every kind, in all the variants that change its shape."""
    message = events.MessageFacts("4711", "ab" * 32, "ADT^A01")
    failed = events.Result(events.Outcome.SERIOUS_FAILURE, "NotConformant")
    asked = events.Asked(DOCTOR, PRACTICE, PRACTICE, ("TREAT",), "4711", "d-1", "letters")
    caller = events.Caller(PRACTICE, DOCTOR, ("TREAT",), "76d148b6")
    no_consent = Decision("deny", "R18 implicit policy", "no-consent", (), ())
    sent = events.Disclosure(
        delivery="d-1",
        recipient=PRACTICE,
        resources=(f"Patient/{PATIENT}/_history/3", "Encounter/e-1/_history/1"),
        sha256="cd" * 32,
        purposes=("TREAT",),
        legal_basis="consent § 39 (1a) SGB V",
        controller=HOSPITAL,
        decision="dec-1",
    )
    delivery = events.DeliveryFacts("d-1", "delivered", PRACTICE, 2, "ef" * 32)
    unknown = events.Party(value="10.9.9.9", address="10.9.9.9")
    build: dict[str, Callable[[], dict[str, Any]]] = {
        "received": lambda: events.received(
            stamp, message=message, sender=HOSPITAL, patients=(PATIENT,)
        ),
        "refused": lambda: events.received(stamp, message=message, sender=unknown, result=failed),
        "translated": lambda: events.translated(
            stamp,
            message=message,
            account=events.Account("2026.1", 100, 90, 7),
            patients=(PATIENT, "p-2"),
        ),
        "decided": lambda: events.decided(stamp, patient=PATIENT, decision=Decision(), asked=asked),
        "denied": lambda: events.decided(
            stamp, patient=PATIENT, decision=Decision("deny", "R9 explicit deny"), asked=asked
        ),
        "decided without consent": lambda: events.decided(
            stamp, patient=PATIENT, decision=no_consent, asked=asked
        ),
        "disclosed": lambda: events.disclosed(stamp, patient=PATIENT, disclosure=sent),
        "delivery state": lambda: events.delivery_state(
            stamp, delivery=delivery, patients=(PATIENT,)
        ),
        "read": lambda: events.read(
            stamp, caller=caller, target=f"Patient/{PATIENT}", patient=PATIENT
        ),
        "vread": lambda: events.read(
            stamp,
            caller=events.Caller(PRACTICE, purposes=("TREAT",)),
            target="Organization/klinikum/_history/4",
            interaction="vread",
        ),
        "read refused": lambda: events.read(
            stamp, caller=caller, target="Patient/x", result=failed
        ),
        "search": lambda: events.search(
            stamp, caller=caller, query=f"GET Observation?patient={PATIENT}", patient=PATIENT
        ),
        "empty search": lambda: events.search(
            stamp, caller=events.Caller(PRACTICE), query="GET Patient?family=Töpfer"
        ),
        "create": lambda: written(
            stamp, caller=caller, target="Observation/o/_history/1", patient=PATIENT
        ),
        "delete": lambda: written(
            stamp, caller=caller, target="Observation/o", patient=PATIENT, interaction="delete"
        ),
        "update refused": lambda: written(
            stamp, caller=caller, target="Observation/o", interaction="update", result=failed
        ),
        "patch": lambda: written(
            stamp, caller=caller, target="Observation/o/_history/2", interaction="patch"
        ),
        "history": lambda: events.search(
            stamp, caller=caller, query="GET /fhir/_history", interaction="history"
        ),
        "identity": lambda: events.identity(
            stamp, act="merge", patients=(PATIENT, "p-2"), rule="A40", message="4711"
        ),
        "administrative": lambda: events.administrative(
            stamp,
            act="apply",
            actor=events.Party(system="urn:region-gateway:operator", value="op-1"),
            objects=(events.Party("Organization/klinikum"),),
        ),
        "administrative without object": lambda: events.administrative(
            stamp, act="backup", actor=GATEWAY
        ),
        "tombstone": lambda: events.tombstone(
            stamp,
            ranges=((0, 99), (105, 105)),
            legal_basis="§ 309 SGB V",
            authorizer=events.Party(system="urn:region-gateway:operator", value="op-1"),
        ),
    }
    return {name: one() for name, one in build.items()}
