"""Snapshots of all packages that are open: published or generated, each made once.

The door for validators:

    snapshots = Snapshots(open_packages(paths, cache_folder=folder))
    patient = snapshots.profile("https://fhir.kbv.de/StructureDefinition/KBV_PR_FOR_Patient|1.3")
    patient.root.child("identifier").slices

What a profile refers to depends on its package: pass `requester=snapshots.package_of(profile)`.
"""

from __future__ import annotations

from profiles.issue import Issue, NotConformant
from profiles.packages import Found, Package, Packages
from profiles.snapshot.choices import CORE_URL
from profiles.snapshot.compile_profile import compile_profile
from profiles.snapshot.elements import Profile
from profiles.snapshot.generate import generate
from profiles.snapshot.soundness import check_structure
from profiles.snapshot.tree import Json

Key = tuple[str, str]
#: Profiles derived from each other or walking into each other; bounds recursion.
_LONGEST_CHAIN = 40


class Snapshots:
    """StructureDefinitions with snapshots, by canonical URL. Not for several threads at once."""

    def __init__(self, packages: Packages, *, published: bool = True) -> None:
        """Take the published snapshots where there are any, or (`published=False`) none of them.

        Those of core are facts and always taken.
        """
        self.packages = packages
        self._published = published
        self._structures: dict[Key, Json] = {}
        self._profiles: dict[Key, Profile] = {}
        self._found: dict[tuple[str, str], Found] = {}
        self._issues: dict[Key, tuple[Issue, ...]] = {}
        #: What is being generated, from the outside in.
        self._open: list[Key] = []

    def profile(self, canonical: str, *, requester: Package | None = None) -> Profile:
        """Return a profile or type by canonical URL, compiled to a tree of elements.

        Raises NotConformant that names what is missing: the profile, its base, a type it walks
        into; and when a profile depends on its own snapshot.
        """
        found = self.find(canonical, requester)
        key = _key(found)
        if key not in self._profiles:
            self._profiles[key] = compile_profile(self.of(found), found.package.key)
        return self._profiles[key]

    def type(self, name: str) -> Profile:
        """Return core's definition of a type by its name: `Patient`, `HumanName`, `dateTime`."""
        return self.profile(f"{CORE_URL}{name}")

    def package_of(self, profile: Profile) -> Package | None:
        """Return the package a profile comes from, whose dependencies its references go by."""
        name, _, version = profile.package.rpartition("@")
        return self.packages.package(name, version)

    def issues(self, profile: Profile) -> tuple[Issue, ...]:
        """Return what was odd about a profile's differential; nothing for published snapshots."""
        found = self.find(profile.canonical, self.package_of(profile))
        return self._issues.get(_key(found), ())

    def find(self, canonical: str, requester: Package | None = None) -> Found:
        """Return the StructureDefinition a canonical URL means.

        Raises NotConformant that names it when there is none.
        """
        asked = (canonical, requester.key if requester else "")
        if asked not in self._found:
            found = self.packages.find(
                canonical, requester=requester, resource_type="StructureDefinition"
            )
            if found is None:
                text = f"there is no StructureDefinition {canonical} among the packages"
                raise NotConformant(text, issues=(Issue("error", "not-found", text),))
            self._found[asked] = found
        return self._found[asked]

    def structure(self, canonical: str, requester: Package | None = None) -> Json:
        """Return a compact StructureDefinition with snapshot; shared, not to be changed.

        Raises NotConformant as `profile` does.
        """
        return self.of(self.find(canonical, requester))

    def of(self, found: Found) -> Json:
        """Return a found StructureDefinition with its snapshot. Raises NotConformant."""
        key = _key(found)
        if key not in self._structures:
            self._structures[key] = self._with_snapshot(key, found)
        return self._structures[key]

    def _with_snapshot(self, key: Key, found: Found) -> Json:
        structure = found.resource()
        if found.package.place == "core":
            return structure
        check_structure(structure, found.canonical)
        if structure.get("snapshot", {}).get("element") and self._published:
            return structure
        if key in self._open:
            chain = " → ".join(name for _, name in [*self._open[self._open.index(key) :], key])
            text = f"{found.package.key}: a profile depends on its own snapshot: {chain}"
            raise NotConformant(text, issues=(Issue("error", "structure", text),))
        if len(self._open) >= _LONGEST_CHAIN:
            raise NotConformant(f"{found.canonical}: too many profiles stand on each other")
        self._open.append(key)
        try:
            made = generate(structure, lambda url: self.structure(url, found.package))
        finally:
            self._open.pop()
        self._issues[key] = made.issues
        return structure | {"snapshot": {"element": made.elements}}


def _key(found: Found) -> Key:
    return (found.package.key, found.entry.filename)
