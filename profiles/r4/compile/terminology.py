"""CodeSystems and ValueSets of core: codes, displays and what a value set is made of.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset.html. Definitions,
designations and narrative are left out. What is not enumerated in core (LOINC, SNOMED CT, UCUM,
MIME types) stays a reference to its system: `content` and `compose` say so.
"""

from __future__ import annotations

from collections.abc import Iterator

from profiles.r4.compile.definitions import Definitions, Json
from profiles.r4.compile.structures import text_of

#: Library → how the last part of its URLs starts.
TERMINOLOGY = {"terminology": "", "v2-tables": "v2-", "v3-codes": "v3-"}
_CODE_SYSTEM = (
    "resourceType",
    "id",
    "url",
    "version",
    "status",
    "caseSensitive",
    "valueSet",
    "hierarchyMeaning",
    "content",
    "supplements",
)
_VALUE_SET = ("resourceType", "id", "url", "version", "status", "immutable", "compose")
#: Properties that filters and validity of a code depend on.
_PROPERTIES = frozenset(
    {"notSelectable", "status", "inactive", "deprecated", "retirementDate", "subsumedBy", "parent"}
)


def compile_terminology(definitions: Definitions, *, kind: str) -> dict[str, str]:
    """Return {canonical URL: compact CodeSystem or ValueSet as JSON text} of one library."""
    return {one["url"]: text_of(_compact(one)) for one in terminology_of(definitions, kind)}


def terminology_of(definitions: Definitions, kind: str) -> Iterator[Json]:
    """Yield the published CodeSystems and ValueSets of one library."""
    for one in (*definitions.code_systems.values(), *definitions.value_sets.values()):
        if _library(one["url"]) == kind:
            yield one


def _library(url: str) -> str:
    if not url.startswith("http://terminology.hl7.org/"):
        return "terminology"
    leaf = url.rpartition("/")[2]
    return next((name for name, start in TERMINOLOGY.items() if start and leaf.startswith(start)),
                "terminology")  # fmt: skip


def _compact(resource: Json) -> Json:
    if resource["resourceType"] == "ValueSet":
        made = {name: resource[name] for name in _VALUE_SET if name in resource}
        if "compose" in made:
            made["compose"] = _compose(made["compose"])
        return made
    made = {name: resource[name] for name in _CODE_SYSTEM if name in resource}
    if concepts := resource.get("concept"):
        made["concept"] = [_concept(one) for one in concepts]
    return made


def _compose(compose: Json) -> Json:
    made = {name: value for name, value in compose.items() if name in {"inactive", "lockedDate"}}
    for part in ("include", "exclude"):
        if part in compose:
            made[part] = [_part(one) for one in compose[part]]
    return made


def _part(part: Json) -> Json:
    made: Json = {
        name: part[name] for name in ("system", "version", "filter", "valueSet") if name in part
    }
    if concepts := part.get("concept"):
        made["concept"] = [_concept(one) for one in concepts]
    return made


def _concept(concept: Json) -> Json:
    made: Json = {name: concept[name] for name in ("code", "display") if name in concept}
    kept = [one for one in concept.get("property", ()) if one.get("code") in _PROPERTIES]
    if kept:
        made["property"] = kept
    if inner := concept.get("concept"):
        made["concept"] = [_concept(one) for one in inner]
    return made
