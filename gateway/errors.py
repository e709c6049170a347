"""How errors are rendered: HTTP status, MSA-1, ERR-3; one table for both wires.

FHIR R4 http.html#status-codes; HL7 v2.5 chapter 2.9 (MSA-1, table 0008), table 0357.
"""

from __future__ import annotations

from dataclasses import dataclass

from profiles.issue import (
    DeliveryRefused,
    DeliveryUncertain,
    Duplicate,
    GatewayError,
    NotConformant,
    NotPermitted,
    NotSupported,
    NotUnderstood,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """How one error class looks on the wires."""

    http: int
    #: MSA-1 in original mode; "" means no answer and close.
    application_code: str
    #: MSA-1 in enhanced mode.
    accept_code: str
    #: ERR-3 when the issue names none (table 0357).
    hl7_code: str = "207"


RENDERINGS: dict[type[GatewayError], Rendering] = {
    NotUnderstood: Rendering(400, "", "", "100"),
    NotConformant: Rendering(422, "AE", "CE", "102"),
    NotSupported: Rendering(422, "AR", "CR", "200"),
    NotPermitted: Rendering(403, "AR", "CR", "207"),
    Duplicate: Rendering(200, "AA", "CA", "205"),
    Unavailable: Rendering(503, "", "", "207"),
    DeliveryUncertain: Rendering(504, "", "", "207"),
    DeliveryRefused: Rendering(502, "", "", "207"),
}

#: FHIR issue type → table 0357 code.
HL7_CODES: dict[str, str] = {
    "structure": "100",
    "required": "101",
    "value": "102",
    "invalid": "102",
    "code-invalid": "103",
    "invariant": "102",
    "not-supported": "200",
    "duplicate": "205",
    "transient": "207",
    "too-costly": "207",
    "forbidden": "207",
    "exception": "207",
}


def rendering(error: GatewayError) -> Rendering:
    """Find the rendering of an error; anything unknown is ours: HTTP 500, no acknowledgement."""
    for known, rendered in RENDERINGS.items():
        if isinstance(error, known):
            return rendered
    return Rendering(500, "", "")
