"""Slicing: items of a list sorted into the slices a profile names.

https://hl7.org/fhir/R4/profiling.html#slicing. Every item belongs to the first slice whose
discriminators it meets; a re-slice (`a/b`) takes from the items of its slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiles.validate.discriminators import Belongs
from profiles.validate.members import Item
from profiles.validate.places import Place
from profiles.validate.run import Check, Run


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice, compiled."""

    name: str
    min: int
    max: int | None
    #: None when its discriminators cannot tell: then no item is of it.
    belongs: Belongs | None
    #: What is checked about its items.
    checks: tuple[Check, ...]

    @property
    def parent(self) -> str:
        """Name of the slice this one re-slices; empty for none."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of one element."""

    #: Name of the sliced element.
    element: str
    rules: str
    ordered: bool
    slices: tuple[Slice, ...]
    #: URL of the profile, for the sentences.
    profile: str

    @property
    def required(self) -> bool:
        """Say whether any slice has to be there."""
        return any(one.min for one in self.slices)

    def check(self, items: Sequence[Item], place: Place, run: Run) -> None:
        """Sort the items, count them and check each as its slice demands."""
        sorted_ = [self._sorted(item, run) for item in items]
        last = max((at for at, names in enumerate(sorted_) if names), default=-1)
        for at, (item, names) in enumerate(zip(items, sorted_, strict=True)):
            self._check_item(item, names, run, before_slices=at < last)
        for one in self.slices:
            # A re-slice is counted where its slice is.
            if not one.parent or any(one.parent in names for names in sorted_):
                self._count(one, sum(one.name in names for names in sorted_), place, run)
        if self.ordered:
            self._check_order(sorted_, place, run)

    def _sorted(self, item: Item, run: Run) -> tuple[str, ...]:
        """Return the slice an item belongs to and the re-slice within it."""
        found: list[str] = []
        for one in self.slices:
            above = found[-1] if found else ""
            if one.parent == above and one.belongs is not None and one.belongs(item, run):
                found.append(one.name)
        return tuple(found)

    def _check_item(
        self, item: Item, names: tuple[str, ...], run: Run, *, before_slices: bool
    ) -> None:
        for one in self.slices:
            if one.name in names:
                for check in one.checks:
                    check(item, run)
        if names or not self._decidable:
            return
        if self.rules == "closed":
            text = f"this {self.element} is none of the slices that {self.profile} allows"
            run.report("error", "structure", text, item.place)
        elif self.rules == "openAtEnd" and before_slices:
            text = f"{self.profile} allows further {self.element} only after its slices"
            run.report("error", "structure", text, item.place)

    @property
    def _decidable(self) -> bool:
        """Say whether all slices can be told apart; not without definitions that are missing."""
        return all(one.belongs is not None for one in self.slices)

    def _count(self, one: Slice, count: int, place: Place, run: Run) -> None:
        above = (place, self.element)
        if one.belongs is None:
            text = f"nothing at hand tells the slice {one.name} of {self.profile} from others"
            run.once(f"{self.profile} {one.name}", "warning", "not-found", text, above)
            return
        if count < one.min:
            text = (
                f"the slice {one.name} is required at least {one.min} times, found {count} times"
                if one.min > 1
                else f"the slice {one.name} is required"
            )
            run.report("error", "required", f"{text} ({self.profile})", above)
        elif one.max is not None and count > one.max:
            text = f"the slice {one.name} is allowed at most {one.max} times, found {count} times"
            run.report("error", "structure", f"{text} ({self.profile})", above)

    def _check_order(self, sorted_: Sequence[tuple[str, ...]], place: Place, run: Run) -> None:
        order = {one.name: at for at, one in enumerate(self.slices)}
        seen = [order[names[0]] for names in sorted_ if names]
        if seen != sorted(seen):
            text = (
                f"the slices of {self.element} stand in another order than {self.profile} demands"
            )
            run.report("error", "structure", text, (place, self.element))
