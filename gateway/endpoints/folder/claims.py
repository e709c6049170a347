"""Claims: whose a record is while it is worked on, when several gateways share a folder.

One gateway at a time has its turn, so that records are taken in their order; it shows signs of
life, and when it shows none for the length of a lease another one takes the turn and all that was
claimed. A record is claimed by renaming it into a folder of its own, and taken over by renaming
that: who was only asleep finds nothing of what is no longer its own.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.endpoints.folder import files
from gateway.endpoints.folder.counter import Seen

#: Folder inside the exchange folder in which gateways work; hidden, on the same file system.
WORK = ".gateway"
#: File in the work folder that says whose turn it is.
_TURN = "turn"
#: Folder of a claim in which the files beside the record lie.
_BESIDE = "beside"


@dataclass(slots=True)
class Claim:
    """One record that is ours, with the files beside it."""

    folder: Path
    record: Seen
    #: When it was claimed, monotonic seconds.
    since: float
    #: Files beside it that were claimed with it.
    beside: list[Path] = field(default_factory=list)
    #: Their bytes.
    beside_bytes: int = 0
    #: Plain names of the files it expects, as it writes them; None before it was read.
    expected: tuple[str, ...] | None = None
    #: How many files beside it were waited for in vain.
    missing: int = 0
    #: Handed to the caller, who has not said yet what became of it.
    given: bool = False

    @property
    def path(self) -> Path:
        """Where the record lies."""
        return self.folder / self.record.name

    @property
    def size(self) -> int:
        """Bytes of the record and what lies beside it."""
        return self.record.size + self.beside_bytes

    def fetch(self, folder: Path, found: Seen) -> bool:
        """Move a file beside the record; False when somebody else was quicker or has it open."""
        beside = self.folder / _BESIDE
        files.make(beside)
        try:
            files.move(folder / found.name, beside / found.name)
        except (FileNotFoundError, files.Busy):
            return False
        self.beside.append(beside / found.name)
        self.beside_bytes += found.size
        return True


@dataclass(slots=True)
class Turn:
    """Who may take records out of a folder now."""

    #: The work folder.
    work: Path
    #: Seconds without a sign of life after which the turn is anybody's.
    lease: float
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def hold(self) -> bool:
        """Take the turn if it is free, give a sign of life if it is ours; say whether it is."""
        turn = self.work / _TURN
        try:
            if self._owner() == self.token:
                files.touch(turn)
                return True
            if files.seconds_old(turn, files.clock(self.work)) <= self.lease:
                return False
            # Of those who find it abandoned one succeeds in renaming it away.
            aside = self.work / f"{_TURN}-{self.token}"
            files.move(turn, aside)
            files.remove(aside)
        except (FileNotFoundError, files.Busy):
            pass
        return files.create(turn, self.token.encode())

    def give_up(self) -> None:
        """Let others have the turn at once."""
        with suppress(FileNotFoundError):
            if self._owner() == self.token:
                files.remove(self.work / _TURN)

    def _owner(self) -> str:
        return files.read(self.work / _TURN, 64).decode("ascii", "replace")


@dataclass(slots=True)
class Claims:
    """The claims of one process in one exchange folder."""

    #: The exchange folder.
    path: Path
    turn: Turn
    held: dict[str, Claim] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the claims of all gateways lie."""
        return self.path / WORK / "in"

    def mine(self, now: float) -> bool:
        """Say whether records may be taken now; what others left claimed is ours then."""
        if not self.turn.hold():
            self.held.clear()
            return False
        for old in files.folders(self.folder):
            if old.name not in self.held:
                with suppress(FileNotFoundError, files.Busy):
                    self._take_over(old, now)
        return True

    def take(self, seen: Seen, now: float) -> None:
        """Rename a record into a folder of its own; its writer may have taken it back."""
        own = self.folder / secrets.token_hex(8)
        files.make(own)
        try:
            files.move(self.path / seen.name, own / seen.name)
        except (FileNotFoundError, files.Busy):
            files.remove_folder(own)
            return
        self.held[own.name] = Claim(own, seen, now)

    def end(self, claim: Claim) -> None:
        """Remove a claim whose files have gone where they belong."""
        files.remove_folder(claim.folder / _BESIDE)
        files.remove_folder(claim.folder)
        self.forget(claim)

    def forget(self, claim: Claim) -> None:
        """Let go of a claim that another gateway has taken over."""
        self.held.pop(claim.folder.name, None)

    def _take_over(self, old: Path, now: float) -> None:
        new = self.folder / secrets.token_hex(8)
        files.move(old, new)
        records = files.look(new).files
        if not records:
            files.remove_folder(new / _BESIDE)
            files.remove_folder(new)
            return
        claim = self.held[new.name] = Claim(new, records[0], now)
        beside = new / _BESIDE
        if files.present(beside):
            there = files.look(beside).files
            claim.beside = [beside / one.name for one in there]
            claim.beside_bytes = sum(one.size for one in there)
