"""The lock file: which packages a region uses, and the SHA-256 of each.

TOML, sorted, the same text for the same packages, to be reviewed in git.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.issue import NotConformant
from profiles.packages.package import Package
from profiles.packages.version import sort_key

LOCK = "packages.lock.toml"
_HEADING = "# FHIR packages of this region with their SHA-256; written by `gateway package`.\n"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One package as it was when it was added."""

    name: str
    version: str
    #: File or folder name in the region's package folder.
    file: str
    sha256: str

    @property
    def key(self) -> str:
        """Name and version: `kbv.basis@1.7.0`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Lock:
    """All packages by their keys."""

    packages: Mapping[str, Locked] = field(default_factory=dict)

    def with_package(self, locked: Locked) -> Lock:
        """Return the lock with one package more."""
        return Lock({**self.packages, locked.key: locked})

    def without(self, key: str) -> Lock:
        """Return the lock with one package less."""
        return Lock({name: one for name, one in self.packages.items() if name != key})


def write_lock(lock: Lock) -> str:
    """Write the text of a lock file."""
    parts = [_HEADING]
    for one in sorted(lock.packages.values(), key=lambda one: (one.name, sort_key(one.version))):
        rows = (("name", one.name), ("version", one.version), ("file", one.file))
        lines = [f"{key} = {json.dumps(value)}" for key, value in (*rows, ("sha256", one.sha256))]
        parts.append("\n".join(["\n[[package]]", *lines, ""]))
    return "".join(parts)


def read_lock(text: str) -> Lock:
    """Read a lock file. Raises NotConformant when it is not one."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise NotConformant(f"{LOCK} is not valid TOML") from None
    rows = content.get("package", [])
    if not isinstance(rows, list):
        raise NotConformant(f"{LOCK} has no list of packages")
    read = [_locked(row) for row in rows]
    lock = Lock({one.key: one for one in read})
    if len(lock.packages) != len(read):
        raise NotConformant(f"{LOCK} names a package twice")
    return lock


def check_lock(lock: Lock, package: Package) -> None:
    """Raise NotConformant when a package is not what the lock file says."""
    locked = lock.packages.get(package.key)
    if locked is None:
        raise NotConformant(f"{package.place}: {package.key} is not in {LOCK}")
    if locked.sha256 != package.sha256:
        raise NotConformant(
            f"{package.place}: {package.key} is not the one that was added: its SHA-256 differs "
            f"from {LOCK}"
        )


def _locked(row: Any) -> Locked:
    names = ("name", "version", "file", "sha256")
    if not isinstance(row, dict) or not all(isinstance(row.get(one), str) for one in names):
        raise NotConformant(f"{LOCK}: a package needs name, version, file and sha256")
    if not _SHA256.match(row["sha256"]) or "/" in row["file"] or row["file"].startswith("."):
        raise NotConformant(f"{LOCK}: a package has no usable file or sha256")
    return Locked(**{one: row[one] for one in names})
