"""How the exchange folders of a region are; looked at where they are, nothing is stored."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint, Region
from gateway.domain.time import SECOND, Instant
from gateway.endpoints.folder import files
from gateway.endpoints.folder.claims import WORK
from gateway.endpoints.folder.state import State, fault, state
from gateway.store.views import WorkItem
from profiles.issue import Unavailable

#: What is wrong with a folder, as the work list says it.
UNREACHABLE, NOT_COLLECTED, NOT_TAKEN = "unreachable", "not-collected", "not-taken"


@dataclass(frozen=True, slots=True)
class FolderState:
    """One folder endpoint and how its folder is."""

    endpoint: str
    direction: str
    folder: Folder
    state: State

    @property
    def wrong(self) -> str:
        """What a person has to see to; "" when nothing."""
        if self.state.fault:
            return UNREACHABLE
        if not self.state.overdue(self.folder):
            return ""
        return NOT_TAKEN if self.direction == "in" else NOT_COLLECTED

    def as_json(self) -> dict[str, Any]:
        """Render counts and ages."""
        return {
            "endpoint": self.endpoint,
            "direction": self.direction,
            "fault": self.state.fault,
            "waiting": self.state.waiting,
            "oldest_seconds": round(self.state.oldest),
            "errors": self.state.errors,
            "refused": self.state.refused,
            "wrong": self.wrong,
        }


@dataclass(slots=True)
class Lookout:
    """Looks at folders, each in a thread of its own: a share that hangs holds up nobody."""

    #: Seconds a share has to answer.
    patience: float = 3.0
    _looks: dict[str, _Look] = field(default_factory=dict)

    def states(self, region: Region, now: Instant) -> list[FolderState]:
        """Look at every exchange folder of the region; `now` in microseconds."""
        looks = []
        for endpoint, folder in _folders(region):
            look = self._looks.get(endpoint.id)
            if look is None or not look.is_alive():
                look = self._looks[endpoint.id] = _Look(folder, endpoint.direction, now / SECOND)
                look.start()
            looks.append((endpoint, folder, look))
        until = time.monotonic() + self.patience
        for _, _, look in looks:
            look.join(max(until - time.monotonic(), 0.0))
        return [
            FolderState(endpoint.id, endpoint.direction, folder, look.result())
            for endpoint, folder, look in looks
        ]


class _Look(threading.Thread):
    """One look at one folder; a daemon, because nobody can end one that hangs."""

    def __init__(self, folder: Folder, direction: str, now: float) -> None:
        super().__init__(daemon=True)
        self._ask = (folder, direction, now)
        self._found: State | None = None

    def run(self) -> None:
        """Look."""
        self._found = state(*self._ask)

    def result(self) -> State:
        """What was seen; not reachable when nothing was seen in time."""
        return self._found or State(fault="not reachable")


def wrong(states: Iterable[FolderState]) -> list[FolderState]:
    """Return those a person has to see to."""
    return [one for one in states if one.wrong]


def work_items(states: list[FolderState], now: Instant) -> list[WorkItem]:
    """Say which folders need a person."""
    return [
        WorkItem(
            "folder",
            one.state.waiting,
            one.wrong,
            one.state.fault,
            now - int(one.state.oldest * SECOND),
            one.endpoint,
        )
        for one in wrong(states)
    ]


def counts(states: list[FolderState]) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Yield metrics: (name, labels, value)."""
    for one in states:
        labels = {"endpoint": one.endpoint}
        yield "folder_reachable", labels, float(not one.state.fault)
        yield "folder_waiting", labels, one.state.waiting
        yield "folder_oldest_seconds", labels, one.state.oldest
        yield "folder_errors", labels, one.state.errors
        yield "folder_refused", labels, one.state.refused


def probe(folder: Folder) -> dict[str, Any]:
    """Write, rename and delete an empty file in a folder. Raises Unavailable when that fails."""
    work = Path(folder.path) / WORK
    name = secrets.token_hex(8)
    started = time.monotonic()
    try:
        files.look(Path(folder.path))
        files.make(work)
        files.write(work / f"{name}.part", b"")
        files.move(work / f"{name}.part", work / name)
        files.remove(work / name)
    except (OSError, files.Busy, files.Unusual) as error:
        word = fault(error) if isinstance(error, OSError) else "in use or a link"
        raise Unavailable(f"The folder cannot be written: {word}.") from error
    return {"writable": True, "write_milliseconds": round((time.monotonic() - started) * 1e3, 1)}


def _folders(region: Region) -> Iterator[tuple[Endpoint, Folder]]:
    for endpoint in region.endpoints.values():
        if endpoint.connection_type == "folder" and endpoint.folder is not None:
            yield endpoint, endpoint.folder
