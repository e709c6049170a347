"""How an exchange folder is, seen from outside: reachable, and what waits there too long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.domain.folder import Folder
from gateway.domain.time import SECOND
from gateway.endpoints.folder import files, names

_NOT_PERMITTED = "not permitted"


@dataclass(frozen=True, slots=True)
class State:
    """Counts and ages of one folder, never names."""

    #: Why it cannot be used, in fixed words; "" when it can.
    fault: str = ""
    #: Records not taken yet (in) or not collected yet (out).
    waiting: int = 0
    #: Age of the oldest of them, in seconds.
    oldest: float = 0.0
    #: Records in the error folder (in).
    errors: int = 0
    #: Files that are neither ordinary nor plainly named.
    refused: int = 0

    def overdue(self, folder: Folder) -> bool:
        """Tell whether something waits for longer than the folder allows."""
        return bool(self.waiting) and self.oldest > folder.overdue / SECOND


def state(folder: Folder, direction: str, now: float) -> State:
    """Look at a folder; `now` is the time in seconds. Changes nothing and never raises."""
    path = Path(folder.path)
    try:
        listing = files.look(path)
        errors = _errors(path / folder.error) if direction == "in" else 0
    except OSError as error:
        return State(fault=fault(error))
    if not files.may_write(path):
        return State(fault=_NOT_PERMITTED)
    plain = [one for one in listing.files if names.is_plain(one.name)]
    if direction == "in":
        waiting = [one for one in plain if names.matches(one.name, folder.pattern)]
    else:
        naming = names.Naming.of(folder.name)
        waiting = [one for one in plain if naming.fits(one.name)]
    odd = sum(not (names.is_plain(one.name) or one.name[0] == ".") for one in listing.files)
    oldest = min((one.changed for one in waiting), default=int(now * 1e9))
    return State("", len(waiting), max(now - oldest / 1e9, 0.0), errors, listing.unusual + odd)


def fault(error: OSError) -> str:
    """Say in fixed words why a folder cannot be used."""
    words = {FileNotFoundError: "missing", PermissionError: _NOT_PERMITTED}
    return next((word for kind, word in words.items() if isinstance(error, kind)), "not reachable")


def _errors(folder: Path) -> int:
    """Count records in the error folder: each has a text beside it."""
    if not files.present(folder):
        return 0
    return sum(one.name.endswith(".txt") for one in files.look(folder).files)
