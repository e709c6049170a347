"""Bulk Data Export 2.0: kick-off, status, end (https://hl7.org/fhir/uv/bulkdata/STU2/export.html).

An export is a promise, not a copy: no file with patients' data is ever laid down. Each file is
read, decided and audited anew when it is fetched (`export_files`), so that a consent withdrawn
after the kick-off holds for what is fetched after it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.api import outcome
from gateway.api.access import visible
from gateway.api.auth import Identity
from gateway.api.compartment import types_in
from gateway.api.context import Context
from gateway.api.export_files import holds_any
from gateway.api.export_job import Wish, known, seal
from gateway.api.limits import read_body
from gateway.api.media import is_xml
from gateway.api.scoped import may_see
from gateway.api.types import resource_types
from gateway.domain.time import DAY, SECOND, Instant, fhir_instant
from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.rest.operations.parameters import Given, given
from gateway.store.exports import ExportJob
from profiles.issue import GatewayError, NotConformant, NotSupported
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.search import parse_criteria

#: How long an export may be fetched.
LIFE = DAY
_NDJSON = frozenset({"ndjson", "application/ndjson", "application/fhir+ndjson"})
#: Types nobody exports: the audit log has its own way.
_NEVER = frozenset({"AuditEvent"})
_KNOWN = frozenset({"_outputFormat", "_since", "_type", "_typeFilter", "patient"})
_FORMATS = frozenset({"_format", "_pretty"})
_FORM_LIMIT = 64_000
#: Level of an export → its definition, for the CapabilityStatement.
DEFINED = {"": "export", "Patient": "patient-export", "Group": "group-export"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")


async def begin(request: Request) -> Response:
    """`GET` and `POST` of `/$export`, `/Patient/$export`, `/Group/{id}/$export`."""
    context = Context.of(request)
    identity = context.identify_any(request)
    if "respond-async" not in request.headers.get("prefer", "").replace(" ", "").lower():
        raise NotSupported("An export is asked for with Prefer: respond-async.")
    level = _level(request)
    try:
        asked = await _asked(request, context)
        patients = await _patients(context, identity, request, asked)
        base = context.gateway.options.base_url
        wish = _wish(identity, base, request, level, asked, patients)
    except (NotSupported, NotConformant) as error:
        return outcome.answer(400, error.issues)
    job = await _remember(context, identity, wish)
    address = f"{base}/$export-status/{job.id}"
    return outcome.answer(
        202,
        (outcome.note("The export is ready where Content-Location leads."),),
        headers={"Content-Location": address},
    )


async def status(request: Request) -> Response:
    """`GET /$export-status/{job}`: the manifest; it is ready at once."""
    context, identity, job, wish = await known(request)
    base = context.gateway.options.base_url
    output = [
        {"type": type_, "url": f"{base}/$export-file/{job.id}/{type_}"}
        for type_ in wish.types
        if await holds_any(context, identity, job, wish, type_)
    ]
    manifest = {
        "transactionTime": fhir_instant(job.at),
        "request": wish.request,
        "requiresAccessToken": context.gateway.options.authentication != "none",
        "output": output,
        "error": [],
    }
    return JSONResponse(manifest)


async def end(request: Request) -> Response:
    """`DELETE /$export-status/{job}`: nothing more can be fetched."""
    context, _, job, _ = await known(request)
    await context.gateway.end_export(job.id)
    return outcome.answer(202, (outcome.note("The export is ended."),))


def _level(request: Request) -> str:
    if "group" in request.path_params:
        return "Group"
    return "Patient" if request.url.path.endswith("/Patient/$export") else ""


async def _remember(context: Context, identity: Identity, wish: Wish) -> ExportJob:
    gateway, number = context.gateway, secrets.token_urlsafe(24)
    now = gateway.now()
    content = seal(wish, number, gateway.options.cursor_key)
    job = ExportJob(number, identity.organization, identity.client, now, now + LIFE, content)
    await gateway.add_export(job)
    event = audit_event.administrative(
        gateway.stamp(), act="export", actor=Party(reference=f"Organization/{job.organization}")
    )
    await gateway.audit([(EventClass.ADMINISTRATIVE, event)])
    return job


async def _asked(request: Request, context: Context) -> Given:
    if request.method == "GET":
        return given(None, request.query_params.multi_items())
    xml = is_xml(request)
    data = await read_body(request, _FORM_LIMIT, context.gateway.options.body_timeout)
    body = read_fhir_xml(data) if xml else read_json(data)
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        raise NotConformant("The body of this operation is a Parameters resource.")
    return given(body, ())


def _wish(
    identity: Identity,
    base: str,
    request: Request,
    level: str,
    asked: Given,
    patients: tuple[str, ...],
) -> Wish:
    lenient = "handling=lenient" in request.headers.get("prefer", "").replace(" ", "").lower()
    if not lenient and asked.values.keys() - _KNOWN - _FORMATS:
        raise NotSupported("A parameter of the export is not supported here.")
    if asked.text("_outputFormat") not in {"", *_NDJSON}:
        raise NotSupported("Exports are NDJSON.")
    types = _types(identity, level, _listed(asked, "_type"))
    filters = tuple(_filters(asked, types))
    return Wish(
        level=level,
        request=f"{base}{request.url.path.removeprefix('/fhir')}?{request.url.query}".rstrip("?"),
        types=types,
        since=_instant(asked.text("_since")),
        filters=filters,
        patients=patients,
    )


def _types(identity: Identity, level: str, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types an export has: those named, else all it may have."""
    possible = set(types_in("Patient") if level else resource_types()) - _NEVER
    if any(one not in resource_types() for one in named):
        raise NotSupported("_type names what is no FHIR R4 resource type.")
    if any(one not in possible for one in named):
        raise NotSupported("_type names what such an export does not have.")
    wanted = named or sorted(possible)
    return tuple(one for one in wanted if may_see(identity.scopes, one))


