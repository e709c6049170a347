"""One file of a package as a FHIR resource, through the one door for foreign JSON and XML."""

from __future__ import annotations

from typing import Any

from profiles.issue import Issue, NotConformant
from profiles.reading import Limits, read_json
from profiles.reading.fhir_xml import read_fhir_xml

Json = dict[str, Any]

#: A code system may be large: LOINC answers, ICD, OPS.
LIMITS = Limits(size=100_000_000, containers=3_000_000, entries=50_000)
_BOM = b"\xef\xbb\xbf"


def read_resource(name: str, data: bytes, place: str) -> Json:
    """Parse a resource; raises NotConformant that names package and file."""
    content = read_content(name, data, place)
    if content is None:
        raise NotConformant(f"{place}: {name} is no FHIR resource")
    return content


def read_content(name: str, data: bytes, place: str) -> Json | None:
    """Parse a file; None when it is something else than a resource. Raises NotConformant."""
    try:
        if name.lower().endswith(".xml"):
            return read_fhir_xml(data, limits=LIMITS)
        content = read_json(data.removeprefix(_BOM), limits=LIMITS)
    except NotConformant as error:
        issue = error.issues[0]
        text = f"{place}: {name}: {error.text}"
        raise NotConformant(
            text, location=name, issues=(Issue("error", issue.code, text, name),)
        ) from None
    if isinstance(content, dict) and isinstance(content.get("resourceType"), str):
        return content
    return None
