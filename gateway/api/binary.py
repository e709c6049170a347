"""Binary in its own format: bytes in, bytes out (https://hl7.org/fhir/R4/binary.html#rest)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.media import is_xml, wanted
from profiles.reading import write_json

TYPE = "Binary"
#: A media type as it may stand in a header.
_MEDIA = re.compile(r"[\w.+-]+/[\w.+-]+(?:;[ \w.+=\"-]*)*\Z", re.ASCII)
#: Names the resource whose rights hold for the bytes as well.
_SECURITY_CONTEXT = "x-security-context"
#: Foreign bytes are shown by no browser as a page of ours.
_GUARD = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def is_raw(request: Request, type_: str) -> bool:
    """Say whether a body is the content of a Binary, not the resource."""
    if type_ != TYPE or not request.headers.get("content-type"):
        return False
    try:
        is_xml(request)
    except HTTPException:
        return True
    return False


def wrapped(request: Request, data: bytes, id_: str) -> bytes:
    """Return the Binary (JSON) whose content a body is."""
    made: dict[str, Any] = {
        "resourceType": TYPE,
        "id": id_,
        "contentType": request.headers["content-type"].strip(),
        "data": b64encode(data).decode("ascii"),
    }
    context = request.headers.get(_SECURITY_CONTEXT)
    if context:
        made["securityContext"] = {"reference": context}
    return write_json({name: value for name, value in made.items() if value})


def unwrapped(request: Request, resource: dict[str, Any], headers: dict[str, str]) -> Response:
    """Answer with the content of a Binary.

    Raises HTTPException 406 where another type is wanted than it has.
    """
    stated = str(resource.get("contentType", ""))
    if not _MEDIA.match(stated):
        raise HTTPException(406)
    plain = stated.partition(";")[0].strip().lower()
    ranges = {one.partition(";")[0].strip().lower() for one in request.headers["accept"].split(",")}
    if not {plain, f"{plain.partition('/')[0]}/*"} & ranges:
        raise HTTPException(406)
    content = b64decode(resource.get("data", ""))
    return Response(content, headers={**headers, **_GUARD, "Content-Type": stated})


def wants_content(request: Request) -> bool:
    """Say whether a caller asks for something else than FHIR."""
    try:
        wanted(request)
    except HTTPException:
        return "_format" not in request.query_params
    return False
