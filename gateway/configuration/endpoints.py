"""Rules for endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from gateway.configuration.finding import (
    ID,
    error,
    host_on_loopback,
    is_address,
    on_loopback,
    warning,
)
from gateway.configuration.secret import secret_fault
from gateway.domain.region import Endpoint, Region
from gateway.endpoints import connection_type, format_of
from mappers import format_named
from profiles.issue import GatewayError, Issue, NotConformant

#: What to write for settings an endpoint needs and leaves out.
_MISSING = {
    "listen": 'add listen = "127.0.0.1:2575"',
    "folder": 'add folder = { path = "/srv/austausch/praxis" }',
    "format": 'say what is spoken; add format = "xdt", "hl7v2" or "fhir_r4"',
    "idempotent": "say whether an uncertain delivery may be sent again; "
    "add idempotent = true or idempotent = false",
}
_CREDENTIALS = re.compile(r"://[^/@]*:[^/@]*@")


def endpoint_rules(region: Region) -> Iterator[Issue]:
    """Apply every rule for endpoints."""
    for endpoint in region.endpoints.values():
        place = f"endpoint {endpoint.id}"
        yield from _who(endpoint, region, place)
        yield from _connection_type(endpoint, place)
        yield from (
            _incoming(endpoint, place) if endpoint.direction == "in" else _outgoing(endpoint, place)
        )
        yield from _files(endpoint, place)
    yield from _shared_listeners(region)


def _who(endpoint: Endpoint, region: Region, place: str) -> Iterator[Issue]:
    if not ID.fullmatch(endpoint.id):
        yield error(f"{place}: an id has letters, digits, - and ., at most 64", place)
    if endpoint.organization not in region.organizations:
        yield error(
            f"{place}: there is no organization {endpoint.organization!r}", place, "not-found"
        )


def _connection_type(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    try:
        missing = connection_type(endpoint.connection_type).missing(endpoint)
    except NotConformant as refused:
        yield error(f"{place}: {refused.text}", place, "not-supported")
        return
    for name in missing:
        yield error(f"{place}: {_MISSING.get(name, f'add {name}')}", place, "required")
    yield from _format(endpoint, place)


def _format(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    """What an endpoint speaks is read or written here."""
    try:
        spoken = format_of(endpoint)
        known = format_named(spoken) if spoken else None
    except GatewayError as refused:
        yield error(f"{place}: format: {refused.text}", place, "not-supported")
        return
    if known is not None and endpoint.direction == "out" and known.encode is None:
        yield error(f"{place}: format: {spoken} is read here, not written", place, "not-supported")


def _incoming(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    if endpoint.connection_type == "hl7v2-mllp":
        if is_address(endpoint.listen):
            yield from _listener(endpoint, place)
    elif endpoint.listen:
        yield error(f"{place}: only MLLP endpoints listen for themselves", place)
    yield from _peers(endpoint, place)
    if endpoint.max_bytes <= 0:
        yield error(f"{place}: max_bytes must be positive", place)


def _listener(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    """MLLP has no login: beyond this machine, addresses or certificates have to stand in."""
    if on_loopback(endpoint.listen) or endpoint.tls.get("ca"):
        return
    if not endpoint.peers:
        yield error(
            f"{place}: a plain MLLP listener outside loopback needs to know its senders; "
            f'add peers = ["10.20.0.5/32"], or tls with certificate, key and ca',
            place,
            "required",
        )
    if not (endpoint.sending_application or endpoint.sending_facility):
        yield error(
            f"{place}: a plain MLLP listener outside loopback checks MSH-3 and MSH-4; "
            f'add sending_application = ["KIS"] or sending_facility = ["KLINIKUM"]',
            place,
            "required",
        )


def _peers(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    from gateway.endpoints.networks import networks

    try:
        networks(endpoint.peers)
    except NotConformant:
        yield error(f'{place}: peers are networks such as "10.20.0.5/32"', place)


def _outgoing(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    if endpoint.address:
        yield from _address(endpoint, place)
    if endpoint.retry.attempts < 1 or endpoint.parallel < 1 or endpoint.timeout <= 0:
        yield error(f"{place}: retry.attempts, parallel and timeout must be positive", place)
    if endpoint.retry.most < endpoint.retry.first:
        yield error(f"{place}: retry.most is shorter than retry.first", place)


def _address(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    if _CREDENTIALS.search(endpoint.address):
        yield error(f"{place}: no password in address; name a token_file", place)
        return
    from gateway.endpoints.networks import check_registered

    address = endpoint.address if "://" in endpoint.address else f"mllp://{endpoint.address}"
    try:
        connection_type(endpoint.connection_type).make_sender(endpoint)
        check_registered(address)
    except GatewayError as refused:
        yield error(f"{place}: {refused.text}", place)
        return
    parts = urlsplit(address)
    protected = parts.scheme in ("https", "mllps") or bool(endpoint.tls)
    if not protected and not host_on_loopback(parts.hostname or ""):
        yield warning(f"{place}: patient data travel unprotected to this address", place)


def _files(endpoint: Endpoint, place: str) -> Iterator[Issue]:
    for key in ("ca", "certificate", "key"):
        path = endpoint.tls.get(key)
        if isinstance(path, str) and not Path(path).is_file():
            yield error(f"{place}: tls.{key} = {Path(path).name}: the file is missing", place)
    for label, path in (("tls.key", endpoint.tls.get("key")), ("token_file", endpoint.token_file)):
        fault = secret_fault(Path(path)) if path else ""
        if fault and not (label == "tls.key" and "missing" in fault):
            yield error(f"{place}: {label} = {Path(str(path)).name}: {fault}", place)


def _shared_listeners(region: Region) -> Iterator[Issue]:
    owner: dict[str, str] = {}
    for endpoint in region.incoming():
        if not endpoint.listen or endpoint.listen.endswith(":0"):
            continue
        if owner.setdefault(endpoint.listen, endpoint.id) != endpoint.id:
            place = f"endpoint {endpoint.id}"
            yield error(f"{place}: {owner[endpoint.listen]} already listens there", place)
