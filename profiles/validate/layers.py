"""Profiles compiled to layers: what a profile asks for beyond the type it constrains.

The structure of the type itself is the schema's business (structure.py) and its rules the type
plans' (types.py); a layer holds only differences, so a profile costs what it adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from profiles.issue import NotConformant
from profiles.snapshot.choices import CORE_URL
from profiles.snapshot.elements import Element, Profile, Type
from profiles.snapshot.snapshots import Snapshots
from profiles.validate.bindings import binding_check
from profiles.validate.discriminators import Discriminators
from profiles.validate.invariants import invariant_check
from profiles.validate.limits import limit_checks
from profiles.validate.members import Item, members_of
from profiles.validate.parts import Part, below
from profiles.validate.run import Check, Run, Terminology
from profiles.validate.slicing import Slice, Slices
from profiles.validate.targets import target_check
from profiles.validate.values import equals, fits

_RESOURCES = frozenset({"Resource", "DomainResource"})
#: Canonical URLs remembered; resources may claim any.
_MOST_KEPT = 10_000
Conforms = Callable[[str, Item, Run], bool]


class Layers:
    """Compiles and keeps layers; not for several threads at once."""

    def __init__(self, snapshots: Snapshots, terminology: Terminology) -> None:
        """Take where profiles come from and who answers about codes."""
        self.snapshots = snapshots
        self._terminology = terminology
        self._layers: dict[str, tuple[Check, ...]] = {}
        self._profiles: dict[tuple[str, str], Profile | None] = {}
        #: Canonical URL of a profile that is there but of no use → why.
        self._faults: dict[str, str] = {}

    def conforms(self, canonical: str, item: Item, run: Run) -> bool:
        """Say whether a value conforms to a profile, without reporting; True when unknown."""
        profile, layer = self.profile(canonical), self.layer(canonical)
        mark = (id(item.value), canonical)
        if profile is None or layer is None or mark in run.open:
            return True
        if not _is_about(profile, item):
            return False
        run.open.add(mark)
        try:
            return run.quietly(lambda one, trial: self.run(layer, one, trial), item)
        finally:
            run.open.discard(mark)

    def run(self, layer: tuple[Check, ...], item: Item, run: Run) -> None:
        """Check a value against a layer."""
        for check in layer:
            check(item, run)

    def follow(self, canonical: str, requester: Profile, item: Item, run: Run) -> None:
        """Check a value against the one profile its type names, unless that is going on."""
        profile = self.profile(canonical, requester)
        if item.type == "Extension" and profile is self.profile(str(item.value.get("url"))):
            return  # every extension is checked against what its URL defines
        if profile is not None and not _is_about(profile, item):
            run.report("error", "structure", f"{profile.type} is wanted here", item.place)
            return
        layer = self.layer(canonical, requester)
        mark = (id(item.value), canonical)
        if layer and mark not in run.open and run.is_new(item.value, canonical):
            run.open.add(mark)
            self.run(layer, item, run)
            run.open.discard(mark)

    def layer(self, canonical: str, requester: Profile | None = None) -> tuple[Check, ...] | None:
        """Return a profile's layer; None when there is no such profile."""
        profile = self.profile(canonical, requester)
        if profile is None:
            return None
        key = f"{profile.package} {profile.canonical}"
        if key not in self._layers:
            # A profile may speak of itself: what is found meanwhile is empty.
            self._layers[key] = ()
            self._layers[key] = tuple(_Compile(self, profile).root())
        return self._layers[key]

    def profile(self, canonical: str, requester: Profile | None = None) -> Profile | None:
        """Return a profile as its package means it; None when nobody defines it in this version."""
        asked = (canonical, requester.package if requester is not None else "")
        if asked not in self._profiles:
            if len(self._profiles) >= _MOST_KEPT:
                self._profiles.clear()
            self._profiles[asked] = self._find(canonical, requester)
        return self._profiles[asked]

    def _find(self, canonical: str, requester: Profile | None) -> Profile | None:
        package = self.snapshots.package_of(requester) if requester is not None else None
        try:
            if not self.snapshots.find(canonical, package).exact:
                return None
        except NotConformant:
            return None
        try:
            return self.snapshots.profile(canonical, requester=package)
        except NotConformant as error:
            self._faults[canonical] = f"cannot be used: {error}"
            return None

    def fault(self, canonical: str) -> str:
        """Say why there is no such profile."""
        return self._faults.get(canonical, "is not at hand")

    def discriminators(self, profile: Profile) -> Discriminators:
        """Return what tells the slices of a profile apart."""

        def root(canonical: str) -> Element | None:
            found = self.profile(canonical, profile)
            return found.root if found is not None else None

        return Discriminators(root, self.type_root, self._terminology, self.conforms)

    def type_root(self, code: str) -> Element | None:
        """Return the definition of a core type; None for what core does not define."""
        try:
            return self.snapshots.type(code).root
        except NotConformant:
            return None

    def binding(self, element: Element) -> Check | None:
        """Return what checks an element's binding."""
        if element.binding is None:
            return None
        return binding_check(element.binding, self._terminology)

    @staticmethod
    def invariants(
        element: Element, known: frozenset[str], *, core: bool = False
    ) -> Iterator[Check]:
        """Return what checks the invariants of an element that nobody checks yet."""
        for invariant in element.invariants:
            if invariant.key not in known:
                check = invariant_check(invariant, element, core=core)
                if check is not None:
                    yield check


