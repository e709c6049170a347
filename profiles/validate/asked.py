"""What the FHIRPath of a profile asks, memberOf() and conformsTo(), as its package means it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from profiles.fhirpath import Services
from profiles.fhirpath.context import Sliced
from profiles.snapshot.elements import Profile
from profiles.validate.members import Item
from profiles.validate.named_slices import named_slice
from profiles.validate.places import Place
from profiles.validate.run import Run

if TYPE_CHECKING:
    from profiles.validate.layers import Layers

#: Functions that ask for something a package may mean in a version of its own.
_ASKING = ("memberOf", "conformsTo", "subsumes", "subsumedBy", "slice")


def asks(source: str) -> bool:
    """Say whether an expression asks about codes or profiles."""
    return any(name in source for name in _ASKING)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked for a profile."""

    layers: Layers
    profile: Profile | None

    @property
    def package(self) -> str:
        """Name and version of the package."""
        return self.profile.package if self.profile is not None else ""

    def services(self, run: Run, place: Place) -> Services:
        """Return the run's services, with answers for this profile."""
        conformance = _Conformance(self, run, place)
        return replace(
            run.services, terminology=self.layers.codes(self.profile), profiles=conformance
        )


@dataclass(frozen=True, slots=True)
class _Conformance:
    asked: Asked
    run: Run
    place: Place

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        """Say whether a JSON element conforms to a profile; None when the profile is unknown."""
        layers, requester = self.asked.layers, self.asked.profile
        found = layers.profile(profile, requester)
        if found is None:
            return None
        stated = value.get("resourceType") if isinstance(value, dict) else None
        item = Item(value, None, str(stated or found.type), self.place)
        return layers.conforms(profile, item, self.run, requester)

    def slice(self, structure: str, name: str) -> Sliced | None:
        """Return a slice of a structure (canonical); None when either is unknown."""
        layers, requester = self.asked.layers, self.asked.profile
        return named_slice(layers, structure, name, lambda _resource: self.run, requester)
