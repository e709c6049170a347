"""Compiled expressions: what callers hold.

https://hl7.org/fhirpath/N1/. An expression is compiled once and may be evaluated by any number
of threads; each evaluation has its own state and its own bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, TypeVar

from profiles.fhirpath.check import check
from profiles.fhirpath.compiler import compile_answer, compile_tree
from profiles.fhirpath.context import DEFAULT_BOUNDS, NO_SERVICES, Bounds, Evaluation, Services
from profiles.fhirpath.errors import FHIRPathLimitError, FHIRPathSemanticError
from profiles.fhirpath.glance import Glance, compile_glance
from profiles.fhirpath.items import Items, Node, Type
from profiles.fhirpath.logic import Answering
from profiles.fhirpath.model import type_at, untyped
from profiles.fhirpath.parser import parse
from profiles.fhirpath.results import Item, described, plain
from profiles.fhirpath.syntax import Call, Variable, parts_of
from profiles.fhirpath.variables import as_item

Model = Literal["r4", "none"]
Found = TypeVar("Found")
#: Parts of an expression that look at the resource around the focus.
_LOOKS_AROUND = frozenset({"resource", "rootResource", "resolve"})
_NO_VARIABLES: dict[str, Any] = {}


class Expression:
    """A compiled expression; make it with `compile`."""

    __slots__ = (
        *("_answer", "_checked", "_looks_around", "_run", "_strict", "_tree", "_unknown"),
        "text",
    )

    def __init__(self, text: str, type_name: str | None, model: Model, *, strict: bool) -> None:
        """Parse and compile."""
        #: The source.
        self.text = text
        try:
            self._tree = parse(text)
            self._run = compile_tree(self._tree)
        except RecursionError:  # little stack is left where we are called
            raise FHIRPathLimitError("the expression is nested too deeply") from None
        #: The expression as a condition, compiled when that is asked first.
        self._answer: Answering | None = None
        self._unknown = untyped(plain=model == "none")
        self._strict = strict
        self._checked: set[str] = set()
        self._looks_around = any(
            isinstance(part, Variable | Call) and part.name in _LOOKS_AROUND
            for part in parts_of(self._tree)
        )
        if strict and type_name is not None:
            self._check(_named(type_name))

    def evaluate(self, focus: Any, **options: Any) -> list[Any]:
        """Return plain values: JSON of elements, texts for dates, `Quantity` for quantities.

        `focus` is a JSON resource or element, a `Node`, a list of them, or a System value.
        Options: `type` (FHIR type of an element), `resource` and `root_resource` (for
        %resource and %rootResource), `variables`, `services`, `bounds`. Raises FHIRPathError.
        """
        return plain(self.nodes(focus, **options))

    def items(self, focus: Any, **options: Any) -> list[Item]:
        """Return what `evaluate` does, each with its type and place; also valueless elements."""
        return described(self.nodes(focus, **options))

    def holds(self, focus: Any, **options: Any) -> bool:
        """Say whether an invariant holds: its result is not false.

        An empty result violates nothing: published invariants rely on that (ref-1 on a
        Reference that has only a display). Raises FHIRPathError as `evaluate` does.
        """
        if self._answer is None:
            try:
                self._answer = compile_answer(self._tree)
            except RecursionError:
                raise FHIRPathLimitError("the expression is nested too deeply") from None
        return self._evaluated(self._answer, focus, **options) is not False

    def glance(self, type_: Type) -> Glance | None:
        """Return what may see on the JSON of a value that `holds`; None where nothing does.

        It says True only where `holds` would; of everything else it says False.
        """
        try:
            return compile_glance(self._tree, type_)
        except RecursionError:
            return None

    def nodes(
        self,
        focus: Any,
        *,
        type: str | None = None,  # noqa: A002 - FHIR's word
        resource: Any = None,
        root_resource: Any = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> Items:
        """Return nodes and System values as they are, to be given to further expressions."""
        return self._evaluated(
            self._run, focus, type, resource, root_resource, variables, services, bounds
        )

    def _evaluated(
        self,
        run: Callable[[Evaluation, Items], Found],
        focus: Any,
        type: str | None = None,  # noqa: A002
        resource: Any = None,
        root_resource: Any = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> Found:
        items = self._focus(focus, type)
        if self._strict:
            self._check_focus(items)
        around = (
            self._around(items, resource, root_resource) if self._looks_around else (items,) * 2
        )
        evaluation = Evaluation(
            items, around[0], around[1], variables or _NO_VARIABLES, self._unknown, services, bounds
        )
        try:
            return run(evaluation, items)
        except RecursionError:
            raise FHIRPathLimitError("the expression is nested too deeply") from None

    def _focus(self, focus: Any, type_name: str | None) -> Items:
        if focus.__class__ is Node:
            return [focus]
        if isinstance(focus, list | tuple):
            return [one for part in focus for one in self._focus(part, type_name)]
        if focus is None:
            return []
        return [root(focus, type_name, self._unknown)]

    def _around(self, items: Items, resource: Any, root_resource: Any) -> tuple[Items, Items]:
        """Return %resource and %rootResource: given, or found around the focus."""
        inner = self._focus(resource, None) if resource is not None else _nearest(items)
        if root_resource is not None:
            return inner, self._focus(root_resource, None)
        return inner, _outer(inner)

    def _check_focus(self, items: Items) -> None:
        for item in items:
            if item.__class__ is Node and not item.type.untyped:
                self._check(item.type)

    def _check(self, type_: Type) -> None:
        if type_.path not in self._checked:
            check(self._tree, type_)
            self._checked.add(type_.path)


def root(value: Any, type_name: str | None = None, unknown: Type | None = None) -> Any:
    """Make the node an evaluation begins at; System values stay what they are."""
    unknown = untyped() if unknown is None else unknown
    if type_name is not None:
        type_ = _named(type_name)
        if type_.primitive or isinstance(value, dict):
            return Node(value, None, type_, None, type_name)
    return as_item(value, unknown)


def _named(type_name: str) -> Type:
    type_ = type_at(type_name)
    if type_ is None:
        raise FHIRPathSemanticError(f"there is no FHIR type {type_name}")
    return type_


def _is_resource(node: Node) -> bool:
    return node.value.__class__ is dict and "resourceType" in node.value


def _nearest(items: Items) -> Items:
    node = items[0] if items and items[0].__class__ is Node else None
    while node is not None and not _is_resource(node) and node.parent is not None:
        node = node.parent
    return items if node is None else [node]


def _outer(items: Items) -> Items:
    """The resource a contained one stands in; of any other it is itself."""
    node = items[0] if items else None
    if node.__class__ is not Node or node.name != "contained" or node.parent is None:
        return items
    return _nearest([node.parent])


@lru_cache(maxsize=4096)
def compile(  # noqa: A001 - the word everybody looks for, as in re.compile
    expression: str,
    *,
    type: str | None = None,  # noqa: A002 - FHIR's word
    strict: bool = False,
    model: Model = "r4",
) -> Expression:
    """Compile an expression; the same one is compiled once.

    `strict` refuses elements that the type cannot have (FHIRPathSemanticError): at once when
    `type` names the type of the focus, otherwise when the focus is known. `model="none"` knows
    no FHIR: data is navigated as it is. Raises FHIRPathSyntaxError, FHIRPathSemanticError.
    """
    return Expression(expression, type, model, strict=strict)


def evaluate(
    resource: Any,
    expression: Any,
    *,
    variables: Mapping[str, Any] | None = None,
    strict: bool = False,
    model: Model = "r4",
    services: Services = NO_SERVICES,
    bounds: Bounds = DEFAULT_BOUNDS,
    **environment: Any,
) -> list[Any]:
    """Evaluate an expression on a resource and return plain values (`Expression.evaluate`).

    Further keywords are variables: `evaluate(patient, "%limit > 3", limit=5)`. Resource and
    expression may also be given the other way round.
    """
    if isinstance(resource, str) and not isinstance(expression, str):
        resource, expression = expression, resource
    compiled = compile(expression, strict=strict, model=model)
    known = {**(variables or {}), **environment}
    return compiled.evaluate(resource, variables=known, services=services, bounds=bounds)
