"""Validate: what a message says, against FHIR and the region's profiles, as its endpoint wants it.

Structure is checked always (`translate`); this is the rest: rules, invariants, codes, profiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.domain.region import Endpoint, Region
from gateway.pipeline.catalogues import Catalogues
from gateway.pipeline.places import placed
from gateway.pipeline.translated import Job
from profiles.issue import Issue, NotConformant
from profiles.validate.policy import Policy

if TYPE_CHECKING:
    from profiles.validate.validator import Validator

#: Endpoint.validation: nothing is looked at.
NONE = "none"
#: What an issue has to be for the endpoint's policy to act.
_WRONG = frozenset({"error", "fatal"})


@dataclass(frozen=True, slots=True)
class Findings:
    """What validation found about one message."""

    #: Everything worth telling.
    issues: tuple[Issue, ...] = ()
    #: What the policy acts on: "" lets the message pass, else quarantine or reject.
    action: str = ""


NOTHING = Findings()


@dataclass(frozen=True, slots=True)
class Validation:
    """Validates for the endpoints of a region; opens packages only when some endpoint wants it."""

    validator: Validator | None = None
    #: Endpoint id → resource type → profiles.
    profiles: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    #: Endpoint id → how serious it takes what the specification leaves open.
    policies: Mapping[str, Policy] = field(default_factory=dict)

    @classmethod
    def of(cls, region: Region, packages: str, catalogues: Catalogues | None = None) -> Validation:
        """Prepare a region's validation.

        Raises NotConformant for packages and catalogues that cannot be opened, and for profiles
        nobody defines.
        """
        wanting = [one for one in region.incoming() if one.validation != NONE]
        if not wanting:
            return cls()
        # Who validates nothing loads neither FHIRPath nor terminology.
        from profiles.packages import PackageFolder, open_packages
        from profiles.validate.validator import Validator

        folder = PackageFolder(Path(packages)) if packages else None
        opened = folder.open(tolerate_missing=True) if folder else open_packages([])
        terminology = (catalogues or Catalogues()).terminology(opened)
        validator = Validator(opened, terminology)
        return cls(
            validator,
            {one.id: _by_type(one, validator) for one in wanting},
            {one.id: Policy.strict(one.strict) for one in wanting},
        )

    def look(
        self, endpoint: Endpoint, resources: Iterable[dict[str, Any] | None], job: Job
    ) -> Findings:
        """Validate what each change of one message brings to an endpoint, if anything."""
        if self.validator is None or endpoint.validation == NONE:
            return NOTHING
        profiles, policy = self.profiles[endpoint.id], self.policies[endpoint.id]
        found = [
            (number, issue)
            for number, one in enumerate(resources)
            if one is not None
            for issue in self.validator.validate(
                one, profiles.get(one["resourceType"], ()), policy=policy
            )
            if issue.severity != "information"
        ]
        wrong = any(issue.severity in _WRONG for _, issue in found)
        action = endpoint.validation if wrong and endpoint.validation != "warn" else ""
        return Findings(placed(found, job), action)


def _by_type(endpoint: Endpoint, validator: Validator) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for canonical in endpoint.profiles:
        kind = validator.type_of(canonical)
        if not kind:
            raise NotConformant(
                f"endpoint {endpoint.id}: the profile {canonical} {validator.fault(canonical)}"
            )
        found[kind] = (*found.get(kind, ()), canonical)
    return found
