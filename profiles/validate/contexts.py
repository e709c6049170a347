"""Where an extension may stand: the contexts of its definition.

https://hl7.org/fhir/R4/defining-extensions.html#context. An extension that core and a package both
define may stand wherever one of them allows it: packages publish later versions of core's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from profiles.fhirpath import FHIRPathError, Node, compile  # noqa: A004
from profiles.fhirpath.model import fhir_type
from profiles.r4 import definition, facts
from profiles.snapshot.elements import Element, Profile
from profiles.validate.layers import Layers
from profiles.validate.members import Item
from profiles.validate.places import Place
from profiles.validate.run import Run

_EXTENSIONS = frozenset({"extension", "modifierExtension"})
_SLICE = re.compile(r":[^.]*")
#: Values in an ElementDefinition stand for values elsewhere: what they hold belongs there.
_MODELS = frozenset({"example", "fixed", "pattern", "defaultValue"})
#: What R5 calls the resources that have a canonical URL and a publication status.
_CANONICAL = ("CanonicalResource", "MetadataResource")

#: Places remembered; extensions may stand anywhere.
_MOST_KEPT = 4096

Context = tuple[str, str]
#: Where core's own definitions use its extensions beside what these say.
_IN_USE: dict[str, tuple[Context, ...]] = {
    "http://hl7.org/fhir/StructureDefinition/regex": (("element", "ElementDefinition.type"),),
}


class Contexts:
    """Says where an extension may stand."""

    def __init__(self, layers: Layers) -> None:
        """Take what knows the types."""
        self._layers = layers
        self._names = lru_cache(maxsize=4096)(self._named)
        self._wanted = lru_cache(maxsize=4096)(self._path)
        #: Profile, type of the resource, steps to the element → may the extension stand there.
        self._known: dict[tuple[str, str, str, tuple[str, ...]], bool] = {}

    def allows(self, profile: Profile, item: Item, run: Run) -> bool:
        """Say whether an extension may stand where it stands."""
        if profile.contexts and not self._places(profile, run.type, _steps(item.place, run.place)):
            contexts = _contexts(profile)
            if not any(_is_met(one, item, run) for one in contexts):
                return _is_model(item.place, run)
        return not profile.context_invariants or _invariants_hold(profile, item, run)

    def _places(self, profile: Profile, type_: str, steps: tuple[str, ...]) -> bool:
        """Say whether an element is named by a context, whatever the resource holds."""
        known, place = self._known, (profile.package, profile.url, type_, steps)
        if place not in known:
            if len(known) >= _MOST_KEPT:
                known.clear()
            known[place] = self._is_place(_contexts(profile), type_, steps)
        return known[place]

    def _is_place(self, contexts: tuple[Context, ...], type_: str, steps: tuple[str, ...]) -> bool:
        # Core's own extensions stand on resources by the name of Element: it means everything.
        return any(
            expression == "Element" or self._wanted(expression) in self._names(type_, steps)
            for kind, expression in contexts
            if kind not in {"fhirpath", "extension"}
        )

    def _path(self, expression: str) -> str:
        """Return the path an element context means: of `[profile]#[element id]` the latter."""
        plain = expression.partition("|")[0]
        url, _, element = plain.rpartition("#")
        if not url and "/" in plain:
            profile = self._layers.profile(plain)
            element = profile.type if profile is not None else plain.rpartition("/")[2]
        return _SLICE.sub("", element).replace("[x]", "")

    def _named(self, type_: str, steps: tuple[str, ...]) -> frozenset[str]:
        """Everything an element may be called: its path and those by the types on its way."""
        names: set[str] = set()
        for at in range(len(steps) + 1):
            for code in _families(self._types(type_, steps[:at])):
                names.add(".".join((code, *steps[at:])))
        for shorter in self._referred(type_, steps):
            names |= self._names(type_, shorter)
        return frozenset(names)

    def _referred(self, type_: str, steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """An element that is like another one (Questionnaire.item.item) is called like it, too."""
        for at in range(1, len(steps)):
            element = self._element(type_, steps[: at + 1])
            if element is not None and element.content_reference:
                root, *path = element.content_reference.split(".")
                if root == type_:
                    yield (*path, *steps[at + 1 :])

    def _types(self, type_: str, steps: tuple[str, ...]) -> list[str]:
        if not steps:
            return [type_]
        element = self._element(type_, steps)
        return [one.code for one in element.types] if element is not None else []

    def _element(self, type_: str, steps: tuple[str, ...]) -> Element | None:
        element = self._layers.type_root(type_)
        codes = [type_]
        for step in steps:
            element = self._child(element, codes, step)
            if element is None:
                return None
            codes = [one.code for one in element.types]
        return element

    def _child(self, element: Element | None, codes: list[str], step: str) -> Element | None:
        holders = [element, *(self._layers.type_root(code) for code in codes)]
        for holder in holders:
            if holder is not None:
                found = holder.child(step) or holder.child(f"{step}[x]")
                if found is not None:
                    return found
        return None


def name_of(place: Place) -> str:
    """Return the name of the element at a place; empty for a resource's own."""
    return "" if isinstance(place, str) else str(place[1])


