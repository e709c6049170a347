"""What a profile says about one element of an object, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def quick(self) -> str | None:
        """JSON name of an element that only has to be there, or to be counted in slices."""
        if self.checks or self.types is not None or self.max is not None or self.min > 1:
            return None
        ((member, *others), complex_) = self.members.each, self.slices is not None
        if others or (complex_ and (member.primitive or self.min)):
            return None
        return member.name

    @cached_property
    def required(self) -> bool:
        """Say whether it says anything of an object without the element."""
        return self.min > 0 or (self.slices is not None and self.slices.required)

    def check(self, holder: Json, place: Place, run: Run) -> None:
        """Check the element in an object."""
        if self.quick is not None and self._passes(self.quick, holder):
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

    def _passes(self, name: str, holder: Json) -> bool:
        """Say whether the element is well at a glance, as it mostly is; False says nothing."""
        value = holder.get(name)
        if self.slices is not None:
            return self.slices.passes(value)
        if type(value) is list:
            value = value[0] if value else None
        return value is not None

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


def below(parts: Sequence[Part]) -> Check:
    """Return what checks the elements below a value."""
    at = {name: index for index, one in enumerate(parts) for name in one.members.by_name}
    required = {index for index, one in enumerate(parts) if one.required}

    def check(item: Item, run: Run) -> None:
        holder = item.below
        if holder is None:
            if not required:
                return
            # A primitive value without extensions: nothing is below, which may be too little.
            if item.extra is None and isinstance(item.value, dict):
                return
            holder = {}
        # Most of what a profile speaks of is not there.
        for index in sorted(required.union([at[name] for name in holder if name in at])):
            parts[index].check(holder, item.place, run)

    return check
