"""HD → Device: a system that sends or receives; SFT → Device: its software (annex "Segments")."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.houses import entry, organization
from mappers.hl7v2.datatypes.systems import hd, universal_identifier, whole
from mappers.hl7v2.session import Session, Stated
from mappers.hl7v2.tokenizer import Repetition, Segment
from mappers.identity import logical_id
from mappers.trace import derived

_INSTALLED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Device.version.installDate"


def system(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """HD → Reference to a Device of this message."""
    stated: Stated | None = session.once(_system, repetition)
    if stated is None:
        return None
    session.state(stated)
    return stated.reference


def _system(session: Session, repetition: Repetition) -> Stated | None:
    parts = hd(whole(repetition))
    identifiers: list[dict[str, Any]] = []
    if parts[0] is not None:
        identifiers.append({"system": f"{session.namespace}/device", "value": parts[0]})
    universal = universal_identifier(session, "device", parts)
    if universal is not None:
        identifiers.append(universal)
    return entry(session, "Device", identifiers, parts[0], {}) if identifiers else None


def product(session: Session, segment: Segment) -> dict[str, Any] | None:
    """SFT → Reference to a Device of this message, named by maker, product and version."""
    stated: Stated | None = session.once(_product, segment)
    if stated is None:
        return None
    draft = session.state(stated)
    for repetition in segment.repetitions(1):
        maker = organization(session, repetition)
        if maker is not None:
            session.say(draft, "owner", maker)
    return stated.reference


def _product(session: Session, segment: Segment) -> Stated | None:
    maker = segment.component(1, 1) or segment.component(1, 10)
    version, name, binary, words = (segment.first(field) for field in (2, 3, 4, 5))
    if name is None and maker is None:
        return None
    made: dict[str, Any] = {}
    if maker is not None:
        made["manufacturer"] = maker
    if name is not None:
        made["deviceName"] = [{"name": name, "type": "manufacturer-name"}]
    if binary is not None:
        made["modelNumber"] = binary
    if version is not None:
        made["version"] = [{"value": version}]
        installed = session.date_time(segment.first(6))
        if installed is not None:
            extension = {"url": _INSTALLED, "valueDateTime": installed}
            made["version"][0]["extension"] = [extension]
    if words is not None:
        made["note"] = [{"text": words}]
    said = [part for part in (maker, name, version) if part is not None]
    shown = " ".join(said)
    value = "|".join(str(part or "") for part in (maker, name, version))
    identifier = {"system": f"{session.namespace}/software", "value": derived(value, *said)}
    key = Key("Device", f"{session.namespace}/software", value)
    identity = logical_id(session.context.region_key, key)
    reference = {
        "reference": f"Device/{identity}",
        "identifier": identifier,
        "display": derived(shown, *said),
    }
    return Stated(key, identity, {"identifier": [identifier], **made}, reference)
