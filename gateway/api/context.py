"""What every handler finds at the application: the gateway, the failed logins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.api.auth import FailedLogins, Identity, identify
from gateway.api.limits import Held
from gateway.api.ports import Gateway

_REQUEST_ID = re.compile(r"[A-Za-z0-9\-]{1,64}")
_JSON_TYPES = ("*/*", "application/*", "application/json", "application/fhir+json")


@dataclass(frozen=True, slots=True)
class Context:
    """One application's surroundings."""

    gateway: Gateway
    failed: FailedLogins
    held: Held

    @classmethod
    def of(cls, request: Request) -> Context:
        """Return the context of the application that serves a request."""
        context: Context = request.app.state.context
        return context

    def identify(self, request: Request) -> Identity:
        """Return who calls for FHIR JSON. Raises HTTPException 401, 406 or 429."""
        identity = self.identify_any(request)
        require_json(request)
        return identity

    def identify_any(self, request: Request) -> Identity:
        """Return who calls, whatever it accepts. Raises HTTPException 401 or 429."""
        gateway = self.gateway
        return identify(
            request, gateway.region(), gateway.options.authentication, self.failed, gateway.now()
        )


def require_json(request: Request) -> None:
    """Refuse callers that want another format than JSON. Raises HTTPException 406."""
    wanted = request.query_params.get("_format")
    if wanted is not None:
        if wanted not in ("json", "application/json", "application/fhir+json"):
            raise HTTPException(406)
        return
    accept = request.headers.get("accept")
    if not accept:
        return
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if not any(one in _JSON_TYPES for one in ranges):
        raise HTTPException(406)


def request_id(request: Request) -> str:
    """Return the caller's X-Request-Id where it is one; it is only for correlation."""
    stated = request.headers.get("x-request-id", "")
    return stated if _REQUEST_ID.fullmatch(stated) else ""
