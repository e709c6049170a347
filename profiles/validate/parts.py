"""What a profile says about one element of an object, compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any

from profiles.validate.members import Item, Json, Members, is_formed, items_of
from profiles.validate.places import Place
from profiles.validate.run import Check, Run
from profiles.validate.slicing import Slices


@dataclass(frozen=True)
class Part:
    """One element of an object, as far as a profile asks for more than its base."""

    #: All JSON names the base allows.
    members: Members
    #: Its name in FHIRPath.
    shown: str
    #: At least and at most so many; 0 and None where the base says the same.
    min: int
    max: int | None
    #: Types a choice is narrowed to; None where it is not.
    types: frozenset[str] | None
    checks: tuple[Check, ...]
    slices: Slices | None
    #: URL of the profile, for the sentences.
    profile: str
    #: The text that its value has to be, where that is all that is checked about it.
    text: str | None = None

    @cached_property
    def quick(self) -> Callable[[Json], bool] | None:
        """What says of an object at a glance that the element is well, as it mostly is.

        What it says of none is decided value by value.
        """
        if self.max is not None or self.min > 1:
            return None
        if self.types is not None:
            return None if self.checks or self.slices else self._quick_choice()
        (member, *others), slices = self.members.each, self.slices
        name = member.name
        if others:
            return None
        if slices is not None:
            is_plain = not (self.checks or member.primitive or self.min)
            return (lambda holder: slices.passes(holder.get(name))) if is_plain else None
        if self.text is not None:
            return lambda holder: holder.get(name) == self.text
        return None if self.checks else (lambda holder: _is_there(holder.get(name)))

    def _quick_choice(self) -> Callable[[Json], bool] | None:
        """One value, of a type that is allowed."""
        allowed = [one for one in self.members.each if one.type in (self.types or ())]
        if len(allowed) != 1:
            return None
        name, _, is_primitive = allowed[0]
        others = frozenset(self.members.by_name).difference((name, f"_{name}"))

        def passes(holder: Json) -> bool:
            kind = type(holder.get(name))
            if kind is list or kind is NoneType or (kind is dict) is is_primitive:
                return False
            return others.isdisjoint(holder)

        return passes

    @cached_property
    def names(self) -> tuple[str, str, frozenset[str]]:
        """Its JSON name and the one beside it; of a choice all of them."""
        first, *others = self.members.each
        if others:
            return "", "", frozenset(self.members.by_name)
        return first.name, f"_{first.name}" if first.primitive else "", frozenset()

    @cached_property
    def required(self) -> bool:
        """Say whether it says anything of an object without the element."""
        return self.min > 0 or (self.slices is not None and self.slices.required)

    def check(self, holder: Json, place: Place, run: Run) -> None:
        """Check the element in an object."""
        if self.quick is not None and self.quick(holder):
            return
        items = items_of(holder, self.members, self.shown, place)
        count = len(items)
        if count < self.min or (self.max is not None and count > self.max):
            self._miscounted(count, place, run)
        formed = []
        for item in items:
            if is_formed(item.value, item.type):
                formed.append(item)
                if self.types is not None and item.type not in self.types:
                    text = f"the type {item.type} is not allowed here ({self.profile})"
                    run.report("error", "structure", text, item.place)
                else:
                    for check in self.checks:
                        check(item, run)
        if self.slices is not None and (formed or self.slices.required):
            self.slices.check(formed, place, run)

    def _miscounted(self, count: int, place: Place, run: Run) -> None:
        at = (place, self.shown)
        if count < self.min:
            text = (
                f"{self.shown} is required at least {self.min} times, found {count} times"
                if self.min > 1
                else f"{self.shown} is required"
            )
            run.report("error", "required", f"{text} ({self.profile})", at)
        elif self.max == 0:
            run.report("error", "structure", f"{self.shown} is not allowed ({self.profile})", at)
        else:
            text = f"{self.shown} is allowed at most {self.max} times, found {count} times"
            run.report("error", "structure", f"{text} ({self.profile})", at)


def _is_there(value: Any) -> bool:
    if type(value) is list:
        value = value[0] if value else None
    return value is not None


def below(parts: Sequence[Part]) -> Check:
    """Return what checks the elements below a value."""
    watched = [(one.required, *one.names, one.check) for one in parts]
    is_required = any(one.required for one in parts)

    def check(item: Item, run: Run) -> None:
        holder = item.below
        if holder is None:
            # A primitive value without extensions: nothing is below, which may be too little.
            if not is_required or (item.extra is None and type(item.value) is dict):
                return
            holder = {}
        place = item.place
        # Most of what a profile speaks of is not there.
        for required, name, beside, names, look in watched:
            if (
                required
                or name in holder
                or beside in holder
                or (names and not names.isdisjoint(holder))
            ):
                look(holder, place, run)

    return check
