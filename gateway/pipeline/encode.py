"""Write what a destination is sent, in the form it speaks: the last pure step before the wire.

`original`: the source's own bytes, readdressed; only when nothing was filtered. `translated`: the
stored resources as the partner's format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.delivery import Delivery
from gateway.domain.region import Endpoint
from gateway.domain.time import Instant
from gateway.pipeline.ports import Current
from mappers.fhir_r4.outgoing import Content, transaction
from profiles.issue import DeliveryRefused
from profiles.reading import read_json

#: Format and media type by connection type.
SPEAKS: dict[str, tuple[str, str]] = {
    "hl7v2-mllp": ("hl7v2", "x-application/hl7-v2+er7"),
    "hl7-fhir-rest": ("fhir_r4", "application/fhir+json"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What one message left in the store."""

    raw: bytes
    #: Every resource it speaks of, in order.
    contents: Sequence[Current]


def content_type(endpoint: Endpoint) -> str:
    """Return the media type the endpoint is sent."""
    return SPEAKS[endpoint.connection_type][1]


def encode(
    endpoint: Endpoint,
    delivery: Delivery,
    source: Source,
    *,
    hidden: frozenset[str],
    now: Instant,
) -> bytes:
    """Return the bytes to send; `hidden` are the `Type/id` the consent decision removed.

    Raises DeliveryRefused when the destination's format cannot carry what may be sent.
    """
    target, _ = SPEAKS[endpoint.connection_type]
    if _original(endpoint, target, source, hidden):
        return _readdressed(endpoint, delivery, source.raw, now)
    contents = _contents(source, hidden)
    if target == "fhir_r4":
        write = "put" if endpoint.write == "put" else "conditional"
        return transaction(contents, control_id=delivery.control_id, write=write)
    raise DeliveryRefused("The destination's format cannot carry a filtered or foreign message.")


def _original(endpoint: Endpoint, target: str, source: Source, hidden: frozenset[str]) -> bool:
    if endpoint.form == "translated" or hidden or target != "hl7v2":
        return False
    return source.raw[:3] == b"MSH"


def _readdressed(endpoint: Endpoint, delivery: Delivery, raw: bytes, now: Instant) -> bytes:
    from mappers.hl7v2.forward import readdress

    return readdress(
        raw,
        sending=endpoint.sender,
        receiving=endpoint.receiver,
        control_id=delivery.control_id,
        time=now,
        charset=endpoint.charset,
    )


def _contents(source: Source, hidden: frozenset[str]) -> list[Content]:
    from gateway.consent import filter as consent_filter

    resources = [read_json(current.body) for current in source.contents]
    if hidden:
        resources = consent_filter.without(resources, hidden)
    deleted = {f"{c.type}/{c.id}" for c in source.contents if c.deleted}
    return [Content(r, f"{r['resourceType']}/{r['id']}" in deleted) for r in resources]
