"""Which routes and label rules a message meets, in memory, compiled once per configuration.

Criteria are FHIR search criteria as in Subscription.criteria
(https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.criteria).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.domain.region import Region
from gateway.pipeline.translated import Match
from profiles.search import Criteria, parse_criteria

Resource = dict[str, Any]

#: Elements and values that make a document or result preliminary, by resource type.
PRELIMINARY: dict[str, tuple[str, frozenset[str]]] = {
    "DocumentReference": ("docStatus", frozenset({"preliminary"})),
    "Composition": ("status", frozenset({"preliminary"})),
    "DiagnosticReport": ("status", frozenset({"registered", "partial", "preliminary"})),
    "Observation": ("status", frozenset({"registered", "preliminary"})),
}


def preliminary(resource: Resource) -> bool:
    """Say whether a document or result is not final yet."""
    rule = PRELIMINARY.get(resource["resourceType"])
    return rule is not None and resource.get(rule[0]) in rule[1]


@dataclass(frozen=True, slots=True)
class RouteCriteria:
    """The criteria of all routes of a region, by the endpoint that listens."""

    #: Endpoint id → resource type → (route id, criteria).
    listening: dict[str, dict[str, tuple[tuple[str, Criteria], ...]]]

    @classmethod
    def of(cls, region: Region) -> RouteCriteria:
        """Compile the criteria; raises NotSupported for what search does not evaluate."""
        listening: dict[str, dict[str, tuple[tuple[str, Criteria], ...]]] = {}
        for route in region.routes.values():
            criteria = parse_criteria(route.criteria)
            sources = route.sources or tuple(e.id for e in region.incoming())
            for source in sources:
                by_type = listening.setdefault(source, {})
                kind = criteria.resource_type
                by_type[kind] = (*by_type.get(kind, ()), (route.id, criteria))
        return cls(listening)

    def matches(self, endpoint: str, resources: Iterable[Resource]) -> tuple[Match, ...]:
        """Return the routes some of the resources meet, in the order they were met."""
        by_type = self.listening.get(endpoint)
        if not by_type:
            return ()
        met: dict[str, list[str]] = {}
        for resource in resources:
            for route, criteria in by_type.get(resource["resourceType"], ()):
                if criteria.matches(resource):
                    name = f"{resource['resourceType']}/{resource['id']}"
                    met.setdefault(route, []).append(name)
        return tuple(Match(route, tuple(names)) for route, names in met.items())
