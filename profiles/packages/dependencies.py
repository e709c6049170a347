"""Which package sees which: dependencies resolved among the packages that are present.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification (dependencies).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profiles.issue import Issue, NotConformant
from profiles.packages.package import Package
from profiles.packages.version import best, satisfies, sort_key


@dataclass(frozen=True, slots=True)
class Resolution:
    """What every package can see, and what it cannot."""

    #: Package key → keys of what it sees: itself, its dependencies, theirs, nearest first.
    reach: Mapping[str, tuple[str, ...]]
    #: One warning per dependency that is not there.
    missing: tuple[Issue, ...]


def resolve_dependencies(
    packages: Sequence[Package], *, tolerate_missing: bool = False
) -> Resolution:
    """Resolve the dependencies of all packages among themselves.

    A missing dependency raises NotConformant, one issue each, naming both packages. Where that is
    tolerated it is a warning, and another version of the same package stands in when there is one.
    """
    versions: dict[str, list[str]] = {}
    for package in packages:
        versions.setdefault(package.manifest.name, []).append(package.manifest.version)
    direct: dict[str, list[str]] = {}
    missing: list[Issue] = []
    for package in packages:
        direct[package.key] = []
        for name, wanted in package.manifest.dependencies.items():
            chosen = best(versions.get(name, ()), wanted)
            if chosen is None:
                chosen = _stand_in(versions.get(name, ()), wanted)
                missing.append(_missing(package, name, wanted, chosen, tolerate=tolerate_missing))
            if chosen is not None:
                direct[package.key].append(f"{name}@{chosen}")
    if missing and not tolerate_missing:
        raise NotConformant(missing[0].text, issues=tuple(missing))
    return Resolution({key: _closure(key, direct) for key in direct}, tuple(missing))


def _stand_in(versions: Sequence[str], wanted: str) -> str | None:
    """The newest version of the same minor, else of the same major, else of all."""
    numbers = wanted.strip().split(".")
    for length in (2, 1):
        near = (
            [one for one in versions if satisfies(one, ".".join([*numbers[:length], "x"]))]
            if len(numbers) > length
            else []
        )
        if near:
            return max(near, key=sort_key)
    return max(versions, key=sort_key, default=None)


def _missing(
    package: Package, name: str, wanted: str, chosen: str | None, *, tolerate: bool
) -> Issue:
    text = f"{package.key} needs {name}@{wanted}, which is not among the packages"
    if tolerate and chosen is not None:
        text += f"; {name}@{chosen} stands in for it"
    return Issue("warning" if tolerate else "error", "not-found", text, package.key)


def _closure(start: str, direct: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    seen = {start: None}
    waiting = deque([start])
    while waiting:
        for key in direct.get(waiting.popleft(), ()):
            if key not in seen:
                seen[key] = None
                waiting.append(key)
    return tuple(seen)
