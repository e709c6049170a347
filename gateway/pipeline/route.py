"""Route: which endpoints a message goes to, and why it goes nowhere else.

Criteria were met in the worker; here names become organizations and organizations endpoints. None
or several found is never a guess: the message is unrouted and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.region import Endpoint, Region, Route
from gateway.pipeline.directory import Directory
from gateway.pipeline.translated import Translated

#: The place whose people the stored Patient names when the message does not.
GENERAL_PRACTITIONER = "Patient.generalPractitioner"

NO_ROUTE = "no-route"
CRITERIA_NOT_MET = "criteria-not-met"
OTHER_SOURCE = "other-source"
PRELIMINARY = "preliminary"
UNKNOWN_RECIPIENT = "unknown-recipient"
SEVERAL_RECIPIENTS = "several-recipients"
NO_ENDPOINT = "no-endpoint"
SEVERAL_ENDPOINTS = "several-endpoints"
TEST_ONLY = "test-message"
LIVE_ONLY = "test-endpoint"
SHADOW = "shadow"

#: Reasons that are settled by configuration and need nobody to look.
INTENDED = frozenset({CRITERIA_NOT_MET, OTHER_SOURCE, SHADOW})


@dataclass(frozen=True, slots=True)
class Routed:
    """One destination of one route, or why there is none."""

    route: str
    #: What `to` says: an endpoint, an organization or a place; "" when it was not asked.
    target: str
    endpoint: str = ""
    organization: str = ""
    #: "" when the message goes there; else one of the reasons above.
    reason: str = ""
    #: Identifiers that were followed, as system|value.
    followed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Journey:
    """What routing has to know about one message beside its translation."""

    #: The endpoint it came in at.
    endpoint: str
    #: MSH-11 is not P, or the endpoint is in mode test.
    test: bool = False
    #: Identifiers of the general practitioners of the stored Patient.
    stored: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A region, prepared for routing."""

    region: Region
    directory: Directory

    @classmethod
    def of(cls, region: Region, namespace: str) -> RouteTable:
        """Prepare a region."""
        return cls(region, Directory.of(region, namespace))

    def asks_stored_patient(self, translated: Translated) -> bool:
        """Say whether a route met needs the general practitioner the message does not name."""
        if translated.recipients.get(GENERAL_PRACTITIONER):
            return False
        routes = self.region.routes
        return any(
            GENERAL_PRACTITIONER in routes[match.route].to
            for match in translated.matches
            if match.route in routes
        )

    def route(self, translated: Translated, journey: Journey) -> list[Routed]:
        """Return the destinations of all routes met, in the order of the configuration."""
        met = {match.route for match in translated.matches}
        found: list[Routed] = []
        for route in self.region.routes.values():
            if route.id in met:
                found.extend(self._destinations(route, translated, journey))
        return found

    def explain(self, translated: Translated, journey: Journey) -> list[Routed]:
        """Return every route's destinations or the reason it has none."""
        met = {match.route for match in translated.matches}
        found: list[Routed] = []
        for route in self.region.routes.values():
            if route.sources and journey.endpoint not in route.sources:
                found.append(Routed(route.id, "", reason=OTHER_SOURCE))
            elif route.id not in met:
                found.append(Routed(route.id, "", reason=CRITERIA_NOT_MET))
            else:
                found.extend(self._destinations(route, translated, journey))
        return found

    def _destinations(
        self, route: Route, translated: Translated, journey: Journey
    ) -> Iterable[Routed]:
        if translated.preliminary and not route.preliminary:
            return [Routed(route.id, target, reason=PRELIMINARY) for target in route.to]
        found: list[Routed] = []
        for target in route.to:
            if (endpoint := self.region.endpoints.get(target)) is not None:
                found.append(self._to_endpoint(route, target, endpoint, journey))
            elif target in self.region.organizations:
                found.append(self._to_organization(route, target, target, journey))
            else:
                found.extend(self._to_place(route, target, translated, journey))
        return found

    def _to_endpoint(
        self, route: Route, target: str, endpoint: Endpoint, journey: Journey
    ) -> Routed:
        reason = _mode(endpoint, self.region.endpoints.get(journey.endpoint), journey)
        name = "" if reason else endpoint.id
        return Routed(route.id, target, name, endpoint.organization, reason)

    def _to_organization(
        self, route: Route, target: str, organization: str, journey: Journey
    ) -> Routed:
        source = self.region.endpoints.get(journey.endpoint)
        outgoing = self.region.outgoing_of(organization)
        fitting = [e for e in outgoing if not _mode(e, source, journey)]
        if len(fitting) == 1:
            return Routed(route.id, target, fitting[0].id, organization)
        if fitting:
            reason = SEVERAL_ENDPOINTS
        else:
            reason = _mode(outgoing[0], source, journey) if outgoing else NO_ENDPOINT
        return Routed(route.id, target, "", organization, reason)

    def _to_place(
        self, route: Route, place: str, translated: Translated, journey: Journey
    ) -> list[Routed]:
        """Follow who stands at a place of the message: one general practitioner, each recipient."""
        stated = translated.recipients.get(place, ())
        if place == GENERAL_PRACTITIONER:
            return [self._to_one(route, place, stated or journey.stored, journey)]
        if not stated:
            return [Routed(route.id, place, reason=UNKNOWN_RECIPIENT)]
        found = [self._to_one(route, place, (one,), journey) for one in stated]
        return list({(r.endpoint, r.organization, r.reason): r for r in found}.values())

    def _to_one(
        self,
        route: Route,
        place: str,
        identifiers: Sequence[tuple[str, str]],
        journey: Journey,
    ) -> Routed:
        followed = tuple(f"{system}|{value}" for system, value in identifiers)
        organizations = self.directory.one_of(identifiers)
        if len(organizations) != 1:
            reason = SEVERAL_RECIPIENTS if organizations else UNKNOWN_RECIPIENT
            return Routed(route.id, place, reason=reason, followed=followed)
        (organization,) = organizations
        found = self._to_organization(route, place, organization, journey)
        return Routed(route.id, place, found.endpoint, organization, found.reason, followed)


def _mode(endpoint: Endpoint, source: Endpoint | None, journey: Journey) -> str:
    """Say why the modes forbid it: test messages go to test endpoints, and nothing else does."""
    if source is not None and source.mode == "shadow":
        return SHADOW
    if endpoint.mode == "shadow":
        return SHADOW
    if journey.test != (endpoint.mode == "test"):
        return TEST_ONLY if journey.test else LIVE_ONLY
    return ""


def unrouted_reason(routed: Sequence[Routed]) -> str:
    """Return why a message needs a look, "" when everything went where it should.

    Any destination that could not be found counts, even when others were.
    """
    if not routed:
        return NO_ROUTE
    open_reasons = [r.reason for r in routed if r.reason and r.reason not in INTENDED]
    return open_reasons[0] if open_reasons else ""


def explain(
    translated: Translated,
    region: Region,
    *,
    endpoint: str,
    namespace: str,
    stored: Mapping[str, str] | None = None,
) -> list[Routed]:
    """Explain where a message would go; `stored` are the stored Patient's practitioners."""
    source = region.endpoints.get(endpoint)
    journey = Journey(
        endpoint,
        test=source is not None and source.mode == "test",
        stored=tuple((stored or {}).items()),
    )
    return RouteTable.of(region, namespace).explain(translated, journey)
