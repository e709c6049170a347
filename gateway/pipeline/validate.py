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
from gateway.pipeline.places import in_lines, placed
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
        self,
        endpoint: Endpoint,
        resources: Iterable[dict[str, Any] | None],
        job: Job,
        whole: dict[str, Any] | None = None,
    ) -> Findings:
        """Validate what each change of one message brings to an endpoint, if anything.

        What goes on as a `whole` is validated so, by its own ids and references; of its resources
        only those the endpoint asks more of than they claim are looked at once more.
        """
        if self.validator is None or endpoint.validation == NONE:
            return NOTHING
        asked = self.profiles[endpoint.id]
        found = [
            (number, issue)
            for number, one in enumerate(resources)
            if one is not None and (whole is None or one["resourceType"] in asked)
            for issue in self._issues(endpoint, one)
        ]
        around = self._issues(endpoint, whole) if whole is not None else []
        wrong = any(i.severity in _WRONG for i in (*around, *(issue for _, issue in found)))
        action = endpoint.validation if wrong and endpoint.validation != "warn" else ""
        issues = (*in_lines(around, job), *placed(found, job))
        return Findings(tuple(dict.fromkeys(issues)), action)

    def _issues(self, endpoint: Endpoint, resource: dict[str, Any]) -> list[Issue]:
        if self.validator is None:
            return []
        profiles = self.profiles[endpoint.id].get(resource["resourceType"], ())
        policy = self.policies[endpoint.id]
        found = self.validator.validate(resource, profiles, policy=policy)
        return [issue for issue in found if issue.severity != "information"]


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
