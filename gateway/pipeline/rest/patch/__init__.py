"""FHIR patch interaction: what a caller sent, applied to the present content of a resource.

https://hl7.org/fhir/R4/http.html#patch. Pure functions of content and patch; nothing is changed
where one of the changes cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from gateway.pipeline.documents import load
from gateway.pipeline.rest.asked import Check, Kind
from gateway.pipeline.rest.patch.fhirpath_patch import apply_fhirpath_patch
from gateway.pipeline.rest.patch.json_patch import apply_json_patch
from gateway.pipeline.rest.patch.merge_patch import apply_merge_patch
from profiles.issue import NotConformant
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.reading.inapplicable import Inapplicable
from profiles.reading.xml_patch import apply_xml_patch

__all__ = ["Inapplicable", "patched"]

Json = dict[str, Any]


def patched(asked: Check) -> Json:
    """Return the content of a resource after a patch.

    Raises NotConformant for what is no patch of its kind, Inapplicable where it does not fit the
    content or would make another resource of it.
    """
    before = load(asked.current)
    after = _APPLY[asked.kind](asked, before)
    if not isinstance(after, dict) or after.get("resourceType") != before["resourceType"]:
        raise Inapplicable("A patch leaves the type of the resource as it is.")
    if after.get("id") != before["id"]:
        raise Inapplicable("A patch leaves the id of the resource as it is.")
    return after


def _json(asked: Check, before: Json) -> Any:
    return apply_json_patch(before, read_json(asked.data))


def _xml(asked: Check, before: Json) -> Any:
    return apply_xml_patch(before, asked.data)


def _fhirpath(asked: Check, before: Json) -> Any:
    read = read_fhir_xml(asked.data) if asked.xml else read_json(asked.data)
    if not isinstance(read, dict) or read.get("resourceType") != "Parameters":
        raise NotConformant("A FHIRPath patch is a Parameters resource.")
    return apply_fhirpath_patch(deepcopy(before), read)


def _merge(asked: Check, before: Json) -> Any:
    return apply_merge_patch(before, read_json(asked.data))


def _any(asked: Check, before: Json) -> Any:
    """Take a list for a JSON Patch, Parameters for a FHIRPath patch, else a merge patch."""
    read = read_json(asked.data)
    if isinstance(read, list):
        return apply_json_patch(before, read)
    if isinstance(read, dict) and read.get("resourceType") == "Parameters":
        return apply_fhirpath_patch(deepcopy(before), read)
    return apply_merge_patch(before, read)


_APPLY: dict[Kind, Callable[[Check, Json], Any]] = {
    Kind.JSON_PATCH: _json,
    Kind.MERGE_PATCH: _merge,
    Kind.ANY_PATCH: _any,
    Kind.XML_PATCH: _xml,
    Kind.FHIRPATH_PATCH: _fhirpath,
}
