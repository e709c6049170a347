"""ElementDefinitions as a tree: an element has children, and slices beside it.

https://hl7.org/fhir/R4/elementdefinition.html#id. Lists in StructureDefinitions are flat and in
order; what an element belongs to is in its id (`Patient.identifier:kvnr.system`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
#: Name and slice name of one step of an id: `identifier:kvnr` → ("identifier", "kvnr").
Step = tuple[str, str]


@dataclass(slots=True)
class Node:
    """One element while a snapshot is made."""

    #: Last part of the path: `identifier`, `value[x]`.
    name: str
    #: Slice name; empty for the unsliced element.
    slice: str = ""
    #: The ElementDefinition; shared between copies, so replaced and never changed.
    element: Json = field(default_factory=dict)
    #: Unsliced children by name, in order.
    children: dict[str, Node] = field(default_factory=dict)
    #: Slices of this element by slice name, in order; re-slices (`a/b`) stand after their slice.
    slices: dict[str, Node] = field(default_factory=dict)

    def copied(self) -> Node:
        """Return a copy whose tree may be changed."""
        return Node(
            self.name,
            self.slice,
            self.element,
            {name: one.copied() for name, one in self.children.items()},
            {name: one.copied() for name, one in self.slices.items()},
        )

    def unsliced(self) -> Node:
        """Return the same element without the slices beside it; children are shared."""
        return Node(self.name, self.slice, self.element, self.children)

    def size(self) -> int:
        """Count the elements from here on."""
        inner = (*self.children.values(), *self.slices.values())
        return 1 + sum(one.size() for one in inner)


def steps_of(element_id: str) -> tuple[Step, ...]:
    """Split an element id into names and slice names."""
    parts = (part.partition(":") for part in element_id.split("."))
    return tuple((name, sliced) for name, _, sliced in parts)


def tree_of(elements: Sequence[Json]) -> Node:
    """Make the tree of a snapshot, whose elements are complete and in order.

    An element whose parent does not stand before it is left out.
    """
    root = Node(elements[0]["path"], element=elements[0])
    #: From the root to the element that came last; what follows below belongs to it.
    line: list[tuple[str, Node]] = [(elements[0]["path"], root)]
    for element in elements[1:]:
        path: str = element["path"]
        parent_path, _, name = path.rpartition(".")
        depth = path.count(".")
        if not depth or len(line) < depth or line[depth - 1][0] != parent_path:
            continue
        parent = line[depth - 1][1]
        node = Node(name, element.get("sliceName") or "", element)
        head = parent.children.get(name)
        if node.slice and head is not None:
            head.slices[node.slice] = node
        else:
            parent.children[name] = node
        line[depth:] = [(path, node)]
    return root


def elements_of(root: Node) -> list[Json]:
    """Return a tree as a list in order, ids and paths set from where each element stands."""
    return list(_flat(root, "", ""))


def _flat(node: Node, path: str, parent_id: str) -> Iterator[Json]:
    own_path = f"{path}.{node.name}" if path else node.name
    own = f"{node.name}:{node.slice}" if node.slice else node.name
    own_id = f"{parent_id}.{own}" if parent_id else own
    element = {"id": own_id, "path": own_path}
    element.update((k, v) for k, v in node.element.items() if k not in {"id", "path"})
    yield element
    for child in node.children.values():
        yield from _flat(child, own_path, own_id)
    for one in node.slices.values():
        yield from _flat(one, path, parent_id)
