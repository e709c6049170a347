"""Bindings: a code has to be in the value set its element is bound to.

https://hl7.org/fhir/R4/terminologies.html#strength. Required: an error. Extensible: a warning, for
the value set may have no code for the matter. Preferred: information. What cannot be decided,
because a code system is not at hand, is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from profiles.issue import Severity
from profiles.snapshot.elements import Binding
from profiles.validate.members import Item
from profiles.validate.run import Check, Run, Terminology

#: Strength → severity of a code that is not in the value set.
SEVERITY: dict[str, Severity] = {
    "required": "error",
    "extensible": "warning",
    "preferred": "information",
}
#: Severity of a concept without any code.
_WITHOUT_CODE: dict[str, Severity] = {"required": "error", "extensible": "warning"}

_WISH = {"required": "required", "extensible": "expected, if one fits"}

#: Purpose of an additional binding → the strength it is as strict as.
_PURPOSES = {"maximum": "required"}
#: Codes that the definition of an element allows in words beside its value set.
_ALSO = {"CapabilityStatement.format": frozenset({("", "xml"), ("", "json"), ("", "ttl")})}
_NONE: frozenset[tuple[str, str]] = frozenset()

#: System ("" where the element says it all) and code.
Coded = tuple[str, str]


class _Bound(NamedTuple):
    value_set: str
    severity: Severity
    strength: str


def binding_check(binding: Binding, terminology: Terminology, path: str = "") -> Check | None:
    """Return what checks a binding; None for one that binds nobody.

    `path` is where core defines the bound element.
    """
    bound = tuple(_bound(binding))
    also = _ALSO.get(path, _NONE)
    if not bound:
        return None

    def check(item: Item, run: Run) -> None:
        if item.value is None:
            return
        codes = list(codes_of(item.value))
        if also and also.issuperset(codes):
            return
        for one in bound:
            if codes:
                _check_codes(codes, one, terminology, item, run)
            elif one.strength in _WITHOUT_CODE and item.type in {"CodeableConcept", "Coding"}:
                text = f"a code of the value set {one.value_set} is {_WISH[one.strength]}"
                run.report(_WITHOUT_CODE[one.strength], "code-invalid", text, item.place)

    return check


def _bound(binding: Binding) -> Iterator[_Bound]:
    severity = SEVERITY.get(binding.strength)
    if severity is not None and binding.value_set:
        yield _Bound(binding.value_set, severity, binding.strength)
    if binding.max_value_set:
        yield _Bound(binding.max_value_set, "error", "required")
    for purpose, value_set in binding.additional:
        strength = _PURPOSES.get(purpose, purpose)
        if strength in SEVERITY and value_set:
            yield _Bound(value_set, SEVERITY[strength], strength)


def _check_codes(
    codes: list[Coded], bound: _Bound, terminology: Terminology, item: Item, run: Run
) -> None:
    value_set = bound.value_set
    answers = [terminology.member(value_set, system, code) for system, code in codes]
    if True in answers:
        return
    if None in answers:
        named = codes[answers.index(None)][0] or value_set
        text = f"codes of {named} cannot be checked against {value_set}: it is not fully at hand"
        run.once(f"{named} in {value_set}", "information", "not-found", text, item.place)
        return
    text = f"the code is not in the value set {value_set} ({bound.strength})"
    run.report(bound.severity, "code-invalid", text, item.place)


def codes_of(value: Any) -> Iterator[Coded]:
    """Return (system, code) of a code, a Coding, a CodeableConcept or a Quantity."""
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, dict):
        codings = value.get("coding") if "coding" in value or "text" in value else [value]
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                system = coding.get("system")
                # Without its system a code means nothing.
                if isinstance(system, str):
                    yield system, coding["code"]
