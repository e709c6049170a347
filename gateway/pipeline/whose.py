"""Whose: records that copy a patient's number have to describe the patient known by it.

Hospitals administrate their own numbers and may correct everything else about a patient. A device,
a laboratory or a document only cites the number: where name and birth date beside it are another's,
a person has to look before anything is recorded or sent.
"""

from __future__ import annotations

from gateway.identity.number import contradicts
from gateway.pipeline.book import Book
from gateway.pipeline.documents import look
from gateway.pipeline.identify import PATIENT, Identified
from gateway.pipeline.persons import facts
from gateway.pipeline.translated import Translated
from mappers.base import Action
from profiles.issue import GatewayError

#: Formats whose numbers are copied; of FHIR only what is handed on as a whole.
_FORMATS = frozenset({"xdt"})
_WHOLES = frozenset({"document", "collection"})


class OtherPerson(GatewayError):
    """A patient number is stated with name and birth date of somebody else."""


def check_persons(book: Book, identified: Identified, translated: Translated, format_: str) -> None:
    """Raise OtherPerson where a known number names somebody the record does not describe."""
    if format_ not in _FORMATS and translated.message_type not in _WHOLES:
        return
    placeholders = {one.id for one in translated.patients if one.placeholder}
    for known in identified.known:
        current = book.resources.get(known.number)
        if current is None or current.deleted or known.statement.type != PATIENT:
            continue
        if known.statement.action == Action.DELETE.value:
            continue
        stated = facts(
            0,
            look(known.statement.resource or known.statement.body),
            placeholder=not placeholders.isdisjoint({known.statement.id, known.id}),
        )
        if contradicts(stated, facts(known.number, look(current.body))):
            raise OtherPerson
