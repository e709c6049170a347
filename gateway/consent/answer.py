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
from gateway.consent.shape import fields, items, objects, text


class Part:
    """One part of an answer; everything but its name and type is worked out when asked for."""

    #: The resource an element or a contained resource stands in.
    parent: Part | None = None
    #: The Bundle it is an entry of.
    bundle: Mapping[str, Any] | None = None
    #: False for what is only referred to.
    asked = True
    full_url = ""
    #: Whether this is one element of its parent rather than a resource.
    is_element = False
    #: Whether it stands for data nobody has shown.
    virtual = False
    _labels: Labels | None = None
    _references: frozenset[str] | None = None
    _subjects: tuple[Key, ...] | None = None

    def __init__(self, answer: Answer, resource: Mapping[str, Any], ident: str) -> None:
        """Name a part of an answer."""
        self.answer = answer
        self.resource = resource
        self.ident = ident
        self.type = text(resource.get("resourceType"))

    def host(self) -> Part:
        """Give the resource that an element stands in, or the part itself."""
        return self.parent if self.is_element and self.parent is not None else self

    def labels(self) -> Labels:
        """Give its security labels."""
        if self._labels is None:
            self._labels = read_labels(self.resource)
        return self._labels

    def set_labels(self, labels: Labels) -> None:
        """Take labels that stand elsewhere than in a resource."""
        self._labels = labels

    def references(self) -> frozenset[str]:
        """Give the names of everything it refers to; contained resources speak for themselves."""
        if self._references is None:
            self._references = self.references_in(self.resource)
        return self._references

    def references_in(self, resource: Mapping[str, Any]) -> frozenset[str]:
        """Give the names of everything a state of this resource refers to."""
        if "contained" in resource:
            resource = {k: v for k, v in resource.items() if k != "contained"}
        found = set(map(self.answer.resolve, walk_references(resource)))
        return frozenset(found - {""})

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
            self._subjects = self._plain_subject() or self._find_subjects()
        return self._subjects

    def _plain_subject(self) -> tuple[Key, ...]:
        """Give the subject in its ordinary form, `subject` or `patient` with "Patient/id"."""
        if self.type in SUBJECT_ELEMENTS or self.parent is not None:
            return ()
        resource = self.resource
        if ("subject" in resource) == ("patient" in resource):
            return ()
        subject = resource.get("subject") or resource.get("patient")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if not isinstance(reference, str) or not reference.startswith("Patient/"):
            return ()
        return (reference,) if reference.count("/") == 1 and ":" not in reference else ()

    def _find_subjects(self) -> tuple[Key, ...]:
        parent = self.parent
        if parent is not None and (self.is_element or self.type == "Patient"):
            return parent.subjects()
        if self.type == "Patient":
            return (self.ident,)
        found: list[Key] = []
        elements = SUBJECT_ELEMENTS.get(self.type, ORDINARY_SUBJECT)
        values = [value for element in elements for value in at_path(self.resource, element)]
        if not all(self._add_subject(value, found) for value in values):
            return ()
        if not found:
            found += [key for part in self._speaks_for() for key in part.subjects()]
        if not found and parent is not None and not values:
            return parent.subjects()
        return tuple(dict.fromkeys(found))

    def _speaks_for(self) -> list[Part]:
        """Give the parts it has its patients from when it names none itself."""
        if self.type in SPEAKS_OF:
            return self.spoken_of()
        return self.answer.referrers(self.ident) if self.type == "Binary" else []

    def _add_subject(self, value: Any, found: list[Key]) -> bool:
        """Add a patient a reference names; False where it names one that cannot be told."""
        reference = _reference(value)
        if reference.startswith("#") and self.parent is not None:
            found += self.parent.subjects()
            return True
        name = self.answer.resolve(reference) if reference else ""
        if name:
            named = self.answer.named(name) if ":" in name else ()
            if name.startswith("Patient/") or any(part.type == "Patient" for part in named):
                found.append(name)
            return True
        kind = fields(value).get("type")
        key = identifier_key(fields(value).get("identifier"))
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
            self._take(resource, "", None)
        asked = len(self.parts)
        for resource in context:
            self._take(resource, "", None)
        for part in self.parts[asked:]:
            part.asked = False

    def _take(self, resource: Any, full_url: str, bundle: Mapping[str, Any] | None) -> None:
        if not isinstance(resource, Mapping):
            resource = {}
        if resource.get("resourceType") == "Bundle":
            self.bundles.append(resource)
            for entry in items(resource.get("entry")):
                self._take_entry(fields(entry), resource)
            return
        part = Part(self, resource, name_of(resource, full_url, len(self.parts)))
        self.parts.append(part)
        if bundle is not None:
            part.bundle = bundle
        if full_url:
            part.full_url = full_url
            self._full_urls[full_url] = part.ident
        if "contained" in resource:
            self._take_contained(part)

    def _take_contained(self, holder: Part) -> None:
        for resource in objects(holder.resource["contained"]):
            part = Part(self, resource, f"{holder.ident}#{text(resource.get('id'))}")
            part.parent = holder
            self.parts.append(part)

    def _take_entry(self, entry: Mapping[str, Any], bundle: Mapping[str, Any]) -> None:
        full_url = text(entry.get("fullUrl"))
        if "resource" in entry:
            self._take(entry["resource"], full_url, bundle)
            return
        # An entry without resource (history, batch response) still says that something is there.
        ident = entry_name(entry, full_url, len(self.parts))
        part = Part(self, {"resourceType": ident.split("/", 1)[0]}, ident)
        part.bundle = bundle
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


def name_of(resource: Mapping[str, Any], full_url: str, position: int) -> str:
    """Name a resource: "Type/id", else its full URL, else its position in the answer."""
    kind, ident = text(resource.get("resourceType")), text(resource.get("id"))
    if ident:
        return f"{kind}/{ident}"
    return full_url or f"{kind}/?{position}"


def entry_name(entry: Mapping[str, Any], full_url: str, position: int) -> str:
    """Name an entry without resource by the address its request or response gives."""
    for holder, element in (("response", "location"), ("request", "url")):
        name = relative(text(fields(entry.get(holder)).get(element)).partition("?")[0])
        if name:
            return name
    return full_url or f"entry/?{position}"


def elements(part: Part) -> Iterator[Part]:
    """Yield the elements of a part that carry labels of their own."""
    for path, codings in inline_labels(part.resource):
        yield _element(part, path, weigh(codings))


def _element(part: Part, path: str, labels: Labels) -> Part:
    found = Part(part.answer, {"resourceType": part.type}, f"{part.ident}@{path}")
    found.parent, found.asked, found.is_element = part, part.asked, True
    found.set_labels(labels)
    return found


def _reference(value: Any) -> str:
    return text(fields(value).get("reference"))
