"""Where a message would go and why, with the consents the store knows; nothing is stored."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from gateway.configuration.dryrun import DryRun
from gateway.evidence.parts import Party
from gateway.operations.desk import Desk
from gateway.pipeline import redecide
from gateway.pipeline.book import Book
from gateway.pipeline.decide import Subjects
from gateway.pipeline.ports import Transaction
from gateway.pipeline.translated import Translated
from gateway.store.keys import load
from profiles.issue import NotConformant

_PATIENT = "Patient"


def explain(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Explain: {"endpoint": "klinikum-adt", "message": base64}; leaves an audit event."""
    region = desk.site().region
    endpoint = str(arguments.get("endpoint"))
    if endpoint not in region.endpoints or region.endpoints[endpoint].direction != "in":
        raise NotConformant("There is no incoming endpoint of this name.")
    try:
        data = b64decode(str(arguments.get("message")), validate=True)
    except binascii.Error as error:
        raise NotConformant("The message is not base64.") from error
    settings = desk.settings
    dry_run = DryRun.of(settings, region, load(settings.path(settings.keys.folder)))

    def job(tx: Transaction) -> dict[str, Any]:
        trial = dry_run.attempt(endpoint, data, tx.now, lambda found: _stored(tx, found))
        desk.record(tx, "explain", [Party(reference=f"Endpoint/{endpoint}")])
        return trial.as_json()

    return desk.write(job)


def _stored(tx: Transaction, translated: Translated) -> Subjects:
    """What the store knows about the patients of a message and those linked with them."""
    terms = {t for one in translated.statements if one.type == _PATIENT for t in one.terms}
    known = set(tx.resources_by_identifier(terms).values())
    if not known:
        return Subjects()
    everybody = {number for person in tx.linked(known).values() for number in person}
    book = Book()
    book.resources.update(tx.current_by_number(everybody, bodies=False))
    book.read_persons(tx, known, consents=True)
    return redecide.subjects(book, sorted(known))
