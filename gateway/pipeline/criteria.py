"""Which routes and label rules a message meets, in memory, compiled once per configuration.

Criteria are FHIR search criteria as in Subscription.criteria
(https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.criteria). Of a Bundle they may
ask what it begins with (`Bundle?composition.type=…`): that stands inside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.domain.region import Region
from gateway.pipeline.translated import Match
from profiles.issue import NotSupported
from profiles.search import Criteria, parse_criteria

Resource = dict[str, Any]
BUNDLE = "Bundle"
#: Parameter of Bundle → what stands first in it (https://hl7.org/fhir/R4/bundle.html#search).
_FIRST = {"composition": "Composition", "message": "MessageHeader"}

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
class Criterion:
    """What one route asks of a resource."""

    own: Criteria
    #: What it asks of the first resource of a Bundle; None asks nothing.
    first: Criteria | None = None

    @classmethod
    def read(cls, text: str) -> Criterion:
        """Read the criteria of a route.

        Raises NotSupported and NotConformant as `profiles.search.parse_criteria` does.
        """
        kind, _, query = text.strip().partition("?")
        if kind != BUNDLE:
            return cls(parse_criteria(text))
        parts = [part.partition(".") for part in query.split("&")]
        chained = [(_FIRST[name], rest) for name, dot, rest in parts if dot and name in _FIRST]
        own = "&".join(
            f"{name}{dot}{rest}" for name, dot, rest in parts if not (dot and name in _FIRST)
        )
        read = parse_criteria(f"{BUNDLE}?{own}" if own else BUNDLE)
        kinds = {first for first, _ in chained}
        if len(kinds) > 1:
            raise NotSupported("a Bundle begins with a Composition or a MessageHeader, not both")
        if not kinds:
            return cls(read)
        return cls(read, parse_criteria(f"{kinds.pop()}?{'&'.join(rest for _, rest in chained)}"))

    @property
    def resource_type(self) -> str:
        """The type of resource it is about."""
        return self.own.resource_type

    def matches(self, resource: Resource) -> bool:
        """Say whether a resource meets it."""
        if self.first is not None and not self.first.matches(_first(resource)):
            return False
        return self.own.matches(resource)


def _first(bundle: Resource) -> Resource:
    """The resource a Bundle begins with; an empty one where there is none."""
    entries = bundle.get("entry")
    entry = entries[0] if isinstance(entries, list) and entries else None
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return resource if isinstance(resource, dict) else {}


@dataclass(frozen=True, slots=True)
class RouteCriteria:
    """The criteria of all routes of a region, by the endpoint that listens."""

    #: Endpoint id → resource type → (route id, criteria).
    listening: dict[str, dict[str, tuple[tuple[str, Criterion], ...]]]

    @classmethod
    def of(cls, region: Region) -> RouteCriteria:
        """Compile the criteria; raises NotSupported for what search does not evaluate."""
        listening: dict[str, dict[str, tuple[tuple[str, Criterion], ...]]] = {}
        for route in region.routes.values():
            criteria = Criterion.read(route.criteria)
            sources = route.sources or tuple(e.id for e in region.incoming())
            for source in sources:
                by_type = listening.setdefault(source, {})
                kind = criteria.resource_type
                by_type[kind] = (*by_type.get(kind, ()), (route.id, criteria))
        return cls(listening)

    def types(self, endpoint: str) -> Collection[str]:
        """Return the types of resources that routes of an endpoint ask about."""
        return self.listening.get(endpoint, {}).keys()

    def matches(
        self, endpoint: str, resources: Iterable[Resource], whole: Resource | None = None
    ) -> tuple[Match, ...]:
        """Return the routes some of the resources meet, in the order they were met.

        A route that asks for the Bundle they came in (`whole`) is about all of them.
        """
        by_type = self.listening.get(endpoint)
        if not by_type:
            return ()
        met: dict[str, list[str]] = {}
        if whole is not None and BUNDLE in by_type:
            resources = list(resources)
            named = [f"{one['resourceType']}/{one['id']}" for one in resources]
            met = {route: named for route, one in by_type[BUNDLE] if one.matches(whole)}
        for resource in resources:
            for route, criteria in by_type.get(resource["resourceType"], ()):
                if criteria.matches(resource):
                    name = f"{resource['resourceType']}/{resource['id']}"
                    met.setdefault(route, []).append(name)
        return tuple(Match(route, tuple(names)) for route, names in met.items())
