"""PID and PD1 → Patient (HL7 v2.5 chapter 3.4.2 and 3.4.10; German profile of PID).

One Patient per assigner and local number: a KVNR never mints an id, because a newborn travels
on its mother's insurance.
"""

from __future__ import annotations

import re
from typing import Any

from mappers.base import Key, PatientFacts
from mappers.codes import table
from mappers.hl7v2.datatypes.identifiers import KVNR, cx
from mappers.hl7v2.datatypes.names import called_by, xpn
from mappers.hl7v2.session import ORIGINAL_TEXT, PACKAGE, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, clear
from mappers.hl7v2.table_rows import table as row_table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, text
from profiles.issue import Issue, NotConformant

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_GENDER = "http://fhir.de/StructureDefinition/gender-amtlich-de"
#: Identifier types that name the person towards others, never the sender's record.
_FOREIGN_TYPES = frozenset({"NI", "NIIP", "SS", "DL", "PPN", "JHN", "MC", "MA", "PHC", "AN", "VN"})
_KVNR_SHAPE = re.compile(r"[A-Z]\d{9}")


#: Yes or no → the element in which another field says more.
_BESIDE = ((24, "multipleBirthInteger"), (30, "deceasedDateTime"))

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PD1-10": ("Patient.link",),
    "PID-2": ("Patient.identifier",),
    "PID-3": ("Patient.identifier",),
    "PID-4": ("Patient.identifier",),
    "PID-5": ("Patient.name",),
    "PID-7": ("Patient.birthDate", "Patient.birthDate.extension"),
    "PID-8": ("Patient.gender",),
    "PID-12": ("Patient.address.district",),
    "PID-18": ("Encounter.identifier",),
    "PID-19": ("Patient.identifier",),
}


def patient(session: Session, segment: Segment) -> Draft:
    """PID → Patient; raises NotConformant when the birth date is invalid."""
    identifiers = _identifiers(session, segment)
    names = _names(session, segment)
    birth = _birth_date(session, segment)
    keys = _keys(session, identifiers, names, birth)
    draft = session.draft("Patient", *keys)
    draft.subject = draft.id
    resource = draft.resource
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    _again(session, segment, 5, resource.get("name"), names)
    _again(session, segment, 7, resource.get("birthDate"), birth)
    if names:
        resource["name"] = names
    for field, element in ((3, "identifier"), (5, "name"), (7, "birthDate"), (8, "gender")):
        if segment.deletes(field):
            clear(session, segment, field, draft, element)
    if birth is not None:
        resource["birthDate"] = birth
        _birth_time(session, segment, resource)
    elif (said := first_text(segment, 7)) is not None and said.strip("0"):
        resource["_birthDate"] = {"extension": [{"url": ORIGINAL_TEXT, "valueString": said}]}
    _gender(session, segment, resource)
    apply_rows(session, segment, row_table("pid_patient"), draft)
    _district(session, segment, resource)
    for flag, element in _BESIDE:
        _flag(session, segment.first(flag), element, resource)
    session.patient = draft
    session.patients.append(_facts(draft, identifiers, names, birth))
    return draft


def _again(session: Session, segment: Segment, field: int, before: Any, now: Any) -> None:
    """A second PID of the same number repeats what the first says, or contradicts it."""
    if not before or not now:
        return
    if before == now:
        session.echoes.append(before)
    else:
        sentence = "the message says of the patient with this number what it has said otherwise"
        session.issue("conflict", sentence, segment.first(field), "102")


def _flag(session: Session, flag: Text | None, element: str, resource: dict[str, Any]) -> None:
    """A yes beside what says more than yes is said with it; a no against it is not believed."""
    if flag is None or element not in resource:
        return
    said = session.lookup("yes-no", flag)
    if said is not None and said.code == "true":
        session.echoes.append(flag)
    else:
        session.ignored.append((flag, "the field beside it says which or when"))


def pd1(session: Session, segment: Segment) -> None:
    """PD1 → Patient; PD1-4 is read where the dialect looks for the general practitioner."""
    if session.patient is not None:
        apply_rows(session, segment, row_table("pd1_patient"), session.patient)
        # Of the place of worship the name is enough: what else is said tells of the faith too.
        worship = [repetition[2:] for repetition in segment.repetitions(14)]
        session.ignored.append((worship, "special category of personal data"))
        for repetition in segment.repetitions(10):
            _same_person(session, repetition, session.patient)


def _same_person(session: Session, repetition: Repetition, patient: Draft) -> None:
    """PD1-10: another record of the sender's about the same person."""
    identifier = cx(session, repetition)
    if identifier is not None:
        other = {"type": "Patient", "identifier": identifier}
        session.append(patient, "link", {"other": other, "type": "seealso"})


def _identifiers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for field in (3, 2, 4):
        for repetition in segment.repetitions(field):
            identifier = cx(session, repetition)
            if identifier is not None:
                session.add(found, identifier)
    social = segment.first(19)
    if social is not None and social != '""':
        found.append(_pid_19(session, social))
    return found


def _pid_19(session: Session, number: Text) -> dict[str, Any]:
    """PID-19: in Germany old senders write the insurance number here, never a US SSN."""
    if _KVNR_SHAPE.fullmatch(number):
        return {"system": KVNR, "value": number}
    kind = {"coding": [{"system": V2 + "0203", "code": "SB"}]}
    return {"type": kind, "system": f"{session.namespace}/social-security", "value": number}


