"""The Bundle as traced leaves: what reaches the message is found by walking the message.

The mirror of the loss account of reading: every leaf of the resources carries a number, the
finished segments are walked, and what was not met there is left out, by name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import count
from typing import Any

from mappers.base import Resource
from mappers.bundle import full_url
from mappers.trace import Text, Value, collect, text
from mappers.uris import V2
from profiles.issue import NotSupported

#: `meta` elements a server keeps for itself.
_SERVER_META = ("versionId", "lastUpdated", "source", "profile")
_TRIGGERS = V2 + "0003"
#: Extensions by which the gateway remembers what it knows about a version.
_OWN_EXTENSIONS = "https://region-gateway.example/fhir/StructureDefinition/"
_GATEWAY = "urn:ietf:rfc:3986"
#: Elements whose reference to the message's one patient the message itself expresses.
_PATIENT_ELEMENTS = ("subject", "patient", "beneficiary")
#: Types the header of a message is about.
_HEADER_TYPES = ("Device", "Organization")
#: Elements that name a resource and say nothing of it.
_PLAIN = frozenset({"resourceType", "id"})
_new = str.__new__


class Source:
    """The resources of one Bundle and an account of their leaves."""

    __slots__ = (
        "_again",
        "_header",
        "_names",
        "_numbers",
        "_starts",
        "event",
        "neutral",
        "occurred",
        "recorded",
        "resources",
        "seen",
        "unnamed",
    )

    def __init__(self, bundle: Resource, event: str = "") -> None:
        """Trace the resources of a Bundle; `event` is what they came with if it does not say."""
        #: Leaves that repeat others: (the one that repeats, the one that says it first).
        self._again: list[tuple[Any, Any]] = []
        #: Numbers of leaves; each resource begins with one of its own.
        self._numbers = count()
        self._starts: list[int] = []
        self._names: dict[str, Resource] = {}
        #: What the record of the translation refers to.
        self._header: set[str] = set()
        self.resources: list[Resource] = []
        #: Leaves that are bookkeeping: neither carried nor left out.
        self.neutral: set[int] = set()
        #: Leaves the message carries.
        self.seen: set[int] = set()
        #: Requests without a resource, e.g. "DELETE Observation/1".
        self.unnamed: list[str] = []
        #: Trigger event, recording and occurrence as the record of the translation says them.
        self.event = event
        self.recorded: Text | None = None
        self.occurred: Text | None = None
        for entry in _entries(bundle):
            self._take(entry)
        for resource in self.resources:
            self._neutralise_subject(resource)
        for name in self._header:
            # The header names its own sender and receiver.
            house = self._names.get(name)
            if house is not None and house["resourceType"] in _HEADER_TYPES:
                collect(house, self.neutral)

    def _event(self, record: Resource) -> bool:
        """Take the event from the record of a translation, which says nothing else here."""
        for coding in record.get("activity", {}).get("coding", ()):
            if coding.get("system") == _TRIGGERS and "code" in coding:
                self.event = str(coding["code"])
                self.recorded = self._leaf(record.get("recorded"))
                self.occurred = self._leaf(record.get("occurredDateTime"))
                return True
        return False

    def _leaf(self, value: str | None) -> Text | None:
        return None if value is None else text(value, ())

    def _take(self, entry: dict[str, Any]) -> None:
        resource = entry.get("resource")
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            request = entry.get("request")
            if isinstance(request, dict):
                self.unnamed.append(f"{request.get('method')} {request.get('url')}")
            return
        if resource["resourceType"] == "Provenance" and self._event(resource):
            self._header = set(_references(resource))
            return
        identity = str(resource.get("id") or entry.get("fullUrl") or "")
        identity = identity.removeprefix("urn:uuid:")
        self._starts.append(next(self._numbers))
        traced = self._traced(resource, {f"urn:uuid:{identity}", full_url(identity)})
        self.resources.append(traced)
        named = str(entry.get("fullUrl") or "")
        for name in (named, f"{resource['resourceType']}/{identity}", f"urn:uuid:{identity}"):
            self._names.setdefault(name, traced)

    def _traced(self, resource: Resource, own: set[str]) -> Resource:
        """Number the leaves that say something; what names or describes the resource stays plain.

        `own` are the values of the gateway's identifier for it.
        """
        trace = self._trace
        traced: Resource = {}
        for key, value in resource.items():
            if value is None:
                continue
            if key in _PLAIN or (key == "text" and value.get("status") == "generated"):
                traced[key] = value
            elif key == "meta":
                traced[key] = self._meta(value, own)
            else:
                traced[key] = trace(value)
        identifiers = traced.get("identifier", [])
        for item in identifiers if isinstance(identifiers, list) else [identifiers]:
            if item.get("system") == _GATEWAY and item.get("value") in own:
                collect(item, self.neutral)
        return traced

    def _meta(self, meta: dict[str, Any], own: set[str]) -> dict[str, Any]:
        """`meta` without what servers and the gateway keep for themselves, its version plain."""
        traced: dict[str, Any] = {}
        for key, value in meta.items():
            if key in _SERVER_META:
                traced[key] = value
            elif key == "extension":
                traced[key] = [
                    e for e in value if not str(e.get("url")).startswith(_OWN_EXTENSIONS)
                ]
            elif key == "tag":
                traced[key] = [
                    t for t in value if t.get("system") != _GATEWAY or t.get("code") not in own
                ]
            else:
                traced[key] = value
        return {k: v if k in _SERVER_META else self._trace(v) for k, v in traced.items()}

    def _trace(self, value: Any) -> Any:
        return _numbered(value, self._numbers)

    def _neutralise_subject(self, resource: Resource) -> None:
        for element in _PATIENT_ELEMENTS:
            reference = resource.get(element)
            if isinstance(reference, dict):
                target = self.resolve(reference)
                if target is not None and target["resourceType"] == "Patient":
                    collect(reference, self.neutral)

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of these types, in order."""
        return [found for found in self.resources if found["resourceType"] in types]

    def resolve(self, reference: dict[str, Any] | None) -> Resource | None:
        """Return the resource of this Bundle (or contained one) a reference names."""
        written = (reference or {}).get("reference")
        if not isinstance(written, Text):
            return None
        if written.startswith("#"):
            return self._contained(written)
        found = self._names.get(written)
        if found is None and "/" in written:
            found = self._names.get("/".join(written.split("/_history/")[0].split("/")[-2:]))
        return found

    def named(self, url: str) -> Resource | None:
        """Return the resource a full URL or `Type/id` names."""
        return self._names.get(url)

    def _contained(self, written: Text) -> Resource | None:
        source = written.source
        place = source if isinstance(source, int) else source[0]
        owner = self.resources[bisect_right(self._starts, place) - 1]
        for contained in owner.get("contained", ()):
            if contained.get("id") == written[1:]:
                return contained  # type: ignore[no-any-return]  # traced JSON
        return None

    def is_new(self, resource: Resource) -> bool:
        """Tell whether this is known to be the first version of a resource."""
        return _version(resource) == "1"

    def is_known(self, resource: Resource) -> bool:
        """Tell whether the partner may have had a former version of a resource."""
        return _version(resource) not in ("", "1")

    def carried(self, *nodes: Any) -> None:
        """Note that the message expresses these values by its structure or codes."""
        for node in nodes:
            collect(node, self.seen)

    def repeats(self, node: Any, said: Any) -> None:
        """Note that `node` says again what `said` says: what is carried of one is of both."""
        if isinstance(said, dict):
            for key, value in said.items():
                self.repeats(node[key], value)
        elif isinstance(said, list):
            for one, other in zip(node, said, strict=True):
                self.repeats(one, other)
        elif isinstance(said, Text | Value):
            self._again.append((node.source, said.source))

    def left_out(self) -> tuple[str, ...]:
        """Return the path of every element without a place, the outermost one where nothing is."""
        found = list(self.unnamed)
        self.seen.update(one for one, other in self._again if other in self.seen)
        accounted = self.seen | self.neutral
        ends = [*self._starts[1:], next(self._numbers)]
        for resource, start, end in zip(self.resources, self._starts, ends, strict=True):
            if accounted.issuperset(range(start + 1, end)):
                continue
            name = str(resource["resourceType"])
            if "id" in resource:
                name += f"/{resource['id']}"
            said = {key: value for key, value in resource.items() if key not in _PLAIN}
            found += _missing(said, name, self.seen, self.neutral)[1]
        return tuple(found)


