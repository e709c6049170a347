"""Slicing: items of a list sorted into the slices a profile names.

https://hl7.org/fhir/R4/profiling.html#slicing. Every item belongs to the first slice whose
discriminators it meets; a re-slice (`a/b`) takes from the items of its slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from profiles.validate.discriminators import Belongs, ByText
from profiles.validate.members import Item
from profiles.validate.places import Place
from profiles.validate.run import Check, Run


@dataclass(frozen=True)
class Slice:
    """One slice, compiled."""

    name: str
    min: int
    max: int | None
    #: None when its discriminators cannot tell: then no item is of it.
    belongs: Belongs | None
    #: What is checked about its items.
    checks: tuple[Check, ...]
    #: What becomes of its items that are of none of its re-slices: open or closed.
    rules: str = "open"

    @cached_property
    def parent(self) -> str:
        """Name of the slice this one re-slices; empty for none."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True)
class Slices:
    """The slices of one element."""

    #: Name of the sliced element.
    element: str
    rules: str
    ordered: bool
    slices: tuple[Slice, ...]
    #: URL of the profile, for the sentences.
    profile: str

    @cached_property
    def required(self) -> bool:
        """Say whether any slice has to be there."""
        return any(one.min for one in self.slices)

    @cached_property
    def _by_parent(self) -> dict[str, list[Slice]]:
        """Name of a slice ("" for none) → what it is sliced into, as far as that can be told."""
        found: dict[str, list[Slice]] = {}
        for one in self.slices:
            if one.belongs is not None:
                found.setdefault(one.parent, []).append(one)
        return found

    @cached_property
    def _texts(self) -> tuple[str, dict[str, tuple[Slice, ...]]]:
        """A member's name and its text → slice, where one member tells all slices apart."""
        told = [one.belongs for one in self.slices if isinstance(one.belongs, ByText)]
        members = {one.member for one in told}
        if (
            len(told) < len(self.slices)
            or len(members) > 1
            or any(one.parent for one in self.slices)
        ):
            return "", {}
        by_text: dict[str, tuple[Slice, ...]] = {}
        for one, key in zip(self.slices, told, strict=True):
            by_text.setdefault(key.text, (one,))
        return members.pop(), by_text

    @cached_property
    def _most(self) -> dict[str, int | None] | None:
        """Text → how many items may have it, where that is all; None where there is more."""
        member, by_text = self._texts
        more = (
            self.ordered
            or self.rules != "open"
            or any(one.checks or one.min for one in self.slices)
        )
        if not member or more:
            return None
        return {text: one.max for text, (one,) in by_text.items()}

    def passes(self, values: Any) -> bool:
        """Say whether a list is well as far as can be seen at a glance; False says nothing."""
        most = self._most
        if most is None or type(values) is not list:
            return False
        member, counts = self._texts[0], dict[str, int]()
        for value in values:
            text = value.get(member) if type(value) is dict else None
            if type(text) is not str:
                return False
            counts[text] = count = counts.get(text, 0) + 1
            limit = most.get(text)
            if limit is not None and count > limit:
                return False
        return True

    @cached_property
    def _decidable(self) -> bool:
        """Say whether all slices can be told apart; not without definitions that are missing."""
        return all(one.belongs is not None for one in self.slices)

    @cached_property
    def _counted(self) -> tuple[Slice, ...]:
        """Those with a number to be held, or of which nothing can be said."""
        return tuple(
            one for one in self.slices if one.min or one.max is not None or one.belongs is None
        )

    def check(self, items: Sequence[Item], place: Place, run: Run) -> None:
        """Sort the items, count them and check each as its slice demands."""
        sorted_: list[Sequence[Slice]] = []
        #: Positions of items of which nobody can say whether they are of a slice.
        open_: list[int] = []
        for at, item in enumerate(items):
            before = run.unsure
            sorted_.append(self._sorted(item, run))
            if run.unsure != before and self._lacks(sorted_[-1]):
                open_.append(at)
        self._check_items(items, sorted_, open_, run)
        self._count_all(sorted_, len(open_), place, run)
        if self.ordered:
            self._check_order(sorted_, place, run)

    def has(self, name: str, item: Item, run: Run) -> bool:
        """Say whether an item is of the slice with a name."""
        return any(one.name == name for one in self._sorted(item, run))

    def _lacks(self, found: Sequence[Slice]) -> bool:
        """Say whether an item is of no slice, or of none of the re-slices of its slice."""
        return not found or found[-1].name in self._by_parent

    def _check_items(
        self, items: Sequence[Item], sorted_: list[Sequence[Slice]], open_: list[int], run: Run
    ) -> None:
        last = max((at for at, found in enumerate(sorted_) if found), default=-1)
        for at, (item, found) in enumerate(zip(items, sorted_, strict=True)):
            for one in found:
                for check in one.checks:
                    check(item, run)
            if at in open_ or not self._decidable:
                continue
            if not found and self.rules != "open":
                self._check_other(item, run, before_slices=at < last)
            elif found and found[-1].rules == "closed" and self._lacks(found):
                text = f"this {self.element} is none of the slices of {found[-1].name} that"
                run.report("error", "structure", f"{text} {self.profile} allows", item.place)

    def _sorted(self, item: Item, run: Run) -> Sequence[Slice]:
        """Return the slice an item belongs to and the re-slices within it."""
        member, by_text = self._texts
        text = item.value.get(member) if by_text and type(item.value) is dict else None
        if type(text) is str:
            return by_text.get(text, ())
        found: list[Slice] = []
        inner: Sequence[Slice] = self._by_parent.get("", ())
        while inner:
            one = next((one for one in inner if one.belongs and one.belongs(item, run)), None)
            if one is None:
                break
            found.append(one)
            inner = self._by_parent.get(one.name, ())
        return found

    def _check_other(self, item: Item, run: Run, *, before_slices: bool) -> None:
        if self.rules == "closed":
            text = f"this {self.element} is none of the slices that {self.profile} allows"
            run.report("error", "structure", text, item.place)
        elif self.rules == "openAtEnd" and before_slices:
            text = f"{self.profile} allows further {self.element} only after its slices"
            run.report("error", "structure", text, item.place)

    def _count_all(
        self, sorted_: Sequence[Sequence[Slice]], open_: int, place: Place, run: Run
    ) -> None:
        counts: dict[str, int] = {}
        for found in sorted_:
            for one in found:
                counts[one.name] = counts.get(one.name, 0) + 1
        for one in self._counted:
            # A re-slice is counted where its slice is.
            if not one.parent or one.parent in counts:
                self._count(one, counts.get(one.name, 0), open_, place, run)

    def _count(self, one: Slice, count: int, open_: int, place: Place, run: Run) -> None:
        if one.belongs and one.min <= count + open_ and (one.max is None or count <= one.max):
            return
        above = (place, self.element)
        if one.belongs is None:
            text = f"nothing at hand tells the slice {one.name} of {self.profile} from others"
            run.once(f"{self.profile} {one.name}", "warning", "not-found", text, above)
            return
        if count + open_ < one.min:
            text = (
                f"the slice {one.name} is required at least {one.min} times, found {count} times"
                if one.min > 1
                else f"the slice {one.name} is required"
            )
            run.report("error", "required", f"{text} ({self.profile})", above)
        else:
            text = f"the slice {one.name} is allowed at most {one.max} times, found {count} times"
            run.report("error", "structure", f"{text} ({self.profile})", above)

    def _check_order(self, sorted_: Sequence[Sequence[Slice]], place: Place, run: Run) -> None:
        order = {one.name: at for at, one in enumerate(self.slices)}
        seen = [order[found[0].name] for found in sorted_ if found]
        if seen != sorted(seen):
            text = (
                f"the slices of {self.element} stand in another order than {self.profile} demands"
            )
            run.report("error", "structure", text, (place, self.element))
