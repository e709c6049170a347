"""FHIR R4 out: resources of the gateway → a transaction Bundle for a partner's server.

https://hl7.org/fhir/R4/http.html#transaction, #ccreate. Full URLs and references are `urn:uuid`,
every resource carries the gateway's identifier (or tag, where its type has no identifier), so that
the partner can recognise it on a resend whatever id it gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from mappers.base import Context, Encoded, Resource
from mappers.bundle import full_url, gateway_identifier
from mappers.fhir_r4.references import attachments, references, type_and_id
from profiles.gateway import PROFILES
from profiles.reading import write_json

Write = Literal["conditional", "put"]

#: Names a delivery: what the partner reports is found by it in `gateway delivery list`.
DELIVERY = "urn:region-gateway:delivery"

#: Resource types without an `identifier` element; they are recognised by a tag.
WITHOUT_IDENTIFIER = frozenset(
    {"Binary", "Provenance", "AuditEvent", "Parameters", "OperationOutcome"}
)
#: Resource types whose `identifier` is single.
SINGLE_IDENTIFIER = frozenset({"Bundle", "Composition", "QuestionnaireResponse"})


@dataclass(frozen=True, slots=True)
class Content:
    """One resource version to send."""

    resource: Resource
    deleted: bool = False


def transaction(contents: Sequence[Content], *, control_id: str, write: Write) -> bytes:
    """Build the Bundle named `control_id`; the resources are changed in place."""
    present = {
        (str(c.resource["resourceType"]), str(c.resource["id"])) for c in contents if not c.deleted
    }
    return _bundle([_entry(content, present, write) for content in contents], control_id)


def document(whole: Resource, *, name: str, control_id: str, write: Write) -> bytes:
    """Build the Bundle named `control_id` that hands a document over as one resource.

    https://hl7.org/fhir/R4/documents.html#bundle. Its entries and its signature stay as they are;
    `id` and `meta`, which no signature covers, let the partner recognise it on a resend: `name` is
    the logical id of what it begins with.
    """
    kept = {key: value for key, value in whole.items() if key != "id"}
    identifier = gateway_identifier(name)
    tag = {"system": identifier["system"], "code": identifier["value"]}
    meta = whole.get("meta", {})
    kept["meta"] = {**meta, "tag": [*meta.get("tag", ()), tag]}
    url = f"Bundle?{_condition('Bundle', name)}"
    if write == "put":
        url, kept["id"] = f"Bundle/{name}", name
    request = {"method": "PUT", "url": url}
    return _bundle([{"fullUrl": full_url(name), "resource": kept, "request": request}], control_id)


def _bundle(entries: list[dict[str, Any]], control_id: str) -> bytes:
    return write_json(
        {
            "resourceType": "Bundle",
            "meta": {"profile": [PROFILES["Bundle"]]},
            "identifier": {"system": DELIVERY, "value": control_id},
            "type": "transaction",
            "entry": entries,
        }
    )


def encode(bundle: Resource, context: Context) -> Encoded:
    """Write a Bundle as FHIR JSON."""
    del context
    return Encoded(write_json(bundle))


def _entry(content: Content, present: set[tuple[str, str]], write: Write) -> dict[str, Any]:
    resource = content.resource
    resource_type, logical_id = str(resource["resourceType"]), str(resource["id"])
    condition = _condition(resource_type, logical_id)
    by_id = f"{resource_type}/{logical_id}"
    if content.deleted:
        url = by_id if write == "put" else f"{resource_type}?{condition}"
        return {"request": {"method": "DELETE", "url": url}}
    _detach(resource, present)
    _mark(resource, resource_type, logical_id)
    name = full_url(logical_id)
    if write == "put":
        return {
            "fullUrl": name,
            "resource": resource,
            "request": {"method": "PUT", "url": by_id},
        }
    del resource["id"]
    if resource_type in WITHOUT_IDENTIFIER:
        request = {"method": "POST", "url": resource_type, "ifNoneExist": condition}
    else:
        request = {"method": "PUT", "url": f"{resource_type}?{condition}"}
    return {"fullUrl": name, "resource": resource, "request": request}


def _condition(resource_type: str, logical_id: str) -> str:
    """How a partner finds what it has; a document keeps its own identifier and gets a tag."""
    tagged = resource_type in WITHOUT_IDENTIFIER or resource_type == "Bundle"
    name = "_tag" if tagged else "identifier"
    identifier = gateway_identifier(logical_id)
    return f"{name}={quote(identifier['system'], safe=':/')}|{identifier['value']}"


def _mark(resource: Resource, resource_type: str, logical_id: str) -> None:
    identifier = gateway_identifier(logical_id)
    if resource_type in WITHOUT_IDENTIFIER:
        tag = {"system": identifier["system"], "code": identifier["value"]}
        meta = resource.setdefault("meta", {})
        meta["tag"] = [*meta.get("tag", ()), tag]
    elif resource_type in SINGLE_IDENTIFIER:
        resource["identifier"] = identifier
    else:
        resource["identifier"] = [*resource.get("identifier", ()), identifier]


def _detach(resource: Resource, present: set[tuple[str, str]]) -> None:
    """Point references at the Bundle's own entries; name others by the gateway's identifier."""
    for reference in references(resource):
        written = reference["reference"]
        named = type_and_id(written)
        if named is None or "://" in written or written.startswith("#"):
            continue
        if named in present:
            reference["reference"] = full_url(named[1])
        else:
            del reference["reference"]
            reference.setdefault("type", named[0])
            reference.setdefault("identifier", gateway_identifier(named[1]))
    for attachment in attachments(resource):
        named = type_and_id(attachment["url"])
        if named is not None and named in present and "://" not in attachment["url"]:
            attachment["url"] = full_url(named[1])
