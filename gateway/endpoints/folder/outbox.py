"""Outbox: places records in an exchange folder, each exactly once, under the name its reader wants.

Written aside, synced, then renamed to its name, files beside it first. A number belongs to the one
gateway that could create its reservation. What was placed is remembered by its delivery: a resend
after a crash places it if it is not placed yet, and nothing twice, even when it is collected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.folder import Folder
from gateway.domain.time import SECOND
from gateway.endpoints.folder import counter, files, names
from gateway.endpoints.folder.claims import WORK

#: How long it is remembered what was placed, in seconds.
REMEMBERED = 90 * 86_400.0


class NotCollected(Exception):
    """The reader has not collected what was placed before under the same names."""


@dataclass(slots=True)
class Outbox:
    """One exchange folder that is written to; several gateways may do so at a time."""

    folder: Folder
    _path: Path = field(init=False)
    _naming: names.Naming = field(init=False)
    _parts: Path = field(init=False)
    #: Name → delivery it is reserved for; the newest number stays reserved.
    _taken: Path = field(init=False)
    #: Delivery → name it was placed under.
    _placed: Path = field(init=False)

    def __post_init__(self) -> None:
        """Name the folders; raises ValueError when the naming rule makes no plain names."""
        self._naming = names.Naming.of(self.folder.name)
        self._path = Path(self.folder.path)
        out = self._path / WORK / "out"
        self._parts, self._taken, self._placed = out / "part", out / "taken", out / "placed"

    def place(self, delivery: str, record: bytes, beside: Sequence[tuple[str, bytes]] = ()) -> bool:
        """Place a record and what goes beside it; say False when it had been placed before.

        `delivery` is its identity (letters and digits). Raises NotCollected, Busy, Unusual when a
        link is in the place of one of our own folders, ValueError for names that are not plain,
        OSError when the folder cannot be written.
        """
        if not delivery.isalnum():
            raise ValueError("the identity of a delivery has letters and digits")
        files.reach(self._path)
        for folder in (self._parts, self._taken, self._placed):
            files.make(folder)
        part, note = self._parts / delivery, self._placed / delivery
        name = self._remembered(delivery)
        if name and not files.present(part):
            self._release(name, delivery)
            return False
        if not name or self._owner(name) != delivery:
            # Complete before there is a reservation: from then on the missing part says "placed".
            files.write(part, record)
            name = self._reserve(delivery)
        files.write(note, name.encode())
        for plain, data in beside:
            self._put_beside(delivery, plain, data)
        files.move(part, self._path / name)
        self._release(name, delivery)
        return True

    def forget(self) -> None:
        """Forget what was placed, or given up, long ago."""
        for folder in (self._placed, self._parts):
            if files.present(folder):
                now = files.clock(self._path / WORK)
                for one in files.look(folder).files:
                    if now - one.changed / 1e9 > REMEMBERED:
                        files.remove(folder / one.name)

    def _remembered(self, delivery: str) -> str:
        """Return the name of a delivery that was begun before, perhaps by another gateway."""
        note = self._placed / delivery
        if files.present(note) and (name := files.read(note, names.LONGEST).decode()):
            return name
        for one in files.look(self._taken).files:
            if self._owner(one.name) == delivery:
                return one.name
        return ""

    def _reserve(self, delivery: str) -> str:
        """Reserve the next name for a delivery. Raises NotCollected when none is free."""
        naming = self._naming
        numbers = [naming.number(one.name) for one in files.look(self._taken).files]
        number = counter.newest([one for one in numbers if one], naming.highest or 1)
        for _ in range(naming.highest or 1):
            number = counter.next_after(number, naming.highest or 1)
            name = naming.name(number, delivery)
            if self._free(name) and files.create(self._taken / name, delivery.encode()):
                return name
        raise NotCollected

    def _free(self, name: str) -> bool:
        """Tell whether a name may be given; a reservation nobody used for a lease is dropped."""
        if files.present(self._path / name):
            return False
        reservation = self._taken / name
        if not files.present(reservation):
            return True
        now = files.clock(self._path / WORK)
        abandoned = files.seconds_old(reservation, now) > self.folder.lease / SECOND
        if abandoned:
            files.remove(reservation)
        return abandoned

    def _release(self, name: str, delivery: str) -> None:
        """Drop reservations that are over; the newest number stays, so that the next is known."""
        naming = self._naming
        mine = naming.number(name)
        if not mine:
            if self._owner(name) == delivery:
                files.remove(self._taken / name)
            return
        there = {one.name: naming.number(one.name) for one in files.look(self._taken).files}
        last = counter.newest([*there.values(), mine], naming.highest)
        for other, number in there.items():
            if number != last and not files.present(self._parts / self._owner(other)):
                files.remove(self._taken / other)

    def _owner(self, name: str) -> str:
        """Return the delivery a name is reserved for; "" when it is not."""
        try:
            owner = files.read(self._taken / name, names.LONGEST).decode()
        except FileNotFoundError:
            return ""
        return owner if owner.isalnum() else ""

    def _put_beside(self, delivery: str, plain: str, data: bytes) -> None:
        if not names.is_plain(plain):
            raise ValueError("the name of a file beside the record is not plain")
        target = self._path / plain
        if files.present(target) and not _holds(target, data):
            raise NotCollected
        part = self._parts / f"{delivery}-beside"
        files.write(part, data)
        files.move(part, target)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return files.read(path, len(data)) == data
    except files.Unusual:
        return False
