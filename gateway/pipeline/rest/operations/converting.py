"""`$convert`: any format the gateway reads in, a Bundle out; nothing is stored.

https://hl7.org/fhir/R4/resource-operation-convert.html. Ids are those of `gateway convert`: they
say nothing about what the region has stored.
"""

from __future__ import annotations

from typing import Any

from gateway.pipeline.rest.asked import Call
from gateway.pipeline.rest.operations.parameters import given
from gateway.pipeline.rest.operations.tools import Tools
from mappers import FORMATS
from mappers import convert as translated
from mappers.dialect import Dialect
from mappers.shipped import NAMES
from profiles.issue import Issue, NotConformant, NotSupported

#: Messages of one request.
MOST = 1_000


def convert(call: Call, tools: Tools) -> dict[str, Any]:
    """Answer the Bundle of one message, or a collection of them in the order of the messages.

    A message that cannot be translated has an OperationOutcome in its place. Raises NotSupported
    for a format nobody knows, NotConformant for a dialect that does not exist or too much at once.
    """
    asked = given(None, call.query)
    asked.only("format", "dialect")
    name = asked.text("format") or "auto"
    if name not in ("auto", *FORMATS):
        raise NotSupported("There is no format of this name.")
    found: list[dict[str, Any]] = []
    for mapped in translated(
        call.data, format=name, dialect=_dialect(asked.text("dialect"), tools)
    ):
        if len(found) == MOST:
            text = f"A request converts at most {MOST} messages."
            raise NotConformant(text, issues=(Issue("error", "too-costly", text),))
        found.append(mapped.bundle)
    if len(found) == 1:
        return found[0]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in found],
    }


def _dialect(name: str, tools: Tools) -> Dialect | None:
    if not name:
        return None
    if name in tools.dialects:
        return Dialect.from_mapping(name, tools.dialects[name])
    if name not in NAMES:
        raise NotConformant("There is no dialect of this name.")
    return Dialect.shipped(name)
