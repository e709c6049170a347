"""What a record of BDT holds, by kind → resources of its day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mappers.drafts import Draft
from mappers.trace import Text
from mappers.xdt.attachments import attachment
from mappers.xdt.bdt.drugs import drug, permanent_drug
from mappers.xdt.bdt.laboratory import laboratory
from mappers.xdt.bdt.measures import measure, pressure
from mappers.xdt.bdt.written import document
from mappers.xdt.datatypes import clean
from mappers.xdt.diagnoses import DIAGNOSIS, PERMANENT, Fields, condition
from mappers.xdt.gdt.basics import allergy_to
from mappers.xdt.gdt.facts import fact, free_categories
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

_SNOMED = "http://snomed.info/sct"
#: Diagnoses of a certificate of incapacity and of an admission to hospital.
_INCAPACITY = Fields("6287", "6288", "6289", "", "")
_ADMISSION = Fields("6292", "6293", "6294", "", "")
_REFERRAL = ("3457005", "Patient referral")
_HOSPITAL = ("32485007", "Hospital admission")
#: Fields of an image archive → what a file is described by.
_IMAGE = {"6325": "6302", "6326": "6303", "6327": "6327"}


class Day(NamedTuple):
    """When something was found or done."""

    #: FHIR date or dateTime; None where no day is stated.
    when: str | None
    visit: Draft | None
    #: What it is told for instead of a day: the Schein.
    about: str = ""

    def key(self, session: Session, kind: str) -> tuple[str, ...]:
        """What names one thing of a kind: patient, day, kind, how many there are so far."""
        patient = session.patient.id if session.patient is not None else ""
        named = (patient, self.about or str(self.when or ""), kind)
        count = session.counts[named] = session.counts.get(named, 0) + 1
        return (*named, str(count))


def read_part(session: Session, day: Day, kind: str, group: Group) -> None:
    """Read one thing; everything it makes is of the day's Encounter."""
    # Services are read with their Schein; anywhere else they are left over.
    make = _MAKERS.get(kind)
    for draft in make(session, day, group) if make is not None else ():
        if day.visit is not None and draft.type not in _WITHOUT_VISIT:
            element = "context" if draft.type == "MedicationStatement" else "encounter"
            draft.resource[element] = reference(day.visit)
        elif day.visit is not None and draft.type == "DocumentReference":
            session.say(draft, "context", {"encounter": [reference(day.visit)]})


#: Types that have no place for the Encounter, or another one.
_WITHOUT_VISIT = frozenset({"DocumentReference", "Encounter", "Medication"})


def _words(session: Session, day: Day, group: Group) -> list[Draft]:
    """Findings and therapies in words."""
    key = day.key(session, group.name)
    made = fact(session, group, group.name, key, day.when)
    return [made] if made is not None else []


def _complaint(session: Session, day: Day, group: Group) -> list[Draft]:
    """6240 why the patient came; of no day it is a fact like others."""
    words = session.lines(group, "6240")
    if day.visit is None:
        return _words(session, day, group)
    session.append(day.visit, "reasonCode", {"text": words})
    return []


def _diagnosis(session: Session, day: Day, group: Group) -> list[Draft]:
    """6001 with its parts, and the words 6000 before it; 6205 is words alone."""
    words = group.first("6000") or group.first("6205")
    named = day.key(session, f"diagnosis {group.first('6001') or words}")
    made = condition(session, group, DIAGNOSIS, words, "encounter-diagnosis", *named[1:])
    if made is not None and day.when is not None:
        made.resource["recordedDate"] = day.when
    return [made] if made is not None else []


def _permanent(session: Session, day: Day, group: Group) -> list[Draft]:
    """3649 since when, 3650 words; the code in 3673 or, in xBDT, in 6001."""
    fields = DIAGNOSIS if group.has("6001") else PERMANENT
    words = group.first("3650")
    named = day.key(session, f"permanent {words}")
    made = condition(session, group, fields, words, "problem-list-item", *named[2:])
    if made is None:
        return []
    began = session.day(group.first("3649"))
    if began is not None:
        made.resource["onsetDateTime"] = began
    kind_of = group.first("0830")
    if kind_of is not None:
        coding = {"system": "urn:region-gateway:xdt:0830", "code": clean(kind_of)}
        made.resource["category"].append({"coding": [coding]})
    return [made]


def _allergy(session: Session, _day: Day, group: Group) -> list[Draft]:
    """3656, and in xBDT since when (3655)."""
    words = group.first("3656")
    made = allergy_to(session, words) if words is not None else None
    since = session.day(group.first("3655"))
    if made is not None and since is not None:
        made.resource["onsetDateTime"] = since
    return [made] if made is not None else []


