"""A change made to a resource: `apply(current, change)` is the new version. Pure.

HL7 empty is no statement, `""` deletes (Change.cleared). Per register the newest statement wins,
whatever the order of arrival; ties go to the later arrival. Cancels act on what they name
whatever their time. A historic change fills what nobody has stated and changes nothing else.
"""

from __future__ import annotations

from typing import Any

from mappers import movements, registers
from mappers.base import Action, Change, Resource
from mappers.recency import (
    CLOCK,
    WEAK,
    Clock,
    at,
    first_clock,
    has_clock,
    known,
    read,
    register_key,
    with_clock,
    written,
)

#: What a cancel sets whatever its time.
_CANCELLED = frozenset({"status", "docStatus", "verificationStatus"})


def apply(current: Resource | None, change: Change) -> Resource | None:
    """Return the resource after the change, None when nothing is left of it.

    Neither argument is modified; the result may share parts with both.
    """
    if change.action is Action.DELETE:
        return None
    if current is None or change.action is Action.REPLACE:
        return _clocked(change)
    return _Merge(current, change).result()


def statement_clock(change: Change) -> str:
    """Write the clock of what a change states: its instant, weak and cleared elements."""
    return first_clock(change.recency, change.weak, change.cleared)


def _clocked(change: Change) -> Resource:
    """The statement with its clock; one that was stored before carries it already."""
    resource = change.resource
    return resource if has_clock(resource) else with_clock(resource, statement_clock(change))


class _Merge:
    """One merge of a statement into a stored resource."""

    __slots__ = ("change", "clock", "current", "now", "stated")

    def __init__(self, current: Resource, change: Change) -> None:
        self.current = current
        self.change = change
        self.clock: Clock = {}
        self.now = read(_clocked(change), change.recency)
        self.stated = read(current)

    def result(self) -> Resource:
        current, change = self.current, self.change
        held = self._held(registers.split(current), self.stated)
        said = registers.split(change.resource)
        for register, value in said.items():
            if self._wins(register, present=register in held):
                held.pop(register, None)
                held[register] = value
                self._set(register)
        for cleared in change.cleared:
            self._clear(cleared, held, said)
        merged = registers.join(held, lambda name: self.clock.get(register_key(name), ""))
        resource: Resource = {"resourceType": current["resourceType"], "id": current["id"]}
        resource.update(merged)
        places = self._locations(resource)
        self._meta(resource, [*held, *places])
        return current if resource == current else resource

    def _held(self, held: dict[str, Any], clock: Clock) -> dict[str, Any]:
        for register in held:
            self.clock[register_key(register)] = at(clock, register)
        for name, when in clock.items():
            if name != "*":
                self.clock.setdefault(name, when)
        return held

    def _wins(self, register: str, *, present: bool) -> bool:
        """Tell whether the statement replaces what is held."""
        said = at(self.now, register)
        before = self._before(register)
        if self._forced(register):
            return True
        if self.change.historic:
            return not present and not before
        if not (present or before):
            return True
        # What is merely implied needs to be newer: a repeated message brings nothing back.
        return said > before if said.startswith(WEAK) else said >= before

    def _before(self, register: str) -> str:
        """Instant of the newest statement about a register, a clearing of its element too."""
        held = self.clock.get(register_key(register), "")
        above = registers.parent(register)
        return held if above == register else max(held, self.clock.get(above, ""))

    def _forced(self, register: str) -> bool:
        if self.change.action is Action.MOVE:
            return register == "subject"
        if self.change.action is not Action.CANCEL or self.change.historic:
            return False
        return register in _CANCELLED and not at(self.now, register).startswith("-")

    def _set(self, register: str) -> None:
        key = register_key(register)
        said, before = at(self.now, register), self.clock.get(key, "")
        self.clock[key] = max(said, before) if self._forced(register) else said

    def _clear(self, cleared: str, held: dict[str, Any], said: dict[str, Any]) -> None:
        """`""` deletes; the clock remembers it so that older statements do not bring it back."""
        if self.change.historic:
            return
        when = self.now.get("*", "")
        force = self.change.action is Action.CANCEL
        for register in [r for r in held if registers.covers(cleared, r) and r not in said]:
            key = register_key(register)
            if force or when >= self.clock.get(key, ""):
                del held[register]
                self.clock[key] = max(when, self.clock.get(key, ""))
        key = register_key(cleared)
        self.clock[key] = max(when, self.clock.get(key, ""))

    def _locations(self, resource: Resource) -> list[str]:
        """Encounter.location from all movements known so far; return their registers.

        Beside movements the sighting's instant is always written: it counts even where its
        places are shown no more.
        """
        if resource["resourceType"] != "Encounter":
            return []
        held = self._held(movements.split(self.current), self.stated)
        for register, entries in movements.split(self.change.resource).items():
            if self._wins(register, present=register in held):
                held[register] = entries
                self._set(register)
        moves = [self.clock.get(register_key(r), "") for r in held if r != movements.SIGHTING]
        seen = known(self.clock, movements.SIGHTING)
        arranged = movements.arrange(resource, held, seen > max(moves, default=""))
        if arranged:
            resource["location"] = arranged
        return [register for register in held if register != movements.SIGHTING or not moves]

    def _meta(self, resource: Resource, present: list[str]) -> None:
        """Labels are added, never taken off by a message; the clock is written anew."""
        meta: dict[str, Any] = {}
        for source in (self.current, self.change.resource):
            for element, value in source.get("meta", {}).items():
                if isinstance(value, list):
                    kept = meta.setdefault(element, [])
                    kept += [v for v in value if v not in kept and not _is_clock(v)]
                    kept.sort(key=repr)
                else:
                    meta[element] = value
        text = written(self.clock, present)
        extensions = meta.get("extension", [])
        if text != "*=":
            extensions = [*extensions, {"url": CLOCK, "valueString": text}]
        meta = {k: v for k, v in {**meta, "extension": extensions}.items() if v}
        if meta:
            resource["meta"] = meta


def _is_clock(value: Any) -> bool:
    return isinstance(value, dict) and value.get("url") == CLOCK
