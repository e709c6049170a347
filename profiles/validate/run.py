"""One validation in progress: what was found, and which resource it is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from profiles.fhirpath import Services
from profiles.issue import Issue, Severity
from profiles.validate.members import Item, Json
from profiles.validate.places import Place, written
from profiles.validate.policy import DEFAULT, Policy
from profiles.validate.resolver import Placed, Resolver

#: Looks at one value and reports what is wrong with it.
Check = Callable[[Item, "Run"], None]


class Terminology(Protocol):
    """What a validator asks about codes."""

    def member(self, value_set: str, system: str, code: str) -> bool | None:
        """Say whether a code is in a value set; None when that cannot be decided."""

    def member_of(self, coded: Any, value_set: str) -> bool | None:
        """Say whether a code, Coding or CodeableConcept is in a value set."""

    def subsumes(self, general: Any, special: Any) -> bool | None:
        """Say whether one Coding or CodeableConcept subsumes another."""


@dataclass(slots=True)
class Run:
    """The state of one validation; one for each resource, sharing what was found."""

    #: Innermost resource and its type, the resource it is contained in (or itself).
    resource: Json
    type: str
    root: Json
    place: Place
    #: What references lead to, from the entry with this full URL (empty outside of a Bundle).
    resolver: Resolver
    full_url: str
    #: What FHIRPath asks.
    services: Services
    policy: Policy = DEFAULT
    issues: list[Issue] = field(default_factory=list)
    #: (id of a value, profile) that are being looked at: resources may point at each other.
    open: set[tuple[int, str]] = field(default_factory=set)
    #: (id of an object, profile or constraint) looked at: several profiles may ask the same.
    done: set[tuple[int, str]] = field(default_factory=set)
    #: Systems and profiles already reported as unknown: once is enough.
    told: set[str] = field(default_factory=set)
    #: Expressions that took too long on one value: on the others they are not tried again.
    costly: set[str] = field(default_factory=set)
    #: How often nobody could say whether a code is in the value set that makes a slice.
    unsure: int = 0
    #: Packages that have a claimed profile in another version only: what else they define may
    #: differ as well.
    other: set[str] = field(default_factory=set)
    #: id of a root → ids of what it contains.
    _contained: dict[int, frozenset[str]] = field(default_factory=dict)

    @property
    def contained(self) -> frozenset[str]:
        """Ids of what the root contains."""
        ids = self._contained.get(id(self.root))
        if ids is None:
            listed = self.root.get("contained")
            ids = self._contained[id(self.root)] = frozenset(
                one["id"]
                for one in (listed if isinstance(listed, list) else ())
                if isinstance(one, dict) and isinstance(one.get("id"), str)
            )
        return ids

    def report(self, severity: Severity, code: str, text: str, place: Place) -> None:
        """Note an issue."""
        self.issues.append(Issue(severity, code, text, written(place)))

    def resolve(self, reference: str) -> Placed | None:
        """Return what a reference leads to; None when it is not at hand."""
        return self.resolver.resolve(reference, self.full_url)

    def target(self, reference: str) -> Json | None:
        """Return the resource a reference leads to, as FHIRPath asks for it."""
        found = self.resolve(reference)
        return found[0] if found is not None else None

    def within(self, item: Item) -> Run:
        """Return the run as it is inside of a resource: what references and %resource mean there.

        References mean what they mean in the Bundle around a resource, or in itself; what is
        contained belongs to its container.
        """
        value = item.value
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if not isinstance(kind, str) or value is self.resource:
            return self
        inner = replace(self, resource=value, type=kind, root=value, place=item.place)
        container = next((one for one in (self.resource, self.root) if _contains(one, value)), None)
        if container is not None:
            inner.root = container
            return inner
        inner.full_url = self.resolver.full_url_of(value)
        if not inner.full_url or kind == "Bundle":
            inner.full_url = ""
            inner.resolver = Resolver(value, written(item.place))
        inner.services = replace(self.services, resolve=inner.target)
        return inner

    def once(self, subject: str, severity: Severity, code: str, text: str, place: Place) -> None:
        """Note an issue about something outside of the resource, the first time it comes up."""
        if subject not in self.told:
            self.told.add(subject)
            self.report(severity, code, text, place)

    def is_new(self, value: object, question: str) -> bool:
        """Say whether a question is put to an object for the first time; texts are no objects."""
        if type(value) is not dict:
            return True
        mark = (id(value), question)
        if mark in self.done:
            return False
        self.done.add(mark)
        return True

    def quietly(self, check: Check, item: Item) -> bool:
        """Say whether a value passes a check, without noting anything."""
        trial = replace(self, issues=[], told=set(self.told), done=set())
        check(item, trial)
        return not any(issue.severity in {"error", "fatal"} for issue in trial.issues)


def _contains(container: Json, resource: Json) -> bool:
    listed = container.get("contained")
    return isinstance(listed, list) and any(one is resource for one in listed)
