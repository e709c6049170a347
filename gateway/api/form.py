"""Parameters of a search: the query, and the form of a POST."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.api.context import Context
from gateway.api.limits import read_body

_FORM = "application/x-www-form-urlencoded"
_FORM_LIMIT = 64_000
#: Most parameters of one search.
_PARAMETERS = 64


async def pairs_of(request: Request, context: Context) -> list[tuple[str, str]]:
    """Read names and values in their order.

    Raises HTTPException: 415 for another body than a form, 413 and 408 for one that is too large
    or too slow, 400 for what cannot be decoded.
    """
    query = request.scope["query_string"].decode("latin-1")
    if request.method == "POST":
        if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
            raise HTTPException(415)
        body = await read_body(request, _FORM_LIMIT, context.gateway.options.body_timeout)
        query = "&".join(part for part in (query, body.decode("latin-1")) if part)
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise HTTPException(400) from None
    # What the answer shall look like stands here as well (`gateway.api.shaped`).
    request.state.form = dict(pairs)
    return pairs
