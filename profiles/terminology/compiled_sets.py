"""Value sets that are compiled and kept: as somebody sees them, and as they are defined."""

from __future__ import annotations

from typing import TypeVar

from profiles.issue import NotConformant
from profiles.packages import Package
from profiles.terminology.compile_value_set import Compiler
from profiles.terminology.compose import Compiled
from profiles.terminology.concept import Json
from profiles.terminology.sources import Sources

#: Compiled value sets that are kept; names may come in with data.
_MOST_KEPT = 4_096
_MOST_VERSIONS = 64
Key = TypeVar("Key")
Value = TypeVar("Value")
Made = Compiled | NotConformant | None


class CompiledSets:
    """Compiles value sets once; a fault is kept as well, so that it costs no more the next time."""

    def __init__(
        self, sources: Sources, requester: Package | None = None, whole: CompiledSets | None = None
    ) -> None:
        """Compile as `requester` sees it; `whole` is what sees the same sources from nowhere."""
        self._sources = sources
        self._requester = requester
        #: Canonical → compiled.
        self.kept: dict[str, Made] = {}
        #: (package, canonical) → compiled: what includes mean is up to who defines the value set.
        self.defined: dict[tuple[str, str], Made] = whole.defined if whole else {}
        self._of_version: dict[tuple[str, str, str], Compiled | None] = {}

    def get(self, canonical: str) -> Compiled | None:
        """Return a value set ready to be asked, None when nobody defines it.

        Raises NotConformant for one that cannot be compiled.
        """
        if canonical not in self.kept:
            _keep(self.kept, canonical, self._as_defined(canonical), _MOST_KEPT)
        found = self.kept[canonical]
        if isinstance(found, NotConformant):
            raise NotConformant(found.text, issues=found.issues)
        return found

    def of_version(self, canonical: str, system: str, version: str) -> Compiled | None:
        """Compile for the version a question names; only few of them are kept."""
        key = (canonical, system, version)
        if key not in self._of_version:
            compiler = Compiler(self._sources, {system: version})
            made = compiler.compile(canonical, self._requester)
            _keep(self._of_version, key, made, _MOST_VERSIONS)
        return self._of_version[key]

    def resource(self, value_set: Json) -> Compiled:
        """Compile a value set that lies in no package. Raises NotConformant as `get`."""
        return Compiler(self._sources, {}).compile_resource(value_set, self._requester)

    def _as_defined(self, canonical: str) -> Made:
        found = self._sources.value_set(canonical, self._requester)
        if found is None:
            return self._made(canonical)
        key = (found.package.key, found.canonical)
        if key not in self.defined:
            _keep(self.defined, key, self._made(canonical), _MOST_KEPT)
        return self.defined[key]

    def _made(self, canonical: str) -> Made:
        try:
            return Compiler(self._sources, {}).compile(canonical, self._requester)
        except NotConformant as error:
            return error.with_traceback(None)


def _keep(kept: dict[Key, Value], key: Key, made: Value, most: int) -> None:
    """Keep one more, and at most so many: the oldest go."""
    while len(kept) >= most:
        kept.pop(next(iter(kept)), None)
    kept[key] = made