def _references(record: Resource) -> Iterator[str]:
    """What the record of a translation names as senders, receivers and software."""
    for element, party in (("agent", "who"), ("entity", "what")):
        for item in record.get(element, ()):
            if "reference" in item.get(party, {}):
                yield item[party]["reference"]


def _version(resource: Resource) -> str:
    return str(resource.get("meta", {}).get("versionId", ""))


def _numbered(value: Any, numbers: Iterator[int]) -> Any:
    """Return a copy whose leaves carry numbers."""
    kind = type(value)
    if kind is str:
        made = _new(Text, value)
        made.source = next(numbers)
        return made
    if kind is dict:
        return {k: _numbered(child, numbers) for k, child in value.items() if child is not None}
    if kind is list or kind is tuple:
        # `null` holds a place among primitives (json.html#primitive).
        return [None if child is None else _numbered(child, numbers) for child in value]
    number = next(numbers)
    return text(value, number) if isinstance(value, str) else Value(value, number)


def _entries(bundle: Resource) -> Iterator[dict[str, Any]]:
    if bundle.get("resourceType") != "Bundle":
        yield {"resource": bundle}
        return
    for entry in bundle.get("entry") or ():
        if not isinstance(entry, dict):
            raise NotSupported("A Bundle entry is an object.", location="Bundle.entry")
        yield entry


def _missing(
    node: Any, path: str, seen: set[int], neutral: set[int], *, beside: bool = False
) -> tuple[bool, list[str]]:
    """Return whether anything below was carried, and the paths of what was not.

    `beside`: the node holds the extensions of a primitive (`_family`), whose path is the
    primitive's own, so that it cannot stand for both.
    """
    if node is None:
        return False, []
    if not isinstance(node, dict | list):
        if not isinstance(node, Text | Value):
            return False, []
        source = node.source
        if source in seen:
            return True, []
        return False, [] if source in neutral else [path]
    carried, paths = False, []
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        below = f"{path}.{key.lstrip('_')}" if isinstance(key, str) else f"{path}[{key}]"
        inner = key.startswith("_") if isinstance(key, str) else beside
        any_below, missing = _missing(child, below, seen, neutral, beside=inner)
        carried = carried or any_below
        paths += missing
    return carried, paths if carried or beside or not paths else [path]
