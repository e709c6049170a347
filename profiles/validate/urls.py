"""URLs of resources and the URIs FHIR gives a form of their own.

https://hl7.org/fhir/R4/references.html#regex (RESTful URLs),
https://hl7.org/fhir/R4/datatypes.html#uri (`urn:uuid:` and `urn:oid:`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from profiles.validate.structure import resource_types

_ID = r"[A-Za-z0-9\-.]{1,64}"
_RESTFUL = re.compile(
    rf"((?:https?://[^\s?#]+/)?)([A-Z][A-Za-z]*)/({_ID})(?:/_history/({_ID}))?", re.ASCII
)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]*)\?\S+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_IN_CAPITALS = re.compile(_UUID.pattern, re.IGNORECASE)
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")


@dataclass(frozen=True, slots=True)
class RestfulUrl:
    """The parts of `[base]/[type]/[id]{/_history/[version]}`."""

    #: Up to and with the slash before the type; empty for a relative URL.
    base: str
    #: A resource type of FHIR R4.
    type: str
    #: The logical id.
    id: str
    #: The version id, or "".
    version: str


def restful_url(url: str) -> RestfulUrl | None:
    """Take a RESTful URL apart; None for every other one."""
    found = _RESTFUL.fullmatch(url)
    if found is None or found.group(2) not in resource_types():
        return None
    return RestfulUrl(found.group(1), found.group(2), found.group(3), found.group(4) or "")


def is_conditional(url: str) -> bool:
    """Say whether a URL is a search on one type: `Patient?identifier=…`."""
    found = _CONDITIONAL.fullmatch(url)
    return found is not None and found.group(1) in resource_types()


def is_absolute(uri: str) -> bool:
    """Say whether a URI names its scheme."""
    return _ABSOLUTE.fullmatch(uri) is not None


def urn_fault(uri: str) -> str:
    """Say what is wrong with a `urn:uuid:` or `urn:oid:`; "" for what is right or another URI."""
    if uri.startswith("urn:uuid:"):
        if _UUID.fullmatch(uri) is not None:
            return ""
        if _UUID_IN_CAPITALS.fullmatch(uri) is not None:
            return "a UUID is written in lower case"
        return "is not a valid UUID"
    if uri.startswith("urn:oid:") and _OID.fullmatch(uri) is None:
        return "is not a valid OID"
    return ""
