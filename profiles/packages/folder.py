"""A folder of packages with a lock file: what a region uses.

    packages/packages.lock.toml          names, versions, files, SHA-256
    packages/kbv.basis-1.7.0.tgz         as they were added
    packages/.cache/                     compiled; may be deleted at any time

Only what the lock file names is opened, and only when it still has its SHA-256.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from profiles.issue import NotConformant, NotSupported
from profiles.packages.collection import Packages, open_packages
from profiles.packages.lock import LOCK, Lock, Locked, read_lock, write_lock
from profiles.packages.package import Package, open_package
from profiles.packages.source import read_packed
from profiles.r4 import FHIR_VERSION

CACHE = ".cache"
_RELEASE = FHIR_VERSION.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class PackageFolder:
    """A region's package folder; need not exist yet."""

    path: Path

    @property
    def cache(self) -> Path:
        """Where compiled packages lie."""
        return self.path / CACHE

    def lock(self) -> Lock:
        """Return what the lock file says; nothing when there is none. Raises NotConformant."""
        file = self.path / LOCK
        if not file.is_file():
            return Lock()
        try:
            return read_lock(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise NotConformant(f"{LOCK} is not valid UTF-8") from None

    def open(self, *, tolerate_missing: bool = False) -> Packages:
        """Open all packages, each checked against the lock file.

        Raises NotConformant as `open_packages` does, and when a file holds another package.
        """
        lock = self.lock()
        opened = open_packages(
            [self.path / one.file for one in lock.packages.values()],
            cache_folder=self.cache,
            lock=lock,
            tolerate_missing=tolerate_missing,
        )
        for one in lock.packages.values():
            if opened.package(one.name, one.version) is None:
                text = f"{one.key} is in the lock file, but its file says something else"
                raise NotConformant(text)
        return opened

    def add(self, source: Path) -> Locked:
        """Take a package in: check it, copy it, lock it. The same package again changes nothing.

        Raises NotConformant for what is no sound package or differs from one of the same name and
        version, NotSupported for a package of another FHIR version.
        """
        package = open_package(source, cache_folder=self.cache)
        _check_release(package)
        lock = self.lock()
        known = lock.packages.get(package.key)
        if known is not None and known.sha256 != package.sha256:
            raise NotConformant(f"{package.key} is there with other content; remove that first")
        manifest = package.manifest
        suffix = "" if source.is_dir() else _suffix(source)
        name = f"{manifest.name}-{manifest.version}{suffix}"
        locked = Locked(
            name=manifest.name, version=manifest.version, file=name, sha256=package.sha256
        )
        _copy(source, self.path / name)
        self._write(lock.with_package(locked))
        return locked

    def remove(self, name: str, version: str = "") -> tuple[Locked, ...]:
        """Remove a package, all its versions when none is named; return what was removed.

        Raises NotConformant when there is no such package.
        """
        lock = self.lock()
        gone = tuple(
            one
            for one in lock.packages.values()
            if one.name == name and (not version or one.version == version)
        )
        if not gone:
            wanted = f"{name}@{version}" if version else name
            raise NotConformant(f"there is no package {wanted} here")
        for one in gone:
            lock = lock.without(one.key)
        self._write(lock)
        for one in gone:
            _delete(self.path / one.file)
            (self.cache / f"{one.sha256}.package").unlink(missing_ok=True)
        return gone

    def _write(self, lock: Lock) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        beside = self.path / f"{LOCK}.{os.getpid()}.new"
        beside.write_text(write_lock(lock), encoding="utf-8")
        beside.replace(self.path / LOCK)


def _check_release(package: Package) -> None:
    versions = package.manifest.fhir_versions
    if versions and not any(one.startswith(_RELEASE) for one in versions):
        raise NotSupported(f"{package.key} is for FHIR {', '.join(versions)}; R4 is taken here")


def _suffix(source: Path) -> str:
    return source.suffix.lower() if source.suffix.lower() in {".json", ".xml"} else ".tgz"


def _copy(source: Path, target: Path) -> None:
    if source.resolve() == target.resolve():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    if source.is_dir():
        # Only what was read and hashed, not what else may lie or be linked there.
        (beside / "package").mkdir(parents=True)
        for name, content in read_packed(source).files().items():
            (beside / "package" / name).write_bytes(content)
        _delete(target)
    else:
        shutil.copyfile(source, beside)
    beside.replace(target)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
