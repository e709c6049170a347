"""Write what a destination is sent, in the form it speaks: the last pure step before the wire.

`original`: the source's own bytes, readdressed; only when nothing was filtered. `translated`: the
stored resources as the partner's format, in the version and form its dialect asks for. A FHIR
document goes on as one (`whole`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import mappers
from gateway.consent import PERMIT, Decision, filter_resources
from gateway.domain.delivery import Delivery
from gateway.domain.region import Endpoint
from gateway.domain.time import fhir_instant
from gateway.pipeline.dialects import dialect_of
from gateway.pipeline.documents import load
from gateway.pipeline.ports import Current
from gateway.pipeline.site import Site
from gateway.pipeline.whole import whole
from mappers.base import Context, Encoded, Envelope
from mappers.dialect import Dialect
from mappers.fhir_r4.outgoing import Content, transaction
from mappers.hl7v2.conformance import refuse
from mappers.hl7v2.forward import readdress
from mappers.hl7v2.header import read_header
from mappers.parcel import pack
from profiles.reading import read_json

HL7V2, FHIR = "hl7v2", "fhir_r4"


@dataclass(frozen=True, slots=True)
class Source:
    """What one message left in the store."""

    raw: bytes
    #: Every resource it speaks of, in order.
    contents: Sequence[Current]


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes for a partner, and what its format had no place for."""

    #: Files that go beside a message are packed with it (`mappers.parcel`).
    data: bytes
    #: FHIRPaths of elements, never values.
    left_out: tuple[str, ...] = ()


def media_type(site: Site, endpoint: Endpoint) -> str:
    """Return the media type the endpoint is sent."""
    return mappers.format_named(site.format_of(endpoint)).media_type


def encode(site: Site, delivery: Delivery, source: Source, decision: Decision) -> Written:
    """Write what the decision lets through, in the format the endpoint speaks.

    Raises NotSupported when the destination's format cannot carry what may be sent, and
    NotConformant when its character set cannot, or when its profile does not let it through.
    """
    endpoint = site.region.endpoints[delivery.endpoint]
    target = site.format_of(endpoint)
    dialect = dialect_of(site.region, endpoint)
    if _original(site, endpoint, target, source, decision):
        encoded = Encoded(_readdressed(endpoint, delivery, source.raw))
    elif target == FHIR and (
        found := whole(endpoint, delivery, source.raw, source.contents, decision)
    ):
        return Written(found)
    else:
        encoded = _translated(site, delivery, source, decision, dialect)
    if target == HL7V2:
        refuse(encoded.data, dialect.profile)
    return Written(pack(encoded), encoded.left_out)


def _translated(
    site: Site, delivery: Delivery, source: Source, decision: Decision, dialect: Dialect
) -> Encoded:
    endpoint = site.region.endpoints[delivery.endpoint]
    target = site.format_of(endpoint)
    bundle = transaction(
        _contents(source, decision, versions=target != FHIR),
        control_id=delivery.control_id,
        write="put" if endpoint.write == "put" else "conditional",
    )
    if target == FHIR:
        return Encoded(bundle)
    context = replace(
        _context(site, dialect, source), envelope=_envelope(endpoint, delivery, source)
    )
    return mappers.encode(read_json(bundle), target, context)


def _envelope(endpoint: Endpoint, delivery: Delivery, source: Source) -> Envelope:
    return Envelope(
        sending=endpoint.sender,
        receiving=endpoint.receiver,
        control_id=delivery.control_id,
        time=fhir_instant(delivery.created_at),
        charset=endpoint.charset,
        event=read_header(source.raw).trigger if source.raw[:3] == b"MSH" else "",
    )


def _context(site: Site, dialect: Dialect, source: Source) -> Context:
    """The partner's dialect; identifiers are those of the institution the data come from."""
    custodian = source.contents[0].organization if source.contents else ""
    return Context(
        region_key=b"",
        dialect=dialect,
        namespace=f"{site.namespace}/{custodian}",
    )


def _original(
    site: Site, endpoint: Endpoint, target: str, source: Source, decision: Decision
) -> bool:
    """Tell whether the partner gets the source's own segments.

    Never when something was filtered: segments nobody mapped may tell what a resource hides. A
    partner whose dialect says how it wants its messages gets them so, unless `form` says original.
    """
    if endpoint.form == "translated" or target != HL7V2:
        return False
    wishes = "outgoing" in site.region.dialects.get(endpoint.dialect, {})
    if wishes and endpoint.form != "original":
        return False
    return decision.outcome == PERMIT and source.raw[:3] == b"MSH"


def _readdressed(endpoint: Endpoint, delivery: Delivery, raw: bytes) -> bytes:
    """The message's own time stays: receivers order by it."""
    return readdress(
        raw,
        sending=endpoint.sender,
        receiving=endpoint.receiver,
        control_id=delivery.control_id,
        time=read_header(raw).time,
        charset=endpoint.charset,
    )


def _contents(source: Source, decision: Decision, *, versions: bool) -> list[Content]:
    """Resources in the message's order; deletions carry nothing a decision could hide.

    With `versions` each says which version it is: formats that tell events need to know whether
    the partner has had one before.
    """
    kept = [current for current in source.contents if not current.deleted]
    visible = filter_resources([load(current.body) for current in kept], decision)
    if versions:
        known = {(c.type, c.id): str(c.version) for c in kept}
        for resource in visible:
            version = known[str(resource["resourceType"]), str(resource["id"])]
            resource["meta"] = {**resource.get("meta", {}), "versionId": version}
    deleted = [
        Content({"resourceType": c.type, "id": c.id}, deleted=True)
        for c in source.contents
        if c.deleted
    ]
    return [*map(Content, visible), *deleted]
