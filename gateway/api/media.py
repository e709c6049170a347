"""Media types: what a body is, and what a caller wants to have.

https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/http.html#general.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

JSON = "application/fhir+json"
XML = "application/fhir+xml"

#: Media types and `_format` codes → the format.
_FORMATS: dict[str, str] = {
    "json": JSON,
    "application/json": JSON,
    "application/fhir+json": JSON,
    "text/json": JSON,
    "xml": XML,
    "application/xml": XML,
    "text/xml": XML,
    "application/fhir+xml": XML,
}
_ANY = frozenset({"*/*", "application/*"})
#: Versions of FHIR a caller may ask for (https://hl7.org/fhir/R4/http.html#version-parameter).
_VERSIONS = frozenset({"4.0", "4.0.1"})


def is_xml(request: Request) -> bool:
    """Say whether a FHIR body is XML, else JSON. Raises HTTPException 415 for anything else."""
    stated = request.headers.get("content-type", "")
    media = stated.partition(";")[0].strip().lower()
    if media not in _FORMATS or not _is_r4(stated):
        raise HTTPException(415)
    return _FORMATS[media] == XML


def wanted(request: Request) -> str:
    """Return the format of the answer: `_format` before Accept. Raises HTTPException 406."""
    stated = request.query_params.get("_format")
    if stated is not None:
        # A plus in a query is a space, and is meant as what it was.
        found = _FORMATS.get(stated.partition(";")[0].strip().lower().replace(" ", "+"))
        if found is None or not _is_r4(stated):
            raise HTTPException(406)
        return found
    return _accepted(request.headers.get("accept", ""))


def _accepted(accept: str) -> str:
    if not accept.strip():
        return JSON
    best, weight = "", 0.0
    for one in accept.split(","):
        media = one.partition(";")[0].strip().lower()
        found = JSON if media in _ANY else _FORMATS.get(media, "")
        quality = _quality(one)
        if found and _is_r4(one) and quality > weight:
            best, weight = found, quality
    if not best:
        raise HTTPException(406)
    return best


def _is_r4(stated: str) -> bool:
    version = _parameter(stated, "fhirversion")
    return not version or version in _VERSIONS


def _quality(one: str) -> float:
    try:
        return min(max(float(_parameter(one, "q") or "1"), 0.0), 1.0)
    except ValueError:
        return 0.0


def _parameter(stated: str, name: str) -> str:
    for part in stated.split(";")[1:]:
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return ""
