"""What is left of a FHIR document something was removed from: a new document.

https://hl7.org/fhir/R4/documents.html. Narratives that could mention what was removed go, as do
sections with nothing left; the new identity is derived from the old one and what is left, and the
Composition says it was made from the old one. Recording Provenance is the caller's duty.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from gateway.consent.shape import fields, items, objects


def cut_document(bundle: dict[str, Any]) -> dict[str, Any]:
    """Give the document a new identity and take its narratives away."""
    old = bundle.get("identifier")
    result = {**bundle, "identifier": _identity(old, bundle)}
    result["entry"] = [
        {**entry, "resource": _composition(entry["resource"], old)}
        if _is_composition(entry)
        else entry
        for entry in bundle["entry"]
    ]
    return result


def _is_composition(entry: Mapping[str, Any]) -> bool:
    return fields(entry.get("resource")).get("resourceType") == "Composition"


def _identity(old: Any, bundle: Mapping[str, Any]) -> dict[str, str]:
    """Derive an identifier: the same cut of the same document is the same document."""
    value = fields(old).get("value") or bundle.get("id")
    left = [str(entry.get("fullUrl") or _name(entry)) for entry in bundle["entry"]]
    digest = hashlib.sha256("\n".join((str(value), *left)).encode()).digest()
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.UUID(bytes=digest[:16])}"}


def _name(entry: Mapping[str, Any]) -> str:
    resource = fields(entry.get("resource"))
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _composition(composition: Mapping[str, Any], old: Any) -> dict[str, Any]:
    result = {k: v for k, v in composition.items() if k not in ("text", "section")}
    if isinstance(old, Mapping):
        relation = {"code": "transforms", "targetIdentifier": dict(old)}
        result["relatesTo"] = [*items(composition.get("relatesTo")), relation]
    sections = _sections(composition)
    if sections:
        result["section"] = sections
    return result


def _sections(holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Keep sections that still have entries, without narrative."""
    kept = []
    for section in objects(holder.get("section")):
        rest = {k: v for k, v in section.items() if k not in ("text", "entry", "section")}
        entries = [e for e in objects(section.get("entry")) if _is_there(e)]
        below = _sections(section)
        if entries:
            rest["entry"] = entries
        if below:
            rest["section"] = below
        if entries or below:
            kept.append(rest)
    return kept


def _is_there(reference: Mapping[str, Any]) -> bool:
    """Whether a section entry still points to something; a masked one does not."""
    return bool(reference.get("reference") or reference.get("identifier"))
