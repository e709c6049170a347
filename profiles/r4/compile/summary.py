"""Which elements of a resource are part of its summary, and which it must have.

https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from typing import Any

from profiles.r4.compile.definitions import Definitions, r4_elements


def compile_summary(definitions: Definitions) -> dict[str, Any]:
    """Return {type: {"summary": [paths], "required": [names]}} for concrete resource types.

    Paths are dotted JSON names below the resource, a choice with one path for each of its types;
    backbone elements reused elsewhere (contentReference) stand where they are defined.
    """
    return {
        name: _facts(definitions, name)
        for name, structure in definitions.structures.items()
        if structure["kind"] == "resource" and not structure["abstract"]
    }


def _facts(definitions: Definitions, name: str) -> dict[str, list[str]]:
    summary, required = [], []
    for element, known in r4_elements(definitions, name):
        parent, _, _ = element["path"].removeprefix(f"{name}.").rpartition(".")
        paths = [f"{parent}.{one}" if parent else one for one in known]
        if element.get("isSummary"):
            summary += paths
        if element["min"] > 0 and not parent:
            required += paths
    return {"summary": sorted(summary), "required": sorted(required)}
