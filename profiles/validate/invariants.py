"""Invariants: FHIRPath constraints of elements (https://hl7.org/fhir/R4/conformance-rules.html).

Some are checked natively elsewhere, because every object has them or because they are slow in
FHIRPath; `rules.COVERED` names them.
"""

from __future__ import annotations

from functools import cache

from profiles.fhirpath import (
    Expression,
    FHIRPathError,
    FHIRPathLimitError,
    Node,
    compile,  # noqa: A004
)
from profiles.fhirpath.glance import Glance
from profiles.fhirpath.model import fhir_type
from profiles.fhirpath.published import corrected
from profiles.issue import Severity
from profiles.snapshot.elements import Element, Invariant
from profiles.validate.asked import Asked, asks
from profiles.validate.members import Item
from profiles.validate.native import NATIVE
from profiles.validate.rules import COVERED
from profiles.validate.run import Check, Run

#: Checked by the schema, or natively by the rules of a resource or data type.
_COVERED = COVERED | {"ele-1"}
#: Those of them that every type inherits; other keys a profile may use for constraints of its own.
_INHERITED = frozenset({"ele-1", "ref-1", "dom-2", "dom-3", "dom-4", "dom-5", "txt-1", "txt-2"})
#: Good practice that the specification words as a constraint: worth a note, no more.
_PRACTICE = frozenset({"dom-6"})
_NESTED = frozenset({"BackboneElement", "Element"})


def invariant_check(
    invariant: Invariant, element: Element, asked: Asked | None = None
) -> Check | None:
    """Return what checks an invariant; None for one that is covered or has no expression.

    `asked` answers what a profile's invariant asks. Without it the invariant stands in core's own
    definition, where its key says which one it is.
    """
    core = asked is None
    source = corrected(invariant.key, invariant.expression) if invariant.expression else None
    if invariant.key in (_COVERED if core else _INHERITED) or source is None:
        return None
    severity: Severity = "error" if invariant.severity == "error" else "warning"
    if invariant.key in _PRACTICE:
        severity = "information"
    text = f"{invariant.human or 'a constraint is not met'} ({invariant.key})"
    nested = _nested_type(element)

    is_asking = asks(source)
    native = NATIVE.get(invariant.key) if core else None
    codes = asked.layers.codes(asked.profile) if asked is not None else None
    glances: dict[str, Glance | None] = {}

    def check(item: Item, run: Run) -> None:
        met = native(item.value) if native is not None else None
        if met is None:
            name = nested or item.type
            glance = glances[name] if name in glances else _glance(source, name, glances)
            if glance is not None and glance(item.value, item.extra, codes):
                return
            met = _holds(source, item, nested or item.type, run, asked if is_asking else None)
        if met is None:
            unread = f"the constraint {invariant.key} cannot be evaluated"
            run.once(invariant.key, "warning", "not-supported", unread, item.place)
        elif not met:
            run.report(severity, "invariant", text, item.place)

    return check


def _glance(source: str, type_name: str, known: dict[str, Glance | None]) -> Glance | None:
    """Make what sees at once that a constraint holds of values of a type, and remember it."""
    expression = _compiled(source)
    type_ = fhir_type(type_name) if type_name else None
    found = expression.glance(type_) if expression is not None and type_ is not None else None
    known[type_name] = found
    return found


def _nested_type(element: Element) -> str:
    """Elements defined in place are types of their own: `Patient.contact`."""
    codes = {one.code for one in element.types}
    return element.base_path if codes and codes <= _NESTED else ""


def _holds(source: str, item: Item, type_name: str, run: Run, asked: Asked | None) -> bool | None:
    """Evaluate a constraint on one value; None where that is not possible, or takes too long.

    What was asked of the value before is not asked again: then nothing is to be said.
    """
    # Packages may mean different versions of what the same words ask for.
    question = f"{asked.package} {source}" if asked is not None else source
    if not run.is_new(item.value, question):
        return True
    if source in run.costly:
        return None
    expression = _compiled(source)
    type_ = fhir_type(type_name) if type_name else None
    if expression is None or type_ is None:
        return None
    services = asked.services(run, item.place) if asked is not None else run.services
    focus = Node(item.value, item.extra, type_, None, type_.path)
    try:
        return expression.holds(
            focus, resource=run.resource, root_resource=run.root, services=services
        )
    except FHIRPathLimitError:
        run.costly.add(source)
        return None
    except FHIRPathError:
        return None


@cache
def _compiled(source: str) -> Expression | None:
    try:
        return compile(source)
    except FHIRPathError:
        return None
