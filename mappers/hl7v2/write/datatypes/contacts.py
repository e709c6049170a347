"""Address → XAD and ContactPoint → XTN (HL7 v2.5 chapter 2.A.85, 2.A.93; ADXP extensions)."""

from __future__ import annotations

import re
from typing import Any

from mappers.hl7v2.write.er7 import Component, Repetition
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text, derived, merged, text

_ADXP = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-"
_PART = "http://hl7.org/fhir/StructureDefinition/contactpoint-"
_PARTS = ("country", "area", "local", "extension")
_ORIGINAL = "http://hl7.org/fhir/StructureDefinition/originalText"
_NUMBER = re.compile(r"\+(\d{1,3}) (\d+) (\d+)(?: X(\d+))?")
#: ContactPoint.system → XTN.3.
_EQUIPMENT = {"phone": "PH", "fax": "FX", "pager": "BP"}
#: ContactPoint.use → XTN.2.
_USE = {"home": "PRN", "work": "WPN", "temp": "VHN", "mobile": "PRN"}


def xad(w: Writing, address: dict[str, Any]) -> Repetition | None:
    """Address → XAD with the street as SAD; None when it names no place."""
    street, other = _lines(w, address)
    city = address.get("city")
    if street is None and "text" in address:
        street = address["text"] if city is None else None
    period = address.get("period", {})
    return (
        street,
        other,
        city,
        address.get("state"),
        address.get("postalCode"),
        address.get("country"),
        _kind(w, address),
        _part(address, "precinct"),
        address.get("district"),
        _part(address, "censusTract"),
        None,
        None,
        w.time(period.get("start")),
        w.time(period.get("end")),
    )


def _kind(w: Writing, address: dict[str, Any]) -> str | None:
    """XAD.7: postal addresses are M, others say their use."""
    use, kind = address.get("use"), address.get("type")
    for extension in address.get("extension", ()):
        if extension.get("url") == _ORIGINAL:
            w.carried(extension["url"], kind)
            return extension.get("valueString")  # type: ignore[no-any-return]  # traced JSON
    if kind == "postal" and use is None:
        return text("M", kind.source)
    if kind == "both":
        w.carried(kind)
    return w.code("address-use", use)


def _lines(w: Writing, address: dict[str, Any]) -> tuple[Component, str | None]:
    """Return SAD and the other designation."""
    lines = list(address.get("line", ()))
    parts = [part or {} for part in address.get("_line", ())]
    parts += [{}] * (len(lines) - len(parts))
    street: Component = None
    if lines and _part(parts[0], "additionalLocator", lines[0]) is None:
        line, part = lines.pop(0), parts.pop(0)
        named = (_part(part, "streetName"), _part(part, "houseNumber"))
        street = (line, *named) if any(named) else line
        if (box := _part(part, "postBox")) is not None and box in line:
            w.carried(box)
    for line, part in zip(lines, parts, strict=False):
        if _part(part, "additionalLocator", line) is not None:
            w.carried(part)
    return street, derived(", ".join(lines), *lines) if lines else None


def _part(owner: dict[str, Any], name: str, same: str | None = None) -> Text | None:
    """Return an ADXP part; with `same`, only one that repeats the line."""
    for extension in owner.get("extension", ()):
        if extension.get("url") == _ADXP + name:
            value: Text | None = extension.get("valueString")
            if value is None or (same is not None and value != same):
                return None
            return text(value, merged(value, extension["url"]))
    return None


def xtn(w: Writing, point: dict[str, Any]) -> Repetition | None:
    """ContactPoint → XTN; None for what XTN cannot name (url, sms)."""
    found = _number(point)
    stated = _stated_parts(w, point)
    if found is not None and any(stated):
        found = (*found, None, None)[:4] + stated
    period, rank = point.get("period", {}), point.get("rank")
    if found is None or not (period or rank is not None):
        return found
    ends = w.time(period.get("start")), w.time(period.get("end"))
    order = derived(str(rank.value), rank) if rank is not None else None
    return (*found, *[None] * (12 - len(found)), *ends, None, None, None, order)


def _stated_parts(w: Writing, point: dict[str, Any]) -> tuple[str | None, ...]:
    """XTN.5 to .8 as the extensions of a number say them."""
    said: dict[str, Text] = {}
    for extension in point.get("extension", ()):
        name = str(extension.get("url", "")).removeprefix(_PART)
        if name in _PARTS and "valueString" in extension:
            w.carried(extension["url"])
            said[name] = extension["valueString"]
    return tuple(said.get(name) for name in _PARTS)


def _number(point: dict[str, Any]) -> Repetition | None:
    system, value, use = (point.get(name) for name in ("system", "value", "use"))
    if value is None:
        return None
    if system == "email":
        mark = text("NET", system.source)
        return (None, mark, "Internet", value)
    equipment = _EQUIPMENT.get(system or "phone")
    if equipment is None:
        return None
    if use == "mobile" and equipment == "PH":
        equipment = "CP"
    stated = text(_USE[use], use.source) if use in _USE else None
    if use == "mobile" and equipment != "CP":
        stated = None
    return (value, stated, derived(equipment, system), None, *_numbers(value))


def _numbers(value: Text) -> tuple[str | None, ...]:
    """Country, area, number and extension of a number written in its parts."""
    match = _NUMBER.fullmatch(value)
    if match is None:
        return ()
    return tuple(text(part, merged(value)) if part else None for part in match.groups())
