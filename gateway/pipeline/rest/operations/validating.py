"""`$validate`: is this resource what FHIR and a profile ask for.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from typing import Any

from gateway.pipeline.rest.asked import Call
from gateway.pipeline.rest.operations.parameters import given
from gateway.pipeline.rest.operations.tools import Tools
from profiles.issue import Issue, NotConformant, NotSupported, operation_outcome

#: Modes whose rules are those of the content alone.
_MODES = ("", "create", "update", "profile")
_FINE = Issue("information", "informational", "Nothing is wrong with it.")


def validate(call: Call, tools: Tools) -> dict[str, Any]:
    """Answer an OperationOutcome, whatever is found."""
    body = call.read()
    wrapped = body is not None and body.get("resourceType") == "Parameters"
    asked = given(body if wrapped and body is not None else None, call.query)
    asked.only("resource", "mode", "profile")
    if asked.text("mode") not in _MODES:
        raise NotSupported("This mode of $validate is not supported.")
    resource = asked.one("resource") if wrapped else body
    if not isinstance(resource, dict):
        raise NotConformant("There is no resource to validate.")
    if call.type not in ("", resource.get("resourceType")):
        raise NotConformant("The resource is of another type than the address names.")
    profiles = [profile] if (profile := asked.text("profile")) else []
    validator = tools.validator()
    for canonical in profiles:
        if validator.fault(canonical):
            text = "The profile is not at hand."
            raise NotSupported(text, issues=(Issue("error", "not-found", text),))
    return operation_outcome(tuple(validator.validate(resource, profiles)) or (_FINE,))
