"""FHIR R4 in: Bundle or single resource → changes in the sender's namespace.

https://hl7.org/fhir/R4/bundle.html, http.html#transaction. A sender's ids, identifiers and
`fullUrl`s are keys of its own namespace, so that no sender can write another's resources.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from mappers.base import Action, Change, Context, Key, Loss, Mapped, PatientFacts, Resource
from mappers.fhir_r4.references import SUBJECT_ELEMENTS, attachments, references, type_and_id
from mappers.identity import logical_id
from mappers.recency import CLOCK
from profiles.issue import GatewayError, Issue, NotConformant, NotSupported, NotUnderstood
from profiles.reading import canonical_json, read_json

#: Systems that name a person wherever treated; they propose links and never make an id.
KVNR_SYSTEMS = frozenset({"http://fhir.de/sid/gkv/kvid-10", "http://fhir.de/sid/pkv/kvid-10"})
#: Bundle types that state resources one by one.
BUNDLE_TYPES = frozenset({"transaction", "batch", "message", "document", "collection"})
#: Server-assigned parts of meta; a client's values mean nothing here.
SERVER_META = ("versionId", "lastUpdated")
#: https://hl7.org/fhir/R4/datatypes.html#id
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(slots=True)
class _Entry:
    full_url: str
    method: str
    url: str
    resource: Resource
    keys: tuple[Key, ...] = ()
    id: str = ""

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])


def translate(data: bytes, context: Context) -> Mapped:
    """Translate one Bundle or resource; never raises for bad content, `refusal` says why."""
    try:
        return _translate(data, context)
    except GatewayError as error:
        return Mapped("fhir_r4", "Bundle", refusal=error, issues=error.issues)


def _translate(data: bytes, context: Context) -> Mapped:
    document = _read(data)
    entries = list(_entries(document))
    for entry in entries:
        entry.keys = tuple(_keys(entry, context.namespace))
        entry.id = logical_id(context.region_key, entry.keys[0])
    names = _names(entries)
    dropped = 0
    for entry in entries:
        dropped += _clean_meta(entry.resource)
        entry.resource["id"] = entry.id
        _rewrite(entry.resource, names, context)
    patients = [e for e in entries if e.type == "Patient" and e.method != "DELETE"]
    only = patients[0].id if len(patients) == 1 else ""
    recency = _recency(document)
    changes = tuple(_change(entry, only, recency) for entry in entries)
    fields = sum(_leaves(e.resource) for e in entries) + dropped
    ignored = tuple(("meta", "assigned by the receiving server") for _ in range(dropped))
    return Mapped(
        "fhir_r4",
        str(document.get("type") or document["resourceType"]),
        changes=changes,
        loss=Loss(fields, fields - dropped, dropped, (), ignored),
        patients=tuple(_facts(entry) for entry in patients),
        recipients=_recipients(entries),
    )


def sources(data: bytes) -> list[str]:
    """Return the FHIRPath of the resource each change comes from; of a deletion, of its entry.

    `data` is a document that was translated.
    """
    document = _read(data)
    if document["resourceType"] != "Bundle":
        return [str(document["resourceType"])]
    return [place for place, _ in _placed(document)]


def _read(data: bytes) -> Any:
    """Read the JSON; what is none has nothing to answer to (http.html#status-codes: 400)."""
    try:
        return read_json(data)
    except NotConformant as error:
        raise NotUnderstood(error.text, issues=error.issues) from error


def _entries(document: Any) -> Iterator[_Entry]:
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise NotConformant("A FHIR resource is a JSON object with resourceType.")
    if document["resourceType"] != "Bundle":
        _check_id(document, f"{document['resourceType']}.id")
        yield _Entry("", "PUT", "", document)
        return
    if document.get("type") not in BUNDLE_TYPES:
        raise NotSupported("This Bundle type is not taken here.", location="Bundle.type")
    for _, entry in _placed(document):
        yield entry
    if not document.get("entry"):
        raise NotConformant("The Bundle has no entry.", location="Bundle.entry")


def _placed(bundle: Resource) -> Iterator[tuple[str, _Entry]]:
    """Go through the entries that state something, each with the place of its resource."""
    seen: set[str] = set()
    for index, raw in enumerate(bundle.get("entry") or ()):
        place = f"Bundle.entry[{index}]"
        entry = _entry(raw, place)
        if entry.full_url and entry.full_url in seen:
            raise NotConformant("A fullUrl names one entry only.", location=f"{place}.fullUrl")
        seen.add(entry.full_url)
        if entry.type != "MessageHeader":
            yield place if entry.method == "DELETE" else f"{place}.resource", entry


def _entry(raw: Any, location: str) -> _Entry:
    if not isinstance(raw, dict):
        raise NotConformant("A Bundle entry is an object.", location=location)
    request = raw.get("request") or {}
    method = str(request.get("method") or "PUT")
    url = str(request.get("url") or "")
    path = url.partition("?")[0]
    if "://" in path or path.startswith("/") or ".." in path:
        raise NotConformant("A request url is relative: Type or Type/id.", location=location)
    if method not in {"PUT", "POST", "DELETE"}:
        raise NotSupported("Only PUT, POST and DELETE are taken in a Bundle.", location=location)
    resource = raw.get("resource")
    if method == "DELETE":
        resource = _deleted(url, f"{location}.request.url")
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise NotConformant("An entry carries a resource.", location=f"{location}.resource")
    _check_id(resource, f"{location}.resource.id")
    return _Entry(str(raw.get("fullUrl") or ""), method, url, resource)


def _check_id(resource: Resource, location: str) -> None:
    """Check the sender's id before it is exchanged for ours and nobody sees it any more."""
    stated = resource.get("id", "-")
    if not isinstance(stated, str) or not _ID.fullmatch(stated):
        text = "An id has 1 to 64 letters, digits, hyphens and dots."
        raise NotConformant(issues=(Issue("error", "value", text, location),))


def _deleted(url: str, location: str) -> Resource:
    """Name what a delete is about: Type/id, or Type?identifier=system|value."""
    named = type_and_id(url)
    if named is not None:
        return {"resourceType": named[0], "id": named[1]}
    resource_type, _, query = url.partition("?")
    name, _, token = query.partition("=")
    system, bar, value = unquote(token).partition("|")
    if name != "identifier" or not bar or not value or "&" in query:
        raise NotConformant("A delete names Type/id or one identifier.", location=location)
    return {"resourceType": resource_type, "identifier": [{"system": system, "value": value}]}


def _keys(entry: _Entry, namespace: str) -> Iterator[Key]:
    resource = entry.resource
    if isinstance(resource.get("id"), str) and entry.method != "POST":
        yield Key(entry.type, namespace, f"{entry.type}/{resource['id']}")
    found = False
    for identifier in _identifiers(resource):
        system, value = str(identifier.get("system") or ""), str(identifier.get("value") or "")
        if value and system not in KVNR_SYSTEMS:
            found = True
            yield Key(entry.type, _own(namespace, system), value)
    if not found and (entry.method == "POST" or "id" not in resource):
        yield Key(entry.type, f"{namespace}|content", _content_key(resource))


def _identifiers(resource: Resource) -> list[dict[str, Any]]:
    stated = resource.get("identifier")
    listed = stated if isinstance(stated, list) else [stated]
    return [identifier for identifier in listed if isinstance(identifier, dict)]


def _own(namespace: str, system: str) -> str:
    return system if system.startswith(namespace) else f"{namespace}|{system}"


def _content_key(resource: Resource) -> str:
    """Name a resource that has no identifier by what it says, without its volatile parts."""
    stable = {k: v for k, v in resource.items() if k not in {"id", "meta", "text"}}
    return hashlib.sha256(canonical_json(_without_urns(stable))).hexdigest()


def _without_urns(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_urns(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_urns(v) for v in value]
    return "" if isinstance(value, str) and value.startswith("urn:uuid:") else value


def _names(entries: list[_Entry]) -> dict[str, _Entry]:
    """Map everything an entry may be called inside the Bundle to the entry."""
    names: dict[str, _Entry] = {}
    for entry in entries:
        if entry.full_url:
            names[entry.full_url] = entry
        if isinstance(entry.resource.get("id"), str):
            names.setdefault(f"{entry.type}/{entry.resource['id']}", entry)
    return names


def _rewrite(resource: Resource, names: dict[str, _Entry], context: Context) -> None:
    for reference in references(resource):
        reference["reference"] = _target(reference["reference"], names, context)
    for attachment in attachments(resource):
        if attachment["url"] in names:
            target = names[attachment["url"]]
            attachment["url"] = f"{target.type}/{target.id}"


def _target(written: str, names: dict[str, _Entry], context: Context) -> str:
    if written.startswith("#"):
        return written
    if (entry := names.get(written)) is not None:
        return f"{entry.type}/{entry.id}"
    if "?" in written and "://" not in written:
        return _conditional(written, context)
    named = type_and_id(written)
    if named is None or "://" in written:
        return written
    key = Key(named[0], context.namespace, f"{named[0]}/{named[1]}")
    return f"{named[0]}/{logical_id(context.region_key, key)}"


def _conditional(written: str, context: Context) -> str:
    """Resolve `Type?identifier=system|value` (bundle.html#references) to the sender's key."""
    resource_type, _, query = written.partition("?")
    name, _, value = query.partition("=")
    system, bar, code = value.partition("|")
    if name != "identifier" or not bar or "&" in query:
        raise NotSupported("A conditional reference names identifier=system|value.")
    key = Key(resource_type, _own(context.namespace, system), code)
    return f"{resource_type}/{logical_id(context.region_key, key)}"


def _clean_meta(resource: Resource) -> int:
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return 0
    dropped = [meta.pop(name) for name in SERVER_META if name in meta]
    forged = _drop_clock(meta)
    if not meta:
        del resource["meta"]
    return len(dropped) + forged


def _drop_clock(meta: dict[str, Any]) -> int:
    """Only our own clock decides what is newer: a sender's means nothing here."""
    extensions = meta.get("extension")
    if not isinstance(extensions, list):
        return 0
    kept = [e for e in extensions if not (isinstance(e, dict) and e.get("url") == CLOCK)]
    forged = len(extensions) - len(kept)
    if forged:
        meta["extension"] = kept
        if not kept:
            del meta["extension"]
    return forged


def _change(entry: _Entry, only_patient: str, recency: str) -> Change:
    subject = entry.id if entry.type == "Patient" else _subject(entry.resource) or only_patient
    if entry.type in {"Organization", "Practitioner", "PractitionerRole", "Location"}:
        subject = ""
    action = Action.DELETE if entry.method == "DELETE" else Action.REPLACE
    return Change(
        action, entry.type, entry.id, entry.keys, entry.resource, recency=recency, subject=subject
    )


def _subject(resource: Resource) -> str:
    for element in SUBJECT_ELEMENTS:
        reference = resource.get(element)
        if isinstance(reference, dict):
            written = str(reference.get("reference") or "")
            if written.startswith("Patient/"):
                return written.removeprefix("Patient/")
    return ""


def _recency(document: Resource) -> str:
    written = document.get("timestamp") or (document.get("meta") or {}).get("lastUpdated")
    if not isinstance(written, str):
        return ""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise NotConformant(
            "An instant is a date and time with a zone.", location="Bundle.timestamp"
        ) from None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_leaves(child) for child in value.values())
    if isinstance(value, list):
        return sum(_leaves(child) for child in value)
    return 1


def _facts(entry: _Entry) -> PatientFacts:
    resource = entry.resource
    names = [name for name in resource.get("name") or () if isinstance(name, dict)]
    name = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
    kvnr = next(
        (
            str(i.get("value") or "")
            for i in _identifiers(resource)
            if i.get("system") in KVNR_SYSTEMS
        ),
        "",
    )
    return PatientFacts(
        entry.id,
        entry.keys,
        kvnr,
        str(resource.get("birthDate") or ""),
        str(name.get("family") or ""),
        " ".join(str(given) for given in name.get("given") or ()),
    )


def _recipients(entries: list[_Entry]) -> dict[str, tuple[dict[str, Any], ...]]:
    """Collect the identifiers of the general practitioners the Patients name."""
    by_name = {f"{entry.type}/{entry.id}": entry for entry in entries}
    found: list[dict[str, Any]] = []
    for entry in entries:
        if entry.type != "Patient":
            continue
        for reference in entry.resource.get("generalPractitioner") or ():
            target = by_name.get(str(reference.get("reference") or ""))
            stated = _identifiers(target.resource) if target else [reference.get("identifier")]
            found += [i for i in stated if isinstance(i, dict) and i.get("value")]
    return {"Patient.generalPractitioner": tuple(found)} if found else {}
