"""What the operations answer, and how FHIR writes it.

https://hl7.org/fhir/R4/terminology-service.html. Texts never repeat a code or display that came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from profiles.issue import Issue, NotSupported
from profiles.terminology.concept import Designation, Json, Property

Outcome = Literal["yes", "no", "undecided"]
Reason = Literal[
    "",
    "unknown-code",
    "not-in-value-set",
    "wrong-display",
    "inactive",
    "abstract",
    "wrong-case",
    "wrong-version",
    "no-system",
    "unknown-value-set",
    "unknown-system",
    "unknown-version",
    "unknown-property",
    "fragment",
    "no-subsumption",
    "remote",
]
_SENTENCES: dict[Reason, str] = {
    "": "the code is valid",
    "unknown-code": "the code system does not define this code",
    "not-in-value-set": "the code is not in the value set",
    "wrong-display": "the display is none of the code's displays",
    "inactive": "the code is inactive",
    "abstract": "the code only groups others and may not be chosen",
    "wrong-case": "the code is written in another case than the code system defines it in",
    "wrong-version": "the value set demands another version of the code system",
    "no-system": "the coding has no system",
    "unknown-value-set": "the value set is not available",
    "unknown-system": "the code system is not available",
    "unknown-version": "the code system is not available in this version",
    "unknown-property": "the code system does not say what the value set filters by",
    "fragment": "only a part of the code system is available",
    "no-subsumption": "the hierarchy of the code system is absent or does not mean is-a",
    "remote": "the terminology server says no",
}


def not_found(text: str) -> NotSupported:
    """Make the error for what is not there."""
    return NotSupported(text, issues=(Issue("error", "not-found", text),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """Whether a coding is valid; the answer of `$validate-code`."""

    outcome: Outcome
    reason: Reason = ""
    system: str = ""
    version: str = ""
    #: The code as its code system writes it.
    code: str = ""
    #: The display the code system (or value set) gives it.
    display: str = ""
    inactive: bool = False
    #: Code systems and value sets (canonical) that would be needed, when undecided.
    missing: tuple[str, ...] = ()
    #: What is worth saying beside the outcome.
    warnings: tuple[Reason, ...] = ()
    #: One answer per coding of a CodeableConcept.
    codings: tuple[Validated, ...] = ()

    @property
    def text(self) -> str:
        """One sentence; names what is missing."""
        said = _SENTENCES[self.reason]
        return f"{said}: {', '.join(self.missing)}" if self.missing else said

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Issues to report: an error for no, a warning for undecided and what is worth saying."""
        found = [Issue("warning", "business-rule", _SENTENCES[one]) for one in self.warnings]
        if self.outcome == "no":
            found.insert(0, Issue("error", "code-invalid", self.text))
        elif self.outcome == "undecided":
            found.insert(0, Issue("warning", "not-found", self.text))
        return tuple(found)

    def parameters(self) -> Json:
        """Render as Parameters; `result` is false unless the outcome is yes."""
        found = [_parameter("result", "Boolean", self.outcome == "yes")]
        texts = [] if self.outcome == "yes" else [self.text]
        texts.extend(_SENTENCES[one] for one in self.warnings)
        if texts:
            found.append(_parameter("message", "String", "; ".join(texts)))
        if self.outcome == "yes" and self.display:
            found.append(_parameter("display", "String", self.display))
        return _parameters(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What is known about a code; the answer of `$lookup`."""

    #: Name of the code system.
    name: str
    system: str
    version: str
    code: str
    display: str
    definition: str = ""
    inactive: bool = False
    abstract: bool = False
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()

    def parameters(self) -> Json:
        """Render as Parameters."""
        found = [_parameter("name", "String", self.name or self.system)]
        if self.version:
            found.append(_parameter("version", "String", self.version))
        found.append(_parameter("display", "String", self.display or self.code))
        found.extend(
            {"name": "designation", "part": _designation(one)} for one in self.designations
        )
        relations = [("parent", one) for one in self.parents]
        relations += [("child", one) for one in self.children]
        said = {(one.code, one.text) for one in self.properties}
        found.extend(
            _property(Property(name, code)) for name, code in relations if (name, code) not in said
        )
        found.extend(_property(one) for one in self.properties)
        if self.definition:
            found.append(_property(Property("definition", self.definition)))
        return _parameters(found)


Subsumption = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsumed:
    """How two codes relate; the answer of `$subsumes`. None when it cannot be decided."""

    outcome: Subsumption | None
    reason: Reason = ""
    missing: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One sentence; names what is missing."""
        said = _SENTENCES[self.reason] if self.reason else (self.outcome or "")
        return f"{said}: {', '.join(self.missing)}" if self.missing else said

    def parameters(self) -> Json:
        """Render as Parameters; empty when it cannot be decided."""
        found = [_parameter("outcome", "Code", self.outcome)] if self.outcome else []
        return _parameters(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One target of a translation."""

    equivalence: str
    system: str = ""
    version: str = ""
    code: str = ""
    display: str = ""
    comment: str = ""
    #: ConceptMap that says so (canonical).
    source: str = ""
    #: ConceptMap.group.element.target.dependsOn and .product, as they are.
    depends_on: tuple[Json, ...] = ()
    product: tuple[Json, ...] = ()

    def part(self) -> list[Json]:
        """Render as the parts of a `match` parameter."""
        coding = {"system": self.system, "version": self.version}
        coding |= {"code": self.code, "display": self.display}
        found = [_parameter("equivalence", "Code", self.equivalence)]
        if self.code:
            coding = {name: value for name, value in coding.items() if value}
            found.append({"name": "concept", "valueCoding": coding})
        found.extend({"name": "product", "part": _product(one)} for one in self.product)
        if self.source:
            found.append(_parameter("source", "Uri", self.source))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """Where a code leads; the answer of `$translate`."""

    matches: tuple[Match, ...]
    message: str = ""

    @property
    def result(self) -> bool:
        """Whether there is a match that maps at all."""
        return any(one.equivalence not in {"unmatched", "disjoint"} for one in self.matches)

    def parameters(self) -> Json:
        """Render as Parameters."""
        found = [_parameter("result", "Boolean", self.result)]
        if self.message:
            found.append(_parameter("message", "String", self.message))
        found.extend({"name": "match", "part": one.part()} for one in self.matches)
        return _parameters(found)


def _designation(one: Designation) -> list[Json]:
    found = []
    if one.language:
        found.append(_parameter("language", "Code", one.language))
    if one.use:
        found.append({"name": "use", "valueCoding": {"code": one.use}})
    return [*found, _parameter("value", "String", one.value)]


def _property(one: Property) -> Json:
    kind = "Boolean" if isinstance(one.value, bool) else "Code"
    if isinstance(one.value, int) and not isinstance(one.value, bool):
        kind = "Integer"
    elif isinstance(one.value, str) and (" " in one.value or one.code == "definition"):
        kind = "String"
    elif not isinstance(one.value, str | bool):
        kind = "Decimal"
    return {
        "name": "property",
        "part": [_parameter("code", "Code", one.code), _parameter("value", kind, one.value)],
    }


def _product(one: Json) -> list[Json]:
    coding = {"system": one.get("system"), "code": one.get("value"), "display": one.get("display")}
    return [
        _parameter("element", "Uri", one.get("property")),
        {"name": "concept", "valueCoding": {n: v for n, v in coding.items() if v}},
    ]


def _parameter(name: str, kind: str, value: object) -> Json:
    return {"name": name, f"value{kind}": value}


def _parameters(found: list[Json]) -> Json:
    return {"resourceType": "Parameters", "parameter": found}
