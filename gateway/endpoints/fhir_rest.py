"""Sends transaction Bundles to a partner's FHIR server.

https://hl7.org/fhir/R4/http.html#transaction: `POST [base]`. What the answer means is decided in
`fhir_answer`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson

from gateway.domain.region import Endpoint
from gateway.domain.transport import Outgoing, PartnerRefused, PartnerUnavailable, Sent
from gateway.endpoints.fhir_answer import judge
from gateway.endpoints.http_client import Answer, HttpClient

_FHIR_JSON = "application/fhir+json"


class FhirRestSender:
    """The FHIR server of one partner."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare; raises NotConformant when the address or the TLS files are unusable."""
        self._client = HttpClient(
            endpoint.address,
            tls=endpoint.tls,
            allowed=endpoint.peers,
            parallel=max(1, endpoint.parallel),
        )
        self._token_file = Path(endpoint.token_file) if endpoint.token_file else None
        self._token = ""

    async def send(self, delivery: Outgoing) -> Sent:
        """Send one transaction Bundle and return the partner's transaction-response.

        Raises PartnerUnavailable, PartnerUncertain or PartnerRefused.
        """
        entries = _entries(delivery.payload)
        end = asyncio.get_running_loop().time() + delivery.deadline
        answer = await self._post(delivery, delivery.deadline)
        if answer.status == 401 and self._token_file is not None:
            # The token may have been renewed since it was read: one more try, not two.
            self._token = ""
            left = end - asyncio.get_running_loop().time()
            answer = await self._post(delivery, max(left, 0.0))
        return judge(answer, entries)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _post(self, delivery: Outgoing, deadline: float) -> Answer:
        headers = {
            "content-type": delivery.content_type or _FHIR_JSON,
            "accept": _FHIR_JSON,
            "prefer": "return=minimal",
            # https://hl7.org/fhir/R4/http.html#custom: lets both sides find the same request.
            "x-request-id": delivery.control_id,
        }
        if self._token_file is not None:
            headers["authorization"] = f"Bearer {self._bearer(self._token_file)}"
        return await self._client.request(
            "POST", body=delivery.payload, headers=headers, deadline=deadline
        )

    def _bearer(self, file: Path) -> str:
        if not self._token:
            try:
                self._token = file.read_text("ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise PartnerUnavailable("The token file cannot be read.") from error
        return self._token


def _entries(payload: bytes) -> int:
    try:
        bundle = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise PartnerRefused("What is to be sent is not JSON.", codes=("structure",)) from error
    return len(bundle.get("entry", ())) if isinstance(bundle, dict) else 0
