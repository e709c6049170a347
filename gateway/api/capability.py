"""FHIR capabilities interaction: what this gateway really does, read from what is there.

https://hl7.org/fhir/R4/http.html#capabilities, https://hl7.org/fhir/R4/capabilitystatement.html.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import audit_events, everything, export, operations
from gateway.api.compartment import compartments
from gateway.api.context import Context
from gateway.api.media import XML, wanted
from gateway.api.outcome import JSON
from gateway.api.ports import Options
from gateway.api.searchable import searchable
from gateway.api.types import resource_types
from gateway.pipeline.rest.asked import NOT_CHANGED, NOT_WRITTEN
from profiles.r4 import FHIR_VERSION
from profiles.reading import write_json

#: When the statement last changed its shape.
_DATE = "2026-11-22"
_CORE = "http://hl7.org/fhir/OperationDefinition"
_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition"
_BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
_READS = ("read", "vread", "history-instance", "history-type", "search-type")
_CHANGES = ("update", "patch", "delete")
_SYSTEM = ("transaction", "batch", "history-system", "search-system")
#: Types with interactions of their own.
_OWN = {audit_events.TYPE: audit_events.INTERACTIONS}


async def metadata(request: Request) -> Response:
    """`GET /fhir/metadata`; open to everybody, as the standard asks."""
    wanted(request)
    statement = capability_statement(Context.of(request).gateway.options)
    return Response(write_json(statement), media_type=JSON)


def capability_statement(options: Options) -> dict[str, Any]:
    """Describe the interface as a CapabilityStatement."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "publisher": options.name,
        "kind": "instance",
        "software": {"name": "region-gateway", "version": options.version},
        "implementation": {"description": options.name, "url": options.base_url},
        "fhirVersion": FHIR_VERSION,
        "format": [JSON, XML, "json", "xml"],
        "patchFormat": ["application/json-patch+json", "application/xml-patch+xml", JSON, XML],
        "rest": [
            {
                "mode": "server",
                "security": _security(options),
                "resource": [_resource(type_, options) for type_ in resource_types()],
                "interaction": [{"code": code} for code in _SYSTEM],
                "operation": _operations(""),
                "compartment": [f"{_COMPARTMENT}/{one.lower()}" for one in compartments()],
            }
        ],
    }


_SMART = {
    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
    "code": "SMART-on-FHIR",
}
_SECURITY = {
    "token": "Bearer token, access token or client certificate of a registered organization.",
    "smart": "Access token or client certificate of a registered organization.",
    "mtls": "Client certificate of a registered organization.",
    "none": "None; the gateway listens on this machine only.",
}


def _security(options: Options) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _SECURITY[options.authentication]}
    if options.authentication in ("token", "smart"):
        described["service"] = [{"coding": [_SMART]}]
    return described


def _operations(type_: str) -> list[dict[str, Any]]:
    """Name what can be called on a type, "" for the system."""
    found = operations.described(type_)
    if type_ in export.DEFINED:
        found.append({"name": "export", "definition": f"{_BULK}/{export.DEFINED[type_]}"})
    if type_ in everything.TYPES:
        found.append({"name": "everything", "definition": f"{_CORE}/{type_}-everything"})
    return found


def _resource(type_: str, options: Options) -> dict[str, Any]:
    written = type_ not in NOT_WRITTEN
    changed = written and type_ not in NOT_CHANGED
    described: dict[str, Any] = {
        "type": type_,
        "interaction": [{"code": code} for code in _interactions(type_)],
        "versioning": "versioned-update" if changed else "versioned",
        "readHistory": True,
        "updateCreate": changed and options.create_on_update,
        "conditionalCreate": changed,
        "conditionalRead": "full-support",
        "conditionalUpdate": changed,
        "conditionalDelete": "single" if changed else "not-supported",
    }
    described.update(searchable(type_, options.parameters, alone=type_ in _OWN))
    described["operation"] = _operations(type_)
    return described


def _interactions(type_: str) -> tuple[str, ...]:
    """Return what is done with resources of a type."""
    if type_ in _OWN:
        return tuple(_OWN[type_])
    if type_ in NOT_WRITTEN:
        return _READS
    return (*_READS, "create", *(() if type_ in NOT_CHANGED else _CHANGES))