def _laboratory(session: Session, day: Day, group: Group) -> list[Draft]:
    return laboratory(session, day.key(session, "8401"), day.when, group)


def _certified(fk: str, why: str, diagnosis: Fields) -> Callable[..., list[Draft]]:
    """6285 incapacity for work: how long, why, for which diagnosis."""

    def make(session: Session, day: Day, group: Group) -> list[Draft]:
        made = fact(session, group, fk, day.key(session, fk), day.when)
        told = _coded(session, day, group, diagnosis)
        reason = session.lines(group, why)
        if made is None:
            return told
        if reason is not None:
            session.append(made, "note", {"text": reason})
        return [made, *told]

    return make


def _coded(session: Session, day: Day, group: Group, fields: Fields) -> list[Draft]:
    key = day.key(session, fields.code)[1:]
    made = condition(session, group, fields, None, "encounter-diagnosis", *key)
    return [made] if made is not None else []


def _asked(
    fk: str, why: str, category: tuple[str, str], diagnosis: Fields | None = None
) -> Callable[..., list[Draft]]:
    """6280 referral, 6290 admission to hospital: where to, and why."""
    coding = {"system": _SNOMED, "code": category[0], "display": category[1]}

    def make(session: Session, day: Day, group: Group) -> list[Draft]:
        patient = session.patient
        if patient is None:
            return []
        draft = session.natural("ServiceRequest", *day.key(session, fk))
        resource: dict[str, Any] = draft.resource
        # Whether anybody acted on it, the practice's record does not say.
        resource |= {"status": "unknown", "intent": "order", "category": [{"coding": [coding]}]}
        words, reason = session.lines(group, fk), session.lines(group, why)
        if words is not None:
            resource["code"] = {"text": words}
        resource["subject"] = reference(patient)
        if day.when is not None:
            resource["authoredOn"] = day.when
        if reason is not None:
            resource["reasonCode"] = [{"text": reason}]
        told = _coded(session, day, group, diagnosis) if diagnosis is not None else []
        if told:
            resource["reasonReference"] = [reference(one) for one in told]
        return [draft, *told]

    return make


def _written(title: str) -> Callable[..., list[Draft]]:
    def make(session: Session, day: Day, group: Group) -> list[Draft]:
        made = document(session, group, title, day.key(session, title), day.when)
        return [made] if made is not None else []

    return make


def _image(session: Session, day: Day, group: Group) -> list[Draft]:
    """6325 number in the archive, 6326 format, 6327 what is to be seen."""
    named = Group("", 0)
    named.entries = [(_IMAGE[fk], leaf) for fk, leaf in group.entries]
    return _file(session, day, named)


def _file(session: Session, day: Day, group: Group) -> list[Draft]:
    made = attachment(session, group, day.key(session, "file"), day.when)
    return [made] if made is not None else []


def _free(session: Session, day: Day, group: Group) -> list[Draft]:
    return free_categories(session, group, day.key(session, "free"), day.when)


def _drug(session: Session, day: Day, group: Group) -> list[Draft]:
    return drug(session, day.key(session, group.name), day.when, group)


def _permanent_drug(session: Session, day: Day, group: Group) -> list[Draft]:
    words: Text | None = group.first("0800") or group.first("3652")
    return permanent_drug(session, day.key(session, f"drug {words}"), group)


def _measure(session: Session, day: Day, group: Group) -> list[Draft]:
    return measure(session, day.when, group)


def _pressure(session: Session, day: Day, group: Group) -> list[Draft]:
    return pressure(session, day.when, group)


Make = Callable[[Session, Day, Group], list[Draft]]
_MAKERS: dict[str, Make] = {
    **dict.fromkeys(("6220", "6221", "6222", "6225", "6260", "6265"), _words),
    "6240": _complaint,
    "6280": _asked("6280", "6281", _REFERRAL),
    "6285": _certified("6285", "6286", _INCAPACITY),
    "6290": _asked("6290", "6291", _HOSPITAL, _ADMISSION),
    "6300": _written("Bescheinigung"),
    "6306": _written("Attest"),
    "letter": _written("Arztbrief"),
    **dict.fromkeys(("6205", "diagnosis"), _diagnosis),
    **dict.fromkeys(("6210", "6211", "6215"), _drug),
    **dict.fromkeys(("6230", "6416"), _pressure),
    **dict.fromkeys(("3622", "3623", "6411", "6412", "6413", "6414", "6415", "6417"), _measure),
    "permanent": _permanent,
    "drug": _permanent_drug,
    "allergy": _allergy,
    "laboratory": _laboratory,
    "image": _image,
    "file": _file,
    "free": _free,
}
