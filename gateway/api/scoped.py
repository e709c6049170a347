"""What a caller's scopes let through: interactions before anything is read, resources after.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.authorization.scopes import Scope, queries
from profiles.issue import GatewayError
from profiles.search import Criteria, parse_criteria

#: HTTP method → letter of the interaction, where the address names one resource …
_INSTANCE = {"GET": "r", "HEAD": "r", "PUT": "u", "PATCH": "u", "DELETE": "d", "POST": "r"}
#: … and where it names a type.
_TYPE = {"GET": "s", "HEAD": "s", "PUT": "u", "PATCH": "u", "DELETE": "d", "POST": "c"}
#: Channel of `access.visible` → the letters one of which lets a resource through.
_CHANNELS = {"read": "r", "history": "r"}
_INSUFFICIENT = 'Bearer realm="gateway", error="insufficient_scope"'


def authorize(scopes: Iterable[Scope], type_: str, letter: str) -> None:
    """Refuse an interaction no scope grants on this type. Raises HTTPException 403."""
    if queries(scopes, type_, letter) is None:
        raise HTTPException(403, headers={"WWW-Authenticate": _INSUFFICIENT})


def authorize_request(scopes: Iterable[Scope], request: Request) -> None:
    """Refuse a request to `/fhir/{type}…` no scope grants. Raises HTTPException 403."""
    type_ = request.path_params.get("type")
    if type_ is None:
        return
    if request.url.path.endswith("/_search"):
        letter = "s"
    else:
        named = "id" in request.path_params
        letter = (_INSTANCE if named else _TYPE).get(request.method, "r")
    authorize(scopes, str(type_), letter)


def may_see(scopes: Iterable[Scope], type_: str) -> bool:
    """Whether a scope lets resources of a type be read or searched at all."""
    return queries(scopes, type_, "rs") is not None


def within(scopes: Iterable[Scope], resource: dict[str, Any], channel: str) -> bool:
    """Whether a resource may be shown: its type is granted, and it meets one of the queries."""
    type_ = str(resource.get("resourceType", ""))
    asked = queries(scopes, type_, _CHANNELS.get(channel, "s"))
    if asked is None:
        return False
    if not asked:
        return True
    criteria = (_criteria(type_, query) for query in asked)
    return any(one is not None and one.matches(resource) for one in criteria)


def may_write(scopes: Iterable[Scope], resource: dict[str, Any], letter: str) -> bool:
    """Whether a resource may be written as it is: what a scope cannot see it cannot make."""
    type_ = str(resource.get("resourceType", ""))
    asked = queries(scopes, type_, letter)
    if asked is None:
        return False
    criteria = [_criteria(type_, query) for query in asked]
    return not criteria or any(one is not None and one.matches(resource) for one in criteria)


@lru_cache(maxsize=256)
def _criteria(type_: str, query: str) -> Criteria | None:
    """Read a scope's query; what the type cannot be asked lets nothing through."""
    try:
        return parse_criteria(type_, parameters=parse_qsl(query, keep_blank_values=True))
    except GatewayError:
        return None
