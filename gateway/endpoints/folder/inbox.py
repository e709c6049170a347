"""Inbox: takes records out of an exchange folder, each exactly once, and puts them where they end.

Nothing is archived or deleted before the caller says that the record is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.domain.folder import Folder
from gateway.domain.time import SECOND
from gateway.endpoints.folder import files, names
from gateway.endpoints.folder.claims import WORK, Claim, Claims, Turn
from gateway.endpoints.folder.counter import Seen, in_order

#: Records claimed at a time, and bytes handed to the caller at a time.
MOST, MOST_BYTES = 64, 128_000_000


@dataclass(slots=True)
class Inbox:
    """One exchange folder as one gateway process sees it; used from one thread at a time."""

    folder: Folder
    #: Largest record with the files beside it, in bytes.
    limit: int
    #: Names of the files a record (its chunks) expects beside it, as it writes them.
    beside: Callable[[Iterable[bytes]], tuple[str, ...]]
    #: Monotonic seconds.
    monotonic: Callable[[], float]
    #: The time for names in the archive.
    today: Callable[[], datetime]
    #: Links, FIFOs, devices and names that are not plain, at the last look.
    refused: int = field(default=0, init=False)
    _path: Path = field(init=False)
    _claims: Claims = field(init=False)
    #: Name → how it was seen last, and since when it has been so.
    _watched: dict[str, tuple[Seen, float]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Name the folders; nothing is touched yet."""
        self._path = Path(self.folder.path)
        turn = Turn(self._path / WORK, self.folder.lease / SECOND)
        self._claims = Claims(self._path, turn)

    def look(self) -> list[Claim]:
        """Claim what is ready, when it is our turn; return the whole claims, in record order.

        Raises OSError when the folder cannot be used, Unusual when a link is in the place of one
        of our own folders, Busy when others keep it busy.
        """
        listing = files.look(self._path)
        self._make_folders()
        plain = {one.name.casefold(): one for one in listing.files if names.is_plain(one.name)}
        self.refused = listing.unusual + sum(
            not names.is_plain(one.name) and not one.name.startswith(".") for one in listing.files
        )
        ready = self._ready(plain, listing.names)
        if not self._claims.mine(self.monotonic()):
            return []
        for one in in_order(ready, lambda seen: seen)[: max(MOST - len(self._claims.held), 0)]:
            self._claims.take(one, self.monotonic())
        held = in_order(self._claims.held.values(), lambda claim: claim.record)
        return self._give([one for one in held if self._whole(one, plain)])

    def read(self, claim: Claim) -> tuple[bytes, dict[str, bytes]]:
        """Read a record and the files beside it, by the plain names it gives them.

        Raises Unusual for what is no ordinary file or too large, Busy when it is still written,
        FileNotFoundError when the claim was lost to another gateway, OSError.
        """
        chunks, beside = self.open(claim)
        return b"".join(chunks), beside

    def open(self, claim: Claim) -> tuple[Iterator[bytes], dict[str, bytes]]:
        """Read the files beside a record, and the record itself as it is asked for.

        Raises as `read` does, at once or with a chunk.
        """
        self._claims.turn.hold()
        left, beside = self.limit - claim.record.size, {}
        stated = {name.casefold(): name for name in claim.expected or ()}
        for path in claim.beside:
            content = files.read(path, max(left, 0))
            beside[stated.get(path.name.casefold(), path.name)] = content
            left -= len(content)
        return self._record(claim), beside

    def stored(self, claim: Claim) -> None:
        """Archive or delete a record that is stored, and what lies beside it.

        Raises Busy for one that somebody has gone on writing: what was added is not stored.
        """
        self._check_unchanged(claim)
        if self.folder.archive:
            self._put_away(claim, self._path / self.folder.archive, self._stamp(claim))
        for path in (claim.path, *claim.beside):
            files.remove(path)
        self._claims.end(claim)

    def refuse(self, claim: Claim, text: str) -> None:
        """Put a record into the error folder, with a text that says why."""
        target, stamp = self._path / self.folder.error, self._stamp(claim)
        name = names.dated(claim.record.name, stamp)
        note = text.replace("\n", "\r\n").encode("utf-8-sig")
        # First the text: a record in the error folder is never without one.
        files.write(target / names.beside(name, ".txt"), note)
        self._put_away(claim, target, stamp)
        self._claims.end(claim)

    def answer(self, claim: Claim, data: bytes) -> None:
        """Put an acknowledgement where the record came from."""
        part = self._path / WORK / f"{claim.folder.name}.part"
        files.write(part, data)
        files.move(part, self._path / names.beside(claim.record.name, names.ANSWER))

    def postpone(self, claim: Claim) -> None:
        """Try a record again at the next look."""
        claim.given = False

    def lost(self, claim: Claim) -> None:
        """Forget a claim that another gateway has taken over."""
        self._claims.forget(claim)

    def leave(self) -> None:
        """Let others take over what is claimed here."""
        self._claims.turn.give_up()

    def _give(self, whole: list[Claim]) -> list[Claim]:
        """Hand over as many as memory should hold at a time, one at least."""
        room = MOST_BYTES - sum(one.size for one in self._claims.held.values() if one.given)
        given = []
        for claim in whole:
            if room <= 0:
                break
            claim.given = True
            room -= claim.size
            given.append(claim)
        return given

    def _make_folders(self) -> None:
        own = (WORK, f"{WORK}/in", self.folder.error, self.folder.archive)
        for name in filter(None, own):
            files.make(self._path / name)

    # what is ready ----------------------------------------------------------------------
    def _ready(self, plain: dict[str, Seen], present: Iterable[str]) -> list[Seen]:
        """Return the records nobody is writing any more; `present` are the names of everything."""
        locks = frozenset(map(str.casefold, present))
        there = {one.name for one in plain.values()}
        self._watched = {name: was for name, was in self._watched.items() if name in there}
        records = [
            one
            for one in plain.values()
            if names.matches(one.name, self.folder.pattern)
            and not names.is_unfinished(one.name)
            and not names.is_locked(one.name, locks)
        ]
        return [one for one in records if self._is_still(one)]

    def _is_still(self, one: Seen) -> bool:
        """Tell whether a file has stayed as it is; an empty one is mostly one not begun yet."""
        now = self.monotonic()
        was, since = self._watched.get(one.name, (None, now))
        if was != one:
            self._watched[one.name] = (one, now)
            since = now
        wait = self.folder.stable if one.size else self.folder.patience
        return now - since >= wait / SECOND

    def _whole(self, claim: Claim, present: dict[str, Seen]) -> bool:
        """Tell whether a claim can be read: the files it names are there, or waited for in vain."""
        if claim.given:
            return False
        try:
            wanted = self._wanted(claim)
        except files.Busy:
            return False
        except FileNotFoundError:
            self.lost(claim)
            return False
        except files.Unusual:
            return True
        claim.missing = sum(not self._fetch(claim, name, present) for name in wanted)
        waited = self.monotonic() - claim.since
        return not claim.missing or waited >= self.folder.patience / SECOND

    def _wanted(self, claim: Claim) -> list[str]:
        """Return the plain names of files the record expects and has not got yet, folded."""
        if claim.expected is None:
            stated = map(names.basename, self.beside(self._record(claim)))
            claim.expected = tuple(dict.fromkeys(stated))
        got = {path.name.casefold() for path in claim.beside}
        return [name for name in map(str.casefold, claim.expected) if name not in got]

    def _fetch(self, claim: Claim, name: str, present: dict[str, Seen]) -> bool:
        """Move a file beside the record that names it; False while it is absent or written."""
        found = present.get(name)
        return found is not None and self._is_still(found) and claim.fetch(self._path, found)

    def _record(self, claim: Claim) -> Iterator[bytes]:
        """Read the record; raises Busy at its end when it has changed since it was seen."""
        yield from files.chunks(claim.path, self.limit)
        self._check_unchanged(claim)

    def _check_unchanged(self, claim: Claim) -> None:
        now = files.seen(claim.path)
        if now != claim.record:
            claim.record, claim.expected = now, None
            raise files.Busy

    def _stamp(self, claim: Claim) -> str:
        return f"{self.today():%Y%m%d-%H%M%S}-{claim.folder.name[:6]}"

    def _put_away(self, claim: Claim, target: Path, stamp: str) -> None:
        """Move a record and what lies beside it to a folder, under dated names."""
        for path in (*claim.beside, claim.path):
            files.move_far(path, target / names.dated(path.name, stamp))
