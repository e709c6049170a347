"""Extensions: whether they are known, allowed where they stand, and as their definition says.

https://hl7.org/fhir/R4/extensibility.html, defining-extensions.html#context.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from profiles.fhirpath import FHIRPathError, compile  # noqa: A004
from profiles.r4 import facts
from profiles.snapshot.elements import Element, Profile
from profiles.validate.layers import Layers
from profiles.validate.members import Item
from profiles.validate.places import Place
from profiles.validate.run import Check, Run

_MODIFIER = "modifierExtension"


def extension_check(layers: Layers) -> Check:
    """Return what checks an Extension."""
    contexts = _Contexts(layers)
    known: dict[str, _Definition | None] = {}

    def check(item: Item, run: Run) -> None:
        url = item.value.get("url")
        if not isinstance(url, str) or _is_part(url, item):
            return
        if url not in known:
            known[url] = _definition(url, layers)
        definition = known[url]
        if definition is None:
            _unknown(url, item, run)
            return
        for one in definition.layer:
            one(item, run)
        if not contexts.allows(definition.profile, item, run):
            text = f"the extension {url} is not allowed here"
            run.report("error", "structure", text, item.place)
        if definition.is_modifier != (_name(item.place) == _MODIFIER):
            run.report("error", "structure", definition.misplaced, item.place)

    return check


class _Definition(NamedTuple):
    profile: Profile
    layer: tuple[Check, ...]

    @property
    def is_modifier(self) -> bool:
        return self.profile.root.is_modifier

    @property
    def misplaced(self) -> str:
        if self.is_modifier:
            return f"the extension {self.profile.url} changes the meaning: a modifierExtension"
        return f"the extension {self.profile.url} is no modifierExtension"


def _definition(url: str, layers: Layers) -> _Definition | None:
    profile = layers.profile(url)
    if profile is None or profile.type != "Extension":
        return None
    return _Definition(profile, layers.layer(url) or ())


def _is_part(url: str, item: Item) -> bool:
    """Parts of a complex extension are named within it: by a relative URL."""
    above = "" if isinstance(item.place, str) else _name(item.place[0])
    return ":" not in url and above in {"extension", _MODIFIER}


def _unknown(url: str, item: Item, run: Run) -> None:
    if ":" not in url:
        text = "the URL of an extension is absolute, unless it stands in another extension"
        run.report("error", "value", text, (item.place, "url"))
    elif _name(item.place) == _MODIFIER:
        text = f"the modifier extension {url} is not known: what it changes cannot be understood"
        run.once(url, "warning", "extension", text, item.place)
    else:
        run.once(url, "information", "extension", f"the extension {url} is not known", item.place)


def _name(place: Place) -> str:
    return "" if isinstance(place, str) else str(place[1])


class _Contexts:
    """Says where an extension may stand."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._names = lru_cache(maxsize=4096)(self._named)

    def allows(self, profile: Profile, item: Item, run: Run) -> bool:
        if not profile.contexts:
            return self._invariants_hold(profile, item, run)
        steps = _steps(item.place, run.place)
        outer = _outer(item.place, run)
        names = self._names(run.type, steps)
        for kind, expression in profile.contexts:
            if kind == "fhirpath":
                met = _selects(expression, run)
            elif kind == "extension":
                met = outer == expression
            else:
                wanted = expression.partition("|")[0].rpartition("/")[2]
                met = wanted in names or wanted.replace("[x]", "") in names
            if met:
                return self._invariants_hold(profile, item, run)
        return False

    @staticmethod
    def _invariants_hold(profile: Profile, item: Item, run: Run) -> bool:
        if not profile.context_invariants:
            return True
        holder = _value_at(item.place[0], run) if not isinstance(item.place, str) else None
        return all(_holds(one, holder, run) for one in profile.context_invariants)

    def _named(self, type_: str, steps: tuple[str, ...]) -> frozenset[str]:
        """Everything an element may be called: its path and those by the types on its way."""
        names: set[str] = set()
        for at in range(len(steps) + 1):
            for code in _families(self._types(type_, steps[:at])):
                names.add(".".join((code, *steps[at:])))
        return frozenset(names)

    def _types(self, type_: str, steps: tuple[str, ...]) -> list[str]:
        element = self._layers.type_root(type_)
        codes = [type_]
        for step in steps:
            element = self._child(element, codes, step)
            if element is None:
                return []
            codes = [one.code for one in element.types]
        return codes

    def _child(self, element: Element | None, codes: list[str], step: str) -> Element | None:
        holders = [element, *(self._layers.type_root(code) for code in codes)]
        for holder in holders:
            if holder is not None:
                found = holder.child(step) or holder.child(f"{step}[x]")
                if found is not None:
                    return found
        return None


def _families(codes: list[str]) -> Iterator[str]:
    """Go through types and what they are derived from."""
    for code in codes:
        family: str | None = code
        while family:
            yield family
            base = facts("elements")["types"].get(family, {}).get("base")
            family = base or ("Element" if family in facts("primitives") else None)


def _steps(place: Place, root: Place) -> tuple[str, ...]:
    """Return the names from the resource down to what holds the extension."""
    steps: list[str] = []
    current: Any = place
    while current != root and not isinstance(current, str):
        steps.append(str(current[1]))
        current = current[0]
    return tuple(reversed(steps[1:]))


def _outer(place: Place, run: Run) -> str:
    """Return the URL of the extension around an extension, or around the value it extends."""
    above: Any = place[0] if not isinstance(place, str) else ""
    if _name(above) == "value":
        above = above[0]
    found = _value_at(above, run) if _name(above) in {"extension", _MODIFIER} else None
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


def _selects(expression: str, run: Run) -> bool:
    """A FHIRPath context is met where the expression finds anything in the resource."""
    try:
        return bool(compile(expression).nodes(run.resource, services=run.services))
    except FHIRPathError:
        return True


def _holds(expression: str, holder: Any, run: Run) -> bool:
    try:
        return compile(expression).holds(holder, resource=run.resource, services=run.services)
    except FHIRPathError:
        return True
