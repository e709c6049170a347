"""Discriminators: what tells the slices of a list apart.

https://hl7.org/fhir/R4/profiling.html#discriminator. A discriminator names a path and how it
distinguishes: by value (fixed, pattern, required binding, also of what is below), existence, type
or profile. The same path is followed twice: in the definition of a slice, to learn what it asks
for, and in a value, to see whether it has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from profiles.snapshot.elements import Binding, Discriminator, Element, Value
from profiles.validate.bindings import codes_of
from profiles.validate.criteria import criterion
from profiles.validate.discriminator_paths import steps_of
from profiles.validate.held_resources import ANY_RESOURCE
from profiles.validate.members import Item, named
from profiles.validate.references import type_of_target
from profiles.validate.run import Run, Terminology

#: Says whether a value belongs to a slice.
Belongs = Callable[[Item, Run], bool]
#: Canonical of a profile or type → the roots of its definition.
Root = Callable[[str], "Element | None"]
#: Canonical → does the value conform, quietly.
Conforms = Callable[[str, Item, Run], bool]


@dataclass(frozen=True, slots=True)
class ByText:
    """What belongs to a slice by one text: look-ups may take the place of asking."""

    member: str
    text: str
    test: Belongs

    def __call__(self, item: Item, run: Run) -> bool:
        """Say whether a value belongs to the slice."""
        return self.test(item, run)


#: References that lead to what is here, or nowhere.
_LOCAL = ("#", "urn:")


class Discriminators:
    """Compiles what makes a value belong to a slice."""

    def __init__(
        self, root: Root, type_root: Root, terminology: Terminology, conforms: Conforms
    ) -> None:
        """Take what finds definitions: by canonical, by type name; and what checks profiles."""
        self._root = root
        self._type_root = type_root
        self._terminology = terminology
        self._conforms = conforms

    def belongs(self, part: Element, discriminators: Sequence[Discriminator]) -> Belongs | None:
        """Return what tells whether a value belongs to a slice; None when nothing can tell."""
        tests = [self._test(part, one) for one in discriminators]
        # What a slice says nothing about does not tell it from others.
        known = [test for test in tests if test is not None]
        if not known:
            return None
        if len(known) == 1:
            text = self._text(part, discriminators[0]) if len(tests) == 1 else None
            if text is not None:
                return ByText(*text, known[0])
            return known[0]
        return lambda item, run: all(test(item, run) for test in known)

    def _text(self, part: Element, discriminator: Discriminator) -> tuple[str, str] | None:
        """Return the member and its text that make a value belong, where that is all."""
        if _KINDS.get(discriminator.type) is not _by_value:
            return None
        steps = steps_of(discriminator.path)
        if [kind for kind, _ in steps] != ["name"]:
            return None
        asked = _own(self._defined(part, steps))
        found = next((one for one in asked if criterion(one)), None)
        value = (found.fixed or found.pattern) if found is not None else None
        wanted = value.value if value is not None else None
        return (steps[0][1], wanted) if isinstance(wanted, str) else None

    def _test(self, part: Element, discriminator: Discriminator) -> Belongs | None:
        try:
            steps = steps_of(discriminator.path)
        except ValueError:
            return None
        asked = self._defined(part, steps)
        if discriminator.type == "profile" and steps and steps[-1][0] == "resolve":
            asked = [_of_targets(one) for one in self._defined(part, steps[:-1])]
        make = _KINDS.get(discriminator.type)
        test = make(self, asked) if make is not None else None
        if test is None:
            return None
        if discriminator.type == "exists":
            wanted = any(one.min > 0 for one in asked) or not asked
            forbidden = bool(asked) and all(one.max == 0 for one in asked)
            if not wanted and not forbidden:
                return None
            return lambda item, run: any(True for _ in self._reached([item], steps, run)) is wanted
        if not steps:
            return test
        if discriminator.type == "type":
            return lambda item, run: any(test(one, run) for one in self._typed(item, steps, run))
        return lambda item, run: any(test(one, run) for one in self._reached([item], steps, run))

    # the definition --------------------------------------------------------------------
    def _defined(self, part: Element, steps: Sequence[tuple[str, str]]) -> list[Element]:
        found = [part]
        for kind, argument in steps:
            found = [below for one in found for below in self._below(one, kind, argument)]
        return found

    def _below(self, element: Element, kind: str, argument: str) -> Iterator[Element]:
        if kind == "type":
            yield element
        elif kind == "resolve":
            for target in (url for one in element.types for url in one.targets):
                if (root := self._root(target)) is not None:
                    yield root
        elif kind == "extension":
            yield from self._extensions(element, argument)
        else:
            yield from self._children(element, argument)

    def _extensions(self, element: Element, url: str) -> Iterator[Element]:
        for child in self._children(element, "extension"):
            for part in child.slices:
                if any(url in one.profiles for one in part.types):
                    yield part
        if (root := self._root(url)) is not None:
            yield root

    def _children(self, element: Element, name: str) -> Iterator[Element]:
        """What a profile says about a child, then what the profiles of its type say."""
        stated = _stated(element, name)
        for holder in self._holders(element):
            child = holder.child(name) or holder.child(f"{name}[x]")
            if child is not None:
                yield replace(child, **stated) if stated else child
                yield from child.slices

    def _holders(self, element: Element) -> Iterator[Element]:
        yield element
        for one in element.types:
            for canonical in one.profiles:
                if (root := self._root(canonical)) is not None:
                    yield root
            if not element.children and not one.profiles:
                base = self._type_root(one.code)
                if base is not None:
                    yield base

    # the value ---------------------------------------------------------------------------
    def _reached(
        self, items: Sequence[Item], steps: Sequence[tuple[str, str]], run: Run
    ) -> Iterator[Item]:
        found: Sequence[Item] = items
        for kind, argument in steps:
            found = [below for one in found for below in self._step(one, kind, argument, run)]
        yield from found

    def _typed(self, item: Item, steps: Sequence[tuple[str, str]], run: Run) -> Iterator[Item]:
        """Follow a path to learn a type: that of a target may be known without the target."""
        *above, last = steps
        for one in self._reached([item], above, run):
            before = run.unsure
            found = list(self._step(one, *last, run))
            yield from found
            if not found and last[0] == "resolve" and (kind := type_of_target(one.value)):
                run.unsure = before
                yield Item(None, None, kind, one.place)

    def _step(self, item: Item, kind: str, argument: str, run: Run) -> Iterator[Item]:
        if kind == "type":
            if item.type == argument:
                yield item
        elif kind == "resolve":
            reference = item.value.get("reference") if isinstance(item.value, dict) else None
            found = run.resolve(reference) if isinstance(reference, str) else None
            if found is None:
                run.unsure += isinstance(reference, str) and not reference.startswith(_LOCAL)
            else:
                yield Item(found[0], None, str(found[0].get("resourceType", "")), found[1])
        else:
            yield from self._inside(item, kind, argument)

    def _inside(self, item: Item, kind: str, argument: str) -> Iterator[Item]:
        holder = item.below
        if holder is None:
            return
        name = "extension" if kind == "extension" else argument
        for one in named(holder, name, item.place):
            if kind == "name" or (isinstance(one.value, dict) and one.value.get("url") == argument):
                yield one


def _stated(element: Element, name: str) -> dict[str, Any]:
    """Return what the fixed value or pattern of an element says of a child."""
    for kind in ("fixed", "pattern"):
        value: Value | None = getattr(element, kind)
        if value is not None and isinstance(value.value, dict) and name in value.value:
            found = value.value[name]
            # The items of a list are looked at one by one; one of them has to be there.
            one = found[0] if isinstance(found, list) and found else found
            return {kind: Value("", one)}
    return {}


def _of_targets(element: Element) -> Element:
    """Take what a reference may point to for the types of what it leads to."""
    types = (replace(one, code="Resource", profiles=one.targets) for one in element.types)
    return replace(element, types=tuple(types))


def _by_value(self: Discriminators, asked: Sequence[Element]) -> Belongs | None:
    """The nearest definition decides; where it is sliced itself, one of its slices has to fit."""
    own = _own(asked)
    test = next(filter(None, (criterion(one) for one in own)), None)
    if test is not None:
        return lambda item, _run: test(item)
    parts = [one for one in asked if one not in own]
    tests = [found for one in parts if (found := criterion(one))]
    if tests:
        return lambda item, _run: any(one(item) for one in tests)
    bound = next((one.binding for one in own if _requires(one.binding)), None)
    return (lambda item, run: _is_in(item, bound, self._terminology, run)) if bound else None


def _own(asked: Sequence[Element]) -> list[Element]:
    return [one for one in asked if not one.slice_name or one is asked[0]]


def _by_type(_self: Discriminators, asked: Sequence[Element]) -> Belongs | None:
    codes = {code for one in asked for code in _type_names(one)}
    return (lambda item, _run: _type_of(item) in codes) if codes else None


def _by_profile(self: Discriminators, asked: Sequence[Element]) -> Belongs | None:
    """Of a profile that is not at hand the type has to do."""
    wanted = [(kind.code, url) for one in asked for kind in one.types for url in kind.profiles]
    if not any(code not in ANY_RESOURCE or self._root(url) is not None for code, url in wanted):
        return None
    return lambda item, run: any(
        (not _type_of(item) or code in {_type_of(item), *ANY_RESOURCE})
        and self._conforms(url, item, run)
        for code, url in wanted
    )


def _by_existence(_self: Discriminators, _asked: Sequence[Element]) -> Belongs:
    return lambda _item, _run: True


_KINDS: dict[str, Callable[[Discriminators, Sequence[Element]], Belongs | None]] = {
    "value": _by_value,
    "pattern": _by_value,
    "type": _by_type,
    "profile": _by_profile,
    "exists": _by_existence,
}


def _type_names(element: Element) -> Iterator[str]:
    if "." not in element.path:
        yield element.path
    for one in element.types:
        yield one.code


def _type_of(item: Item) -> str:
    if isinstance(item.value, dict) and "resourceType" in item.value:
        return str(item.value["resourceType"])
    return item.type


def _requires(binding: Binding | None) -> bool:
    return binding is not None and binding.strength == "required"


def _is_in(item: Item, binding: Binding, terminology: Terminology, run: Run) -> bool:
    answers = {
        terminology.member(binding.value_set, system, code) for system, code in codes_of(item.value)
    }
    if True in answers:
        return True
    run.unsure += None in answers
    return False
