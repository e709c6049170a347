"""Arrive: what can be said about an input before it is translated, from its header alone.

Who sent it, whether this endpoint takes it at all (MSH-3, MSH-4, MSH-10, MSH-11), and which patient
it is about as far as order is concerned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.message import Arrival
from gateway.domain.region import Endpoint
from gateway.domain.time import Instant
from mappers.hl7v2.header import Header, read_header
from profiles.issue import GatewayError, Issue, NotConformant, NotPermitted, NotSupported

HL7V2 = "hl7v2"
#: Table 0103: production, training, debugging.
PRODUCTION = "P"
TRIAL = frozenset({"T", "D"})


@dataclass(frozen=True, slots=True)
class Arrived:
    """An arrival with what its header says."""

    arrival: Arrival
    #: None for formats without one.
    header: Header | None
    #: Set: the endpoint does not take it.
    refusal: GatewayError | None
    #: Inputs with an equal key keep their order.
    order_key: bytes


def arrive(
    endpoint: Endpoint,
    data: bytes,
    *,
    format: str,  # noqa: A002 - the word of the contract
    digest: Callable[[bytes], bytes],
    received_at: Instant,
    key: str = "",
) -> Arrived:
    """Look at an input's header; `key` names inputs that have no control id of their own.

    Raises NotUnderstood when HL7 v2 has no usable header: nothing can be answered then.
    """
    if format != HL7V2:
        arrival = Arrival(
            endpoint.id,
            endpoint.organization,
            key,
            endpoint.organization,
            format,
            data,
            digest(data),
            received_at,
        )
        return Arrived(arrival, None, None, order_key(endpoint, data, format))
    header = read_header(data)
    arrival = Arrival(
        endpoint.id,
        endpoint.organization,
        header.control_id,
        f"{header.sending_application}|{header.sending_facility}",
        format,
        data,
        digest(data),
        received_at,
        header.processing_id or PRODUCTION,
    )
    return Arrived(arrival, header, _refusal(endpoint, header), order_key(endpoint, data, format))


def _refusal(endpoint: Endpoint, header: Header) -> GatewayError | None:
    if not header.control_id:
        issue = Issue("error", "required", "MSH-10 is required.", "MSH-10", "101")
        return NotConformant(issue.text, issues=(issue,))
    if not _accepted(header.sending_application, endpoint.sending_application, header):
        return NotPermitted("This application may not send here.", location="MSH-3")
    if not _accepted(header.sending_facility, endpoint.sending_facility, header):
        return NotPermitted("This facility may not send here.", location="MSH-4")
    return _processing(endpoint, header)


def _accepted(stated: str, accepted: tuple[str, ...], header: Header) -> bool:
    """Compare the whole field, or its first component (HD.1)."""
    first = stated.partition(header.delimiters.component)[0]
    return not accepted or stated in accepted or first in accepted


def _processing(endpoint: Endpoint, header: Header) -> GatewayError | None:
    """Refuse test messages where the endpoint is not for tests."""
    stated = header.processing_id or PRODUCTION
    if stated == PRODUCTION or (stated in TRIAL and endpoint.mode == "test"):
        return None
    text = (
        "Test messages are taken at test endpoints only."
        if stated in TRIAL
        else "This processing id is not known."
    )
    issue = Issue("error", "not-supported", text, "MSH-11", "202")
    return NotSupported(text, issues=(issue,))


def order_key(endpoint: Endpoint, data: bytes, format: str) -> bytes:  # noqa: A002
    """Return what inputs have in common that must stay in order: endpoint and PID-3 as it stands.

    An odd spelling of PID-3 (line feeds, repeated segments) costs parallelism, never order within
    one spelling; inputs without it keep the order of their endpoint.
    """
    part = b""
    if format == HL7V2:
        start = data.find(b"\rPID")
        if start < 0:
            start = data.find(b"\nPID")
        if start >= 0:
            fields = data[start + 5 : start + 600].split(data[start + 4 : start + 5], 3)
            part = fields[2] if len(fields) > 2 else b""
    return endpoint.id.encode() + b"\0" + part
