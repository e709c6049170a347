"""Consent a sender attests in its messages, where its dialect says it does.

The Consent names the message's sender as source and the configured legal basis; it claims
nothing the configuration does not say.
"""

from __future__ import annotations

from typing import Any

from mappers.dialect import AttestedConsent
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import leaf
from mappers.trace import Text, text

_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_RECIPIENT = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "code": "IRCP",
}


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "CON-11": ("Consent.provision",),
    "CON-13": ("Consent.dateTime",),
    "CON-14": ("Consent.dateTime",),
}


def attested_consent(session: Session) -> None:
    """Write the Consent a message attests, if the dialect names a place for it."""
    settings, patient = session.dialect.consent, session.patient
    if settings is None or patient is None:
        return
    place = "CON-11" if settings.place == "CON" else settings.place
    said = _at(session, place)
    if said is None:
        return
    decision = settings.values.get(said)
    if decision not in ("permit", "deny"):
        session.issue(
            "code-invalid", "the consent statement is not one the dialect knows", said, "103"
        )
        return
    draft = session.natural("Consent", patient.id, place, _at(session, settings.reference) or "")
    resource = draft.resource
    resource["status"] = "active"
    resource["scope"] = {"coding": [{"system": _SCOPE, "code": settings.scope}]}
    resource["category"] = [{"coding": [{"system": "http://loinc.org", "code": settings.category}]}]
    resource["patient"] = reference(patient)
    _dated(session, resource)
    _source(session, settings, resource)
    resource["provision"] = _provision(session, settings, text(decision, said.source))


def _at(session: Session, place: str) -> Text | None:
    name, _, rest = place.partition("-")
    field, _, component = rest.partition(".")
    segment = session.get(name) if name else None
    if segment is None or not field.isdigit():
        return None
    for repetition in segment.repetitions(int(field)):
        return leaf(repetition, int(component or 1))
    return None


def _dated(session: Session, resource: dict[str, Any]) -> None:
    """CON-13 or CON-14, else the day of the message.

    Only the day: a statement repeated in every message of a day is one statement.
    """
    con = session.get("CON")
    when = session.date_time(con.first(13) or con.first(14)) if con is not None else None
    if when is None:
        sent = session.date_time(session.message.segments[0].first(7))
        when = sent[:10] if sent is not None else None
    if when is not None:
        resource["dateTime"] = when


def _source(session: Session, settings: AttestedConsent, resource: dict[str, Any]) -> None:
    """Who attests, on what ground, and which form.

    All statements of one sender are one lineage (organization and policy), so that a later form
    takes the place of an earlier one.
    """
    header = session.message.header
    sender = header.sending_facility or header.sending_application
    who = {"system": f"{session.namespace}/organization", "value": sender or "unknown"}
    resource["organization"] = [{"identifier": who, "display": sender or "unknown"}]
    number = _at(session, settings.reference)
    form = {"system": f"{session.namespace}/consent", "value": number or settings.place}
    resource["sourceReference"] = {"identifier": form}
    resource["policy"] = [{"uri": f"{session.namespace}/policy/attested-consent"}]
    resource["policyRule"] = {"text": settings.legal_basis or "attested by the sender"}


def _provision(session: Session, settings: AttestedConsent, decision: str) -> dict[str, Any]:
    provision: dict[str, Any] = {"type": decision}
    until = session.date_time(_at(session, settings.valid_until))
    if until is not None:
        provision["period"] = {"end": until}
    actors = [_actor(recipient) for recipient in settings.recipients]
    if actors:
        provision["actor"] = actors
    if settings.purpose:
        provision["purpose"] = [{"system": _PURPOSE, "code": code} for code in settings.purpose]
    return provision


def _actor(recipient: str) -> dict[str, Any]:
    system, _, value = recipient.partition("|")
    who = {"identifier": {"system": system, "value": value}}
    return {"role": {"coding": [dict(_RECIPIENT)]}, "reference": who}
