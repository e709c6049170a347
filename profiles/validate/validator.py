"""The validator: structure, rules and profiles of FHIR R4 resources.

https://hl7.org/fhir/R4/validation.html. Structure comes from compiled schemas (structure.py), rules
from the types' definitions (types.py), profiles from packages (layers.py).

    validator = Validator(open_packages(paths), terminology)
    issues = validator.validate(resource, ["https://gematik.de/fhir/isik/…/ISiKPatient"])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from profiles.fhirpath import Services
from profiles.fhirpath.context import NO_SERVICES, Sliced
from profiles.issue import Issue
from profiles.packages import Packages
from profiles.snapshot.snapshots import Snapshots
from profiles.terminology import Terminology
from profiles.validate.codes import Codes
from profiles.validate.depth import TOO_DEEP, is_too_deep
from profiles.validate.extensions import extension_check
from profiles.validate.layers import Layers
from profiles.validate.limits import UCUM
from profiles.validate.listed_codes import listed_codes_check
from profiles.validate.members import Item, Json
from profiles.validate.named_slices import named_slice
from profiles.validate.places import written
from profiles.validate.policy import DEFAULT, Policy
from profiles.validate.questionnaire_response import questionnaire_response_issues
from profiles.validate.resolver import Resolver
from profiles.validate.run import Check, Run
from profiles.validate.structure import resource_types, structure
from profiles.validate.structure_definition import structure_definition_check
from profiles.validate.told import MORE, Enough, Told
from profiles.validate.types import Plans
from profiles.validate.vital_signs import look_at_vital_sign, vital_sign_profiles

_WRONG = frozenset({"error", "fatal"})


class Validator:
    """Validates against core and the profiles of packages; not for several threads at once."""

    def __init__(
        self,
        packages: Packages,
        terminology: Terminology | None = None,
        *,
        policy: Policy = DEFAULT,
    ) -> None:
        """Take the packages that are open, and who answers about codes (what they define)."""
        self._packages = packages
        self._policy = policy
        self._codes = Codes(terminology or Terminology(packages))
        self._layers = Layers(Snapshots(packages), self._codes)
        listed = listed_codes_check(self._codes)
        more: dict[str, tuple[Check, ...]] = {
            "ConceptMap": (listed,),
            "ValueSet": (listed,),
            "Extension": (extension_check(self._layers),),
            "QuestionnaireResponse": (self._answers,),
            "Coding": (self._coding,),
            "Quantity": (self._coding,),
            "StructureDefinition": (structure_definition_check(self._layers),),
        }
        self._plans = Plans(self._layers, self._inside, more)

    def validate(
        self, resource: Any, profiles: Iterable[str] = (), *, policy: Policy | None = None
    ) -> list[Issue]:
        """Return everything that is wrong with a resource, the resources in it included.

        `profiles` are canonical URLs to validate against besides those the resources claim in
        `meta.profile`; `policy` takes the place of the validator's own. Places are FHIRPath
        expressions; no text repeats a value. After 10,000
        issues one more says that the rest was not looked at.
        """
        if is_too_deep(resource):
            return [Issue("error", "too-costly", TOO_DEEP)]
        issues = structure(resource)
        kind = resource.get("resourceType") if isinstance(resource, dict) else ""
        if not isinstance(kind, str) or kind not in resource_types():
            return issues
        run = self._begin(resource, kind, policy or self._policy)
        try:
            self._check(Item(resource, None, kind, kind), run, profiles)
        except Enough:
            issues.append(Issue("error", "too-costly", MORE, kind))
        return list(dict.fromkeys([*issues, *run.issues]))

    def type_of(self, canonical: str) -> str:
        """Return the type a profile is about; empty when the profile is not at hand."""
        profile = self._layers.profile(canonical)
        return profile.type if profile is not None else ""

    def fault(self, canonical: str) -> str:
        """Say why a profile cannot be used; empty when it can."""
        known = self._layers.profile(canonical) is not None
        return "" if known else self._layers.fault(canonical)

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        """Answer FHIRPath's conformsTo(): of a resource with all that core asks of it.

        None when there is no such profile.
        """
        found = self._layers.profile(profile)
        if found is None:
            return None
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if isinstance(kind, str):
            return not any(one.severity in _WRONG for one in self.validate(value, [profile]))
        run = self._begin({}, found.type, self._policy)
        return self._layers.conforms(profile, Item(value, None, found.type, found.type), run)

    def slice(self, structure: str, name: str) -> Sliced | None:
        """Answer FHIRPath's slice(); None when there is no such structure or slice."""

        def begin(resource: Any) -> Run:
            around = resource if isinstance(resource, dict) else {}
            return self._begin(around, str(around.get("resourceType", "")), self._policy)

        return named_slice(self._layers, structure, name, begin)

    def _begin(self, resource: Json, kind: str, policy: Policy) -> Run:
        resolver = Resolver(resource, kind)
        run = Run(resource, kind, resource, kind, resolver, "", NO_SERVICES, policy, Told())
        run.services = Services(resolve=run.target, terminology=self._codes)
        return run

    def _check(self, item: Item, run: Run, profiles: Iterable[str] = ()) -> None:
        named = tuple(profiles)
        asked = dict.fromkeys([*named, *_claimed(item.value)])
        for canonical in asked:
            if self._layers.profile(canonical) is None:
                run.other |= self._layers.others(canonical)
        self._plans.of(item.type).walk(item.value, item.place, run)
        for canonical in asked:
            self._against(canonical, item, run, by_caller=canonical in named)
        if item.type == "Observation":
            for canonical in vital_sign_profiles(item.value):
                if canonical not in asked:
                    layer = self._layers.layer(canonical) or ()
                    look_at_vital_sign(layer, canonical, item, run)

    def _against(self, canonical: str, item: Item, run: Run, *, by_caller: bool) -> None:
        profile = self._layers.profile(canonical)
        if profile is None:
            text = f"the profile {canonical} {self._layers.fault(canonical)}"
            is_broken = self._layers.is_broken(canonical)
            # Who names a profile wants to know of nothing less; a broken definition is wrong.
            severity = "error" if by_caller or is_broken else run.policy.claim
            code = "structure" if is_broken else "not-found"
            place = item.place if by_caller else (item.place, "meta")
            run.once(canonical, severity, code, text, place)
        elif profile.type != item.type:
            text = f"the profile {canonical} is not about {item.type}"
            run.report("error", "structure", text, item.place)
        else:
            for check in self._layers.layer(canonical) or ():
                check(item, run)

    def _coding(self, item: Item, run: Run) -> None:
        """Check that a code is one of its code system, where that is fully at hand."""
        value = item.value
        system, code = value.get("system"), value.get("code")
        if not isinstance(system, str) or not isinstance(code, str):
            return
        if system == UCUM and not code.isascii():
            text = "a UCUM code is written in ASCII, its annotations too"
            run.report("error", "code-invalid", text, (item.place, "code"))
            return
        version, display = _text(value, "version"), _text(value, "display")
        fault = self._codes.fault(system, code, version=version, display=display)
        if fault == "unknown-code":
            text = f"the code system {system} does not define this code"
            run.report("warning", "code-invalid", text, (item.place, "code"))
        elif fault == "wrong-display":
            text = f"the code system {system} does not have this display for the code"
            run.report(run.policy.display, "code-invalid", text, (item.place, "display"))

    def _answers(self, item: Item, run: Run) -> None:
        """Check a QuestionnaireResponse against its Questionnaire."""
        issues = questionnaire_response_issues(
            item.value, written(item.place), self._definition, self._codes.member
        )
        run.issues.extend(issues)

    def _definition(self, canonical: str) -> Json | None:
        found = self._packages.find(canonical)
        return found.resource() if found is not None and found.exact else None

    def _inside(self, item: Item, run: Run) -> None:
        """Check a resource in a resource: contained, an entry, a parameter."""
        value = item.value
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in resource_types():
            return  # the structure check says so
        self._check(Item(value, None, kind, item.place), run.within(item))


def _text(value: Json, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _claimed(resource: Json) -> list[str]:
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    return [one for one in claimed if isinstance(one, str)] if isinstance(claimed, list) else []
