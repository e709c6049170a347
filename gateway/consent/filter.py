"""Carry a decision out: remove what is hidden, mask what points to it.

What is left must be the same, byte for byte, as if the hidden data had never been stored; only
a masked reference remains where a visible resource referred to something hidden.
https://hl7.org/fhir/R4/extension-data-absent-reason.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.consent.answer import Answer, Part
from gateway.consent.decision import DENY, Decision
from gateway.consent.document import cut_document
from gateway.consent.label import INLINE_LABEL, is_sensitivity
from gateway.consent.references import without_all
from gateway.consent.shape import fields, items, objects, text

DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def filter_resources(
    resources: Sequence[dict[str, Any]], decision: Decision
) -> list[dict[str, Any]]:
    """Give what may go out of the resources the decision was made about.

    The input is never changed; a resource nothing is taken from is handed on as it is. A reference
    becomes a data-absent-reason "masked", without display and identifier; narratives of what was
    cut are dropped, sensitivity labels never leave (at most confidentiality does).
    """
    if decision.outcome == DENY:
        return []
    hidden = frozenset(decision.removed) | frozenset(decision.masked)
    if not hidden and not any(r.get("resourceType") == "Bundle" for r in resources):
        return [strip_labels(resource) for resource in resources]
    answer = Answer(resources)
    cut = _Cut(answer, hidden)
    left = []
    for resource in resources:
        if resource.get("resourceType") == "Bundle":
            left.append(cut.bundle(resource))
        else:
            kept = cut.resource(cut.next_part())
            if kept is not None:
                left.append(kept)
    return left


class _Cut:
    """One pass over an answer, in its own order."""

    def __init__(self, answer: Answer, hidden: frozenset[str]) -> None:
        self._answer = answer
        self._hidden = hidden
        self._parts = iter([part for part in answer.parts if part.parent is None])
        self._elements = {name for name in hidden if "@" in name}
        contained = (name for name in hidden if "#" in name)
        self._contained = {name.split("@", 1)[0] for name in contained}

    def next_part(self) -> Part:
        """Give the part the next resource or entry became."""
        return next(self._parts)

    def resource(self, part: Part) -> dict[str, Any] | None:
        """Give what is left of one resource; None if nothing is."""
        if part.ident in self._hidden:
            return None
        whole = part.resource
        paths = [e.partition("@")[2] for e in self._elements if e.startswith(f"{part.ident}@")]
        result = self._without_contained(without_all(whole, paths), part)
        touched = result != whole
        if self._hidden:
            masked = self._mask(result, part)
            if masked is not result:
                result, touched = masked, True
        if touched:
            result.pop("text", None)
        signed = part.bundle is not None and "signature" in part.bundle
        return result if signed else strip_labels(result)

    def bundle(self, bundle: Mapping[str, Any]) -> dict[str, Any]:
        """Give a Bundle without its hidden entries, and without a count that betrays them."""
        kept, removed = [], False
        original = items(bundle.get("entry"))
        for entry in original:
            left = self._entry(fields(entry))
            if left is None:
                removed = True
            else:
                kept.append(left)
        result = {**bundle, "entry": kept}
        if not kept:
            del result["entry"]
        if "signature" not in bundle:
            result = strip_labels(result)
        if removed and bundle.get("type") == "document":
            return cut_document(result)
        return _recount(result, original)

    def _entry(self, entry: Mapping[str, Any]) -> dict[str, Any] | None:
        inner = entry.get("resource")
        if isinstance(inner, Mapping) and inner.get("resourceType") == "Bundle":
            return {**entry, "resource": self.bundle(inner)}
        part = self.next_part()
        if "resource" not in entry:
            return None if part.ident in self._hidden else dict(entry)
        left = self.resource(part)
        return None if left is None else {**entry, "resource": left}

    def _without_contained(self, resource: dict[str, Any], part: Part) -> dict[str, Any]:
        contained = resource.get("contained")
        if not self._contained or not isinstance(contained, list):
            return resource
        kept = [c for c in contained if not self._is_hidden(f"{part.ident}#{_id(c)}")]
        if len(kept) == len(contained):
            return resource
        rest = {name: value for name, value in resource.items() if name != "contained"}
        return {**rest, "contained": kept} if kept else rest

    def _is_hidden(self, name: str) -> bool:
        return name in self._hidden or any(n.startswith(f"{name}@") for n in self._elements)

    def _mask(self, value: Any, part: Part) -> Any:
        """Copy a value with masked references; the same object where there is none."""
        if isinstance(value, dict):
            if self._points_to_hidden(value, part):
                return _masked(value)
            changed = {}
            for name, inner in value.items():
                if isinstance(inner, dict | list):
                    left = self._mask(inner, part)
                    if left is not inner:
                        changed[name] = left
            return {**value, **changed} if changed else value
        if isinstance(value, list):
            items = [self._mask(i, part) if isinstance(i, dict | list) else i for i in value]
            same = all(new is old for new, old in zip(items, value, strict=True))
            return value if same else items
        return value

    def _points_to_hidden(self, value: Mapping[str, Any], part: Part) -> bool:
        reference = value.get("reference")
        if not isinstance(reference, str):
            reference = text(value.get("url")) if "contentType" in value else ""
        if reference.startswith("#"):
            return self._is_hidden(f"{part.ident}{reference}")
        path = reference.partition("#")[0]
        return bool(path) and self._answer.resolve(path) in self._hidden


def _masked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a pointer; of an Attachment nothing but its kind of content remains."""
    mark = {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "masked"}]}
    return mark if "reference" in value else {**mark, "contentType": value["contentType"]}


