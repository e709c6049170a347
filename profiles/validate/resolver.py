"""Resolver: what a reference means inside a Bundle or a resource with contained ones.

https://hl7.org/fhir/R4/bundle.html#references, https://hl7.org/fhir/R4/references.html#contained
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from profiles.validate.urls import is_absolute, restful_url

Json = dict[str, Any]
#: A resource and its FHIRPath location.
Placed = tuple[Json, str]


class Resolver:
    """Answers resolve() for one Bundle, or for one resource, without asking anybody else."""

    def __init__(self, root: Json, place: str | None = None) -> None:
        """Look into `root`, which stands at `place` (its resource type when none is given)."""
        self._root = root
        self._indexes: dict[int, dict[str, int]] = {}
        self._place = str(root.get("resourceType", "")) if place is None else place

    def resolve(self, reference: str, at_full_url: str = "") -> Placed | None:
        """Find the resource a reference means, with its place; None when it is not here.

        `at_full_url` is the fullUrl of the entry the reference stands in; empty for the root
        resource. Of several resources with that URL (versions of it) the first one is found; a
        reference with a version finds only that version. `#` is the containing resource itself.
        """
        if reference.startswith("#"):
            return self._fragment(reference[1:], at_full_url)
        found = self.all(reference, at_full_url)
        return found[0] if found else None

    def all(self, reference: str, at_full_url: str = "") -> list[Placed]:
        """Find every entry a reference that is no fragment may mean."""
        target = restful_url(reference)
        if target is None:
            return self._entries.get((reference, ""), [])
        base = target.base
        if not base:
            source = restful_url(at_full_url)
            if source is None or not source.base:
                return []
            base = source.base
        return self._entries.get((f"{base}{target.type}/{target.id}", target.version), [])

    def named(self, reference: str) -> list[Placed]:
        """Find entries of the type and id of a reference, whatever their fullUrl's base.

        Such an entry is not what the reference means, but often what its author meant.
        """
        target = restful_url(reference)
        return self._names.get((target.type, target.id), []) if target else []

    def _fragment(self, name: str, at_full_url: str) -> Placed | None:
        container = self._container(at_full_url)
        if container is None or not name:
            return container
        resource, place = container
        index = self._contained_in(resource).get(name)
        if index is None:
            return None
        return resource["contained"][index], f"{place}.contained[{index}]"

    def _contained_in(self, container: Json) -> dict[str, int]:
        """Return id → index of what a resource contains; of several with one id the first."""
        indexes = self._indexes.get(id(container))
        if indexes is None:
            found = container.get("contained")
            listed = [*enumerate(found)] if isinstance(found, list) else []
            indexes = self._indexes[id(container)] = {
                one["id"]: index
                for index, one in reversed(listed)
                if isinstance(one, dict) and isinstance(one.get("id"), str)
            }
        return indexes

    def _container(self, full_url: str) -> Placed | None:
        if not full_url:
            return self._root, self._place
        found = self._entries.get((full_url, ""))
        return found[0] if found else None

    @cached_property
    def _entries(self) -> dict[tuple[str, str], list[Placed]]:
        """Entries by fullUrl and version, and by fullUrl alone."""
        found: dict[tuple[str, str], list[Placed]] = {}
        for entry, placed in self._resources():
            url = entry.get("fullUrl")
            if isinstance(url, str) and is_absolute(url):
                found.setdefault((url, ""), []).append(placed)
                if version := _version(placed[0]):
                    found.setdefault((url, version), []).append(placed)
        return found

    def full_url_of(self, resource: Json) -> str:
        """Return the full URL of the entry that holds a resource (this very one); empty: none."""
        return self._full_urls.get(id(resource), "")

    @cached_property
    def _full_urls(self) -> dict[int, str]:
        return {
            id(placed[0]): entry["fullUrl"]
            for entry, placed in self._resources()
            if isinstance(entry.get("fullUrl"), str)
        }

    @cached_property
    def _names(self) -> dict[tuple[str, str], list[Placed]]:
        found: dict[tuple[str, str], list[Placed]] = {}
        for _, placed in self._resources():
            resource = placed[0]
            key = (str(resource.get("resourceType")), str(resource.get("id")))
            found.setdefault(key, []).append(placed)
        return found

    def _resources(self) -> list[tuple[Json, Placed]]:
        entries = self._root.get("entry") if self._root.get("resourceType") == "Bundle" else None
        return [
            (entry, (entry["resource"], f"{self._place}.entry[{index}].resource"))
            for index, entry in enumerate(entries if isinstance(entries, list) else ())
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
        ]


def _version(resource: Json) -> str:
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else ""
