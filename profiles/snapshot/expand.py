"""What stands below an element that has no children yet.

https://hl7.org/fhir/R4/profiling.html: constraints may walk into data types, into profiles of
types and extensions, and below content references.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from profiles.issue import Issue, NotConformant
from profiles.snapshot.choices import CORE_URL, type_url
from profiles.snapshot.merge import invariants
from profiles.snapshot.tree import Json, Node, tree_of

#: Canonical URL → StructureDefinition with snapshot; raises NotConformant when there is none.
Lookup = Callable[[str], Json]

EXTENSIONS = frozenset({"extension", "modifierExtension"})


@dataclass(frozen=True, slots=True)
class Expander:
    """Gives elements of one StructureDefinition their children."""

    #: The StructureDefinition whose snapshot is made.
    structure: Json
    lookup: Lookup
    #: Findings are added here.
    issues: list[Issue]

    def expand(self, node: Node, root: Node, place: str) -> None:
        """Let an element have children, when it has none yet; `root` is of the snapshot.

        Raises NotConformant when the definition of its type is not there.
        """
        if node.children:
            return
        if reference := node.element.get("contentReference"):
            self._expand_reference(node, reference, root, place)
            return
        definition = self._profile(node.element, place) or self._type(node.element)
        if definition is None:
            return
        node.children = tree_of(definition["snapshot"]["element"]).children
        if node.name in EXTENSIONS:
            _fix_url(node)

    def merge_profile(self, node: Node, change: Json) -> None:
        """Add what the root of a type's profile says of the element: invariants, and how often.

        `change` is the constraint that named the profile; what it says itself stays.
        """
        definition = self._profile(node.element, "")
        if definition is None:
            return
        root = definition["snapshot"]["element"][0]
        added = invariants(node.element.get("constraint"), root.get("constraint", ()))
        node.element = node.element | {"constraint": added}
        if node.name in EXTENSIONS and "max" not in change and root.get("max", "*") != "*":
            node.element = node.element | {"max": root["max"]}

    def _type(self, element: Json) -> Json | None:
        url = type_url(element)
        return None if url is None else self.lookup(url)

    def _profile(self, element: Json, place: str) -> Json | None:
        """The profile of an element's type; None when it has none, or several, or it is not here.

        The type itself stands in for a profile that nobody has; that is an issue at `place`.
        """
        url = only_profile(element)
        if not url:
            return None
        try:
            return self.lookup(url)
        except NotConformant as error:
            if place:
                self.issues.append(Issue("warning", "not-found", error.text, place))
            return None

    def _expand_reference(self, node: Node, reference: str, root: Node, place: str) -> None:
        """Below a content reference stands what the type says, without this profile's changes."""
        url, _, fragment = reference.rpartition("#")
        path = fragment.split(".")
        target: Node | None = root
        if self.structure.get("derivation") == "constraint":
            target = tree_of(self.lookup(url or self._owner(path[0]))["snapshot"]["element"])
        for name in path[1:]:
            target = target.children.get(name) if target is not None else None
        if target is None:
            self.issues.append(Issue("error", "structure", "contentReference leads nowhere", place))
            return
        node.children = target.copied().children
        kept = {name: one for name, one in node.element.items() if name != "contentReference"}
        node.element = kept | {"type": target.element.get("type", [])}

    def _owner(self, type_name: str) -> str:
        """The definition of a type by the first part of a path; logical models have URLs."""
        own = str(self.structure.get("type", ""))
        return own if own.endswith(f"/{type_name}") else f"{CORE_URL}{type_name}"


def only_profile(element: Json) -> str:
    """Return the profile of an element's types when there is exactly one, else ""."""
    profiles = [url for one in element.get("type", ()) for url in one.get("profile", ()) if url]
    return str(profiles[0]) if len(profiles) == 1 else ""


def _fix_url(node: Node) -> None:
    """An extension's URL is that of its profile, also when nobody has the profile."""
    profile = only_profile(node.element)
    url = node.children.get("url")
    if profile and url is not None and "fixedUri" not in url.element:
        url.element = url.element | {"fixedUri": profile.partition("|")[0]}