def strip_labels(resource: dict[str, Any]) -> dict[str, Any]:
    """Copy a resource without labels that say what is sensitive; the same object if none do."""
    meta = resource.get("meta")
    result = resource
    if isinstance(meta, Mapping) and "security" in meta:
        kept = _insensitive(meta["security"])
        if kept != meta["security"]:
            rest = {name: value for name, value in meta.items() if name != "security"}
            left = {**rest, "security": kept} if kept else rest
            result = {k: left if k == "meta" else v for k, v in resource.items()}
            if not left:
                del result["meta"]
            result = _without_inline_labels(result)
    if "securityLabel" in resource:
        result = _strip_concepts(result)
    if isinstance(result.get("contained"), list):
        inner = [strip_labels(c) if isinstance(c, dict) else c for c in result["contained"]]
        result = {**result, "contained": inner}
    return result


def _insensitive(codings: Any) -> list[Any]:
    return [
        coding
        for coding in objects(codings)
        if not is_sensitivity((text(coding.get("system")), text(coding.get("code"))))
        and coding.get("code") != "PROCESSINLINELABEL"
    ]


def _strip_concepts(resource: dict[str, Any]) -> dict[str, Any]:
    """Strip DocumentReference.securityLabel; a concept without coding left goes with its text."""
    kept = []
    for concept in objects(resource["securityLabel"]):
        codings = _insensitive(concept.get("coding"))
        if codings:
            kept.append({"coding": codings})
    rest = {name: value for name, value in resource.items() if name != "securityLabel"}
    return {**rest, "securityLabel": kept} if kept else rest


def _without_inline_labels(value: Any) -> Any:
    if isinstance(value, dict):
        result = {name: _without_inline_labels(inner) for name, inner in value.items()}
        extensions = result.get("extension")
        if isinstance(extensions, list):
            kept = [e for e in extensions if not _is_inline(e)]
            if len(kept) != len(extensions):
                result.pop("extension")
                if kept:
                    result["extension"] = kept
        return {name: inner for name, inner in result.items() if inner != {}}
    if isinstance(value, list):
        return [_without_inline_labels(inner) for inner in value]
    return value


def _is_inline(extension: Any) -> bool:
    return isinstance(extension, Mapping) and extension.get("url") == INLINE_LABEL


def _recount(bundle: dict[str, Any], original: list[Any]) -> dict[str, Any]:
    """Make `total` count what is there, or drop it where only a part of the set is at hand."""
    if "total" not in bundle:
        return bundle
    matches, before = _matches(items(bundle.get("entry"))), _matches(original)
    if matches == before == bundle["total"]:
        return bundle
    if before == bundle["total"] and not _is_paged(bundle):
        return {**bundle, "total": matches}
    return {name: value for name, value in bundle.items() if name != "total"}


def _matches(entries: list[Any]) -> int:
    modes = (fields(entry.get("search")).get("mode") for entry in objects(entries))
    return sum(mode in (None, "match") for mode in modes)


def _is_paged(bundle: Mapping[str, Any]) -> bool:
    relations = {text(link.get("relation")) for link in objects(bundle.get("link"))}
    return not relations.isdisjoint({"next", "previous", "prev", "last"})


def _id(resource: Any) -> str:
    return str(resource.get("id", "")) if isinstance(resource, Mapping) else ""
