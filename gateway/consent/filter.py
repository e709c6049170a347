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

DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def filter_resources(
    resources: Sequence[Mapping[str, Any]], decision: Decision
) -> list[dict[str, Any]]:
    """Give what may go out of the resources the decision was made about.

    The input is never changed; a resource nothing is taken from is handed on as it is. A reference
    becomes a data-absent-reason "masked", without display and identifier; narratives of what was
    cut are dropped, sensitivity labels never leave (at most confidentiality does).
    """
    if decision.outcome == DENY:
        return []
    hidden = frozenset(decision.removed) | frozenset(decision.masked)
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
        result = dict(whole)
        elements = [e.partition("@")[2] for e in self._elements if e.startswith(f"{part.ident}@")]
        for path in sorted(elements, reverse=True):
            result = _without(result, path)
        result = self._without_contained(result, part)
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
        original = bundle.get("entry")
        for entry in original if isinstance(original, list) else ():
            left = self._entry(entry if isinstance(entry, Mapping) else {})
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
        return _recount(result, original if isinstance(original, list) else [])

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
            address = value.get("url") if "contentType" in value else None
            reference = address if isinstance(address, str) else ""
        if reference.startswith("#"):
            return self._is_hidden(f"{part.ident}{reference}")
        path = reference.partition("#")[0]
        return bool(path) and self._answer.resolve(path) in self._hidden


def _masked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a pointer; of an Attachment nothing but its kind of content remains."""
    mark = {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "masked"}]}
    return mark if "reference" in value else {**mark, "contentType": value["contentType"]}


def _without(value: Any, path: str) -> Any:
    """Copy a value without the element at a path like `name[0].family`."""
    head, _, rest = path.partition(".")
    name, bracket, index = head.partition("[")
    result = dict(value)
    if not rest:
        if not bracket:
            result.pop(name, None)
            result.pop(f"_{name}", None)
            return result
        position = int(index[:-1])
        for key in (name, f"_{name}"):
            if isinstance(result.get(key), list):
                result[key] = [v for i, v in enumerate(result[key]) if i != position]
                if not result[key]:
                    del result[key]
        return result
    key = name if name in result else f"_{name}"
    inner = result.get(key)
    if bracket and isinstance(inner, list):
        position = int(index[:-1])
        result[key] = [_without(v, rest) if i == position else v for i, v in enumerate(inner)]
    elif isinstance(inner, Mapping):
        result[key] = _without(inner, rest)
    return result


def strip_labels(resource: dict[str, Any]) -> dict[str, Any]:
    """Copy a resource without labels that say what is sensitive; the same object if none do."""
    meta = resource.get("meta")
    result = resource
    if isinstance(meta, Mapping) and "security" in meta:
        kept = _insensitive(meta["security"])
        if len(kept) != len(meta["security"]):
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
        for coding in (codings if isinstance(codings, list) else ())
        if isinstance(coding, Mapping)
        and not is_sensitivity((coding.get("system") or "", coding.get("code") or ""))
        and coding.get("code") != "PROCESSINLINELABEL"
    ]


def _strip_concepts(resource: dict[str, Any]) -> dict[str, Any]:
    """Strip DocumentReference.securityLabel; a concept without coding left goes with its text."""
    kept = []
    for concept in resource["securityLabel"]:
        codings = _insensitive(concept.get("coding")) if isinstance(concept, Mapping) else []
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


def _recount(bundle: dict[str, Any], original: Sequence[Any]) -> dict[str, Any]:
    """Make `total` count what is there, or drop it where only a part of the set is at hand."""
    if "total" not in bundle:
        return bundle
    matches, before = _matches(bundle.get("entry") or ()), _matches(original)
    if matches == before == bundle["total"]:
        return bundle
    if before == bundle["total"] and not _is_paged(bundle):
        return {**bundle, "total": matches}
    return {name: value for name, value in bundle.items() if name != "total"}


def _matches(entries: Sequence[Any]) -> int:
    searches = (e.get("search") for e in entries if isinstance(e, Mapping))
    modes = (s.get("mode") if isinstance(s, Mapping) else None for s in searches)
    return sum(mode in (None, "match") for mode in modes)


def _is_paged(bundle: Mapping[str, Any]) -> bool:
    links = bundle.get("link")
    relations = {link.get("relation") for link in links or () if isinstance(link, Mapping)}
    return not relations.isdisjoint({"next", "previous", "prev", "last"})


def _id(resource: Any) -> str:
    return str(resource.get("id", "")) if isinstance(resource, Mapping) else ""
