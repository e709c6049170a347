"""EI → Device of this message, and the issuer of its number (annex "Datatypes", EI[Device])."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.houses import UNKNOWN, entry
from mappers.hl7v2.datatypes.systems import DELETE, assigner
from mappers.hl7v2.session import Session, Stated
from mappers.hl7v2.tokenizer import Repetition, leaf


def device(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """EI → Reference to a Device, which becomes a resource of this message."""
    found: Stated | None = session.once(_device, repetition)
    if found is None:
        return None
    session.state(found)
    return found.reference


def _device(session: Session, repetition: Repetition) -> Stated | None:
    value = leaf(repetition, 1)
    system = issuer(session, repetition)
    if value == DELETE or (value is None and system is None):
        return None
    identifier: dict[str, Any] = {"system": system or f"{session.namespace}/device"}
    if value is not None:
        identifier["value"] = value
        return entry(session, "Device", [identifier], value, {})
    # Who numbers the device is said, and no number.
    identifier["_value"] = {"extension": [dict(UNKNOWN)]}
    return entry(session, "Device", [], str(system), {"identifier": [identifier]})


def issuer(session: Session, repetition: Repetition) -> str | None:
    """EI.2 to .4 → URI of who gives the number; None where nobody is named."""
    parts = [leaf(repetition, number) for number in (2, 3, 4)]
    if not any(parts):
        return None
    return assigner(session, parts, "device", None)[0]
