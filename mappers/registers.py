"""What of a resource is stated and replaced as one: its registers.

Most elements are one register each. Choice elements (`value[x]`) share one, structures such as
Encounter.period have one per child, and keyed lists one per key, so that a new home phone does
not delete the mobile and a new ward does not delete the former.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.base import Resource

Entry = Any
KeyOf = Callable[[Entry], str]

#: Choice elements by their prefix.
_CHOICES = (
    "value",
    "effective",
    "onset",
    "abatement",
    "deceased",
    "multipleBirth",
    "performed",
    "occurrence",
)
#: Structures whose children are stated one by one.
_STRUCTURES: dict[str, frozenset[str]] = {
    "Encounter": frozenset({"period", "hospitalization"}),
    "Coverage": frozenset({"period"}),
    "RelatedPerson": frozenset({"period"}),
    "DocumentReference": frozenset({"context"}),
    "Specimen": frozenset({"collection"}),
}
_NEVER = frozenset({"resourceType", "id", "meta"})


def _system(entry: Entry) -> str:
    return str(entry.get("system", ""))


def _system_and_value(entry: Entry) -> str:
    return f"{entry.get('system', '')}|{entry.get('value', '')}"


def _extension(entry: Entry) -> str:
    named = entry.get("valueIdentifier")
    return f"{entry.get('url', '')}|{named.get('value', '')}" if named else str(entry.get("url"))


def _reference(entry: Entry) -> str:
    return str(entry.get("reference") or entry.get("identifier", {}).get("value", ""))


def _participant(entry: Entry) -> str:
    return ",".join(
        str(coding.get("code", ""))
        for kind in entry.get("type", ())
        for coding in kind.get("coding", ())
    )


def _codes(entry: Entry) -> str:
    return ",".join(str(coding.get("code", "")) for coding in entry.get("coding", ()))


def _actor(entry: Entry) -> str:
    """Who takes part, and as what: one may be placer and filler contact."""
    return f"{_reference(entry.get('actor', {}))}|{_participant(entry)}"


def _first_system(entry: Entry) -> str:
    return str(next((c.get("system", "") for c in entry.get("coding", ())), ""))


def _telecom(entry: Entry) -> str:
    return f"{entry.get('system', '')}|{entry.get('use', '')}"


def _condition(entry: Entry) -> str:
    return _reference(entry.get("condition", {}))


def _other(entry: Entry) -> str:
    return _reference(entry.get("other", {}))


def _target(entry: Entry) -> str:
    return f"{entry.get('code', '')}|{_reference(entry.get('target', {}))}"


def _url(entry: Entry) -> str:
    return str(entry.get("url", ""))


def _status_and_start(entry: Entry) -> str:
    return f"{entry.get('status', '')}|{entry.get('period', {}).get('start', '')}"


#: Lists merged entry by entry; entries with the same key are stated together.
_KEYED: dict[tuple[str, str], KeyOf] = {
    ("Patient", "identifier"): _system,
    ("Patient", "telecom"): _telecom,
    ("Patient", "link"): _other,
    ("Practitioner", "identifier"): _system,
    ("Organization", "identifier"): _system,
    ("Encounter", "identifier"): _system_and_value,
    ("Encounter", "type"): _first_system,
    ("Encounter", "participant"): _participant,
    ("Encounter", "diagnosis"): _condition,
    ("Encounter", "statusHistory"): lambda e: (
        f"{e.get('status')}|{e.get('period', {}).get('start')}"
    ),
    ("DiagnosticReport", "identifier"): _system_and_value,
    ("DiagnosticReport", "result"): _reference,
    ("DiagnosticReport", "specimen"): _reference,
    ("DiagnosticReport", "presentedForm"): _url,
    ("DocumentReference", "relatesTo"): _target,
    ("ServiceRequest", "identifier"): _system_and_value,
    ("Specimen", "identifier"): _system_and_value,
    ("Coverage", "identifier"): _system,
    ("Appointment", "identifier"): _system_and_value,
    ("Appointment", "participant"): _actor,
    ("Appointment", "serviceType"): _codes,
}


def split(resource: Resource) -> dict[str, Any]:
    """Take a resource apart: register → what it holds, in the resource's order.

    Encounter.location is left out: movements have rules of their own (`mappers.movements`).
    """
    kind = str(resource.get("resourceType", ""))
    registers: dict[str, Any] = {}
    for element, value in resource.items():
        if element in _NEVER or (kind, element) == ("Encounter", "location"):
            continue
        key_of = _extension if element == "extension" else _KEYED.get((kind, element))
        if key_of is not None and isinstance(value, list):
            for entry in value:
                registers.setdefault(f"{element}/{key_of(entry)}", []).append(entry)
        elif element in _STRUCTURES.get(kind, ()):
            for child, inner in value.items():
                registers[f"{element}.{child}"] = inner
        else:
            registers.setdefault(name_of(element), {})[element] = value
    return registers


def name_of(element: str) -> str:
    """Name the register of a plain element: `_birthDate` goes with `birthDate`."""
    plain = element.removeprefix("_")
    if plain == "dataAbsentReason":
        # A value or why there is none, never both (invariant obs-6).
        return "value[x]"
    for prefix in _CHOICES:
        rest = plain.removeprefix(prefix)
        if rest != plain and rest[:1].isupper():
            return f"{prefix}[x]"
    return plain


def parent(register: str) -> str:
    """Return the element a register belongs to."""
    return register.partition("/")[0].partition(".")[0]


def join(registers: dict[str, Any], order: Callable[[str], str]) -> Resource:
    """Put registers together again; entries of keyed lists stand in `order`."""
    resource: Resource = {}
    for register in sorted(registers, key=order):
        value = registers[register]
        element, slash, _ = register.partition("/")
        above, dot, child = register.partition(".")
        if slash and isinstance(value, list):
            resource.setdefault(element, []).extend(value)
        elif dot and not slash:
            resource.setdefault(above, {})[child] = value
        else:
            resource.update(value)
    return resource


def covers(cleared: str, register: str) -> bool:
    """Tell whether clearing an element clears a register ("telecom" all its entries)."""
    return (
        register == cleared
        or register.startswith((f"{cleared}/", f"{cleared}."))
        or register == name_of(cleared)
    )
