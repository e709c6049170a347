"""One bulk export: what it wants, and how an address leads to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.api import cursor
from gateway.api.auth import Identity
from gateway.api.context import Context
from gateway.domain.time import Instant
from gateway.store.exports import ExportJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an export wants; kept sealed."""

    #: "" for all, Patient for what belongs to patients, or Group.
    level: str
    #: Address it was asked at, for the manifest.
    request: str
    types: tuple[str, ...]
    since: Instant = 0
    #: `Type?query`; of a type with filters a resource has to meet any.
    filters: tuple[str, ...] = ()
    #: Logical ids of the patients it is about; () for all, where `level` does not say otherwise.
    patients: tuple[str, ...] = ()


async def known(request: Request) -> tuple[Context, Identity, ExportJob, Wish]:
    """Find the export of an address. Raises HTTPException 404 for another caller's as for none."""
    context = Context.of(request)
    identity = context.identify_any(request)
    job = await context.gateway.export(request.path_params["job"])
    if job is None or (job.organization, job.client) != (identity.organization, identity.client):
        raise HTTPException(404)
    sealed = cursor.open_bytes(job.content, context.gateway.options.cursor_key, _scope(job.id))
    return context, identity, job, _read(orjson.loads(sealed))


def seal(wish: Wish, job: str, key: bytes) -> str:
    """Write what an export wants, for the store."""
    return cursor.seal_bytes(orjson.dumps(asdict(wish)), key, _scope(job))


def _scope(job: str) -> bytes:
    return f"export\n{job}".encode()


def _read(found: dict[str, Any]) -> Wish:
    """JSON has lists where a wish has tuples."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
    }
    return Wish(**values)
