"""Rules for exchange folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.configuration.finding import error, warning
from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint, Region
from gateway.domain.time import DAY
from gateway.endpoints.folder.claims import WORK
from gateway.endpoints.folder.names import Naming, is_plain, matches
from profiles.issue import Issue

#: How long a practice may be closed.
_WEEKEND = 4 * DAY


def folder_rules(region: Region) -> Iterator[Issue]:
    """Apply every rule for exchange folders."""
    owner: dict[tuple[str, str], str] = {}
    for endpoint in region.endpoints.values():
        place = f"endpoint {endpoint.id}"
        if endpoint.connection_type != "folder":
            if endpoint.folder is not None:
                yield error(f'{place}: folder is for connection_type = "folder"', place)
            continue
        if endpoint.folder is None:
            continue
        yield from _folder(endpoint, endpoint.folder, place)
        used = (endpoint.direction, _where(endpoint.folder))
        if owner.setdefault(used, endpoint.id) != endpoint.id and endpoint.direction == "in":
            yield error(f"{place}: {owner[used]} already takes from this folder", place)
    yield from _loops(region)


def _where(folder: Folder) -> str:
    """One spelling of a path: shares and Windows do not tell upper and lower case apart."""
    return os.path.normpath(folder.path).casefold()


def _loops(region: Region) -> Iterator[Issue]:
    """What is placed in a folder for a partner must not be taken out of it again."""
    folders = [(one, one.folder) for one in region.endpoints.values() if one.folder is not None]
    for taking, source in folders:
        for placing, target in folders:
            if (taking.direction, placing.direction) != ("in", "out"):
                continue
            if _where(source) == _where(target) and _takes(source, target):
                place = f"endpoint {taking.id}"
                yield error(
                    f"{place}: folder.pattern fits what {placing.id} places in the same folder; "
                    f"the gateway would take its own files",
                    place,
                )


def _takes(source: Folder, target: Folder) -> bool:
    try:
        name = Naming.of(target.name).name(1, "DELIVERY")
    except ValueError:  # told on its own
        return False
    return any(matches(one, source.pattern) for one in (name, "DELIVERY_1.pdf"))


def _folder(endpoint: Endpoint, folder: Folder, place: str) -> Iterator[Issue]:
    if not Path(folder.path).is_dir():
        yield warning(f"{place}: folder.path: there is no such folder here now", place, "not-found")
    spans = (folder.poll, folder.lease, folder.overdue)
    if min(spans) <= 0 or folder.stable < 0 or folder.patience < 0:
        yield error(f"{place}: folder.poll, lease and overdue must be positive", place)
    if folder.lease < 3 * folder.poll:
        yield error(
            f"{place}: folder.lease must be three times folder.poll at least: between two looks a "
            f"claim shows no sign of life",
            place,
        )
    if endpoint.direction == "out":
        yield from _naming(endpoint, folder, place)
    else:
        yield from _places(folder, place)


def _naming(endpoint: Endpoint, folder: Folder, place: str) -> Iterator[Issue]:
    try:
        naming = Naming.of(folder.name)
    except ValueError as expected:
        yield error(f'{place}: folder.name = "{folder.name}": {expected} is expected', place)
        return
    if naming.fixed and endpoint.retry.attempts * endpoint.retry.most < _WEEKEND:
        yield warning(
            f"{place}: with one name for all, a file waits until the last one was collected, and "
            f'retry gives up over a long weekend; add retry = {{ attempts = 400, most = "15m" }}',
            place,
        )


def _places(folder: Folder, place: str) -> Iterator[Issue]:
    """Where records end is another folder than where they come from."""
    if not folder.pattern:
        yield error(f'{place}: folder.pattern names no files; add pattern = ["*.GDT"]', place)
    for key, name in (("error", folder.error), ("archive", folder.archive)):
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        if name == WORK or (inside and name and not is_plain(Path(name).name)):
            yield error(f"{place}: folder.{key} must be the name of a folder", place)
    if not folder.error:
        yield error(f'{place}: refused records need a folder; add error = "fehler"', place)
