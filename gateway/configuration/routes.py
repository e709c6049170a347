"""Rules for routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.configuration.finding import ID, error, warning
from gateway.domain.region import Region, Route
from gateway.pipeline.criteria import Criterion
from profiles.issue import GatewayError, Issue
from profiles.reading.record import nearest

#: Places the formats of this distribution find recipients at.
PLACES = ("Patient.generalPractitioner", "DocumentReference.recipient")
#: How a place in a resource is written.
_PLACE = re.compile(r"[A-Z][A-Za-z]+\.[a-z][A-Za-z]+")


def route_rules(region: Region) -> Iterator[Issue]:
    """Apply every rule for routes."""
    for route in region.routes.values():
        place = f"route {route.id}"
        if not ID.fullmatch(route.id):
            yield error(f"{place}: an id has letters, digits, - and ., at most 64", place)
        yield from _sources(route, region, place)
        yield from _criteria(route, place)
        yield from _destinations(route, region, place)
        yield from _responsibility(route, region, place)


def _sources(route: Route, region: Region, place: str) -> Iterator[Issue]:
    for source in route.sources:
        endpoint = region.endpoints.get(source)
        if endpoint is None:
            hint = nearest(source, list(region.endpoints))
            meant = f"; did you mean {hint!r}?" if hint else ""
            yield error(f"{place}: from names no endpoint {source!r}{meant}", place, "not-found")
        elif endpoint.direction != "in":
            yield error(f"{place}: from names {source!r}, which is an outgoing endpoint", place)


def _criteria(route: Route, place: str) -> Iterator[Issue]:
    try:
        Criterion.read(route.criteria)
    except GatewayError as refused:
        yield error(f"{place}: criteria: {refused.text}", place)


def _destinations(route: Route, region: Region, place: str) -> Iterator[Issue]:
    if not route.to:
        yield error(f"{place}: to names nobody", place, "required")
    for name in route.to:
        yield from _destination(name, region, place)


def _destination(name: str, region: Region, place: str) -> Iterator[Issue]:
    endpoint = region.endpoints.get(name)
    if endpoint is not None:
        if endpoint.direction != "out":
            yield error(f"{place}: to names {name!r}, which is an incoming endpoint", place)
    elif name in region.organizations:
        yield from _one_endpoint(name, region, place)
    elif not _PLACE.fullmatch(name):
        known = [*region.endpoints, *region.organizations, *PLACES]
        yield error(
            f"{place}: to names neither an endpoint nor an organization nor a place: {name!r}; "
            f"did you mean {nearest(name, known)!r}?",
            place,
            "not-found",
        )
    elif name not in PLACES:
        hint = nearest(name, list(PLACES))
        yield warning(f"{place}: no format names recipients at {name}; see {hint}", place)
    elif not any(region.outgoing_of(one.organization) for one in region.practitioners):
        yield warning(f"{place}: {name} finds nobody; no practitioner leads to an endpoint", place)


def _one_endpoint(organization: str, region: Region, place: str) -> Iterator[Issue]:
    found = region.outgoing_of(organization)
    if not found:
        yield error(f"{place}: {organization!r} has no outgoing endpoint", place, "not-found")
    elif len(found) > 1:
        yield error(
            f"{place}: {organization!r} has several outgoing endpoints; name one of "
            f"{', '.join(sorted(one.id for one in found))}, or make all but one named_only",
            place,
        )


def _responsibility(route: Route, region: Region, place: str) -> Iterator[Issue]:
    if route.controller not in region.organizations:
        yield error(
            f"{place}: controller names no organization {route.controller!r}", place, "not-found"
        )
    if not route.legal_basis.strip():
        yield error(f"{place}: legal_basis is empty", place, "required")
    if not route.data_categories:
        yield warning(f"{place}: data_categories are missing from the record of processing", place)
