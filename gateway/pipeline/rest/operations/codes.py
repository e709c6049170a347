"""Terminology operations: exact answers from packages and catalogues, or what is missing for one.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.pipeline.rest.asked import Call
from gateway.pipeline.rest.operations.parameters import Given, given
from gateway.pipeline.rest.operations.tools import Tools
from profiles.issue import Issue, NotConformant, NotSupported

if TYPE_CHECKING:
    # Who never asks does not load terminology.
    from profiles.terminology import Expansion, Terminology, Wanted

#: Codes of a page of an expansion, where the caller names no count.
PAGE = 1_000


def lookup(call: Call, tools: Tools) -> dict[str, Any]:
    """`CodeSystem/$lookup`: what is known about a code."""
    asked = _asked(call)
    asked.only("code", "system", "version", "coding", "displayLanguage", "property")
    system, code, version = _coding(asked, tools.terminology(), "coding")
    found = tools.terminology().lookup(
        system, code, version=version, language=asked.text("displayLanguage")
    )
    return found.parameters()


def subsumes(call: Call, tools: Tools) -> dict[str, Any]:
    """`CodeSystem/$subsumes`: how two codes of a hierarchy relate."""
    asked = _asked(call)
    asked.only("codeA", "codeB", "system", "version", "codingA", "codingB")
    terminology = tools.terminology()
    if "codingA" in asked.values:
        system, first, version = _coding(asked, terminology, "codingA")
        other, second, _ = _coding(asked, terminology, "codingB")
        if other != system:
            raise NotConformant("The codes are of different code systems.")
    else:
        system, version = terminology.uri(asked.needed("system")), asked.text("version")
        first, second = asked.needed("codeA"), asked.needed("codeB")
    found = terminology.subsumption(system, first, second, version=version)
    if found.outcome is None:
        raise NotSupported(found.text, issues=(Issue("error", "not-found", found.text),))
    return found.parameters()


def validate_code(call: Call, tools: Tools) -> dict[str, Any]:
    """`$validate-code` of ValueSet and CodeSystem: is this code valid, and if not why."""
    asked = _asked(call)
    common = ("code", "version", "display", "coding", "codeableConcept", "url")
    asked.only(*common, "system", "systemVersion", "context", "abstract", "displayLanguage")
    if "context" in asked.values:
        raise NotSupported("Contexts are not supported: name the value set by its url.")
    terminology = tools.terminology()
    coded = asked.one("codeableConcept") or asked.one("coding")
    if call.type == "ValueSet":
        value_set, system = asked.needed("url"), asked.text("system")
        version = asked.text("systemVersion")
    else:
        value_set, system, version = "", asked.text("url"), asked.text("version")
    if coded is not None:
        return terminology.validate_code(value_set, coded=_coded(coded, system)).parameters()
    code = asked.needed("code")
    if not value_set and not system:
        raise NotConformant("The code system is not named: url is missing.")
    found = terminology.validate_code(
        value_set,
        system=terminology.uri(system) if system else "",
        code=code,
        version=version,
        display=asked.text("display"),
    )
    return found.parameters()


def expand(call: Call, tools: Tools) -> dict[str, Any]:
    """`ValueSet/$expand`: the codes of a value set, a page at a time."""
    asked = _asked(call)
    known = ("url", "valueSet", "valueSetVersion", "filter", "offset", "count", "activeOnly")
    asked.only(*known, "includeDesignations", "displayLanguage")
    count = asked.number("count")
    # Who never asks does not load terminology.
    from profiles.terminology import Wanted

    wanted = Wanted(
        filter=asked.text("filter"),
        offset=asked.number("offset") or 0,
        count=PAGE if count is None else min(count, PAGE),
        active_only=asked.truth("activeOnly"),
        include_designations=asked.truth("includeDesignations"),
        display_language=asked.text("displayLanguage"),
    )
    return _expansion(asked, tools.terminology(), wanted).value_set(call.time)


def _expansion(asked: Given, terminology: Terminology, wanted: Wanted) -> Expansion:
    """Expand the value set that is given, or the one that is named."""
    sent = asked.one("valueSet")
    if sent is not None:
        if not isinstance(sent, dict) or sent.get("resourceType") != "ValueSet":
            raise NotConformant("The parameter valueSet is a ValueSet.")
        return terminology.expand_resource(sent, wanted)
    url, version = asked.needed("url"), asked.text("valueSetVersion")
    return terminology.expand(f"{url}|{version}" if version else url, wanted)


def translate(call: Call, tools: Tools) -> dict[str, Any]:
    """`ConceptMap/$translate`: where maps lead from a code."""
    asked = _asked(call)
    known = ("url", "code", "system", "version", "coding", "codeableConcept", "targetsystem")
    asked.only(*known, "reverse", "conceptMapVersion")
    terminology = tools.terminology()
    if "codeableConcept" in asked.values:
        coding = (asked.one("codeableConcept") or {}).get("coding", [])
        if len(coding) != 1:
            raise NotSupported("A CodeableConcept is translated where it has one coding.")
        asked = Given({**asked.values, "coding": coding})
    system, code, version = _coding(asked, terminology, "coding")
    url, of = asked.text("url"), asked.text("conceptMapVersion")
    found = terminology.translate(
        f"{url}|{of}" if url and of else url,
        system,
        code,
        reverse=asked.truth("reverse"),
        version=version,
        target=asked.text("targetsystem"),
    )
    return found.parameters()


def _asked(call: Call) -> Given:
    body = call.read()
    if body is not None and body.get("resourceType") != "Parameters":
        raise NotConformant("The body of this operation is a Parameters resource.")
    return given(body, call.query)


def _coding(asked: Given, terminology: Terminology, name: str) -> tuple[str, str, str]:
    """Return system, code and version, given as a Coding or one by one."""
    coding = asked.one(name)
    if coding is not None:
        if not isinstance(coding, dict) or not coding.get("system") or not coding.get("code"):
            raise NotConformant(f"The parameter {name} is a Coding with system and code.")
        return terminology.uri(coding["system"]), coding["code"], coding.get("version", "")
    system = terminology.uri(asked.needed("system"))
    return system, asked.needed("code"), asked.text("version")


def _coded(coded: Any, system: str) -> dict[str, Any]:
    if not isinstance(coded, dict):
        raise NotConformant("A Coding or CodeableConcept is expected.")
    if system and "coding" not in coded and "system" not in coded:
        return {**coded, "system": system}
    return coded
