"""Profiles compiled to layers: what a profile asks for beyond the type it constrains.

The structure of the type itself is the schema's business (structure.py) and its rules the type
plans' (types.py); a layer holds only differences, so a profile costs what it adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from profiles.issue import Issue, NotConformant
from profiles.snapshot.elements import Element, Profile
from profiles.snapshot.snapshots import Snapshots
from profiles.validate.asked import Asked
from profiles.validate.bindings import binding_check
from profiles.validate.codes import Codes
from profiles.validate.compile_layer import CompileLayer
from profiles.validate.discriminators import Discriminators
from profiles.validate.invariants import invariant_check
from profiles.validate.members import Item
from profiles.validate.run import Check, Run

#: Canonical URLs remembered; resources may claim any.
_MOST_KEPT = 10_000
Conforms = Callable[[str, Item, Run], bool]
#: A profile with its layer and what tells it from its versions.
_Followed = tuple[Profile | None, tuple[Check, ...], str]


class Layers:
    """Compiles and keeps layers; not for several threads at once."""

    def __init__(self, snapshots: Snapshots, codes: Codes) -> None:
        """Take where profiles come from and who answers about codes."""
        self.snapshots = snapshots
        self._codes = codes
        self._layers: dict[str, tuple[Check, ...]] = {}
        self._profiles: dict[tuple[str, str], Profile | None] = {}
        #: (canonical URL, package that asks) → what values are checked against.
        self._followed: dict[tuple[str, str], _Followed] = {}
        #: Canonical URL of a profile that is there but of no use → why.
        self._faults: dict[str, str] = {}
        self._broken: set[str] = set()

    def conforms(
        self, canonical: str, item: Item, run: Run, requester: Profile | None = None
    ) -> bool:
        """Say whether a value conforms to a profile, without reporting; True when unknown."""
        profile, layer = self.profile(canonical, requester), self.layer(canonical, requester)
        if profile is None or layer is None:
            return True
        mark = (id(item.value), _key(profile))
        if mark in run.open:
            return True
        if not _is_about(profile, item):
            return False
        run.open.add(mark)
        try:
            return run.within(item).quietly(lambda one, trial: self.run(layer, one, trial), item)
        finally:
            run.open.discard(mark)

    def run(self, layer: tuple[Check, ...], item: Item, run: Run) -> None:
        """Check a value against a layer."""
        for check in layer:
            check(item, run)

    def follow(self, canonical: str, requester: Profile, item: Item, run: Run) -> None:
        """Check a value against the one profile its type names, unless that is going on."""
        followed = self._followed.get((canonical, requester.package))
        if followed is None:
            followed = self._follow(canonical, requester)
        profile, layer, key = followed
        if item.type == "Extension" and profile is self.profile(str(item.value.get("url"))):
            return  # every extension is checked against what its URL defines
        if profile is not None and not _is_about(profile, item):
            run.report("error", "structure", f"{profile.type} is wanted here", item.place)
            return
        mark = (id(item.value), key)
        if layer and mark not in run.open and run.is_new(item.value, key):
            run.open.add(mark)
            self.run(layer, item, run)
            run.open.discard(mark)

    def _follow(self, canonical: str, requester: Profile) -> _Followed:
        """Look up what a profile of a type is, and remember it."""
        profile = self.profile(canonical, requester)
        layer = self.layer(canonical, requester) or ()
        key = _key(profile) if profile is not None else ""
        if len(self._followed) >= _MOST_KEPT:
            self._followed.clear()
        found = self._followed[canonical, requester.package] = profile, layer, key
        return found

    def layer(self, canonical: str, requester: Profile | None = None) -> tuple[Check, ...] | None:
        """Return a profile's layer; None when there is no such profile."""
        profile = self.profile(canonical, requester)
        if profile is None:
            return None
        key = _key(profile)
        if key not in self._layers:
            # A profile may speak of itself: what is found meanwhile is empty.
            self._layers[key] = ()
            self._layers[key] = tuple(CompileLayer(self, profile).checks())
        return self._layers[key]

    def profile(self, canonical: str, requester: Profile | None = None) -> Profile | None:
        """Return a profile as its package means it; None when nobody defines it in this version."""
        asked = (canonical, requester.package if requester is not None else "")
        if asked not in self._profiles:
            if len(self._profiles) >= _MOST_KEPT:
                self._profiles.clear()
            self._profiles[asked] = self._find(canonical, requester)
        return self._profiles[asked]

    def _find(self, canonical: str, requester: Profile | None) -> Profile | None:
        url, _, element = canonical.partition("#")
        if url and element:
            return _element_of(self.profile(url, requester), element)
        package = self.snapshots.package_of(requester) if requester is not None else None
        try:
            if not self.snapshots.find(canonical, package).exact:
                return None
        except NotConformant:
            return None
        try:
            return self.snapshots.profile(canonical, requester=package)
        except NotConformant as error:
            self._faults[canonical] = f"cannot be used: {error}"
            if all(one.code != "not-found" for one in error.issues):
                self._broken.add(canonical)
            return None

    def others(self, canonical: str) -> frozenset[str]:
        """Return the names of packages that have a profile in other versions only."""
        try:
            return frozenset({self.snapshots.find(canonical).package.manifest.name})
        except NotConformant:
            return frozenset()

    def fault(self, canonical: str) -> str:
        """Say why there is no such profile."""
        return self._faults.get(canonical, "is not at hand")

    def is_broken(self, canonical: str) -> bool:
        """Say whether a profile is at hand and of no use by its own fault."""
        return canonical in self._broken

    def faults(self, profile: Profile) -> tuple[Issue, ...]:
        """Return what is wrong with the differential of a profile."""
        return self.snapshots.issues(profile)

    def discriminators(self, profile: Profile) -> Discriminators:
        """Return what tells the slices of a profile apart."""

        def root(canonical: str) -> Element | None:
            found = self.profile(canonical, profile)
            return found.root if found is not None else None

        def conforms(canonical: str, item: Item, run: Run) -> bool:
            return self.conforms(canonical, item, run, profile)

        return Discriminators(root, self.type_root, self.codes(profile), conforms)

    def codes(self, profile: Profile | None) -> Codes:
        """Return who answers about codes as a profile's package means them; core without one."""
        if profile is None:
            return self._codes
        return self._codes.within(self.snapshots.package_of(profile))

    def type_root(self, code: str) -> Element | None:
        """Return the definition of a core type; None for what core does not define."""
        try:
            return self.snapshots.type(code).root
        except NotConformant:
            return None

    def binding(self, element: Element, profile: Profile | None = None) -> Check | None:
        """Return what checks an element's binding, as `profile` (core without one) means it."""
        if element.binding is None:
            return None
        return binding_check(element.binding, self.codes(profile), element.base_path)

    def invariants(
        self, element: Element, known: frozenset[str], profile: Profile | None = None
    ) -> Iterator[Check]:
        """Return what checks the invariants of an element that nobody checks yet.

        Core's own without a profile.
        """
        asked = Asked(self, profile) if profile is not None else None
        for invariant in element.invariants:
            if invariant.key not in known:
                check = invariant_check(invariant, element, asked)
                if check is not None:
                    yield check


def _element_of(profile: Profile | None, element_id: str) -> Profile | None:
    """Return one element of a profile as a profile of its own (elementdefinition-profile-element).

    https://hl7.org/fhir/R4/extension-elementdefinition-profile-element.html
    """
    found = profile.element(element_id) if profile is not None else None
    if profile is None or found is None:
        return None
    code = found.types[0].code if found.types else ""
    return replace(profile, url=f"{profile.url}#{element_id}", type=code, root=found)


def _key(profile: Profile) -> str:
    """Return what tells a profile from its versions in other packages."""
    return f"{profile.package} {profile.canonical}"


def _is_about(profile: Profile, item: Item) -> bool:
    """Say whether a profile constrains the type of a value."""
    stated = item.value.get("resourceType") if isinstance(item.value, dict) else None
    kind = stated or item.type
    return not kind or profile.type in {kind, "Resource", "DomainResource"}
