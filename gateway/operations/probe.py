"""Whether a partner's address or folder can be reached; nothing of a patient is sent."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import Any

from gateway.domain.region import Endpoint
from gateway.endpoints.networks import resolve, split_address
from gateway.endpoints.tls import client_context
from gateway.operations import folders
from profiles.issue import GatewayError

#: Seconds a partner has to let us in.
_PATIENCE = 10.0


def probe(endpoint: Endpoint) -> dict[str, Any]:
    """Connect (with TLS where the endpoint has it); for FHIR read the partner's metadata, in a
    folder write and delete an empty file.
    """
    started = time.monotonic()
    try:
        found = asyncio.run(asyncio.wait_for(_probe(endpoint), _PATIENCE))
        result: dict[str, Any] = {"reached": True, **found}
    except GatewayError as error:
        result = {"reached": False, "reason": error.text}
    except TimeoutError:
        result = {"reached": False, "reason": "The partner could not be reached in time."}
    except (OSError, ssl.SSLError) as error:
        result = {"reached": False, "reason": type(error).__name__}
    took = round((time.monotonic() - started) * 1_000, 1)
    return {"endpoint": endpoint.id, "milliseconds": took, **result}


async def _probe(endpoint: Endpoint) -> Mapping[str, Any]:
    if endpoint.folder is not None:
        return await asyncio.to_thread(folders.probe, endpoint.folder)
    if endpoint.direction == "in":
        return await _connect(f"mllp://{endpoint.listen}", {}) if endpoint.listen else {}
    if endpoint.address.startswith(("http://", "https://")):
        return await _metadata(endpoint)
    address = endpoint.address if "://" in endpoint.address else f"mllp://{endpoint.address}"
    return await _connect(address, endpoint.tls)


async def _connect(address: str, tls: Mapping[str, Any]) -> Mapping[str, Any]:
    parts, host, port = split_address(address)
    context = client_context(tls) if tls or parts.scheme == "mllps" else None
    _, writer = await asyncio.open_connection(
        await resolve(host, port), port, ssl=context, server_hostname=host if context else None
    )
    writer.close()
    return {"tls": context is not None}


async def _metadata(endpoint: Endpoint) -> Mapping[str, Any]:
    from gateway.endpoints.http_client import HttpClient
    from profiles.reading import read_json

    client = HttpClient(endpoint.address, tls=endpoint.tls, parallel=1)
    try:
        answer = await client.request(
            "GET", "/metadata", headers={"accept": "application/fhir+json"}, deadline=_PATIENCE
        )
    finally:
        await client.close()
    found: dict[str, Any] = {"tls": endpoint.address.startswith("https"), "status": answer.status}
    try:
        statement = read_json(answer.body)
    except GatewayError:
        return {**found, "fhir": ""}
    is_statement = (
        isinstance(statement, dict) and statement.get("resourceType") == "CapabilityStatement"
    )
    return {**found, "fhir": str(statement.get("fhirVersion", "")) if is_statement else ""}
