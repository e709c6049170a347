"""XAD → Address and XTN → ContactPoint (HL7 v2.5 chapter 2.A.85, 2.A.93; ADXP extensions)."""

from __future__ import annotations

import re
from typing import Any

from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Session
from mappers.hl7v2.tokenizer import Component, Repetition, leaf, sub
from mappers.trace import Text, Value, derived, text

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_ADXP = _CORE + "iso21090-ADXP-"
_POST_BOX = re.compile(r"(?:Postfach|P\.?\s?O\.? Box)\s+(\S.*)", re.IGNORECASE)
_HOUSE_NUMBER = re.compile(r"(\D*[^\d\s])\s+(\d+\s?[a-zA-Z]?(?:\s?[-/]\s?\d+\s?[a-zA-Z]?)?)")
_SIMPLE = ((3, "city"), (4, "state"), (5, "postalCode"), (6, "country"))
#: XTN component → extension that names this part of a number.
_NUMBER_PARTS = ((5, "country"), (6, "area"), (7, "local"), (8, "extension"))
DELETE = '""'


def xad(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """XAD → Address."""
    address: dict[str, Any] = {}
    size = len(repetition)
    kind = leaf(repetition, 7) if size > 7 else None
    if kind is not None:
        _use_and_type(session, kind, address)
    _lines(repetition, address)
    for number, element in _SIMPLE:
        if number < size:
            value = leaf(repetition, number)
            if value is not None and value != DELETE:
                address[element] = value
    if size > 9 and (county := _words(repetition[9])) is not None:
        address["district"] = county
    if size > 8 and (part := leaf(repetition, 8)) is not None:
        _extend(address, "precinct", part)
    if size > 10:
        _validity(session, repetition, address)
    return address if address.keys() - {"use", "_use", "type"} else None


def _words(component: Component) -> Text | None:
    """CWE inside a component → its text, else its code."""
    if type(component) is not list:
        return None if component == DELETE else component  # type: ignore[return-value]  # a leaf
    text_, code = (*component, None, None)[1], component[0]
    original = component[8] if len(component) > 8 else None
    return original or text_ or code


def _use_and_type(session: Session, kind: Text, address: dict[str, Any]) -> None:
    use = session.lookup("address-use", kind)
    if use is not None:
        address["use"] = text(use.code, kind.source)
    postal = session.lookup("address-type", kind)
    address["type"] = text(postal.code if postal else "both", kind.source)
    if use is None and postal is None:
        extension = {"url": _CORE + "originalText", "valueString": kind}
        address.setdefault("extension", []).append(extension)


def _lines(repetition: Repetition, address: dict[str, Any]) -> None:
    lines: list[str] = []
    parts: list[dict[str, Any] | None] = []
    if len(repetition) > 1 and repetition[1] is not None:
        _street(repetition[1], lines, parts, address)
    other = leaf(repetition, 2)
    if other is not None and other != DELETE:
        lines.append(other)
        parts.append({"extension": [_part("additionalLocator", other)]})
    addressee = leaf(repetition, 19)
    if addressee is not None:
        lines.append(addressee)
        parts.append(None)
    if lines:
        address["line"] = lines
        if any(parts):
            address["_line"] = parts


def _street(
    component: Component,
    lines: list[str],
    parts: list[dict[str, Any] | None],
    address: dict[str, Any],
) -> None:
    if type(component) is list:
        given = [*component, None, None, None][:3]
        whole, street, number = given
        line: str | None = whole
        if line is None:
            line = derived(" ".join(p for p in (street, number) if p), street, number)
    else:
        whole = line = component  # type: ignore[assignment]  # not a list, so a leaf
        street = number = None
        if line == DELETE:
            return
    if not line:
        return
    if whole is not None and street is None and number is None:
        street, number = _guess(whole, address)
    named = (("streetName", street), ("houseNumber", number))
    extensions = [_part(name, part) for name, part in named if part is not None and part in line]
    if (box := _box(line, whole)) is not None:
        address["type"] = address.get("type", "postal")
        extensions = [_part("postBox", box)]
    lines.append(line)
    parts.append({"extension": extensions} if extensions else None)
    # What the line does not say already is a line of its own (table SAD[Address]).
    further = [(name, part) for name, part in named if part is not None and part not in line]
    lines += [part for _, part in further]
    parts += [{"extension": [_part(name, part)]} for name, part in further]


def _guess(line: Text, _address: dict[str, Any]) -> tuple[Text | None, Text | None]:
    """Split "Lindenweg 12a": KBV profiles need street and house number apart."""
    match = _HOUSE_NUMBER.fullmatch(line)
    if match is None:
        return None, None
    return text(match.group(1), line.source), text(match.group(2), line.source)


def _box(line: str, whole: Text | None) -> Text | None:
    match = _POST_BOX.fullmatch(line)
    if match is None or whole is None:
        return None
    return text(match.group(1), whole.source)


def _part(name: str, value: str) -> dict[str, str]:
    return {"url": _ADXP + name, "valueString": value}


def _extend(address: dict[str, Any], name: str, value: Text) -> None:
    address.setdefault("extension", []).append(_part(name, value))


def _extend_line(address: dict[str, Any], name: str, value: Text) -> None:
    """Say what FHIR has a place for at a line only: at the first, be there one or not."""
    parts = address.setdefault("_line", [None] * max(1, len(address.get("line", ()))))
    first = parts[0] or {}
    parts[0] = {**first, "extension": [*first.get("extension", ()), _part(name, value)]}


def _validity(session: Session, repetition: Repetition, address: dict[str, Any]) -> None:
    tract = leaf(repetition, 10)
    if tract is not None:
        _extend_line(address, "censusTract", tract)
    script = leaf(repetition, 11)
    if script is not None and script != DELETE:
        written = {"coding": [{"system": V2 + "0465", "code": script}]}
        beside = {"url": ALTERNATE_CODES, "valueCodeableConcept": written}
        address["_use"] = {"extension": [beside]}
    period = _period(session, repetition) or _range(session, repetition, 12)
    if period:
        address["period"] = ordered(session, period)


def of_house(place: dict[str, Any]) -> dict[str, Any]:
    """An address or number of an institution is never one at home (org-2, org-3): it is at work."""
    use = place.get("use")
    return {**place, "use": text("work", use.source)} if use == "home" else place


def _period(session: Session, repetition: Repetition) -> dict[str, Any]:
    """Components 13 and 14 of XAD and XTN."""
    sides = (("start", leaf(repetition, 13)), ("end", leaf(repetition, 14)))
    return {k: when for k, v in sides if (when := session.date_time(v)) is not None}


def _range(session: Session, repetition: Repetition, number: int) -> dict[str, Any]:
    """A DR inside a component, as the period was told before version 2.7."""
    sides = (("start", sub(repetition, number, 1)), ("end", sub(repetition, number, 2)))
    return {k: when for k, v in sides if (when := session.date_time(v)) is not None}


def xtn(session: Session, repetition: Repetition, use: str = "") -> dict[str, Any] | None:
    """XTN → ContactPoint; `use` is the default where XTN.2 says nothing."""
    stated = leaf(repetition, 2)
    equipment = leaf(repetition, 3)
    point: dict[str, Any] = {}
    system = session.lookup("telecom-system", equipment) if equipment is not None else None
    if system is None and equipment is not None:
        system = session.lookup("telecom-system", text(equipment.capitalize(), equipment.source))
    mail = leaf(repetition, 4)
    _system(point, system.code if system else None, equipment, mail)
    _value(point, repetition, mail)
    if "value" not in point:
        return None
    if len(repetition) > 5:
        _number_parts(repetition, point)
    _use(session, point, stated, equipment, use)
    if len(repetition) > 9:
        _more(session, repetition, point)
    rank = leaf(repetition, 18)
    if rank is not None and rank.isdecimal() and len(rank) <= 10 and int(rank) > 0:
        point["rank"] = Value(int(rank), rank.source)
    return point


def other_number(session: Session, repetition: Repetition, use: str) -> dict[str, Any] | None:
    """XTN.12 or .1 where they name another number than the one the contact point has."""
    first = leaf(repetition, 1)
    if first is None or len(repetition) < 5:
        return None
    point = xtn(session, repetition, use)
    value = str(point["value"]) if point is not None else ""
    for number in (first, leaf(repetition, 12)):
        if number is None or number == DELETE or _same_number(number, value) or "@" in number:
            continue
        stated = point.get("use", use) if point is not None else use
        other: dict[str, Any] = {"system": "phone", "value": number}
        return {**other, "use": stated} if stated else other
    return None


def _number_parts(repetition: Repetition, point: dict[str, Any]) -> None:
    """XTN.5 to .8: the parts of a number, each by itself."""
    named = [
        {"url": f"{_CORE}contactpoint-{name}", "valueString": part}
        for number, name in _NUMBER_PARTS
        if (part := leaf(repetition, number)) is not None and part != DELETE
    ]
    if named:
        point["extension"] = named


def _more(session: Session, repetition: Repetition, point: dict[str, Any]) -> None:
    """XTN.9 in words, and since when and until when the contact holds."""
    words = leaf(repetition, 9)
    if words is not None and words != DELETE:
        extension = {"url": _CORE + "contactpoint-comment", "valueString": words}
        point.setdefault("extension", []).append(extension)
    period = _period(session, repetition) if len(repetition) > 13 else {}
    if period:
        point["period"] = ordered(session, period)


def _system(
    point: dict[str, Any], system: str | None, equipment: Text | None, mail: Text | None
) -> None:
    if system is not None and equipment is not None:
        point["system"] = text(system, equipment.source)
    elif mail is not None and "@" in mail:
        point["system"] = "email"
    else:
        point["system"] = "phone"


def _use(
    session: Session, point: dict[str, Any], stated: Text | None, equipment: Text | None, use: str
) -> None:
    if equipment == "CP":
        point["use"] = derived("mobile", equipment, stated)
        return
    if stated == "NET":
        point["system"] = derived("email", stated, equipment)
    elif stated is not None and stated != DELETE:
        session.coded(point, "use", "telecom-use", stated)
    elif use and point["system"] != "email":
        point["use"] = use


def _value(point: dict[str, Any], repetition: Repetition, mail: Text | None) -> None:
    parts = (leaf(repetition, n) for n in (5, 6, 7, 8))
    country, area, local, extension = (None if part == DELETE else part for part in parts)
    written = [w for n in (12, 1) if (w := leaf(repetition, n)) is not None]
    whole = written[0] if written else None
    number = _composed(country, area, local, extension)
    dialled = leaf(repetition, 12) if len(repetition) > 12 else None
    if mail is not None and mail != DELETE:
        point["value"] = derived(mail, mail, whole if whole == mail else None)
    elif number and (dialled is None or _same_number(dialled, number)):
        alike = [w for w in written if _same_number(w, number)]
        if dialled is not None and len(_digits(dialled)) >= len(_digits(number)):
            # Written as a whole it is as its sender groups it; the parts stand beside it.
            number = dialled
        point["value"] = derived(number, country, area, local, extension, *alike)
    elif whole is not None and whole != DELETE:
        alike = [w for w in written if _same_number(w, whole)]
        point["value"] = derived(whole, whole, *alike)


def _composed(
    country: Text | None, area: Text | None, local: Text | None, extension: Text | None
) -> str:
    """Write the parts of a number as one, "" without a local number."""
    if local is None:
        return ""
    number = " ".join(part for part in (area, local) if part)
    if country is not None:
        number = f"+{country.lstrip('+')} {number.removeprefix('0')}"
    return f"{number} X{extension}" if extension is not None else number


def _same_number(one: str, other: str) -> bool:
    """Tell whether two ways to write a number are one, whatever the country code."""
    short, long = sorted((_digits(one).lstrip("0"), _digits(other).lstrip("0")), key=len)
    return one == other or (len(short) > 4 and short in long)


def _digits(number: str) -> str:
    return "".join(character for character in number if character.isdigit())
