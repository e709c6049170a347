"""Compiles a profile to a layer: the checks of what it asks for beyond its type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from profiles.snapshot.choices import CORE_URL
from profiles.snapshot.elements import Element, Profile, Slicing, Type
from profiles.validate.discriminators import Belongs, ByText
from profiles.validate.held_resources import ANY_RESOURCE, holds_resources, resource_check
from profiles.validate.limits import limit_checks
from profiles.validate.members import Item, members_of
from profiles.validate.parts import Part, below
from profiles.validate.presence import value_checks
from profiles.validate.run import Check, Run
from profiles.validate.slice_positions import by_position
from profiles.validate.slicing import Slice, Slices
from profiles.validate.targets import aggregation_check, target_check
from profiles.validate.values import value_check

if TYPE_CHECKING:
    from profiles.validate.layers import Layers


class CompileLayer:
    """Compiles one profile."""

    def __init__(self, layers: Layers, profile: Profile) -> None:
        """Take the layers it is one of."""
        self.layers = layers
        self.profile = profile
        self._discriminators = layers.discriminators(profile)

    def checks(self) -> Iterator[Check]:
        """Go through what is checked about a value of the profile's type."""
        base = self._base()
        if base is None or self.profile.url == f"{CORE_URL}{self.profile.type}":
            return  # what core says of its types is not a profile's business
        yield from self._faults()
        yield from self._own(self.profile.root, base)
        yield from self._below(self.profile.root, base)

    def _faults(self) -> Iterator[Check]:
        """Tell, once, of constraints that nobody can check because the profile is wrong there."""
        url = self.profile.url
        wrong = [one for one in self.layers.faults(self.profile) if one.severity == "error"]
        if not wrong:
            return
        first = f"{wrong[0].location}: {wrong[0].text}"
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        text = f"the profile {url} is wrong and holds only in part: {first}{more}"

        def check(item: Item, run: Run) -> None:
            run.once(f"faults of {url}", "warning", "structure", text, item.place)

        yield check

    def _base(self) -> Element | None:
        """Return core's definition of what the profile constrains: a type, or an element."""
        path = self.profile.root.path
        type_, dot, _ = path.partition(".")
        root = self.layers.type_root(type_ if dot else self.profile.type)
        if not dot or root is None:
            return root
        return next((one for one in root.walk() if one.id == path), None)

    def _parts(self, element: Element, base: Element) -> Iterator[Part]:
        for child in element.children:
            inner = base.child(child.name)
            if inner is not None and (part := self._part(child, inner)) is not None:
                yield part

    def _below(self, element: Element, base: Element) -> Iterator[Check]:
        parts = tuple(self._parts(element, base))
        if parts:
            yield below(parts)

    def _part(self, element: Element, base: Element) -> Part | None:
        least = element.min if element.min > base.min else 0
        most = element.max if element.max != base.max else None
        types = self._narrowed(element, base)
        checks = tuple(self._item(element, base))
        slices = self._slices(element, base)
        if not least and most is None and types is None and not checks and slices is None:
            return None
        shown = element.name.removesuffix("[x]")
        members = members_of(base)
        text = _only_text(element, base) if len(checks) == 1 else None
        return Part(members, shown, least, most, types, checks, slices, self.profile.url, text)

    def _narrowed(self, element: Element, base: Element) -> frozenset[str] | None:
        allowed = frozenset(one.code for one in element.types)
        whole = frozenset(one.code for one in base.types)
        return allowed if allowed and allowed < whole else None

    def _item(self, element: Element, base: Element, url: str = "") -> Iterator[Check]:
        """What is checked about one value: the element's own words, then what is below it.

        `url` is the URL that all values have, where that is known.
        """
        found = self._own_and_below(element, base, url)
        if holds_resources(base):
            yield resource_check(element, tuple(found), self.profile)
        else:
            yield from found

    def _own_and_below(self, element: Element, base: Element, url: str) -> Iterator[Check]:
        yield from self._own(element, base)
        yield from self._typed(element, base, url)
        if element.children:
            yield from self._below(element, self._within(element, base))

    def _within(self, element: Element, base: Element) -> Element:
        """Return the definition whose children an element's children are compared with."""
        if base.children:
            return base
        if base.content_reference:
            found = self.layers.snapshots.type(base.content_reference.partition(".")[0])
            return found.element(base.content_reference) or base
        if len(element.types) == 1:
            profiles = element.types[0].profiles
            if len(profiles) == 1 and (own := self.layers.profile(profiles[0], self.profile)):
                return own.root
            return self.layers.type_root(element.types[0].code) or base
        return base

    def _own(self, element: Element, base: Element) -> Iterator[Check]:
        if (fixed := element.fixed) is not None and fixed != base.fixed:
            yield value_check("fixed", fixed.value, self.profile.url)
        if (pattern := element.pattern) is not None and pattern != base.pattern:
            yield value_check("pattern", pattern.value, self.profile.url)
        yield from limit_checks(element, base)
        yield from value_checks(element, self.profile)
        if (
            element.binding != base.binding
            and (bound := self.layers.binding(element, self.profile)) is not None
        ):
            yield bound
        known = frozenset(one.key for one in base.invariants)
        yield from self.layers.invariants(element, known | self._of_types(element), self.profile)

    def _of_types(self, element: Element) -> frozenset[str]:
        """Keys that the values' own types check."""
        return frozenset(
            one.key
            for kind in element.types
            if (root := self.layers.type_root(kind.code)) is not None
            for one in root.invariants
        )

    def _typed(self, element: Element, base: Element, url: str) -> Iterator[Check]:
        """Profiles of the types, and what references may point to."""
        by_code = {one.code: one for one in base.types}
        for one in element.types:
            before = by_code.get(one.code)
            new = before is None or one.profiles != before.profiles
            if one.profiles and new and not self._is_defined_by(url, one):
                yield self._profiled(one)
            if one.targets and (before is None or one.targets != before.targets):
                yield target_check(one, self.layers, self.profile)
            if one.aggregation or one.versioning:
                yield aggregation_check(one, self.profile)

    def _is_defined_by(self, url: str, wanted: Type) -> bool:
        """Say whether a type asks for what every extension with this URL is checked against."""
        if not url or wanted.code != "Extension" or len(wanted.profiles) != 1:
            return False
        profile = self.layers.profile(wanted.profiles[0], self.profile)
        return profile is not None and profile is self.layers.profile(url)

    def _profiled(self, wanted: Type) -> Check:
        layers, profile = self.layers, self.profile
        text = f"the value conforms to none of the profiles {', '.join(wanted.profiles)}"

        @cache
        def known() -> tuple[str, ...]:
            """Looked up when first needed: profiles speak of each other."""
            return tuple(one for one in wanted.profiles if layers.profile(one, profile) is not None)

        def check(item: Item, run: Run) -> None:
            if item.type != wanted.code and wanted.code not in ANY_RESOURCE:
                return
            if len(known()) < len(wanted.profiles):
                missing = next(one for one in wanted.profiles if one not in known())
                unread = f"the profile {missing} is not at hand"
                run.once(missing, run.policy.profile, "not-found", unread, item.place)
            if len(wanted.profiles) == 1:
                layers.follow(wanted.profiles[0], profile, item, run)
            elif known() and not any(layers.conforms(one, item, run, profile) for one in known()):
                run.report("error", "structure", text, item.place)

        return check

    def _slices(self, element: Element, base: Element) -> Slices | None:
        if element.slicing is None or not element.slices:
            return None
        slicing = element.slicing
        slices = tuple(self._slice(one, element, base) for one in element.slices)
        name = element.name.removesuffix("[x]")
        return Slices(name, slicing.rules, slicing.ordered, slices, self.profile.url)

    def slices(self, whole: Element) -> Slices:
        """Return the slices of an element as far as they are told apart, without their checks."""
        slices = tuple(
            Slice(one.slice_name, 0, None, self._belongs(one, whole), ()) for one in whole.slices
        )
        return Slices(whole.name, "open", ordered=False, slices=slices, profile=self.profile.url)

    def _belongs(self, part: Element, whole: Element) -> Belongs | None:
        slicing = _slicing_of(part, whole)
        discriminators = slicing.discriminators if slicing else ()
        if any(one.type == "position" for one in discriminators):
            return by_position(part, whole.slices)
        return self._discriminators.belongs(part, discriminators)

    def _slice(self, part: Element, whole: Element, base: Element) -> Slice:
        belongs = self._belongs(part, whole)
        url = belongs.text if isinstance(belongs, ByText) and belongs.member == "url" else ""
        most = part.max if part.max != whole.max else None
        checks = tuple(self._item(part, base, url))
        rules = part.slicing.rules if part.slicing is not None else "open"
        return Slice(part.slice_name, part.min, most, belongs, checks, rules)


def _only_text(element: Element, base: Element) -> str | None:
    """Return the text that an element's one check asks for; None where it asks for more."""
    asked = element.fixed if element.fixed != base.fixed else None
    if asked is None and element.pattern != base.pattern:
        asked = element.pattern
    return asked.value if asked is not None and isinstance(asked.value, str) else None


def _slicing_of(part: Element, whole: Element) -> Slicing | None:
    """A re-slice (`a/b`) is told from others as its slice says, where that says anything."""
    outer = part.slice_name.rpartition("/")[0]
    above = next((one for one in whole.slices if one.slice_name == outer), None)
    stated = above.slicing if above is not None else None
    return stated if stated is not None and stated.discriminators else whole.slicing
