"""A folder of stores: the catalogues of a region, each version in a file of its own.

    terminology/icd-10-gm-2025-3f2a91c0.db     named after URL and version, for people
    terminology/icd-10-gm-2026-77b1d2e4.db     a new version stands beside the old one

What is there is what the files say about themselves; a file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from profiles.issue import NotConformant, Unavailable
from profiles.terminology.concept import Header
from profiles.terminology.store.build import Built, Progress, build_store
from profiles.terminology.store.records import Catalogue
from profiles.terminology.store.stored import StoredCodeSystem, open_store

_SUFFIX = ".db"
_UNFIT = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """A region's catalogues; the folder need not exist yet."""

    path: Path

    def files(self) -> list[Path]:
        """Return the stores, sorted by name."""
        return sorted(self.path.glob(f"*{_SUFFIX}"))

    def open(self) -> list[StoredCodeSystem]:
        """Open all stores read-only, after a fork and not before.

        Raises NotConformant, naming the file, for one that is no store of this version.
        """
        return [open_store(one) for one in self.files()]

    def load(self, catalogue: Catalogue, progress: Progress | None = None) -> tuple[Path, Built]:
        """Build the store of a catalogue; the same version loaded before is replaced in one step.

        Raises NotConformant for a faulty catalogue, Unavailable when it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise Unavailable("the folder of the catalogues cannot be made") from None
        target = self.path / _file_name(catalogue.header)
        return target, build_store(target, catalogue, progress)

    def remove(self, url: str, version: str = "") -> list[Header]:
        """Delete the stores of a code system, of all versions unless one is named.

        Raises NotConformant when there is none.
        """
        gone = []
        for path in self.files():
            store = open_store(path)
            header = store.header
            store.close()
            if header.url == url and version in {"", header.version}:
                path.unlink()
                gone.append(header)
        if not gone:
            raise NotConformant(f"there is no catalogue {url}{f'|{version}' if version else ''}")
        return gone


def _file_name(header: Header) -> str:
    """Name a store: readable, and certain to differ where URL or version do."""
    digest = hashlib.sha256(header.canonical.encode()).hexdigest()[:8]
    last = header.url.rstrip("/").rpartition("/")[2]
    version = header.version.rpartition("/")[2]
    plain = _UNFIT.sub("-", f"{last}-{version}").strip("-.")[:80].lower()
    return f"{plain}-{digest}{_SUFFIX}"
