"""The resources of one answer, taken apart into what is judged on its own (rules R1, L6).

Bundle entries and contained resources are parts; so are elements with a label of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.consent.codes import (
    DIRECTORY,
    DIRECTORY_WITHOUT_PATIENT,
    NAMES_OTHERS,
    ORDINARY_SUBJECT,
    SPEAKS_OF,
    SUBJECT_ELEMENTS,
)
from gateway.consent.label import Labels, inline_labels, read_labels, weigh
from gateway.consent.references import Key, at_path, identifier_key, relative, walk_references


class Part:
    """One part of an answer; everything but its name and type is worked out when asked for."""

    __slots__ = (
        *("_labels", "_references", "_subjects", "answer", "asked", "bundle"),
        *("full_url", "ident", "parent", "resource", "type", "virtual"),
    )

    def __init__(
        self,
        answer: Answer,
        resource: Mapping[str, Any],
        ident: str,
        *,
        parent: Part | None = None,
        bundle: Mapping[str, Any] | None = None,
        asked: bool = True,
    ) -> None:
        """Name a part; `asked` is False for what is only referred to."""
        self.answer = answer
        self.resource = resource
        self.ident = ident
        self.type: str = resource.get("resourceType") or ""
        self.parent = parent
        self.bundle = bundle
        self.asked = asked
        self.full_url = ""
        #: Stands for data nobody has shown.
        self.virtual = False
        self._labels: Labels | None = None
        self._references: frozenset[str] | None = None
        self._subjects: tuple[Key, ...] | None = None

    @property
    def is_element(self) -> bool:
        """Whether this is one element of its parent rather than a resource."""
        return "@" in self.ident

    def host(self) -> Part:
        """Give the resource that an element stands in, or the part itself."""
        return self.parent if self.is_element and self.parent is not None else self

    def labels(self) -> Labels:
        """Give its security labels."""
        if self._labels is None:
            self._labels = read_labels(self.resource)
        return self._labels

    def references(self) -> frozenset[str]:
        """Give the names of everything it refers to."""
        if self._references is None:
            found = map(self.answer.resolve, walk_references(self.resource))
            self._references = frozenset(name for name in found if name)
        return self._references

    def is_directory(self) -> bool:
        """Whether it says nothing about any patient."""
        if self.type in DIRECTORY:
            return True
        if self.type not in DIRECTORY_WITHOUT_PATIENT:
            return False
        elements = [v for e in SUBJECT_ELEMENTS[self.type] for v in at_path(self.resource, e)]
        names = [_reference(element) for element in elements]
        return all(relative(name) and not name.startswith("Patient/") for name in names)

    def subjects(self) -> tuple[Key, ...]:
        """Give the patients it is about; empty when that cannot be told."""
        if self._subjects is None:
            self._subjects = ()  # what speaks of itself in a circle is about nobody
            self._subjects = self._find_subjects()
        return self._subjects

    def _find_subjects(self) -> tuple[Key, ...]:
        if self.parent is not None and (self.is_element or self.type == "Patient"):
            return self.parent.subjects()
        if self.type == "Patient":
            return (self.ident,)
        found: list[Key] = []
        elements = SUBJECT_ELEMENTS.get(self.type, ORDINARY_SUBJECT)
        for element in elements:
            for value in at_path(self.resource, element):
                if not self._add_subject(value, found):
                    return ()
        if not found and self.type in SPEAKS_OF:
            found += [key for part in self.spoken_of() for key in part.subjects()]
        if not found and self.type == "Binary":
            found += [key for part in self.answer.referrers(self.ident) for key in part.subjects()]
        if not found and self.parent is not None and not _names_any(self.resource, elements):
            return self.parent.subjects()
        return tuple(dict.fromkeys(found))

    def _add_subject(self, value: Any, found: list[Key]) -> bool:
        """Add a patient a reference names; False where it names one that cannot be told."""
        reference = _reference(value)
        if reference.startswith("#") and self.parent is not None:
            found += self.parent.subjects()
            return True
        name = self.answer.resolve(reference) if reference else ""
        if name:
            if name.startswith("Patient/"):
                found.append(name)
            return True
        kind = value.get("type") if isinstance(value, Mapping) else ""
        key = identifier_key(value.get("identifier")) if isinstance(value, Mapping) else ""
        many = self.type in NAMES_OTHERS
        if key and not reference and (kind == "Patient" or not (kind or many)):
            found.append(key)
            return True
        return many and kind != "Patient"

    def spoken_of(self) -> list[Part]:
        """Give the parts of this answer a Provenance or MessageHeader speaks of."""
        values = at_path(self.resource, SPEAKS_OF[self.type])
        names = {self.answer.resolve(_reference(value)) for value in values}
        return [p for name in names if name for p in self.answer.named(name) if p is not self]


class Answer:
    """Every part of an answer, in its order, with the names they know each other by."""

    def __init__(self, resources: Sequence[Any], context: Sequence[Any] = ()) -> None:
        """Take resources (Bundles among them) apart; `context` is referred to, not asked for."""
        self.parts: list[Part] = []
        self.bundles: list[Mapping[str, Any]] = []
        self._full_urls: dict[str, str] = {}
        self._by_name: dict[str, list[Part]] | None = None
        self._referrers: dict[str, list[Part]] | None = None
        for resource in resources:
            self._take(resource, "", None, asked=True)
        for resource in context:
            self._take(resource, "", None, asked=False)

    def _take(
        self, resource: Any, full_url: str, bundle: Mapping[str, Any] | None, *, asked: bool
    ) -> None:
        if not isinstance(resource, Mapping):
            resource = {}
        if resource.get("resourceType") == "Bundle":
            self.bundles.append(resource)
            for entry in entries(resource):
                self._take_entry(entry, resource, asked=asked)
            return
        ident = name_of(resource, full_url, len(self.parts))
        part = Part(self, resource, ident, bundle=bundle, asked=asked)
        part.full_url = full_url
        self.parts.append(part)
        if full_url:
            self._full_urls[full_url] = ident
        for inner in resource.get("contained") or ():
            if isinstance(inner, Mapping):
                name = f"{ident}#{inner.get('id', '')}"
                self.parts.append(Part(self, inner, name, parent=part, asked=asked))

    def _take_entry(self, entry: Any, bundle: Mapping[str, Any], *, asked: bool) -> None:
        if not isinstance(entry, Mapping):
            entry = {}
        full_url = entry.get("fullUrl")
        full_url = full_url if isinstance(full_url, str) else ""
        if "resource" in entry:
            self._take(entry["resource"], full_url, bundle, asked=asked)
            return
        # An entry without resource (history, batch response) still says that something is there.
        ident = entry_name(entry, full_url, len(self.parts))
        kind = ident.split("/", 1)[0]
        part = Part(self, {"resourceType": kind}, ident, bundle=bundle, asked=asked)
        self.parts.append(part)

    def resolve(self, reference: str) -> str:
        """Give the name of what a literal reference points to, or "" if that cannot be told."""
        return self._full_urls.get(reference) or relative(reference)

    def named(self, name: str) -> list[Part]:
        """Give the parts of that name (several versions may be in a history)."""
        if self._by_name is None:
            self._by_name = {}
            for part in self.parts:
                self._by_name.setdefault(part.ident, []).append(part)
        return self._by_name.get(name, [])

    def referrers(self, name: str) -> list[Part]:
        """Give the parts that refer to a name."""
        if self._referrers is None:
            self._referrers = {}
            for part in self.parts:
                for target in part.references():
                    self._referrers.setdefault(target, []).append(part)
        return [part for part in self._referrers.get(name, []) if part.ident != name]


def entries(bundle: Mapping[str, Any]) -> Sequence[Any]:
    """Give the entries of a Bundle."""
    found = bundle.get("entry")
    return found if isinstance(found, list) else ()


def name_of(resource: Mapping[str, Any], full_url: str, position: int) -> str:
    """Name a resource: "Type/id", else its full URL, else its position in the answer."""
    kind, ident = resource.get("resourceType") or "", resource.get("id")
    if isinstance(ident, str) and ident:
        return f"{kind}/{ident}"
    return full_url or f"{kind}/?{position}"


def entry_name(entry: Mapping[str, Any], full_url: str, position: int) -> str:
    """Name an entry without resource by the address its request or response gives."""
    for holder, element in (("response", "location"), ("request", "url")):
        inner = entry.get(holder)
        address = inner.get(element) if isinstance(inner, Mapping) else None
        if isinstance(address, str) and relative(address.split("?", 1)[0]):
            return relative(address.split("?", 1)[0])
    return full_url or f"entry/?{position}"


def elements(part: Part) -> Iterator[Part]:
    """Yield the elements of a part that carry labels of their own."""
    for path, codings in inline_labels(part.resource):
        shell = {"resourceType": part.type}
        found = Part(part.answer, shell, f"{part.ident}@{path}", parent=part, asked=part.asked)
        found._labels = weigh(codings)  # noqa: SLF001  the element's labels replace its resource's
        yield found


def _reference(value: Any) -> str:
    reference = value.get("reference") if isinstance(value, Mapping) else None
    return reference if isinstance(reference, str) else ""


def _names_any(resource: Mapping[str, Any], paths: Sequence[str]) -> bool:
    return any(True for path in paths for _ in at_path(resource, path))
