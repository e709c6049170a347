"""Diagnoses → Condition: ICD-10-GM with certainty and side, or words (FK 6001, 6205, 3649, 3673).

The letter of certainty decides both statuses (de.basisprofil, invariants icd-4 to icd-7): G is
active and confirmed, V active and provisional, Z resolved and confirmed, A refuted.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mappers.drafts import Draft
from mappers.trace import Text, text
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
_DE = "http://fhir.de/StructureDefinition/"
_CERTAINTY = f"{_DE}icd-10-gm-diagnosesicherheit"
_MARK = f"{_DE}icd-10-gm-mehrfachcodierungs-kennzeichen"
_SIDE = f"{_DE}seitenlokalisation"
_MARKS = "http://fhir.de/CodeSystem/icd-10-gm-mehrfachcodierungs-kennzeichen"
_TERMS = "http://terminology.hl7.org/CodeSystem/condition-"
_VERIFICATION = f"{_TERMS}ver-status"
_CODE = re.compile(r"([A-Z]\d\d(?:\.[0-9A-Z-]{1,3})?-?)([*+†!]?)", re.IGNORECASE)
_STATUSES = ("clinicalStatus", "verificationStatus")
#: Certainty → clinical status; A has none.
_CLINICAL = {"G": "active", "V": "active", "Z": "resolved"}


class Fields(NamedTuple):
    """Where a diagnosis keeps its parts."""

    code: str
    certainty: str
    side: str
    explanation: str
    exception: str


DIAGNOSIS = Fields("6001", "6003", "6004", "6006", "6008")
PERMANENT = Fields("3673", "3674", "3675", "3676", "3677")


def condition(
    session: Session, group: Group, fields: Fields, words: Text | None, kind: str, *about: object
) -> Draft | None:
    """One diagnosis; `kind` is its category, `about` what names it besides its code."""
    code = group.first(fields.code)
    patient = session.patient
    if patient is None or (code is None and words is None):
        return None
    named = str(code if code is not None else words).strip()
    draft = session.natural("Condition", patient.id, kind, named, *about)
    resource = draft.resource
    resource["category"] = [{"coding": [{"system": f"{_TERMS}category", "code": kind}]}]
    certainty = group.first(fields.certainty)
    _statuses(session, certainty, resource, is_coded=code is not None)
    # Certainty corrected to another letter must not leave the statuses of the first one behind.
    draft.cleared += [name for name in _STATUSES if name not in resource]
    concept: dict[str, Any] = {}
    if code is not None:
        concept["coding"] = [_coding(session, group, fields, code, certainty)]
    if words is not None:
        concept["text"] = clean(words)
    resource["code"] = concept
    resource["subject"] = reference(patient)
    for fk in (fields.explanation, fields.exception):
        note = session.lines(group, fk)
        if note is not None:
            resource.setdefault("note", []).append({"text": note})
    return draft


def _statuses(
    session: Session, certainty: Text | None, resource: dict[str, Any], *, is_coded: bool
) -> None:
    """Both statuses from the certainty; words without a code are unconfirmed."""
    found = session.lookup("certainty", certainty) if certainty is not None else None
    if certainty is not None and found is None:
        session.unknown(certainty)
    letter = certainty.strip().upper() if certainty is not None and found is not None else ""
    clinical = _CLINICAL.get(letter, "" if letter == "A" else "active")
    if clinical:
        coding = {"system": f"{_TERMS}clinical", "code": clinical}
        resource["clinicalStatus"] = {"coding": [coding]}
    if found is not None and certainty is not None:
        verified = {"system": _VERIFICATION, "code": text(found.code, certainty.source)}
        resource["verificationStatus"] = {"coding": [verified]}
    elif not is_coded:
        unconfirmed = {"system": _VERIFICATION, "code": "unconfirmed"}
        resource["verificationStatus"] = {"coding": [unconfirmed]}


def _coding(
    session: Session, group: Group, fields: Fields, code: Text, certainty: Text | None
) -> dict[str, Any]:
    """The code without marks; certainty, side and mark beside it."""
    extensions = []
    match = _CODE.fullmatch(code.strip())
    plain, mark = match.groups() if match is not None else (code.strip(), "")
    if match is None:
        session.issue("code-invalid", "not a code of ICD-10-GM", code, "103")
    for url, table, stated in (
        (_CERTAINTY, "certainty", certainty),
        (_SIDE, "side", group.first(fields.side)),
    ):
        found = session.lookup(table, stated) if stated is not None else None
        if stated is not None and found is not None:
            letter = text(stated.strip().upper(), stated.source)
            value = {"system": found.system, "code": letter, "display": found.display}
            extensions.append({"url": url, "valueCoding": value})
        elif stated is not None and table == "side":
            session.unknown(stated)
    if mark:
        value = {"system": _MARKS, "code": text("†" if mark == "+" else mark, code.source)}
        extensions.append({"url": _MARK, "valueCoding": value})
    made: dict[str, Any] = {"extension": extensions} if extensions else {}
    return {**made, "system": ICD_10_GM, "code": text(plain.upper(), code.source)}
