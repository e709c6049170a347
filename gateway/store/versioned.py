"""Version and time of a stored resource, put into its JSON when it leaves the store.

https://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

import re

from gateway.domain.time import Instant, fhir_instant
from profiles.reading import read_json, write_json

#: `meta` with nothing but a claim, as the last member of the resource itself.
_CLAIM = re.compile(rb'"meta":\{("profile":\["[^"\\]*"\])\}\}\Z')


def with_version(body: bytes, version: int, updated_at: Instant) -> bytes:
    """Return the resource with meta.versionId and meta.lastUpdated of its stored version."""
    stamp = f'"versionId":"{version}","lastUpdated":"{fhir_instant(updated_at)}"'
    at = body.rfind(b'"meta"')
    if at < 0:
        return body[:1] + b'"meta":{' + stamp.encode() + b"}," + body[1:]
    ours = _CLAIM.match(body, at)
    if ours is not None:
        # The usual case: what our mappers write ends with its claim, and one insertion is enough.
        return body[: ours.start(1)] + stamp.encode() + b"," + body[ours.start(1) :]
    resource = read_json(body)
    meta = resource.get("meta", {})
    meta["versionId"] = str(version)
    meta["lastUpdated"] = fhir_instant(updated_at)
    resource["meta"] = meta
    return write_json(resource)
