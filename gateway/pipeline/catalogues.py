"""What validation asks about codes beside the packages: catalogues on disk, a server elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Who validates nothing does not load terminology.
    from profiles.packages import Packages
    from profiles.terminology import Remote, Terminology


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogues:
    """Where codes are looked up; goes to worker processes as it is."""

    #: Folders of `gateway terminology load`; ones that are not there hold nothing.
    folders: tuple[str, ...] = ()
    #: A terminology server, asked last; None asks nobody.
    remote: Remote | None = None
    #: Seconds its answers count, and seconds it is left alone after it failed.
    answer: float = 86_400
    pause: float = 30

    def terminology(self, packages: Packages) -> Terminology:
        """Open the catalogues, in the process that asks them.

        Raises NotConformant, naming the file, for one that cannot be opened.
        """
        from profiles.terminology import CachedRemote, Lifetimes, Terminology
        from profiles.terminology.store import StoreFolder

        stores = [store for one in self.folders for store in StoreFolder(Path(one)).open()]
        remote = None
        if self.remote is not None:
            lifetimes = Lifetimes(answer=self.answer, pause=self.pause)
            remote = CachedRemote(self.remote, lifetimes=lifetimes)
        return Terminology(packages, stores, remote)


def local(folders: Iterable[Path]) -> Catalogues:
    """Return catalogues on disk alone."""
    return Catalogues(folders=tuple(str(one) for one in folders))
