"""The transaction Bundle a FHIR server can take as it is (https://hl7.org/fhir/R4/http.html#transaction).

Conditional updates by business identifier, `urn:uuid` full URLs and references, a gateway
identifier on every resource that can carry one, no `resource.id`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from mappers.recency import without_clock
from profiles.gateway import PROFILES

if TYPE_CHECKING:
    from mappers.base import Change, Mapped

#: A literal reference "Type/<uuid>" in serialised JSON; inside strings its quotes are escaped.
_REFERENCE = re.compile(rb'"reference":"[A-Za-z]{1,64}/([0-9a-f]{8})(-[0-9a-f-]{27})"')
_CONTENT = re.compile(rb'"url":"Binary/([0-9a-f]{8})(-[0-9a-f-]{27})"')
#: Resource types without an `identifier` element: they are created, never looked up.
_WITHOUT_IDENTIFIER = frozenset({"Binary", "Provenance"})
_UUID_LENGTH = 36
#: Elements whose text may name a resource of this message.
_REFERRING = frozenset({"reference", "url"})
#: Every hexadecimal digit and its complement.
_COMPLEMENT = str.maketrans("0123456789abcdef", "fedcba9876543210")
_COMPLEMENT_OF_BYTES = bytes.maketrans(b"0123456789abcdef", b"fedcba9876543210")


def transaction(mapped: Mapped) -> dict[str, Any]:
    """Render the changes of one message and their Provenance as a transaction Bundle.

    References are rewritten in the serialised form, in one pass; only where decimals must keep
    their literal the tree is copied by hand.
    """
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "meta": {"profile": [PROFILES["Bundle"]]},
        "type": "transaction",
    }
    if mapped.timestamp:
        bundle["timestamp"] = mapped.timestamp
    entries = [_entry(change) for change in mapped.changes if not change.partial]
    if mapped.provenance is not None:
        entries.append(_created(mapped.provenance))
    if entries:
        bundle["entry"] = entries
    try:
        body = orjson.dumps(bundle)
    except orjson.JSONEncodeError:
        return _copy(bundle)
    body = _REFERENCE.sub(_to_entry, body)
    if b'"Binary"' in body:
        body = _CONTENT.sub(_to_content, body)
    portable: dict[str, Any] = orjson.loads(body)
    return portable


def gateway_identifier(logical_id: str) -> dict[str, str]:
    """Identifier naming a resource by its logical id in this gateway."""
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{logical_id}"}


def full_url(logical_id: str) -> str:
    """Name an entry by another UUID than its identifier; twice gives the first again.

    Servers exchange full URLs for their own ids, and some do so in every string, not only in
    references (http.html#trules): an equal identifier would be exchanged with them and never be
    found again.
    """
    return f"urn:uuid:{logical_id[:8].translate(_COMPLEMENT)}{logical_id[8:]}"


def _to_entry(reference: re.Match[bytes]) -> bytes:
    head, rest = reference.groups()
    return b'"reference":"urn:uuid:' + head.translate(_COMPLEMENT_OF_BYTES) + rest + b'"'


def _to_content(url: re.Match[bytes]) -> bytes:
    head, rest = url.groups()
    return b'"url":"urn:uuid:' + head.translate(_COMPLEMENT_OF_BYTES) + rest + b'"'


def _entry(change: Change) -> dict[str, Any]:
    if change.type in _WITHOUT_IDENTIFIER:
        return _created(change.resource)
    resource = _leaving(change.resource)
    own = resource.get("identifier", [])
    resource["identifier"] = [*own, gateway_identifier(change.id)]
    return {
        "fullUrl": full_url(change.id),
        "resource": resource,
        "request": {"method": "PUT", "url": _conditional(change)},
    }


def _created(resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "fullUrl": full_url(resource["id"]),
        "resource": _leaving(resource),
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


def _conditional(change: Change) -> str:
    key = change.keys[0]
    resource = change.resource
    stated = [*resource.get("identifier", ()), resource.get("masterIdentifier", {})]
    for identifier in stated:
        if identifier.get("value") == key.value and identifier.get("system") == key.system:
            return f"{change.type}?identifier={_token(key.system, key.value)}"
    return f"{change.type}?identifier=urn:ietf:rfc:3986|urn%3Auuid%3A{change.id}"


def _token(system: str, value: str) -> str:
    """Token search value, `$ , |` escaped as https://hl7.org/fhir/R4/search.html#escaping says."""
    if value.isalnum() and value.isascii():
        return f"{_quoted(system)}|{value}"
    escaped = value
    for character in "\\$,|":
        if character in escaped:
            escaped = escaped.replace(character, "\\" + character)
    return f"{_quoted(system)}|{quote(escaped, safe='')}"


@lru_cache(maxsize=1024)
def _quoted(system: str) -> str:
    return quote(system, safe=":/.")


def _leaving(resource: dict[str, Any]) -> dict[str, Any]:
    """Copy the top level without id and clock."""
    leaving = dict(without_clock(resource))
    leaving.pop("id", None)
    if "relatesTo" in leaving:
        # The other document is somewhere else: only its number can name it.
        leaving["relatesTo"] = [_by_number(relation) for relation in leaving["relatesTo"]]
    return leaving


def _by_number(relation: dict[str, Any]) -> dict[str, Any]:
    target = relation["target"]
    if "identifier" not in target:
        return relation
    return {**relation, "target": {"type": "DocumentReference", "identifier": target["identifier"]}}


def _copy(node: dict[str, Any]) -> dict[str, Any]:
    copied = dict(node)
    for key, value in node.items():
        kind = type(value)
        if kind is str:
            if key in _REFERRING and _is_local(value):
                copied[key] = full_url(value[-_UUID_LENGTH:])
        elif kind is dict:
            copied[key] = _copy(value)
        elif kind is list:
            copied[key] = [_copy(item) if type(item) is dict else item for item in value]
    return copied


def _is_local(value: str) -> bool:
    """True for "Type/<uuid>" and nothing else."""
    position = len(value) - _UUID_LENGTH - 1
    return position > 0 and value[position] == "/" and value[:position].isalpha()
