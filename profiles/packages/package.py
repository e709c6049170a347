"""One FHIR package: what it is, what is in it, and its resources on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from profiles.packages import cache
from profiles.packages.compact import compact
from profiles.packages.index import Entry, index_of
from profiles.packages.manifest import Manifest
from profiles.packages.resource import Json, read_resource
from profiles.packages.source import Packed, manifest_in, read_packed


class Resources(Protocol):
    """Where the resources of a package are read from."""

    def resource(self, filename: str) -> Json:
        """Return a compact resource by its file name; raises NotConformant or KeyError."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is open: indexed, its resources parsed when they are asked for."""

    manifest: Manifest
    entries: tuple[Entry, ...]
    resources: Resources
    #: SHA-256 (hex) of the archive; empty for what ships with the gateway.
    sha256: str = ""
    #: File or folder name it was read from.
    place: str = ""
    #: A single resource: it names no dependencies and reaches everything present.
    is_single: bool = False

    @property
    def key(self) -> str:
        """Name and version: `kbv.basis@1.7.0`."""
        return self.manifest.key

    def resource(self, entry: Entry) -> Json:
        """Parse one of its resources, compact (`compact.py`); yours to change.

        Raises NotConformant when the file is damaged.
        """
        return self.resources.resource(entry.filename)


@dataclass(frozen=True, slots=True)
class _Files:
    """Resources read from the package's own files, each when it is asked for."""

    files: Mapping[str, bytes]
    place: str

    def resource(self, filename: str) -> Json:
        return compact(read_resource(filename, self.files[filename], self.place))


def open_package(path: Path, *, cache_folder: Path | None = None) -> Package:
    """Open a package from disk; with a cache folder the next time is quick.

    Raises NotConformant with one sentence that names the package.
    """
    packed = read_packed(path)
    if cache_folder is None:
        files = packed.files()
        manifest = manifest_in(packed, files)
        entries = index_of(files, packed.place)
        return _package(packed, manifest, entries, _Files(files, packed.place))
    compiled = cache.load(cache_folder, packed.sha256)
    if compiled is None:
        files = packed.files()
        compiled = cache.compile_package(manifest_in(packed, files), files, packed.place)
        cache.save(cache_folder, packed.sha256, compiled)
    return _package(packed, compiled.manifest, compiled.entries, compiled)


def _package(
    packed: Packed, manifest: Manifest, entries: tuple[Entry, ...], resources: Resources
) -> Package:
    return Package(
        manifest, entries, resources, packed.sha256, packed.place, is_single=packed.is_single
    )
