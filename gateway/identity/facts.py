"""Facts for matching, read from a stored Patient (https://hl7.org/fhir/R4/patient.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.identity.kvnr import SYSTEM

#: The private insurers' older URI names the same numbers.
SYSTEMS = frozenset({SYSTEM, "http://fhir.de/sid/pkv/kvid-10"})
#: Best first; names of other uses identify nobody.
_USES = ("official", "usual", "")


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """Facts of one stored record; stands where `match.Facts` is asked for."""

    id: str
    kvnr: str = ""
    birth_date: str = ""
    family: str = ""
    given: str = ""
    birth_family: str = ""
    placeholder: bool = False


def facts_of(patient: Mapping[str, Any]) -> KnownPatient:
    """Read the facts of a Patient in force: not old identifiers, not former names."""
    names = [name for name in patient.get("name", ()) if isinstance(name, Mapping)]
    name = _best(names)
    maiden = next((one for one in names if one.get("use") == "maiden"), {})
    return KnownPatient(
        id=str(patient.get("id", "")),
        kvnr=_kvnr(patient.get("identifier", ())),
        birth_date=str(patient.get("birthDate", "")),
        family=str(name.get("family", "")),
        given=" ".join(str(part) for part in name.get("given", ()) if part),
        birth_family=str(maiden.get("family", "")),
    )


def _best(names: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for use in _USES:
        for name in names:
            if name.get("use", "") == use:
                return name
    return {}


def _kvnr(identifiers: Sequence[Mapping[str, Any]]) -> str:
    for identifier in identifiers:
        if identifier.get("system") in SYSTEMS and identifier.get("use") != "old":
            value = str(identifier.get("value", "")).strip().upper()
            if value:
                return value
    return ""
