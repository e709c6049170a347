"""Attachments 0010 with their base64 text 0068 → DocumentReference, or a form of the report."""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.xdt.attachments import attachment
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.objects import only, parts
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

#: Kinds of document that are the report itself: presentedForm.
_REPORTS = frozenset({"100", "110"})


def attached(session: Session, found: dict[str, list[Group]], about: Draft) -> list[Draft]:
    """8110 → DocumentReferences."""
    made = (_one(session, group, about) for group in found.get("8110", ()))
    return [draft for draft in made if draft is not None]


def _one(session: Session, group: Group, about: Draft) -> Draft | None:
    whole = Group(group.name, group.line)
    whole.entries = [*group.entries]
    text = only(parts(session, group), "8242")
    if text is not None:
        whole.entries += text.entries
    draft = attachment(session, whole, (about.keys[0].value,), None)
    if draft is None:
        return None
    _kind(session, group, draft)
    for fk in ("9908", "9909", "9980"):
        for leaf in group.all(fk):
            value = {"system": f"{session.namespace}/document-{fk}", "value": clean(leaf)}
            session.append(draft, "identifier", value)
    for fk in ("6221", "9981"):
        for leaf in group.all(fk):
            draft.resource.setdefault("category", []).append(concept(session, fk, leaf))
    related = draft.resource.setdefault("context", {}).setdefault("related", [])
    related.append(reference(about))
    return draft


def _kind(session: Session, group: Group, draft: Draft) -> None:
    kind = group.first("9970")
    if kind is not None:
        draft.resource["type"] = concept(session, "9970", kind)


def form_of(draft: Draft) -> dict[str, Any] | None:
    """The attachment as a form of the report, where it is the report; else None."""
    codings = draft.resource["type"].get("coding", ())
    if not any(str(one["code"]) in _REPORTS for one in codings):
        return None
    held: dict[str, Any] = draft.resource["content"][0]["attachment"]
    return {**held}
