"""A differential as a tree, as good as its order and ids allow.

https://hl7.org/fhir/R4/profiling.html#differential. Elements left out between a constraint and the
root are implied. Where ids contradict paths, or are missing, the order of the elements decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from profiles.issue import Issue
from profiles.snapshot.tree import Json, Node, Step, steps_of

Placed = tuple[str, tuple[Step, ...]]


def differential_tree(elements: Sequence[Json], type_name: str, issues: list[Issue]) -> Node:
    """Make the tree of a differential; what cannot be placed becomes an issue."""
    root = Node(type_name)
    #: From the root to what came last: paths with the steps that lead there.
    line: list[Placed] = []
    for element in elements:
        path: str = element["path"]
        if path.partition(".")[0] != type_name:
            text = "the path does not start with the type"
            issues.append(Issue("error", "structure", text, path))
            path = ".".join([type_name, *path.split(".")[1:]])
        steps, fault = _steps(element, path, line)
        if fault:
            issues.append(Issue("warning", "structure", fault, path))
        line[path.count(".") :] = [(path, steps)]
        _place(root, steps, element, issues)
    return root


def _steps(element: Json, path: str, line: Sequence[Placed]) -> tuple[tuple[Step, ...], str]:
    """Where an element stands, and what was odd: its id decides when that fits its path.

    Otherwise it stands after what came last. An id that names no slice where the element before
    it was one is taken for a child of that slice, as tools that go by the order do.
    """
    names = path.split(".")
    own_slice = element.get("sliceName") or ""
    if len(names) == 1:
        return ((path, ""),), ""
    stated = element.get("id") or ""
    given = steps_of(stated)
    parent = path.rpartition(".")[0]
    before = dict(line).get(parent) or tuple((name, "") for name in parent.split("."))
    if not _fits(given, names):
        return (*before, (names[-1], own_slice)), "the id does not fit the path" if stated else ""
    above, fault = given[:-1], ""
    if before != above and not any(sliced for _, sliced in above) and len(before) == len(above):
        above, fault = before, "the id names no slice where the order of elements means one"
    return (*above, (given[-1][0], given[-1][1] or own_slice)), fault


def _fits(given: tuple[Step, ...], names: list[str]) -> bool:
    return len(given) == len(names) and all(
        _same_name(step, name) for step, name in zip(given[1:], names[1:], strict=True)
    )


def _same_name(step: Step, name: str) -> bool:
    """`value[x]:valueQuantity` may stand at `valueQuantity` or at `value[x]`."""
    return step[0] == name or (
        step[0].endswith("[x]") and name.startswith(step[0].removesuffix("[x]"))
    )


def _place(root: Node, steps: tuple[Step, ...], element: Json, issues: list[Issue]) -> None:
    node = root
    for name, sliced in steps[1:]:
        node = node.children.setdefault(name, Node(name))
        if sliced:
            node = node.slices.setdefault(sliced, Node(name, sliced))
    if node.element:
        issues.append(
            Issue("warning", "structure", "an element stands twice in the differential",
                  element.get("path", ""))
        )  # fmt: skip
        element = node.element | element
    node.element = element
