"""How generated snapshots compare with published ones.

Compared is what decides whether a resource is valid: element ids in order, cardinality, types with
profiles and targets, fixed values and patterns, slicing, bindings, keys of invariants, content
references. Prose, mappings and examples are not.

Some members can be written in several ways that mean the same; they are compared by what they
mean (`Meaning`). `python -m profiles.snapshot PACKAGES` measures a folder of packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from profiles.issue import NotConformant
from profiles.packages import Package
from profiles.r4 import FHIR_VERSION
from profiles.snapshot.expand import Lookup, only_profile
from profiles.snapshot.generate import generate
from profiles.snapshot.snapshots import Snapshots
from profiles.snapshot.tree import Json

_VALUES = ("fixed", "pattern", "minValue", "maxValue")
_PINNED = f"|{FHIR_VERSION}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where ours and the published snapshot part."""

    #: What differs: `lacking`, `additional`, `order`, `min`, `type`, …
    member: str
    #: Element id.
    element: str
    published: Any
    ours: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """One StructureDefinition, compared."""

    url: str
    #: Package it comes from: `kbv.basis@1.7.0`.
    package: str
    differences: tuple[Difference, ...]
    #: Why they cannot be equal: something the differential builds on is not among the packages, or
    #: only in another version. Empty when everything was there.
    reason: str = ""

    @property
    def equal(self) -> bool:
        """Whether both say the same."""
        return not self.differences


def compare_all(snapshots: Snapshots) -> Iterator[Comparison]:
    """Compare every StructureDefinition that has a differential and a published snapshot."""
    for found in snapshots.packages.all("StructureDefinition"):
        structure = found.resource()
        published = structure.get("snapshot", {}).get("element")
        if published and structure.get("differential", {}).get("element"):
            yield compare(snapshots, structure, found.package)


def compare(snapshots: Snapshots, structure: Json, package: Package) -> Comparison:
    """Compare one StructureDefinition's published snapshot with the generated one.

    `package` is the one it belongs to, whose dependencies decide what its references mean.
    """
    reasons: list[str] = []

    def lookup(url: str) -> Json:
        try:
            used = snapshots.find(url, package)
        except NotConformant as error:
            reasons.append(error.text)
            raise
        if not used.exact:
            reasons.append(f"{url} is there as {used.canonical} only")
        return snapshots.of(used)

    try:
        made = generate(structure, lookup).elements
    except NotConformant as error:
        fault = Difference("error", "", "", error.text)
        return Comparison(
            structure.get("url", ""), package.key, (fault,), reasons[0] if reasons else ""
        )
    several = tuple(differences(structure["snapshot"]["element"], made, lookup))
    reason = reasons[0] if several and reasons else ""
    return Comparison(structure.get("url", ""), package.key, several, reason)


def differences(
    published: Sequence[Json], ours: Sequence[Json], lookup: Lookup
) -> Iterator[Difference]:
    """Compare two snapshots element by element."""
    theirs, own = Meaning(published, lookup), Meaning(ours, lookup)
    for element_id in [one for one in theirs.by_id if one not in own.by_id]:
        yield Difference("lacking", element_id, element_id, None)
    for element_id in [one for one in own.by_id if one not in theirs.by_id]:
        yield Difference("additional", element_id, None, element_id)
    common = [one for one in theirs.by_id if one in own.by_id]
    in_our_order = [one for one in own.by_id if one in theirs.by_id]
    if common != in_our_order:
        yield Difference("order", "", common, in_our_order)
    for element_id in common:
        for member, view in VIEWS.items():
            first, second = view(theirs, element_id), view(own, element_id)
            if first != second:
                yield Difference(member, element_id, first, second)


