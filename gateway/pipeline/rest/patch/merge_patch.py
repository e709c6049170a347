"""JSON Merge Patch (RFC 7396): no patch of FHIR R4's, but what some of its clients send."""

from __future__ import annotations

from typing import Any

from profiles.issue import NotConformant


def apply_merge_patch(document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """Return a document after a patch; the argument stays as it is.

    Raises NotConformant for a patch that is no object: it would replace the whole resource.
    """
    if not isinstance(patch, dict):
        raise NotConformant("A JSON Merge Patch is an object.")
    merged: dict[str, Any] = _merged(document, patch)
    return merged


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _merged(made.get(name), value)
    return made
