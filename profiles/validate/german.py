"""German identifiers and codes: their form and their check digits.

https://simplifier.net/basisprofil-de-r4 (NamingSystems and Identifier profiles). Everything here is
a warning: the number belongs to its issuer, and test data rarely have right check digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from profiles.check_digits import has_kvnr_form, is_iknr, is_kvnr, is_lanr, is_pzn
from profiles.issue import Issue

Json = dict[str, Any]
#: Gives the sentence about what is wrong with a number, or "".
Check = Callable[[str], str]

_KVNR_WITH_PAYER = re.compile(r"([A-Z][0-9]{9})[0-9]{9}(?:[A-Z][0-9]{9})?[0-9]")
#: Numbers for doctors who have none of their own (in hospitals) have no check digit.
_PSEUDO_LANR = re.compile(r"5{6}[0-9]{3}")


def _form(pattern: str, text: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: "" if compiled.fullmatch(value) else text


def _kvnr(value: str) -> str:
    if is_kvnr(value):
        return ""
    if has_kvnr_form(value):
        return "the check digit of the KVNR is wrong"
    return "a KVNR is a capital letter and nine digits"


def _kvnr_with_payer(value: str) -> str:
    found = _KVNR_WITH_PAYER.fullmatch(value)
    if found is None:
        return "a KVNR with payer is a KVNR, an IKNR, if need be another KVNR, and a check digit"
    return _kvnr(found.group(1))


def _iknr(value: str) -> str:
    if is_iknr(value):
        return ""
    if _is_number(value, 9):
        return "the check digit of the IKNR is wrong"
    return "an IKNR has nine digits"


def _lanr(value: str) -> str:
    if is_lanr(value) or _PSEUDO_LANR.fullmatch(value):
        return ""
    if _is_number(value, 9):
        return "the check digit of the LANR is wrong"
    return "a LANR has nine digits"


def _pzn(value: str) -> str:
    if is_pzn(value):
        return ""
    if _is_number(value, 8):
        return "the check digit of the PZN is wrong"
    return "a PZN has eight digits"


def _is_number(value: str, digits: int) -> bool:
    return len(value) == digits and value.isascii() and value.isdigit()


#: Identifier.system → check of Identifier.value.
IDENTIFIERS: dict[str, Check] = {
    "http://fhir.de/sid/gkv/kvid-10": _kvnr,
    "http://fhir.de/sid/pkv/kvid-10": _kvnr,
    "http://fhir.de/sid/gkv/kvnr-30": _kvnr_with_payer,
    "http://fhir.de/sid/gkv/kvk-versichertennummer": _form(
        "[0-9]{6,12}", "the number of an old insurance card has six to twelve digits"
    ),
    "http://fhir.de/sid/arge-ik/iknr": _iknr,
    "http://fhir.de/sid/kbv/vknr": _form("[0-9]{5}", "a VKNR has five digits"),
    "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR": _lanr,
    "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_BSNR": _form(
        "[0-9]{9}", "a BSNR has nine digits"
    ),
    "http://fhir.de/sid/kzbv/zahnarztnummer": _form("[0-9]{9}", "a ZANR has nine digits"),
    "http://fhir.de/sid/kzbv/kzvabrechnungsnummer": _form(
        "[0-9]{9}", "a KZV-Abrechnungsnummer has nine digits"
    ),
    "http://fhir.de/sid/bundesaerztekammer/efn": _form(
        "80276[0-9]{10}", "an EFN has fifteen digits and starts with 80276"
    ),
    "https://gematik.de/fhir/sid/telematik-id": _form(
        r"[1-9][0-9]?-[\x21-\x7E]+",
        "a Telematik-ID is the number of a sector, a hyphen and what the sector issued",
    ),
}
#: Coding.system → check of Coding.code.
CODES: dict[str, Check] = {"http://fhir.de/CodeSystem/ifa/pzn": _pzn}


def german_identifier_issues(identifier: Json, place: str) -> Iterable[Issue]:
    """Identifier: a number of a German system has its form and its check digit (a warning)."""
    return _issues(IDENTIFIERS, identifier, "value", place)


def german_coding_issues(coding: Json, place: str) -> Iterable[Issue]:
    """Coding: a code of a German system has its form and its check digit (a warning)."""
    return _issues(CODES, coding, "code", place)


def _issues(checks: dict[str, Check], held: Json, member: str, place: str) -> Iterable[Issue]:
    system, value = held.get("system"), held.get(member)
    if not isinstance(system, str) or not isinstance(value, str) or system not in checks:
        return ()
    text = checks[system](value)
    return (Issue("warning", "value", text, f"{place}.{member}"),) if text else ()
