"""Certificates, attests and letters (FK 6300 to 6322) → DocumentReference with text and files.

A letter of xBDT may name files (6322): they come beside the record and are further contents.
"""

from __future__ import annotations

from mappers.base import Key
from mappers.drafts import Draft
from mappers.xdt.attachments import file_beside, text_form
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

#: A file the letter is kept in.
_FILE = "6322"


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
    lines = [content for fk, content in group.entries if fk != _FILE]
    if lines:
        resource["description"] = lines[0]
    made = [text_form(session, lines, draft)] if lines else []
    made += [file_beside(session, path, draft) for path in group.all(_FILE)]
    for one in made if when is not None else ():
        one["creation"] = when
    resource["content"] = [{"attachment": one} for one in made]
    return draft
