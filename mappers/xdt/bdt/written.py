"""Certificates, attests and letters (FK 6300 to 6322) → DocumentReference with its text."""

from __future__ import annotations

from mappers.base import Key
from mappers.drafts import Draft
from mappers.xdt.attachments import text_form
from mappers.xdt.bdt.parts import words_of
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session


def document(
    session: Session, group: Group, title: str, key: tuple[str, ...], when: str | None
) -> Draft | None:
    """A writing of a practice; its lines are one text, its first one names it."""
    patient = session.patient
    if patient is None:
        return None
    value = "|".join(key)
    named = Key("DocumentReference", f"{session.namespace}/document", value)
    draft = session.draft("DocumentReference", named)
    resource = draft.resource
    resource["masterIdentifier"] = {"system": named.system, "value": value}
    resource["status"] = "current"
    resource["type"] = {"text": title}
    resource["subject"] = reference(patient)
    lines = words_of(group)
    resource["description"] = lines[0]
    made = text_form(session, lines, draft)
    if when is not None:
        made["creation"] = when
    resource["content"] = [{"attachment": made}]
    return draft
