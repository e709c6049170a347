"""Wholes: a document or collection that came as FHIR goes on as FHIR as it came.

https://hl7.org/fhir/R4/documents.html. Only while nothing in it is hidden: a part of a document is
no document, its resources go on their own then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.consent import PERMIT, Decision, filter_resources
from gateway.domain.delivery import Delivery
from gateway.domain.region import Endpoint
from gateway.pipeline.documents import dump
from gateway.pipeline.ports import Current
from mappers.fhir_r4.entries import WHOLE, read_document
from mappers.fhir_r4.outgoing import document
from profiles.issue import GatewayError

#: Where Bundles are posted to be taken apart: a document has to be handed over in one.
_REST = "hl7-fhir-rest"
_COMPOSITION = "Composition"
#: What may stand before the first character: a byte order mark, white space.
_BEFORE = b"\xef\xbb\xbf \t\r\n"


def whole(
    endpoint: Endpoint,
    delivery: Delivery,
    raw: bytes,
    contents: Sequence[Current],
    decision: Decision,
) -> bytes | None:
    """Write what a FHIR partner gets instead of single resources; None where it gets those.

    A file is the sender's own, byte for byte; a FHIR server is handed a document in a transaction.
    Labels that say what is sensitive never leave, except where a signature covers them.
    """
    if endpoint.form == "translated" or decision.outcome != PERMIT:
        return None
    bundle = _bundle(raw)
    if bundle is None:
        return None
    (left,) = filter_resources([bundle], decision)
    if endpoint.connection_type != _REST:
        return raw if left == bundle else dump(left)
    first = next((one.id for one in contents if one.type == _COMPOSITION), "")
    if bundle["type"] != "document" or not first:
        return None
    return document(
        left,
        name=first,
        control_id=delivery.control_id,
        write="put" if endpoint.write == "put" else "conditional",
    )


def _bundle(raw: bytes) -> dict[str, Any] | None:
    """Read what came, if it is a FHIR Bundle that goes on as one."""
    if raw.lstrip(_BEFORE)[:1] not in (b"{", b"<") or not any(one.encode() in raw for one in WHOLE):
        return None
    try:
        found, _ = read_document(raw)
    except GatewayError:
        return None
    return found if found["resourceType"] == "Bundle" and found.get("type") in WHOLE else None
