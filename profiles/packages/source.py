"""Where a package comes from: an archive, a folder laid out like one, or one resource in a file."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from profiles.issue import NotConformant
from profiles.packages.archive import ArchiveLimits, read_archive
from profiles.packages.manifest import Manifest, manifest_of, read_manifest
from profiles.packages.resource import read_resource
from profiles.reading.limits import refused

MANIFEST = "package.json"
_GZIP = b"\x1f\x8b"
#: A single resource may be in XML; packages hold JSON.
_SUFFIXES = frozenset({".json", ".xml"})
_LIMITS = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Packed:
    """A package as it lies on disk, read and hashed but not yet unpacked."""

    #: Last part of its path, for errors and the lock file.
    place: str
    #: SHA-256 (hex): of the archive or resource file; of names and contents for a folder.
    sha256: str
    #: The archive's bytes; empty for the others.
    archive: bytes = b""
    #: Files by name where there is no archive.
    loose: Mapping[str, bytes] | None = None

    def files(self) -> Mapping[str, bytes]:
        """Return the files of the package by name. Raises NotConformant."""
        if self.loose is not None:
            return self.loose
        return read_archive(self.archive, self.place)

    @property
    def is_single(self) -> bool:
        """Whether this is one resource rather than a package."""
        return self.loose is not None and MANIFEST not in self.loose


def read_packed(path: Path) -> Packed:
    """Read a package from disk. Raises NotConformant when there is none at `path`."""
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise NotConformant(f"{path.name}: there is no such package file or folder")
    if path.stat().st_size > _LIMITS.size:
        raise refused(f"{path.name}: the file is larger than a package may be", code="too-costly")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(_GZIP):
        return Packed(path.name, digest, archive=data)
    if path.suffix.lower() in _SUFFIXES:
        return Packed(path.name, digest, loose={path.name: data})
    raise refused(f"{path.name}: this is neither a .tgz package nor a resource in JSON or XML")


def manifest_in(packed: Packed, files: Mapping[str, bytes]) -> Manifest:
    """Return what the package says about itself; a single resource gets a name of its own.

    Raises NotConformant.
    """
    if MANIFEST in files:
        return read_manifest(files[MANIFEST], packed.place)
    if not packed.is_single:
        raise refused(f"{packed.place}: there is no package.json in the package")
    ((name, data),) = files.items()
    resource = read_resource(name, data, packed.place)
    # Everything else present is in reach of a resource that names no dependencies.
    return manifest_of(
        {"name": f"resource-{packed.sha256[:12]}", "version": resource.get("version") or "0"},
        packed.place,
    )


def _folder(path: Path) -> Packed:
    inner = path / "package"
    folder = inner if inner.is_dir() else path
    if not (folder / MANIFEST).is_file():
        raise refused(f"{path.name}: there is no package.json in this folder")
    files: dict[str, bytes] = {}
    total = 0
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() != ".json" or file.is_dir():
            continue
        found = file.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise refused(f"{path.name}: the folder has links, which a package may not have")
        total += found.st_size
        if found.st_size > _LIMITS.file or total > _LIMITS.read:
            raise refused(f"{path.name}: a file of the folder is too large", code="too-costly")
        files[file.name] = file.read_bytes()
    return Packed(path.name, _digest(files), loose=files)


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(files.items()):
        whole.update(f"{hashlib.sha256(content).hexdigest()} {name}\n".encode())
    return whole.hexdigest()