def _names(session: Session, segment: Segment) -> list[dict[str, Any]]:
    names: list[dict[str, Any]] = []
    for repetition in segment.repetitions(5):
        name = xpn(session, repetition, "official" if not names else "")
        if name is None:
            continue
        repeated = names and "given" in name and name["given"] == names[0].get("given")
        if repeated and name.get("use") == "maiden":
            # A birth name is a family name: the given names only repeat the legal name's.
            session.echoes.append(name.pop("given"))
        names.append(name)
        called = called_by(repetition)
        if called is not None:
            names.append(called)
    return names


def _birth_date(session: Session, segment: Segment) -> str | None:
    leaf_ = segment.first(7)
    if leaf_ is None or leaf_ == '""':
        return None
    if not leaf_.strip("0"):
        session.ignored.append((leaf_, "zeros: birth date unknown"))
        return None
    born = session.date(leaf_)
    if born is None and session.context.lenient:
        return None
    if born is None:
        found = Issue("error", "value", "the birth date is not a valid date", "PID-7", "102")
        raise NotConformant(found.text, location="PID-7", issues=(found,))
    return born


def _birth_time(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    leaf_ = segment.first(7)
    moment = session.moment(leaf_)
    if leaf_ is None or moment is None or moment.precision < 12:
        return
    value = {"url": _CORE + "patient-birthTime", "valueDateTime": text(moment.fhir, leaf_.source)}
    resource["_birthDate"] = {"extension": [value]}


def _gender(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    leaf_ = segment.first(8)
    if leaf_ is None or leaf_ == '""':
        return
    found = session.lookup("administrative-sex", leaf_, "PID-8")
    if found is None:
        session.unknown(leaf_)
        resource["gender"] = "unknown"
        resource["_gender"] = {"extension": [{"url": ORIGINAL_TEXT, "valueString": leaf_}]}
        return
    resource["gender"] = text(found.code, leaf_.source)
    official = table(PACKAGE, "gender-amtlich").get(leaf_)
    if found.code == "other" and official is not None:
        value = {"system": official.system, "code": text(official.code, leaf_.source)}
        value["display"] = official.display
        resource["_gender"] = {"extension": [{"url": _GENDER, "valueCoding": value}]}


def _district(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """PID-12 (county) belongs to the only address; else it is one of its own (table PID)."""
    county = segment.first(12)
    if county is None or county == '""':
        return
    addresses = resource.setdefault("address", [])
    if any(address.get("district") == county for address in addresses):
        session.echoes.append(county)
    elif len(addresses) == 1 and "district" not in addresses[0]:
        # The address may be remembered from another message: change a copy.
        addresses[0] = {"district": county, **addresses[0]}
    else:
        addresses.append({"district": county})


def _keys(
    session: Session,
    identifiers: list[dict[str, Any]],
    names: list[dict[str, Any]],
    birth: str | None,
) -> tuple[Key, ...]:
    own = [i for i in identifiers if _is_own(i)]
    if own:
        return tuple(Key("Patient", str(i["system"]), str(i["value"])) for i in own)
    if not identifiers and not session.context.lenient:
        issue = Issue("error", "required", "the patient has no number", "PID-3", "101")
        raise NotConformant(issue.text, location="PID-3", issues=(issue,))
    session.issue("incomplete", "the patient has no record number of the sender", "PID-3")
    first = names[0] if names else {}
    parts = [str(first.get("family", "")), *map(str, first.get("given", ())), str(birth or "")]
    parts += [str(i["value"]) for i in identifiers]
    if not any(parts):
        parts = [session.message.header.control_id, session.message.header.time]
    return (Key("Patient", f"{session.namespace}/key/Patient", "|".join(parts)),)


def _is_own(identifier: dict[str, Any]) -> bool:
    """Tell the sender's record number from numbers of the person."""
    if identifier["system"].startswith("http://fhir.de/sid/"):
        return False
    codings = identifier.get("type", {}).get("coding", ())
    return not any(coding["code"] in _FOREIGN_TYPES for coding in codings)


def _facts(
    draft: Draft,
    identifiers: list[dict[str, Any]],
    names: list[dict[str, Any]],
    birth: str | None,
) -> PatientFacts:
    kvnr = next((str(i["value"]) for i in identifiers if i["system"] == KVNR), "")
    first = names[0] if names else {}
    family, given = str(first.get("family", "")), " ".join(first.get("given", ()))
    known = table(PACKAGE, "placeholder-names")
    placeholder = family.casefold() in known or given.casefold() in known
    return PatientFacts(draft.id, draft.keys, kvnr, str(birth or ""), family, given, placeholder)


def reference(draft: Draft) -> dict[str, Any]:
    """Literal reference to a resource of this message, or to the patient nobody named."""
    if draft.id:
        return draft.reference
    absent = {"url": _CORE + "data-absent-reason", "valueCode": "unknown"}
    return {"extension": [absent], "type": draft.type}


def first_text(segment: Segment, field: int) -> Text | None:
    """First leaf of the first repetition, deletions excluded."""
    for repetition in segment.repetitions(field):
        found = leaf(repetition, 1)
        return None if found == '""' else found
    return None