class _Compile:
    """Compiles one profile."""

    def __init__(self, layers: Layers, profile: Profile) -> None:
        self.layers = layers
        self.profile = profile
        self._discriminators = layers.discriminators(profile)

    def root(self) -> Iterator[Check]:
        base = self.layers.type_root(self.profile.type)
        if base is None or self.profile.url == f"{CORE_URL}{self.profile.type}":
            return  # what core says of its types is not a profile's business
        yield from self._own(self.profile.root, base)
        yield from self._below(self.profile.root, base)

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
        return Part(members, shown, least, most, types, checks, slices, self.profile.url)

    def _narrowed(self, element: Element, base: Element) -> frozenset[str] | None:
        allowed = frozenset(one.code for one in element.types)
        whole = frozenset(one.code for one in base.types)
        return allowed if allowed and allowed < whole else None

    def _item(self, element: Element, base: Element) -> Iterator[Check]:
        """What is checked about one value: the element's own words, then what is below it."""
        yield from self._own(element, base)
        yield from self._typed(element, base)
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
            yield self._valued("fixed", fixed.value)
        if (pattern := element.pattern) is not None and pattern != base.pattern:
            yield self._valued("pattern", pattern.value)
        yield from limit_checks(element, base)
        if element.binding != base.binding and (bound := self.layers.binding(element)) is not None:
            yield bound
        known = frozenset(one.key for one in base.invariants)
        yield from self.layers.invariants(element, known | self._of_types(element))

    def _of_types(self, element: Element) -> frozenset[str]:
        """Keys that the values' own types check."""
        return frozenset(
            one.key
            for kind in element.types
            if (root := self.layers.type_root(kind.code)) is not None
            for one in root.invariants
        )

    def _valued(self, kind: str, wanted: object) -> Check:
        test = equals if kind == "fixed" else fits
        word = (
            "is not the fixed value" if kind == "fixed" else "does not have what the pattern asks"
        )
        text = f"the value {word} of {self.profile.url}"

        def check(item: Item, run: Run) -> None:
            if item.value is not None and not test(item.value, wanted):
                run.report("error", "value", text, item.place)

        return check

    def _typed(self, element: Element, base: Element) -> Iterator[Check]:
        """Profiles of the types, and what references may point to."""
        by_code = {one.code: one for one in base.types}
        for one in element.types:
            before = by_code.get(one.code)
            if one.profiles and (before is None or one.profiles != before.profiles):
                yield self._profiled(one)
            if one.targets and (before is None or one.targets != before.targets):
                yield target_check(one, self.layers, self.profile)

    def _profiled(self, wanted: Type) -> Check:
        layers, profile = self.layers, self.profile
        text = f"the value conforms to none of the profiles {', '.join(wanted.profiles)}"

        @cache
        def known() -> tuple[str, ...]:
            """Looked up when first needed: profiles speak of each other."""
            return tuple(one for one in wanted.profiles if layers.profile(one, profile) is not None)

        def check(item: Item, run: Run) -> None:
            if item.type != wanted.code and wanted.code not in _RESOURCES:
                return
            if len(known()) < len(wanted.profiles):
                missing = next(one for one in wanted.profiles if one not in known())
                unread = f"the profile {missing} is not at hand"
                run.once(missing, "warning", "not-found", unread, item.place)
            if len(wanted.profiles) == 1:
                layers.follow(wanted.profiles[0], profile, item, run)
            elif known() and not any(layers.conforms(one, item, run) for one in known()):
                run.report("error", "structure", text, item.place)

        return check

    def _slices(self, element: Element, base: Element) -> Slices | None:
        if element.slicing is None or not element.slices:
            return None
        slices = tuple(
            Slice(
                one.slice_name,
                one.min,
                one.max if one.max != element.max else None,
                self._discriminators.belongs(one, element.slicing.discriminators),
                tuple(self._item(one, base)),
            )
            for one in element.slices
        )
        slicing = element.slicing
        name = element.name.removesuffix("[x]")
        return Slices(name, slicing.rules, slicing.ordered, slices, self.profile.url)


def _is_about(profile: Profile, item: Item) -> bool:
    """Say whether a profile constrains the type of a value."""
    stated = item.value.get("resourceType") if isinstance(item.value, dict) else None
    kind = stated or item.type
    return not kind or profile.type in {kind, "Resource", "DomainResource"}
