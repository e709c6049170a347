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
from profiles.validate.layers import Layers
from profiles.validate.members import Item, is_formed, members_of
from profiles.validate.natively import checks_of
from profiles.validate.places import Place
from profiles.validate.run import Check, Run

_RESOURCES = frozenset({"Resource", "DomainResource"})


class _Member(NamedTuple):
    #: Name in FHIRPath.
    shown: str
    #: FHIR type of the values.
    type: str
    checks: tuple[Check, ...]

    def check(self, value: Any, above: Place, run: Run) -> None:
        """Check the value or values under a JSON name."""
        if type(value) is not list:
            items = [Item(value, None, self.type, (above, self.shown))]
        else:
            items = [
                Item(one, None, self.type, (above, self.shown, index))
                for index, one in enumerate(value)
            ]
        for item in items:
            if item.value is not None and is_formed(item.value, self.type):
                for check in self.checks:
                    check(item, run)


@dataclass(slots=True)
class Plan:
    """What is checked about values of one type."""

    checks: list[Check] = field(default_factory=list)
    #: JSON name → what is checked about the values under it.
    members: dict[str, _Member] = field(default_factory=dict)

    def check(self, item: Item, run: Run) -> None:
        """Check a value and everything in it."""
        if type(item.value) is not dict:
            return
        for check in self.checks:
            check(item, run)
        members, place = self.members, item.place
        for name, inner in item.value.items():
            if name in members:
                members[name].check(inner, place, run)


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
            plan = self._plans[code] = Plan()
            root = self._layers.type_root(code)
            if root is not None:
                plan.checks += self._layers.invariants(root, frozenset(), core=True)
                plan.checks += checks_of(code)
                plan.checks += self._more.get(code, ())
                self._fill(plan, root)
        return plan

    def _fill(self, plan: Plan, element: Element) -> None:
        for child in element.children:
            self._add(plan, child)

    def _add(self, plan: Plan, element: Element) -> None:
        shown = element.name.removesuffix("[x]")
        for name, code, primitive in members_of(element):
            checks = tuple(self._checks(element, code, primitive=primitive))
            if checks:
                plan.members[name] = _Member(shown, code, checks)
            if primitive:
                beside = (self._later("Element"),)
                plan.members[f"_{name}"] = _Member(shown, "Element", beside)

    def _checks(self, element: Element, code: str, *, primitive: bool) -> Iterator[Check]:
        known: frozenset[str] = frozenset()
        if code in _RESOURCES:
            yield self._resource
        elif element.children:
            yield self._nested(element).check
        elif element.content_reference:
            yield self._later(element.content_reference)
        elif not primitive:
            yield self._later(code)
        root = self._layers.type_root(code)
        if root is not None and not element.children:
            known = frozenset(one.key for one in root.invariants)
        yield from self._layers.invariants(element, known, core=True)
        if not _in_schema(element, code) and (bound := self._layers.binding(element)) is not None:
            yield bound

    def _nested(self, element: Element) -> Plan:
        """Plan of an element defined in place; found by its path when it contains itself."""
        plan = self._plans.get(element.path)
        if plan is None:
            plan = self._plans[element.path] = Plan()
            self._fill(plan, element)
        return plan

    def _later(self, code: str) -> Check:
        """Types contain each other: a plan is made when the first value comes."""
        made: list[Callable[[Item, Run], None]] = []

        def check(item: Item, run: Run) -> None:
            if not made:
                made.append((self._plans.get(code) or self.of(code)).check)
            made[0](item, run)

        return check


def _in_schema(element: Element, code: str) -> bool:
    """Say whether the schema holds the codes of a required binding."""
    binding = element.binding
    if binding is None or binding.strength != "required" or code != "code":
        return False
    value_set = binding.value_set.partition("|")[0]
    finite = facts("bindings")["finite"]
    return value_set in finite or binding.value_set in finite
