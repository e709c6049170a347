"""Differential → snapshot.

https://hl7.org/fhir/R4/profiling.html#snapshot. The snapshot of the base is a tree; every element
of the differential finds its place in it, where the tree grows as far as the differential reaches:
into data types, into profiles of types and extensions, below content references, into slices.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from profiles.issue import Issue
from profiles.snapshot.choices import (
    CORE_URL,
    SYSTEM,
    close_choice,
    drop_useless_binding,
    type_named,
    unfolded,
)
from profiles.snapshot.differential import differential_tree
from profiles.snapshot.expand import EXTENSIONS, Expander, Lookup
from profiles.snapshot.merge import merge
from profiles.snapshot.soundness import MOST_ELEMENTS, check_structure, too_large
from profiles.snapshot.tree import Json, Node, elements_of, tree_of

#: Types whose elements are no Elements.
_NO_ELEMENTS = frozenset({"Resource", "DomainResource"})
_URL_SLICING: Json = {
    "discriminator": [{"type": "value", "path": "url"}],
    "ordered": False,
    "rules": "open",
}


@dataclass(frozen=True, slots=True)
class Generated:
    """A snapshot and what was odd about the differential."""

    elements: list[Json]
    issues: tuple[Issue, ...]


def generate(structure: Json, lookup: Lookup) -> Generated:
    """Generate the snapshot of a StructureDefinition from its differential.

    Raises NotConformant when the base, or a type that has to be walked into, is not there, and
    when the StructureDefinition is not shaped like one.
    """
    check_structure(structure, str(structure.get("url", "a StructureDefinition")))
    return _Generator(structure, lookup).run()


@dataclass(slots=True)
class _Generator:
    structure: Json
    lookup: Lookup
    issues: list[Issue] = field(default_factory=list)
    root: Node = field(init=False)
    expander: Expander = field(init=False)
    #: Elements so far, counted where the tree grows.
    size: int = 0

    def run(self) -> Generated:
        self.expander = Expander(self.structure, self.lookup, self.issues)
        elements = self.structure.get("differential", {}).get("element", ())
        type_name = self._root_name(elements)
        base_url = self.structure.get("baseDefinition")
        self.root = Node(type_name)
        if base_url:
            self.root = tree_of(self.lookup(base_url)["snapshot"]["element"])
            self.root.name = type_name
        self._grown(self.root)
        changes = differential_tree(elements, type_name, self.issues)
        self._apply(self.root, changes, type_name)
        return Generated(elements_of(self.root), tuple(self.issues))

    def _root_name(self, elements: list[Json]) -> str:
        """The first part of paths: the type; a logical model's type may be a URL."""
        if self.structure.get("derivation") != "constraint" and elements:
            return str(elements[0]["path"]).partition(".")[0]
        return str(self.structure.get("type", "")).rpartition("/")[2]

    def _apply(self, node: Node, change: Node, place: str) -> None:
        """Constrain an element and what is below it."""
        if change.element:
            node.element = merge(node.element, change.element, self.issues, place)
            if change.element.get("type"):
                drop_useless_binding(node.element)
                self.expander.merge_profile(node, change.element)
        if change.children and not node.children:
            self.expander.expand(node, self.root, place)
            self._grown(node)
        for child in unfolded(node, change.children.values()):
            self._apply_child(node, child, f"{place}.{child.name}")

    def _grown(self, node: Node) -> None:
        self.size += node.size()
        if self.size > MOST_ELEMENTS:
            too_large(str(self.structure.get("url", "a StructureDefinition")))

    def _apply_child(self, parent: Node, change: Node, place: str) -> None:
        found = parent.children.get(change.name)
        if found is None:
            if self.structure.get("derivation") == "constraint":
                text = "the base has no such element"
                self.issues.append(Issue("error", "structure", text, place))
                return
            found = Node(change.name, element=self._new_element(change.element))
            parent.children[change.name] = found
        original = found.unsliced().copied() if change.slices else found
        self._apply(found, change, place)
        if change.slices:
            self._apply_slices(found, change, place, original)

    def _new_element(self, change: Json) -> Json:
        """What every element of a type has: the invariants of Element, and of Extension."""
        codes = {str(one.get("code", "")) for one in change.get("type", ())}
        is_element = bool(codes) or "contentReference" in change
        if not is_element or codes & _NO_ELEMENTS or any(one.startswith(SYSTEM) for one in codes):
            return {}
        name = "Extension" if codes == {"Extension"} else "Element"
        root = self.lookup(f"{CORE_URL}{name}")["snapshot"]["element"][0]
        return {"constraint": root.get("constraint", [])}

    def _apply_slices(self, head: Node, change: Node, place: str, original: Node) -> None:
        if _cannot_be_sliced(head):
            self._apply_unsliced(head, change, place)
            return
        for sliced in change.slices.values():
            one = head.slices.get(sliced.slice) or self._new_slice(head, sliced, original)
            self._apply(one, sliced, f"{place}:{sliced.slice}")
        if head.name in EXTENSIONS and "slicing" not in head.element:
            head.element = head.element | {"slicing": _URL_SLICING}
        if head.name.endswith("[x]"):
            close_choice(head, change)
        needed = [one.element.get("min", 0) for name, one in head.slices.items() if "/" not in name]
        if sum(needed) > head.element.get("min", 0):
            head.element = head.element | {"min": sum(needed)}

    def _apply_unsliced(self, head: Node, change: Node, place: str) -> None:
        """A slice name where nothing is sliced, as some editors write it, names the element."""
        text = "a slice name on an element that stands once and is not sliced"
        self.issues.append(Issue("warning", "structure", text, place))
        for one in change.slices.values():
            element = {name: value for name, value in one.element.items() if name != "sliceName"}
            self._apply(head, Node(head.name, "", element, one.children), place)

    def _new_slice(self, head: Node, change: Node, original: Node) -> Node:
        """A slice starts as the unsliced element of the base, a re-slice as its slice."""
        outer = change.slice.rpartition("/")[0]
        model = head.slices.get(outer, original)
        one = Node(head.name, change.slice, model.element, model.copied().children)
        self._grown(one)
        one.element = {name: value for name, value in one.element.items() if name != "slicing"}
        one.element |= {"sliceName": change.slice, "min": 0}
        if head.name.endswith("[x]") and not change.element.get("type"):
            narrowed = type_named(model.element, change.slice, head.name.removesuffix("[x]"))
            if narrowed is not None:
                one.element["type"] = [narrowed]
        _insert(head, one, outer)
        return one


def _insert(head: Node, one: Node, outer: str) -> None:
    """Put a slice last, a re-slice after its slice and the re-slices that slice has already."""
    family = [name for name in head.slices if name == outer or name.startswith(f"{outer}/")]
    if not outer or not family:
        head.slices[one.slice] = one
        return
    rows = list(head.slices.items())
    at = 1 + max(index for index, (name, _) in enumerate(rows) if name in family)
    head.slices = dict([*rows[:at], (one.slice, one), *rows[at:]])


def _cannot_be_sliced(head: Node) -> bool:
    once = head.element.get("max") in {"0", "1"}
    implied = head.name in EXTENSIONS or head.name.endswith("[x]")
    return once and not implied and not head.slices and "slicing" not in head.element
