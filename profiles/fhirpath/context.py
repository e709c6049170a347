"""One evaluation: its variables, its services, and how much it may still cost.

https://hl7.org/fhirpath/N1/#environment-variables,
https://hl7.org/fhir/R4/fhirpath.html#variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple, Protocol

from profiles.fhirpath.errors import FHIRPathLimitError
from profiles.fhirpath.items import Items, Node, Type
from profiles.fhirpath.temporal import Temporal, now_as_temporal

#: Steps between two looks at the clock.
_SLICE = 20_000


class Terminology(Protocol):
    """Answers about codes; None means unknown, which gives an empty result."""

    def member_of(self, coded: Any, value_set: str) -> bool | None:
        """Say whether a code, Coding or CodeableConcept (JSON) is in a value set."""

    def subsumes(self, general: Any, special: Any) -> bool | None:
        """Say whether the Coding or CodeableConcept `general` subsumes `special`."""


class Sliced(NamedTuple):
    """A slice that a structure defines."""

    #: Path of the sliced element, without `[x]`: `Patient.identifier`.
    path: str
    #: Says whether an element is of the slice; takes the resource it stands in (JSON).
    holds: Callable[[Node, Any], bool]


class Profiles(Protocol):
    """Answers about profiles."""

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        """Say whether a JSON element conforms to a profile; None when the profile is unknown."""

    def slice(self, structure: str, name: str) -> Sliced | None:
        """Return a slice of a structure (canonical); None when either is unknown."""


#: Reference (`Patient/1`, `#p`, an absolute URL) → the JSON resource, or None.
Resolver = Callable[[str], Any]
#: Takes the name and the (plain) values of a trace().
Tracer = Callable[[str, list[Any]], None]


@dataclass(frozen=True, slots=True)
class Services:
    """What an evaluation asks the world outside of the resource; all are optional."""

    resolve: Resolver | None = None
    terminology: Terminology | None = None
    profiles: Profiles | None = None
    trace: Tracer | None = None
    #: The clock for now() and today(); the system's by default.
    clock: Callable[[], datetime] | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one evaluation may cost."""

    #: Items visited, all steps together.
    steps: int = 2_000_000
    #: Seconds.
    seconds: float = 5.0
    #: Characters of one text that is built.
    text: int = 2_000_000


NO_SERVICES = Services()
DEFAULT_BOUNDS = Bounds()


@dataclass(slots=True)
class Evaluation:
    """The state of one evaluation; made anew for each."""

    context: Items
    resource: Items
    root_resource: Items
    #: What callers and defineVariable() added.
    variables: Mapping[str, Any]
    #: Type of data without a definition.
    untyped: Type
    services: Services = NO_SERVICES
    bounds: Bounds = DEFAULT_BOUNDS
    #: `$index` and `$total` of the innermost function.
    index: int = 0
    total: Items = field(default_factory=list)
    #: Bundles that were searched: identity of the JSON → reference → resource.
    bundles: dict[int, dict[str, Node]] | None = None
    #: Steps until the clock is looked at; counts down.
    budget: int = _SLICE
    _used: int = 0
    _deadline: float = 0.0
    _now: Temporal | None = None

    def spend(self, steps: int) -> None:
        """Count visited items; raises FHIRPathLimitError when it is too many or takes too long."""
        self.budget -= steps
        if self.budget < 0:
            self._look_at_the_clock()

    def _look_at_the_clock(self) -> None:
        self._used += _SLICE - self.budget
        self.budget = _SLICE
        now = monotonic()
        if not self._deadline:
            self._deadline = now + self.bounds.seconds
        if self._used > self.bounds.steps or now > self._deadline:
            raise FHIRPathLimitError("the expression takes too many steps on this resource")

    def check_text(self, length: int) -> None:
        """Refuse to build a text that is too long."""
        if length > self.bounds.text:
            raise FHIRPathLimitError("the expression builds a text that is too long")

    def now(self) -> Temporal:
        """Return the moment of this evaluation: the same however often it is asked."""
        if self._now is None:
            clock = self.services.clock
            moment = clock() if clock is not None else datetime.now().astimezone()
            self._now = now_as_temporal(moment)
        return self._now
