"""Value sets that exist without a resource.

https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.valueSet,
https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html#implicit.
Understood: all codes (`?fhir_vs`, `http://loinc.org/vs`), `?fhir_vs=isa/CODE`,
`?fhir_vs=refset/CODE`, LOINC's parts and answer lists (`http://loinc.org/vs/LP…`, `…/LL…`).
Expressions (`?fhir_vs=ecl/…`) are not.
"""

from __future__ import annotations

import re

from profiles.terminology.concept import Json
from profiles.terminology.sources import Sources

_LOINC = "http://loinc.org"
#: SNOMED CT with an edition and a version: `http://snomed.info/sct/900000000000207008/version/…`.
_SNOMED = re.compile(r"(http://snomed\.info/sct)(/\d{6,18}(?:/version/\d{8})?)?\Z")
_OF = re.compile(r"(isa|refset)/(\S{1,100})\Z")
_LOINC_GROUP = re.compile(r"http://loinc\.org/vs/((LP|LL)[\d-]{1,20})\Z")
#: How what an implicit value set is named after is filtered for.
_FILTERS = {
    "isa": ("concept", "is-a"),
    "refset": ("concept", "in"),
    "LP": ("concept", "is-a"),
    "LL": ("LIST", "="),
}


def implicit_compose(canonical: str, sources: Sources) -> Json | None:
    """Return the compose that an implicit value set stands for; None when it is none."""
    url, _, version = canonical.partition("|")
    before, mark, query = url.partition("?fhir_vs")
    if mark:
        return _of_query(before, query)
    if url == f"{_LOINC}/vs":
        return _include(_LOINC, version)
    if group := _LOINC_GROUP.match(url):
        return _include(_LOINC, version, (*_FILTERS[group[2]], group[1]))
    system = sources.with_value_set(url)
    if system is None or (version and system.header.version != version):
        return None
    return _include(system.header.url, system.header.version)


def _of_query(system: str, query: str) -> Json | None:
    version = ""
    if edition := _SNOMED.match(system):
        system, version = edition[1], (edition[0] if edition[2] else "")
    if not query:
        return _include(system, version)
    found = _OF.match(query.removeprefix("="))
    return _include(system, version, (*_FILTERS[found[1]], found[2])) if found else None


def _include(system: str, version: str, wanted: tuple[str, str, str] | None = None) -> Json:
    entry: Json = {"system": system}
    if version:
        entry["version"] = version
    if wanted:
        entry["filter"] = [dict(zip(("property", "op", "value"), wanted, strict=True))]
    return {"include": [entry]}
