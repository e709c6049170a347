"""`/.well-known/smart-configuration`: how clients get access tokens here.

https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.api.context import Context
from gateway.api.token import token_url
from gateway.authorization.keys import ALGORITHMS

#: Modes of authentication in which access tokens are taken.
_TAKEN = ("token", "smart")


async def configuration(request: Request) -> Response:
    """`GET /fhir/.well-known/smart-configuration`; open to everybody, as the standard asks."""
    options = Context.of(request).gateway.options
    if options.authentication not in _TAKEN:
        raise HTTPException(404)
    return JSONResponse(
        {
            "issuer": options.base_url,
            "token_endpoint": token_url(options.base_url),
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS),
            "scopes_supported": ["system/*.cruds", "system/*.rs"],
            "tls_client_certificate_bound_access_tokens": True,
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        }
    )