def _contexts(profile: Profile) -> tuple[Context, ...]:
    return (*profile.contexts, *_of_core(profile.url))


@cache
def _of_core(url: str) -> tuple[Context, ...]:
    structure = definition(url) or {}
    contexts = structure.get("context", ())
    stated = tuple((one["type"], one["expression"]) for one in contexts)
    return (*stated, *_IN_USE.get(url, ()))


def _families(codes: list[str]) -> Iterator[str]:
    """Go through types and what they are derived from."""
    for code in codes:
        if _is_canonical(code):
            yield from _CANONICAL
        family: str | None = code
        while family:
            yield family
            base = facts("elements")["types"].get(family, {}).get("base")
            family = base or ("Element" if family in facts("primitives") else None)


@cache
def _is_canonical(type_: str) -> bool:
    if type_ == "NamingSystem":
        return True  # it has its URL in later versions
    elements = facts("elements")["types"].get(type_, {}).get("elements", ())
    bound = {one["path"]: str(one.get("binding", "")) for one in elements}
    return "url" in bound and "publication-status" in bound.get("status", "")


def _steps(place: Place, root: Place) -> tuple[str, ...]:
    """Return the names from the resource down to what holds the extension."""
    steps: list[str] = []
    current: Any = place
    while current != root and not isinstance(current, str):
        steps.append(str(current[1]))
        current = current[0]
    return tuple(reversed(steps[1:]))


def _is_met(context: Context, item: Item, run: Run) -> bool:
    """Say whether a context is met that depends on the resource."""
    kind, expression = context
    if kind == "fhirpath":
        return _selects(expression, item, run)
    return kind == "extension" and _outer(item.place, run) == expression


def _is_model(place: Place, run: Run) -> bool:
    steps = _steps(place, run.place)
    return run.type == "StructureDefinition" and not _MODELS.isdisjoint(steps[2:3])


def _outer(place: Place, run: Run) -> str:
    """Return the URL of the extension around an extension, or around the value it extends."""
    above: Any = place[0] if not isinstance(place, str) else ""
    if name_of(above) == "value":
        above = above[0]
    found = _value_at(above, run) if name_of(above) in _EXTENSIONS else None
    url = found.get("url") if isinstance(found, dict) else None
    return url if isinstance(url, str) else ""


def _value_at(place: Place, run: Run) -> Any:
    """Return the JSON at a place in the run's resource; None where it cannot be told."""
    if place == run.place or isinstance(place, str):
        return run.resource
    holder = _value_at(place[0], run)
    if not isinstance(holder, dict):
        return None
    name = str(place[1])
    found = holder.get(name, holder.get(f"_{name}"))
    if found is None:
        found = next((one for key, one in holder.items() if _is_choice(name, key)), None)
    return found[place[2]] if len(place) == 3 and isinstance(found, list) else found


def _is_choice(name: str, key: str) -> bool:
    return key.startswith(name) and key[len(name) : len(name) + 1].isupper()


def _selects(expression: str, item: Item, run: Run) -> bool:
    """A FHIRPath context is met where the expression finds what holds the extension."""
    try:
        found = compile(expression).nodes(run.resource, services=run.services)
    except FHIRPathError:
        return True
    return any(_holds_item(one, item) for one in found)


def _holds_item(found: Any, item: Item) -> bool:
    if not isinstance(found, Node):
        return found is True
    return any(
        item.value is one
        for holder in (found.value, found.extra)
        if isinstance(holder, dict)
        for name in _EXTENSIONS
        for one in _listed(holder.get(name))
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _invariants_hold(profile: Profile, item: Item, run: Run) -> bool:
    """contextInvariant: the focus is what holds the extension, %extension the extension."""
    holder = _value_at(item.place[0], run) if not isinstance(item.place, str) else None
    type_ = fhir_type("Extension")
    found = Node(item.value, None, type_, None, "Extension") if type_ is not None else item.value
    variables = {"extension": found}
    return all(_holds(one, holder, variables, run) for one in profile.context_invariants)


def _holds(expression: str, holder: Any, variables: dict[str, Any], run: Run) -> bool:
    try:
        return compile(expression).holds(
            holder, resource=run.resource, variables=variables, services=run.services
        )
    except FHIRPathError:
        return True