def _filters(asked: Given, types: Sequence[str]) -> Iterable[str]:
    for text in _listed(asked, "_typeFilter"):
        type_ = text.partition("?")[0]
        if type_ not in types:
            raise NotConformant("_typeFilter is about a type the export does not have.")
        try:
            parse_criteria(text)
        except GatewayError as error:
            raise NotConformant(error.text, issues=error.issues) from error
        yield text


async def _patients(
    context: Context, identity: Identity, request: Request, asked: Given
) -> tuple[str, ...]:
    """Return the patients an export is about, () for all. Raises HTTPException 404 for a group."""
    named = tuple(_patient(one) for one in asked.values.get("patient", ()))
    group = request.path_params.get("group")
    if group is None:
        return named
    stored = await context.gateway.find("Group", group)
    seen = await visible(context.gateway, identity, [stored] if stored else [], channel="read")
    if not seen:
        raise HTTPException(404)
    members = {
        _patient(member.get("entity"))
        for member in seen[0].resource.get("member", ())
        if not member.get("inactive")
    }
    chosen = members & set(named) if named else members
    # A group without members is about nobody, not about all.
    return tuple(sorted(chosen)) or ("",)


def _patient(reference: Any) -> str:
    stated = reference.get("reference") if isinstance(reference, Mapping) else reference
    type_, _, id_ = stated.rpartition("/") if isinstance(stated, str) else ("", "", "")
    return id_ if type_.rpartition("/")[2] == "Patient" else ""


def _listed(asked: Given, name: str) -> tuple[str, ...]:
    """Values that may be given several times, each perhaps a list."""
    found = [one for one in asked.values.get(name, ()) if isinstance(one, str)]
    parts = found if name == "_typeFilter" else [p for one in found for p in one.split(",")]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _instant(text: str) -> Instant:
    if not text:
        return 0
    text = text.replace(" ", "+")
    if not _DATE.fullmatch(text):
        raise NotConformant("_since is an instant.")
    try:
        return int(datetime.fromisoformat(text).timestamp() * SECOND)
    except ValueError as error:
        raise NotConformant("_since is an instant.") from error
