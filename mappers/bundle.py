"""The transaction Bundle a FHIR server can take as it is (https://hl7.org/fhir/R4/http.html#transaction).

Conditional updates by business identifier, `urn:uuid` full URLs and references, a gateway
identifier on every resource that can carry one, no `resource.id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mappers.recency import without_clock

if TYPE_CHECKING:
    from mappers.base import Change, Mapped

#: Resource types without an `identifier` element: they are created, never looked up.
_WITHOUT_IDENTIFIER = frozenset({"Binary", "Provenance"})
_UUID_LENGTH = 36


def transaction(mapped: Mapped) -> dict[str, Any]:
    """Render the changes of one message and their Provenance as a transaction Bundle."""
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "transaction"}
    entries = [_entry(change) for change in mapped.changes if not change.partial]
    if mapped.timestamp:
        bundle["timestamp"] = mapped.timestamp
    if mapped.provenance is not None:
        entries.append(_created(mapped.provenance))
    if entries:
        bundle["entry"] = entries
    return bundle


def gateway_identifier(logical_id: str) -> dict[str, str]:
    """Identifier naming a resource by its logical id in this gateway."""
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{logical_id}"}


def _entry(change: Change) -> dict[str, Any]:
    if change.type in _WITHOUT_IDENTIFIER:
        return _created(change.resource)
    resource = portable(change.resource)
    own = resource.get("identifier", [])
    resource["identifier"] = [*own, gateway_identifier(change.id)]
    return {
        "fullUrl": f"urn:uuid:{change.id}",
        "resource": resource,
        "request": {"method": "PUT", "url": _conditional(change)},
    }


def _created(resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "fullUrl": f"urn:uuid:{resource['id']}",
        "resource": portable(resource),
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


def _conditional(change: Change) -> str:
    key = change.keys[0]
    resource = change.resource
    stated = [*resource.get("identifier", ()), resource.get("masterIdentifier", {})]
    for identifier in stated:
        if identifier.get("value") == key.value and identifier.get("system") == key.system:
            return f"{change.type}?identifier={_token(key.system, key.value)}"
    return f"{change.type}?identifier={_token('urn:ietf:rfc:3986', f'urn:uuid:{change.id}')}"


def _token(system: str, value: str) -> str:
    """Token search value, `$ , |` escaped as https://hl7.org/fhir/R4/search.html#escaping says."""
    escaped = value
    for character in "\\$,|":
        if character in escaped:
            escaped = escaped.replace(character, "\\" + character)
    return f"{quote(system, safe=':/.')}|{quote(escaped, safe='')}"


def portable(resource: dict[str, Any]) -> dict[str, Any]:
    """Copy a resource without its id and clock, literal references as `urn:uuid`."""
    copied = _copy(without_clock(resource))
    copied.pop("id", None)
    return copied


def _copy(node: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, value in node.items():
        kind = type(value)
        if kind is dict:
            copied[key] = _copy(value)
        elif kind is list:
            copied[key] = [_copy(item) if type(item) is dict else item for item in value]
        elif key in ("reference", "url") and _is_local(value):
            copied[key] = f"urn:uuid:{value[-_UUID_LENGTH:]}"
        else:
            copied[key] = value
    return copied


def _is_local(value: str) -> bool:
    """True for "Type/<uuid>" and nothing else."""
    position = len(value) - _UUID_LENGTH - 1
    return position > 0 and value[position] == "/" and value[:position].isalpha()
