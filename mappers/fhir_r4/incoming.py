"""FHIR R4 in: Bundle or single resource, JSON or XML → changes in the sender's namespace.

https://hl7.org/fhir/R4/bundle.html#references, documents.html. Inside the gateway references follow
the ids resources get here; a document goes on as its sender wrote it (`Mapped.whole`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mappers.base import Action, Change, Context, Mapped, PatientFacts, Resource
from mappers.fhir_r4.account import Leaf, account, lineage_of
from mappers.fhir_r4.entries import (
    WHOLE,
    Entry,
    conditional,
    entries,
    objects,
    read_document,
    text,
)
from mappers.fhir_r4.keys import KVNR_SYSTEMS, by_id, by_identifier, identifiers, keys_of
from mappers.fhir_r4.references import SUBJECT_ELEMENTS, attachments, references, type_and_id
from mappers.identity import logical_id
from mappers.recency import CLOCK
from profiles.issue import GatewayError, NotConformant, NotSupported
from profiles.validate import structure

#: Server-assigned parts of meta; a client's values mean nothing here.
SERVER_META = ("versionId", "lastUpdated")
_SERVER = "assigned by the receiving server"
#: What belongs to no patient.
_SHARED = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location"})
_BROKEN = frozenset({"error", "fatal"})


def translate(data: bytes, context: Context) -> Mapped:
    """Translate one Bundle or resource; never raises for bad content, `refusal` says why."""
    try:
        return _translate(data, context)
    except GatewayError as error:
        return Mapped("fhir_r4", "Bundle", refusal=error, issues=error.issues)


def _translate(data: bytes, context: Context) -> Mapped:
    document, issues = read_document(data)
    stated = entries(document)
    kind = str(document.get("type") or document["resourceType"])
    _check_around(document)
    recency = _recency(document)
    loss = account(document, [leaf for entry in stated for leaf in _server_meta(entry)])
    inside = _Inside(stated, context)
    if kind == "transaction":
        _check_once(stated)
    for entry in stated:
        _clean_meta(entry.resource)
        inside.rewrite(entry)
    patients = [e for e in stated if e.type == "Patient" and e.method != "DELETE"]
    only = patients[0].id if len(patients) == 1 else ""
    return Mapped(
        "fhir_r4",
        kind,
        changes=tuple(_change(entry, only, recency) for entry in stated),
        issues=issues,
        loss=loss,
        lineage=lineage_of(stated) if context.lineage else None,
        patients=tuple(_facts(entry) for entry in patients),
        recipients=_recipients(stated),
        whole=read_document(data)[0] if kind in WHOLE else None,
    )


def sources(data: bytes) -> list[str]:
    """Return the FHIRPath of the resource each change comes from; of a deletion, of its entry.

    `data` is a document that was translated.
    """
    return [entry.place for entry in entries(read_document(data)[0])]


def _check_around(document: Resource) -> None:
    """What stands around the resources is FHIR, too; they themselves are checked one by one."""
    if document["resourceType"] != "Bundle":
        return
    # A full URL is only a name here, whatever it is made of.
    apart = {"resource", "fullUrl"}
    hull = [{k: v for k, v in one.items() if k not in apart} for one in document["entry"]]
    # An entry that has nothing else keeps its place: an element is never empty.
    found = structure({**document, "entry": [one or {"id": "resource"} for one in hull]})
    wrong = tuple(issue for issue in found if issue.severity in _BROKEN)
    if wrong:
        raise NotConformant(issues=wrong)


def _check_once(stated: list[Entry]) -> None:
    """Nothing may be said about one resource twice in a transaction (http.html#trules)."""
    seen: dict[str, Entry] = {}
    for entry in stated:
        other = seen.setdefault(f"{entry.type}/{entry.id}", entry)
        if (other.method, other.resource) != (entry.method, entry.resource):
            text_ = "A transaction speaks of each resource once."
            raise NotConformant(text_, location=entry.place)


@dataclass(slots=True)
class _Inside:
    """The names entries know each other by inside one document."""

    entries: list[Entry]
    context: Context
    #: Full URL, and Type/id → the entry.
    names: dict[str, Entry] = field(init=False)

    def __post_init__(self) -> None:
        """Give every entry its keys and its id."""
        self.names = {}
        for entry in self.entries:
            entry.keys = keys_of(entry, self.context.namespace)
            entry.id = logical_id(self.context.region_key, entry.keys[0])
            if entry.full_url:
                self.names[entry.full_url] = entry
        for entry in self.entries:
            for name in _relative_names(entry):
                self.names.setdefault(name, entry)

    def rewrite(self, entry: Entry) -> None:
        """Give a resource its id here, and let its references follow."""
        resource = entry.resource
        resource["id"] = entry.id
        for reference in references(resource):
            reference["reference"] = self._target(reference["reference"])
        for attachment in attachments(resource):
            if (target := self.names.get(attachment["url"])) is not None:
                attachment["url"] = f"{target.type}/{target.id}"

    def _target(self, written: str) -> str:
        if written.startswith("#"):
            return written
        if (entry := self.names.get(written)) is not None:
            return f"{entry.type}/{entry.id}"
        path, asks, _ = written.partition("?")
        if asks and "://" not in path:
            return self._conditional(written)
        named = type_and_id(written)
        if named is None or "://" in written:
            return written
        here = self.names.get("/".join(named))
        key = by_id(*named, self.context.namespace)
        name = here.id if here is not None else logical_id(self.context.region_key, key)
        return f"{named[0]}/{name}"

    def _conditional(self, written: str) -> str:
        """Resolve `Type?identifier=system|value` (bundle.html#references) to the sender's key."""
        asked = conditional(written)
        if asked is None:
            raise NotSupported("A conditional reference names identifier=system|value.")
        key = by_identifier(*asked, self.context.namespace)
        return f"{asked[0]}/{logical_id(self.context.region_key, key)}"


def _relative_names(entry: Entry) -> list[str]:
    """What a relative reference calls an entry: by its own id, or that of its RESTful full URL."""
    names = []
    if stated := text(entry.resource.get("id")):
        names.append(f"{entry.type}/{stated}")
    named = type_and_id(entry.full_url)
    if named is not None and named[0] == entry.type:
        names.append("/".join(named))
    return names


def _server_meta(entry: Entry) -> list[Leaf]:
    """The leaves of `meta` that are left out: what servers assign, and a forged clock.

    Only our own clock decides what is newer: a sender's means nothing here.
    """
    meta = entry.resource.get("meta")
    if not isinstance(meta, dict):
        return []
    place = f"{entry.place}.meta"
    found = [(f"{place}.{name}", _SERVER) for name in SERVER_META if meta.get(name) is not None]
    for index, one in enumerate(_listed(meta.get("extension"))):
        if _is_clock(one):
            names = (n for n, value in one.items() if not isinstance(value, dict | list))
            found += [(f"{place}.extension[{index}].{name}", _SERVER) for name in names]
    return found


def _clean_meta(resource: Resource) -> None:
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return
    for name in SERVER_META:
        meta.pop(name, None)
    if isinstance(meta.get("extension"), list):
        meta["extension"] = [one for one in meta["extension"] if not _is_clock(one)]
        if not meta["extension"]:
            del meta["extension"]
    if not meta:
        del resource["meta"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_clock(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") == CLOCK


def _change(entry: Entry, only_patient: str, recency: str) -> Change:
    action = Action.DELETE if entry.method == "DELETE" else Action.REPLACE
    subject = _subject(entry, only_patient)
    return Change(
        action, entry.type, entry.id, entry.keys, entry.resource, recency=recency, subject=subject
    )


def _subject(entry: Entry, only_patient: str) -> str:
    """The Patient a resource belongs to: the one it names, else the only one there is.

    One that names somebody who is not here belongs to nobody here.
    """
    if entry.type == "Patient":
        return entry.id
    if entry.type in _SHARED:
        return ""
    stated = [
        text(one.get("reference"))
        for element in SUBJECT_ELEMENTS
        for one in objects(entry.resource.get(element))
    ]
    for written in stated:
        if written.startswith("Patient/"):
            return written.removeprefix("Patient/")
    return "" if any(_names_a_patient(written) for written in stated) else only_patient


def _names_a_patient(reference: str) -> bool:
    """Tell whether a reference that was not resolved may mean a patient."""
    if not reference or reference.startswith("#"):
        return False
    named = type_and_id(reference)
    return named is None or named[0] == "Patient"


def _recency(document: Resource) -> str:
    meta = document.get("meta")
    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    written = document.get("timestamp") or updated
    if not isinstance(written, str):
        return ""
    try:
        at = datetime.fromisoformat(written)
        zoned = at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        zoned = None
    if zoned is None:
        place = "Bundle.timestamp" if "timestamp" in document else "meta.lastUpdated"
        raise NotConformant("An instant is a date and time with a zone.", location=place)
    return zoned.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _facts(entry: Entry) -> PatientFacts:
    resource = entry.resource
    names = objects(resource.get("name"))
    name = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
    kvnrs = [i for i in identifiers(resource) if i.get("system") in KVNR_SYSTEMS]
    return PatientFacts(
        entry.id,
        entry.keys,
        text(kvnrs[0].get("value")) if kvnrs else "",
        text(resource.get("birthDate")),
        text(name.get("family")),
        " ".join(text(given) for given in _listed(name.get("given"))),
    )


def _recipients(stated: list[Entry]) -> dict[str, tuple[dict[str, Any], ...]]:
    """Collect the identifiers of the general practitioners the Patients name."""
    by_name = {f"{entry.type}/{entry.id}": entry for entry in stated}
    found: list[dict[str, Any]] = []
    for entry in stated:
        if entry.type != "Patient":
            continue
        for reference in objects(entry.resource.get("generalPractitioner")):
            target = by_name.get(text(reference.get("reference")))
            named = target.resource if target else reference
            found += [i for i in identifiers(named) if i.get("value")]
    return {"Patient.generalPractitioner": tuple(found)} if found else {}
