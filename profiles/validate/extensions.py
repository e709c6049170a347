"""Extensions: whether they are known, allowed where they stand, and as their definition says.

https://hl7.org/fhir/R4/extensibility.html, defining-extensions.html#context.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

from profiles.snapshot.elements import Profile
from profiles.validate.contexts import Contexts, name_of
from profiles.validate.layers import Layers
from profiles.validate.members import Item
from profiles.validate.run import Check, Run

_MODIFIER = "modifierExtension"
#: URLs remembered; resources may carry any.
_MOST_KEPT = 10_000


def extension_check(layers: Layers) -> Check:
    """Return what checks an Extension."""
    contexts = Contexts(layers)
    known = lru_cache(_MOST_KEPT)(partial(_definition, layers))

    def check(item: Item, run: Run) -> None:
        url = item.value.get("url")
        if not isinstance(url, str) or _is_part(url, item):
            return
        definition = known(url)
        if definition is None or definition.profile.package.rpartition("@")[0] in run.other:
            _unknown(url, item, run)
            return
        for one in definition.layer:
            one(item, run)
        if not contexts.allows(definition.profile, item, run):
            text = f"the extension {url} is not allowed here"
            run.report("error", "structure", text, item.place)
        if definition.is_modifier != (name_of(item.place) == _MODIFIER):
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


def _definition(layers: Layers, url: str) -> _Definition | None:
    profile = layers.profile(url)
    if profile is None or profile.type != "Extension":
        return None
    return _Definition(profile, layers.layer(url) or ())


def _is_part(url: str, item: Item) -> bool:
    """Parts of a complex extension are named within it: by a relative URL."""
    above = "" if isinstance(item.place, str) else name_of(item.place[0])
    return ":" not in url and above in {"extension", _MODIFIER}


def _unknown(url: str, item: Item, run: Run) -> None:
    if ":" not in url:
        text = "the URL of an extension is absolute, unless it stands in another extension"
        run.report("error", "value", text, (item.place, "url"))
    elif name_of(item.place) == _MODIFIER:
        text = f"the modifier extension {url} is not known: what it changes cannot be understood"
        run.once(url, "warning", "extension", text, item.place)
    else:
        severity = run.policy.of_extension(url)
        run.once(url, severity, "extension", f"the extension {url} is not known", item.place)
