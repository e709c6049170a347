"""Type plans: what is checked about every value of a type, whatever profile it claims.

Cardinality, types and finite required codes are the schema's business (structure.py). A plan adds
the invariants and the other bindings, and leads through a resource to every data type in it.
Only members that are there cost anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from profiles.r4 import facts
from profiles.snapshot.elements import Element
from profiles.validate.gaps import BARE, look_at_gaps
from profiles.validate.layers import Layers
from profiles.validate.members import Item, Json, members_of
from profiles.validate.natively import checks_of
from profiles.validate.places import Place
from profiles.validate.run import Check, Run
from profiles.validate.targets import core_target_check

_RESOURCES = frozenset({"Resource", "DomainResource"})


class _Member(NamedTuple):
    #: Name in FHIRPath.
    shown: str
    #: FHIR type of the values.
    type: str
    primitive: bool
    #: What is checked about values of that type, None for primitive ones.
    plan: Plan | None
    #: What this element asks besides.
    checks: tuple[Check, ...]

    def check(self, value: Any, place: Place, run: Run) -> None:
        """Check one value; what has not the JSON form of its type is structure.py's business."""
        if self.primitive:
            if value is None or type(value) is dict or type(value) is list:
                return
        elif type(value) is not dict:
            return
        if self.plan is not None:
            self.plan.walk(value, place, run)
            if len(value) == 1 and "id" in value and self.type != "Element":
                run.report("error", "invariant", BARE, place)
        if self.checks:
            item = Item(value, None, self.type, place)
            for check in self.checks:
                check(item, run)


@dataclass(slots=True)
class Plan:
    """What is checked about values of one type; made when the first one comes."""

    type: str
    #: Finds the checks and members; None once they are there. Types contain each other.
    make: Callable[[Plan], None] | None
    checks: list[Check] = field(default_factory=list)
    #: JSON name → what is checked about the values under it.
    members: dict[str, _Member] = field(default_factory=dict)
    #: The same of what stands beside primitive values: `_birthDate`.
    beside: dict[str, _Member] = field(default_factory=dict)

    def walk(self, value: Json, place: Place, run: Run) -> None:
        """Check a value and everything in it."""
        if self.make is not None:
            make, self.make = self.make, None
            make(self)
        if self.checks:
            self._look(value, place, run)
        members = self.members
        for name, inner in value.items():
            member = members.get(name)
            if member is None:
                if name[:1] == "_":
                    self._walk_beside(name, value, place, run)
                continue
            shown, look = member.shown, member.check
            if type(inner) is list:
                for index, one in enumerate(inner):
                    look(one, (place, shown, index), run)
            else:
                look(inner, (place, shown), run)

    def _look(self, value: Json, place: Place, run: Run) -> None:
        item = Item(value, None, self.type, place)
        for check in self.checks:
            check(item, run)

    def _walk_beside(self, name: str, value: Json, place: Place, run: Run) -> None:
        """Check what stands beside a primitive value; nothing for other names."""
        member = self.beside.get(name)
        if member is None:
            return
        inner = value[name]
        look_at_gaps(value.get(name[1:]), inner, (place, member.shown), run)
        listed = type(inner) is list
        for index, one in enumerate(inner if listed else (inner,)):
            at = (place, member.shown, index) if listed else (place, member.shown)
            member.check(one, at, run)


class Plans:
    """Makes and keeps the plans of types."""

    def __init__(
        self, layers: Layers, resource: Check, more: Mapping[str, tuple[Check, ...]]
    ) -> None:
        """Take what checks a resource inside a resource, and further checks by type."""
        self._layers = layers
        self._resource = resource
        self._more = more
        self._plans: dict[str, Plan] = {}

    def of(self, code: str) -> Plan:
        """Return the plan of a type; an empty one for what core does not define."""
        plan = self._plans.get(code)
        if plan is None:
            plan = self._plans[code] = Plan(code, self._make)
        return plan

    def _make(self, plan: Plan) -> None:
        root = self._layers.type_root(plan.type)
        if root is not None:
            plan.checks += self._layers.invariants(root, frozenset())
            plan.checks += checks_of(plan.type)
            plan.checks += self._more.get(plan.type, ())
            self._fill(plan, root)

    def _fill(self, plan: Plan, element: Element) -> None:
        for child in element.children:
            self._add(plan, child)

    def _add(self, plan: Plan, element: Element) -> None:
        shown = element.name.removesuffix("[x]")
        for name, code, primitive in members_of(element).each:
            inner = None if primitive else self._inner(element, code)
            checks = tuple(self._checks(element, code))
            if inner is not None or checks:
                plan.members[name] = _Member(shown, code, primitive, inner, checks)
            if primitive:
                beside = _Member(
                    shown, "Element", primitive=False, plan=self.of("Element"), checks=()
                )
                plan.beside[f"_{name}"] = beside

    def _inner(self, element: Element, code: str) -> Plan | None:
        """Return the plan of an element's values; a resource in it is looked at as such."""
        if code in _RESOURCES:
            return None
        if element.children:
            return self._nested(element)
        return self.of(element.content_reference or code)

    def _checks(self, element: Element, code: str) -> Iterator[Check]:
        known: frozenset[str] = frozenset()
        if code in _RESOURCES:
            yield self._resource
        root = self._layers.type_root(code)
        if root is not None and not element.children:
            known = frozenset(one.key for one in root.invariants)
        yield from self._layers.invariants(element, known)
        if code == "Reference" and (target := core_target_check(element)) is not None:
            yield target
        if not _in_schema(element, code) and (bound := self._layers.binding(element)) is not None:
            yield bound

    def _nested(self, element: Element) -> Plan:
        """Plan of an element defined in place; found by its path when it contains itself."""
        plan = self.of(element.path)
        if plan.make is not None:
            plan.make = None
            self._fill(plan, element)
        return plan


def _in_schema(element: Element, code: str) -> bool:
    """Say whether the schema holds the codes of a required binding."""
    binding = element.binding
    if binding is None or binding.strength != "required" or code != "code":
        return False
    value_set = binding.value_set.partition("|")[0]
    finite = facts("bindings")["finite"]
    return value_set in finite or binding.value_set in finite
