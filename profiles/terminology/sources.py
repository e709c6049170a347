"""Where code systems and value sets come from: stores first, then packages, then grammars.

https://hl7.org/fhir/R4/references.html#canonical. A complete code system wins over a fragment,
a fragment over one that is only named; among equals the asking package's own choice wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from profiles.packages import CORE, Found, Package, Packages
from profiles.packages.version import SortKey, sort_key
from profiles.terminology.built_in import BUILT_IN
from profiles.terminology.code_system import ResourceCodeSystem
from profiles.terminology.concept import CodeSystem, Concept, Designation, Json
from profiles.terminology.grammar import GRAMMARS
from profiles.terminology.naming import Naming, naming_systems

_EDITION = re.compile(r"/sct/(\d{6,18})/version/(\d{8})\Z")
_INTERNATIONAL = "900000000000207008"
_RANK = {"complete": 0, "fragment": 1, "example": 2, "not-present": 3, "supplement": 4}


class Sources:
    """Code systems and value sets by canonical URL, read once and kept."""

    def __init__(self, packages: Packages, stores: Iterable[CodeSystem] = ()) -> None:
        """Index what is there; nothing is parsed yet."""
        self.packages = packages
        self._stores: dict[str, list[CodeSystem]] = {}
        for one in stores:
            self._stores.setdefault(one.header.url, []).append(one)
        self._read: dict[tuple[str, str], ResourceCodeSystem] = {}
        self._resolved: dict[tuple[str, str, str], CodeSystem | None] = {}

    def value_set(self, canonical: str, requester: Package | None = None) -> Found | None:
        """Return the value set a canonical URL means; None too for a version that is not there."""
        found = self.packages.find(canonical, requester=requester, resource_type="ValueSet")
        return found if found is not None and found.exact else None

    def code_system(
        self, url: str, version: str = "", requester: Package | None = None
    ) -> CodeSystem | None:
        """Return the best code system there is; None when there is none (of that version)."""
        key = (url, version, requester.key if requester else "")
        if key not in self._resolved:
            found = self._best(url, version, requester)
            if found is None and url not in self._known:
                return None  # any URL may come in with data: remember only what is known
            if found is None and version:
                return None
            self._resolved[key] = found
        return self._resolved[key]

    def versions(self, url: str) -> tuple[str, ...]:
        """Return the versions of a code system that have codes, newest first."""
        found = {
            one.header.version for one in self._candidates(url) if _RANK[one.header.content] < 3
        }
        return tuple(sorted(found, key=newness, reverse=True))

    def with_value_set(self, url: str) -> CodeSystem | None:
        """Return the code system whose `valueSet` is this URL."""
        return self._by_value_set.get(url)

    def supplements(self, system: CodeSystem) -> list[ResourceCodeSystem]:
        """Return what supplements a code system (designations, properties)."""
        url, canonical = system.header.url, system.header.canonical
        return [*self._supplements.get(url, ()), *self._supplements.get(canonical, ())]

    def designations(self, system: CodeSystem, concept: Concept) -> list[Designation]:
        """Return all designations of a concept, supplements included."""
        found = list(concept.designations)
        for one in self.supplements(system):
            if more := one.concept(concept.code):
                found.extend(more.designations)
                if more.display and more.display != concept.display:
                    found.append(Designation(more.display, one.header.language))
        return found

    def _best(self, url: str, version: str, requester: Package | None) -> CodeSystem | None:
        fitting = [one for one in self._candidates(url) if fits(one.header.version, version)]
        fitting = [one for one in fitting if one.header.content != "supplement"]
        if not fitting:
            return None
        least = min(_RANK[one.header.content] for one in fitting)
        fitting = [one for one in fitting if _RANK[one.header.content] == least]
        chosen = self._chosen(url, version, requester)
        if chosen is not None and any(one is chosen for one in fitting):
            return chosen
        return max(fitting, key=lambda one: newness(one.header.version))

    def _chosen(
        self, url: str, version: str, requester: Package | None
    ) -> ResourceCodeSystem | None:
        canonical = f"{url}|{version}" if version else url
        found = self.packages.find(canonical, requester=requester, resource_type="CodeSystem")
        return self._parsed(found) if found and found.exact else None

    def _candidates(self, url: str) -> Iterator[CodeSystem]:
        yield from self._stores.get(url, ())
        for found in self._known.get(url, ()):
            yield self._parsed(found)
        if url in GRAMMARS:
            yield GRAMMARS[url]
        if url in BUILT_IN:
            yield BUILT_IN[url]()

    def _parsed(self, found: Found) -> ResourceCodeSystem:
        key = (found.package.key, found.entry.filename)
        if key not in self._read:
            self._read[key] = ResourceCodeSystem(found.resource())
        return self._read[key]

    @cached_property
    def naming(self) -> Mapping[str, Naming]:
        """Naming systems by each of their unique ids."""
        return naming_systems(self.packages)

    @cached_property
    def _known(self) -> dict[str, list[Found]]:
        """Code systems of the packages by URL."""
        known: dict[str, list[Found]] = {}
        for found in self.packages.all("CodeSystem"):
            known.setdefault(found.entry.url, []).append(found)
        return known

    @cached_property
    def _by_value_set(self) -> dict[str, CodeSystem]:
        """Reads every code system once: asked for only when a value set is found nowhere else."""
        made: dict[str, CodeSystem] = {}
        for systems in self._known.values():
            for found in systems:
                resource = found.resource()
                if url := resource.get("valueSet"):
                    made.setdefault(url, self._parsed(found))
        for stores in self._stores.values():
            made.update((one.header.value_set, one) for one in stores if one.header.value_set)
        return made

    @cached_property
    def _supplements(self) -> dict[str, list[ResourceCodeSystem]]:
        """Supplements by what they supplement; core has designations nowhere and is left out."""
        made: dict[str, list[ResourceCodeSystem]] = {}
        for systems in self._known.values():
            for found in systems:
                if found.package.manifest.name == CORE:
                    continue
                resource: Json = found.resource()
                target = resource.get("supplements")
                if resource.get("content") == "supplement" and isinstance(target, str):
                    made.setdefault(target, []).append(self._parsed(found))
        return made


def newness(version: str) -> tuple[bool, SortKey]:
    """Return what orders versions of a code system; greater is newer.

    Of SNOMED CT, a national edition comes before the international one, which it contains, and
    then the date counts: https://hl7.org/fhir/R4/snomedct.html#edition.
    """
    edition = _EDITION.search(version)
    if edition is None:
        return False, sort_key(version)
    return edition[1] != _INTERNATIONAL, sort_key(edition[2])


def fits(version: str, wanted: str) -> bool:
    """Say whether a version is the wanted one, or one of those.

    `2`, `2.x` and `2.*` take `2.1`, `*` takes all; an edition of SNOMED CT takes each of its
    versions. Real ranges are for dependencies: versions come in with data, too.
    """
    if wanted in {"", "*", version}:
        return True
    start = wanted.removesuffix(".x").removesuffix(".*")
    return version.startswith((f"{start}.", f"{wanted}/version/"))
