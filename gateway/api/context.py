"""What every handler finds at the application: the gateway, the failed logins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request

from gateway.api.auth import FailedLogins, Identity, identify
from gateway.api.credentials import Credentials
from gateway.api.limits import Held
from gateway.api.media import wanted
from gateway.api.ports import Gateway
from gateway.api.scoped import authorize_request

_REQUEST_ID = re.compile(r"[A-Za-z0-9\-]{1,64}")


@dataclass(frozen=True, slots=True)
class Context:
    """One application's surroundings."""

    gateway: Gateway
    failed: FailedLogins
    held: Held
    credentials: Credentials

    @classmethod
    def of(cls, request: Request) -> Context:
        """Return the context of the application that serves a request."""
        context: Context = request.app.state.context
        return context

    def identify(self, request: Request) -> Identity:
        """Return who calls for FHIR. Raises HTTPException 401, 403, 406, 429."""
        identity = self.identify_any(request)
        authorize_request(identity.scopes, request)
        if request.path_params.get("type") != "Binary":
            # What a Binary holds is of any type; its reading says what it cannot answer.
            wanted(request)
        return identity

    def identify_any(self, request: Request) -> Identity:
        """Return who calls, whatever it accepts. Raises HTTPException 401 or 429."""
        gateway = self.gateway
        return identify(
            request,
            gateway.region(),
            gateway.options.authentication,
            self.failed,
            self.credentials,
            gateway.now(),
        )


def request_id(request: Request) -> str:
    """Return the caller's X-Request-Id where it is one; it is only for correlation."""
    stated = request.headers.get("x-request-id", "")
    return stated if _REQUEST_ID.fullmatch(stated) else ""