class Meaning:
    """A snapshot by what it means: the same for every way of writing it."""

    def __init__(self, elements: Sequence[Json], lookup: Lookup) -> None:
        """Index the elements; `lookup` gives the profiles of types."""
        self.by_id: dict[str, Json] = {one["id"]: one for one in elements}
        self._lookup = lookup
        self._slices: dict[str, list[Json]] = {}
        for one in elements:
            if one.get("sliceName") and "/" not in one["sliceName"]:
                head = one["id"].removesuffix(f":{one['sliceName']}")
                self._slices.setdefault(head, []).append(one)

    def least(self, element_id: str) -> int:
        """Return min: at least what the slices need together.

        The only type slice of a choice that has no other type has the choice's own min.
        """
        element = self.by_id[element_id]
        own = int(element.get("min") or 0)
        head_id = element_id.removesuffix(f":{element.get('sliceName')}")
        head = self.by_id.get(head_id)
        if head is not None and head is not element and head_id.endswith("[x]"):
            if self._codes([head]) in (self._codes([element]), set()):
                own = max(own, self.least(head_id))
            return own
        return max(own, sum(int(one.get("min") or 0) for one in self._slices.get(element_id, ())))

    def slicing(self, element_id: str) -> Any:
        """Return the slicing; slices that leave no type unsliced are closed whatever is said.

        That extensions are sliced by URL need not be said.
        """
        element = self.by_id[element_id]
        found = element.get("slicing")
        if found is None or (element_id.endswith("xtension") and not self._slices.get(element_id)):
            return None
        discriminators = [
            (one.get("type"), one.get("path")) for one in found.get("discriminator", ())
        ]
        rules = found.get("rules")
        if ("type", "$this") in discriminators:
            sliced = self._codes(self._slices.get(element_id, ()))
            rules = "closed" if self._codes([element]) <= sliced else rules
        return (sorted(discriminators, key=repr), found.get("ordered") or False, rules)

    def invariants(self, element_id: str) -> Any:
        """Return the keys of invariants, those of the only profile of its type included."""
        element = self.by_id[element_id]
        keys = {one.get("key") or "" for one in element.get("constraint", ())}
        if profile := only_profile(element):
            try:
                root = self._lookup(profile)["snapshot"]["element"][0]
            except NotConformant:
                return sorted(keys)
            keys |= {one.get("key") or "" for one in root.get("constraint", ())}
        return sorted(keys)

    def _codes(self, elements: Sequence[Json]) -> set[str]:
        return {one.get("code", "") for element in elements for one in element.get("type", ())}


def _types(meaning: Meaning, element_id: str) -> Any:
    rows = [
        (one.get("code"), _urls(one.get("profile", ())), _urls(one.get("targetProfile", ())))
        for one in meaning.by_id[element_id].get("type", ())
    ]
    return sorted(rows, key=repr)


def _urls(urls: Sequence[str]) -> tuple[str, ...]:
    """Canonical URLs; core's own may name its version or not."""
    return tuple(sorted(one.removesuffix(_PINNED) for one in urls))


def _values(meaning: Meaning, element_id: str) -> Any:
    element = meaning.by_id[element_id]
    found = {name: value for name, value in element.items() if name.startswith(_VALUES)}
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS, default=float)


def _binding(meaning: Meaning, element_id: str) -> Any:
    found = meaning.by_id[element_id].get("binding") or {}
    return (found.get("strength"), str(found.get("valueSet") or "").removesuffix(_PINNED))


def _reference(meaning: Meaning, element_id: str) -> Any:
    """`#Observation.referenceRange` and the same behind the type's URL are one element."""
    return str(meaning.by_id[element_id].get("contentReference") or "").rpartition("#")[2]


#: Member → what of an element is compared.
VIEWS: dict[str, Callable[[Meaning, str], Any]] = {
    "min": Meaning.least,
    "max": lambda meaning, element_id: meaning.by_id[element_id].get("max"),
    "type": _types,
    "value": _values,
    "slicing": Meaning.slicing,
    "binding": _binding,
    "constraint": Meaning.invariants,
    "contentReference": _reference,
    "maxLength": lambda meaning, element_id: meaning.by_id[element_id].get("maxLength"),
    "mustSupport": lambda meaning, one: bool(meaning.by_id[one].get("mustSupport")),
    "isModifier": lambda meaning, one: bool(meaning.by_id[one].get("isModifier")),
}
