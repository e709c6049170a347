"""Whom a record is about: a patient (8145), or an animal or something else (8153)."""

from __future__ import annotations

from mappers.drafts import Draft
from mappers.xdt.ldt.facts import animal
from mappers.xdt.ldt.objects import Parts, only
from mappers.xdt.ldt.persons import patient_of
from mappers.xdt.session import Session
from profiles.issue import Issue, NotConformant


def subject(session: Session, found: Parts, order: str) -> Draft:
    """Return the Patient; raises NotConformant where the record names nobody."""
    person, other = only(found, "8145"), only(found, "8153")
    if person is not None:
        return patient_of(session, person, order)
    if other is not None:
        return animal(session, other, order)
    sentence = "the record does not say whom it is about (FK 8145, 8153)"
    issue = Issue("error", "required", sentence, "FK 8145", "101")
    raise NotConformant(sentence, location="FK 8145", issues=(issue,))
