"""Versions in HTTP: ETag, Last-Modified and what callers say about them.

https://hl7.org/fhir/R4/http.html#versioning, https://hl7.org/fhir/R4/http.html#cread.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

from starlette.requests import Request

from gateway.api.ports import Stored
from gateway.domain.time import SECOND


def headers_of(stored: Stored) -> dict[str, str]:
    """Return ETag and Last-Modified of one version."""
    return {
        "ETag": f'W/"{stored.version}"',
        "Last-Modified": formatdate(stored.updated_at // SECOND, usegmt=True),
    }


def is_unmodified(request: Request, stored: Stored) -> bool:
    """Say whether the caller has this version already (If-None-Match, else If-Modified-Since)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return "*" in tags or f'"{stored.version}"' in tags
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return stored.updated_at // SECOND <= int(moment.timestamp())
