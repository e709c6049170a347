"""`python -m profiles.snapshot PACKAGE...`: compare generated snapshots with published ones.

Every StructureDefinition with a differential and a published snapshot is generated anew and
compared (`compare.py`). `--core CORE_DIR` adds the published R4 core definitions, `--list` names
every difference. Exit code 0, 1 when a difference has no reason outside of the packages, 2 usage.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from profiles.issue import NotConformant
from profiles.packages import core_package, open_packages
from profiles.packages.compact import compact_structure
from profiles.snapshot.compare import Comparison, compare, compare_all
from profiles.snapshot.snapshots import Snapshots


def main(arguments: Sequence[str]) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m profiles.snapshot", description=__doc__)
    parser.add_argument("packages", nargs="*", type=Path, metavar="PACKAGE")
    parser.add_argument("--core", type=Path, metavar="CORE_DIR")
    parser.add_argument("--cache", type=Path, metavar="DIR")
    parser.add_argument("--list", action="store_true")
    wanted = parser.parse_args(arguments)
    try:
        found = compared(wanted.packages, core=wanted.core, cache=wanted.cache)
    except (NotConformant, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if wanted.list:
        sys.stdout.writelines(_listed(found))
    sys.stdout.writelines(_summary(found))
    return 0 if all(one.equal or one.reason for one in found) else 1


def compared(
    packages: Iterable[Path], *, core: Path | None = None, cache: Path | None = None
) -> list[Comparison]:
    """Compare everything in packages, and in the published core definitions in folder `core`.

    Raises NotConformant for an unreadable package.
    """
    opened = open_packages(packages, cache_folder=cache, tolerate_missing=True)
    return [*compare_all(Snapshots(opened)), *_core(core)]


def _core(folder: Path | None) -> Iterator[Comparison]:
    """Profiles, extensions and types of core: published differentials, cleared snapshots.

    What circulates as 4.0.1 has later elements in its snapshots (`profiles/r4/compile`).
    """
    if folder is None:
        return
    from profiles.r4.compile.definitions import read_definitions

    definitions = read_definitions(folder)
    snapshots = Snapshots(open_packages([]))
    for structure in (*definitions.structures.values(), *definitions.profiles.values()):
        cleared = snapshots.structure(structure["url"])
        yield compare(snapshots, compact_structure(structure) | cleared, core_package())


def _summary(found: Iterable[Comparison]) -> Iterator[str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        state = "equal" if one.equal else ("reason" if one.reason else "different")
        for package in (one.package, "all"):
            counts[package][state] += 1
    for package, states in counts.items():
        total = states.total()
        possible = total - states["reason"]
        share = 100 * states["equal"] / possible if possible else 100.0
        yield (
            f"{package}: {states['equal']} of {total} equal, {states['reason']} cannot be "
            f"(something is not there), {states['different']} differ: {share:.2f} %\n"
        )


def _listed(found: Iterable[Comparison]) -> Iterator[str]:
    for one in found:
        if one.reason:
            yield f"{one.package} {one.url}: {one.reason}\n"
            continue
        for what in one.differences:
            yield (
                f"{one.package} {one.url} {what.member} {what.element}: "
                f"published {what.published}, ours {what.ours}\n"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
