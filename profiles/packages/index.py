"""What is in a package: one entry per conformance resource, from `.index.json` or the files.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification (.index.json). The index of the
package is used when it names exactly the files that are there; otherwise the files are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from profiles.issue import NotConformant
from profiles.packages.resource import Json, read_content
from profiles.reading import Limits, read_json

INDEX = ".index.json"
_LIMITS = Limits(size=20_000_000)
#: Files of a package that hold no resource.
_OTHERS = frozenset({INDEX, "package.json", "fhirpkg.lock.json", ".firely.index.json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource of a package."""

    filename: str
    resource_type: str
    id: str = ""
    #: Canonical URL; empty for resources that have none (NamingSystem, examples).
    url: str = ""
    version: str = ""
    #: StructureDefinition.kind and .type; empty for the others.
    kind: str = ""
    type: str = ""

    def record(self) -> Json:
        """Return it as plain JSON."""
        return {name: value for name, value in asdict(self).items() if value}


def entry_of(filename: str, resource: Json) -> Entry:
    """Make the entry of a resource that was read."""
    structure = resource["resourceType"] == "StructureDefinition"
    return Entry(
        filename=filename,
        resource_type=resource["resourceType"],
        id=_text(resource, "id"),
        url=_text(resource, "url"),
        version=_text(resource, "version"),
        kind=_text(resource, "kind") if structure else "",
        type=_text(resource, "type") if structure else "",
    )


def index_of(files: Mapping[str, bytes], place: str) -> tuple[Entry, ...]:
    """Return the entries of a package, from its index when that is good.

    Raises NotConformant for a file that cannot be read.
    """
    return published_index(files) or rebuilt_index(files, place)


def rebuilt_index(files: Mapping[str, bytes], place: str) -> tuple[Entry, ...]:
    """Read every file and return the entries. Raises NotConformant."""
    found = []
    for name in sorted(candidates(files)):
        resource = read_content(name, files[name], place)
        if resource is not None:
            found.append(entry_of(name, resource))
    return tuple(found)


def published_index(files: Mapping[str, bytes]) -> tuple[Entry, ...]:
    """Return what `.index.json` says; nothing when it is missing or contradicts the files."""
    if INDEX not in files:
        return ()
    try:
        content = read_json(files[INDEX].removeprefix(b"\xef\xbb\xbf"), limits=_LIMITS)
    except NotConformant:
        return ()
    listed = content.get("files") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        return ()
    found = [_published(one) for one in listed]
    entries = tuple(one for one in found if one is not None and one.filename in files)
    complete = {one.filename for one in entries} == set(candidates(files))
    once = len(entries) == len(candidates(files))
    return entries if complete and once and all(_stands_in(one, files) for one in entries) else ()


def _stands_in(entry: Entry, files: Mapping[str, bytes]) -> bool:
    """Whether a file has the words its row says; enough to notice an index of other files."""
    content = files[entry.filename]
    words = (entry.resource_type, entry.url, entry.version)
    return all(f'"{one}"'.encode() in content for one in words if one)


def candidates(files: Mapping[str, bytes]) -> list[str]:
    """Names of the files that may hold a resource."""
    return [name for name in files if name not in _OTHERS]


def _published(row: Any) -> Entry | None:
    if not isinstance(row, dict) or not _text(row, "filename") or not _text(row, "resourceType"):
        return None
    return Entry(
        filename=_text(row, "filename"),
        resource_type=_text(row, "resourceType"),
        id=_text(row, "id"),
        url=_text(row, "url"),
        version=_text(row, "version"),
        kind=_text(row, "kind"),
        type=_text(row, "type"),
    )


def _text(content: Mapping[str, Any], member: str) -> str:
    value = content.get(member)
    return value if isinstance(value, str) else ""
