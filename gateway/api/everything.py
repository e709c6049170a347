"""`$everything` of a Patient or an Encounter: all that is about it, and who it speaks of.

https://hl7.org/fhir/R4/patient-operation-everything.html,
https://hl7.org/fhir/R4/encounter-operation-everything.html. A search like any other: in pages, each
resource as the caller may see it. `_since`, `_type` and `_count` narrow it.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.api import outcome
from gateway.api.access import visible
from gateway.api.collecting import Asker
from gateway.api.context import Context
from gateway.api.form import pairs_of
from gateway.api.inclusion import Inclusion
from gateway.api.question import Place
from gateway.api.search import answered
from profiles.issue import Issue

OPERATION = "$everything"
TYPES = ("Encounter", "Patient")
#: What comes along because resources about a person or a stay point to it.
_SUPPORTING = (
    "Device",
    "Endpoint",
    "HealthcareService",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Substance",
)
_TAKEN = frozenset({"_since", "_type", "_count", "_page", "_lastUpdated", "_format", "_pretty"})
_NOT_TAKEN = Issue("error", "not-supported", "$everything takes _since, _type and _count here.")


async def everything(request: Request) -> Response:
    """`GET /fhir/Patient/{id}/$everything` and `GET /fhir/Encounter/{id}/$everything`."""
    context = Context.of(request)
    identity = context.identify(request)
    type_, id_ = request.path_params["type"], request.path_params["id"]
    if type_ not in TYPES:
        return outcome.answer(404)
    pairs = await pairs_of(request, context)
    if any(name not in _TAKEN for name, _ in pairs):
        return outcome.answer(400, (_NOT_TAKEN,))
    asker = Asker(context.gateway, identity)
    stored = await context.gateway.find(type_, id_)
    found = [stored] if stored is not None and not stored.deleted else []
    if not await visible(context.gateway, identity, found, channel="search"):
        return outcome.answer(404)
    asked = [_as_search(name, value) for name, value in pairs]
    follow = (*_SUPPORTING, "Patient") if type_ == "Encounter" else _SUPPORTING
    always = tuple(Inclusion("", "", one, reverse=False, iterate=False) for one in follow)
    return await answered(request, asker, Place("", type_, id_, OPERATION), asked, always)


def _as_search(name: str, value: str) -> tuple[str, str]:
    return ("_lastUpdated", f"ge{value}") if name == "_since" else (name, value)
