"""Operations that need no stored data: pure functions of what was sent, run in worker processes.

https://hl7.org/fhir/R4/operations.html. Each takes a `Call` and the `Tools` of a configuration and
returns the resource that is answered; what is wrong with the question is raised as GatewayError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.pipeline.rest.asked import Call
from gateway.pipeline.rest.operations import codes, converting, validating
from gateway.pipeline.rest.operations.tools import Tools

Operation = Callable[[Call, Tools], dict[str, Any]]

#: (resource type or "", name) → operation; "" is for the whole system, `*` for every type.
OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("", "convert"): converting.convert,
    ("*", "validate"): validating.validate,
    ("CodeSystem", "lookup"): codes.lookup,
    ("CodeSystem", "subsumes"): codes.subsumes,
    ("CodeSystem", "validate-code"): codes.validate_code,
    ("ConceptMap", "translate"): codes.translate,
    ("ValueSet", "expand"): codes.expand,
    ("ValueSet", "validate-code"): codes.validate_code,
}
