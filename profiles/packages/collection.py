"""Packages side by side, and what a canonical URL means among them.

https://hl7.org/fhir/R4/references.html#canonical. Several versions of a package may be present;
what `url` or `url|version` means depends on who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles.issue import Issue, NotConformant
from profiles.packages.core import core_package
from profiles.packages.dependencies import resolve_dependencies
from profiles.packages.gateway import gateway_package
from profiles.packages.index import Entry
from profiles.packages.lock import Lock, check_lock
from profiles.packages.package import Package, open_package
from profiles.packages.resource import Json
from profiles.packages.version import SortKey, satisfies, sort_key


@dataclass(frozen=True, slots=True)
class Found:
    """What a canonical URL means."""

    package: Package
    entry: Entry
    #: False when another version than the one asked for is the best there is.
    exact: bool = True

    @property
    def canonical(self) -> str:
        """URL with version: names exactly this resource, but for its package."""
        return f"{self.entry.url}|{self.entry.version}" if self.entry.version else self.entry.url

    def resource(self) -> Json:
        """Parse the resource, compact; yours to change. Raises NotConformant."""
        return self.package.resource(self.entry)


class Packages:
    """Open packages with the gateway's own and core beneath them; made by `open_packages`."""

    def __init__(self, packages: Sequence[Package], *, tolerate_missing: bool = False) -> None:
        """Index the packages. Raises NotConformant as `resolve_dependencies` and `_distinct` do."""
        self._packages = {one.key: one for one in _distinct(packages)}
        core = core_package()
        for shipped in (gateway_package(), core):
            self._packages.setdefault(shipped.key, shipped)
        resolution = resolve_dependencies(
            list(self._packages.values()), tolerate_missing=tolerate_missing
        )
        # Everything stands on core, also where a manifest does not say so.
        self._reach = {
            key: {name: at for at, name in enumerate(dict.fromkeys([*seen, core.key]))}
            for key, seen in resolution.reach.items()
        }
        #: Dependencies that are not there, when that is tolerated.
        self.missing: tuple[Issue, ...] = resolution.missing
        self._by_url: dict[str, list[Found]] = {}
        for package in self._packages.values():
            for entry in package.entries:
                if entry.url:
                    self._by_url.setdefault(entry.url, []).append(Found(package, entry))

    def __iter__(self) -> Iterator[Package]:
        """Go through the packages, core last."""
        return iter(self._packages.values())

    def package(self, name: str, version: str = "") -> Package | None:
        """Return a package by name, the newest when no version is given."""
        fitting = [
            one
            for one in self._packages.values()
            if one.manifest.name == name and (not version or one.manifest.version == version)
        ]
        return max(fitting, key=lambda one: sort_key(one.manifest.version), default=None)

    def find(
        self, canonical: str, *, requester: Package | None = None, resource_type: str = ""
    ) -> Found | None:
        """Return what a canonical URL (`url` or `url|version`) means to a requesting package.

        An exact version comes first, then what the requester reaches through its dependencies
        (nearest first), then the newest version. None when nobody defines the URL.
        """
        url, _, version = canonical.partition("#")[0].partition("|")
        found = [
            one
            for one in self._by_url.get(url, ())
            if not resource_type or one.entry.resource_type == resource_type
        ]
        if version:
            fitting = [one for one in found if one.entry.version == version]
            fitting = fitting or [one for one in found if satisfies(one.entry.version, version)]
            if fitting:
                return self._best(fitting, requester)
            found = [Found(one.package, one.entry, exact=False) for one in found]
        return self._best(found, requester)

    def all(self, resource_type: str) -> Iterator[Found]:
        """Go through all resources of a type, package by package, core last."""
        for package in self._packages.values():
            for entry in package.entries:
                if entry.resource_type == resource_type:
                    yield Found(package, entry)

    def _best(self, found: list[Found], requester: Package | None) -> Found | None:
        return min(found, key=lambda one: self._distance(one, requester), default=None)

    def _distance(self, found: Found, requester: Package | None) -> tuple[int, _Newest]:
        """How far away a resource is; for a requester without dependencies all are as near."""
        reach: Mapping[str, int] = {}
        if requester is not None and not requester.is_single:
            reach = self._reach.get(requester.key, {})
        newest = _Newest(
            (
                sort_key(found.entry.version),
                sort_key(found.package.manifest.version),
                found.package.key,
            )
        )
        return reach.get(found.package.key, len(self._packages)), newest


class _Newest:
    """Orders versions backwards, so that the least is the newest."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[SortKey, SortKey, str]) -> None:
        self.key = key

    def __lt__(self, other: _Newest) -> bool:
        return self.key > other.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Newest) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def open_packages(
    paths: Iterable[Path],
    *,
    cache_folder: Path | None = None,
    lock: Lock | None = None,
    tolerate_missing: bool = False,
) -> Packages:
    """Open packages (archives, folders, single resources); what ships with the gateway is there.

    Raises NotConformant, one sentence per fault: an unreadable package, one that the lock file
    does not name or names with another hash, the same name and version twice with other content,
    a dependency that is missing (unless tolerated: then `Packages.missing` lists it).
    """
    opened = []
    for path in paths:
        package = open_package(path, cache_folder=cache_folder)
        if lock is not None:
            check_lock(lock, package)
        opened.append(package)
    return Packages(opened, tolerate_missing=tolerate_missing)


def _distinct(packages: Iterable[Package]) -> Iterator[Package]:
    seen: dict[str, str] = {}
    for package in packages:
        before = seen.setdefault(package.key, package.sha256)
        if before != package.sha256:
            raise NotConformant(f"{package.key} is there twice, with different content")
        yield package
