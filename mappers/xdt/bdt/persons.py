"""The person and the card of the records of one patient: master data first, then the Scheine.

Every record of a patient repeats who the patient is. What the master data (6100) say holds; what
another record says differently is left out with a reason, but two birth dates under one number
are two persons: such a message is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from mappers.drafts import Draft
from mappers.trace import Text
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.insurance import coverage
from mappers.xdt.patient import address, human_name, patient, reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table
from profiles.issue import Issue, NotConformant

_PERSON = frozenset(
    [
        *("3000", "3100", "3101", "3102", "3103", "3104", "3105", "3106", "3107", "3109", "3110"),
        *("3112", "3113", "3114", "3119", "3120", "3601", "3602", "3618", "3619", "3626", "3627"),
        *("3628", "3630", "3610"),
    ]
)
#: The head of a family whose insurance covers the patient → what a person's fields are called.
_INSURED = {
    "3200": "3100",
    "3201": "3101",
    "3202": "3102",
    "3203": "3103",
    "3204": "3106",
    "3205": "3107",
    "3210": "3110",
}
_INSURED_FIELDS = frozenset(_INSURED)
_CARD = frozenset(
    [
        *(
            "3006",
            "3105",
            "3108",
            "3116",
            "3119",
            "2002",
            "4104",
            "4106",
            "4107",
            "4108",
            "4109",
            "4110",
        ),
        *("4111", "4112", "4113", "4121", "4122", "4131", "4132", "4133", "4134"),
    ]
)
#: Fields that say more than whose card it is.
_CARDS_OWN = _CARD - {"3105", "3119"}
_PAYERS = ("4111", "4104", "2002", "4134")
_MASTER = "6100"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def person(session: Session, records: list[Group]) -> Draft:
    """The records of one patient → Patient, and who the patient is insured through."""
    ordered = sorted(records, key=lambda record: record.name != _MASTER)
    _check_birth(session, records)
    group = _merged(session, ordered, _PERSON)
    draft = patient(session, group)
    apply_rows(session, group, table("bdt", "patient", "Patient"), draft.resource)
    since = session.day(group.first("3610"))
    if since is not None:
        episode = session.natural("EpisodeOfCare", draft.id)
        episode.resource["status"] = "active"
        episode.resource["patient"] = reference(draft)
        episode.resource["period"] = {"start": since}
    _insured(session, ordered, draft)
    return draft


def coverages(session: Session, records: list[Group]) -> dict[int, Draft]:
    """Cards by payer → Coverage; by the line its record begins at."""
    ordered = sorted(records, key=lambda record: record.name != _MASTER)
    named: dict[tuple[str, ...], list[Group]] = {}
    for record in ordered:
        if not _CARDS_OWN.isdisjoint(record.fields):
            payer = tuple(str(record.first(fk) or "").strip() for fk in _PAYERS[:2])
            named.setdefault(payer, []).append(record)
    found: dict[int, Draft] = {}
    for same in named.values():
        group = _merged(session, same, _CARD)
        draft = coverage(session, group)
        if draft is None:
            continue
        apply_rows(session, group, table("family", "card", "Coverage"), draft.resource)
        apply_rows(session, group, table("bdt", "card", "Coverage"), draft.resource)
        found.update((record.line, draft) for record in same)
    return found


def _check_birth(session: Session, records: Iterable[Group]) -> None:
    stated: Text | None = None
    for record in records:
        born = record.first("3103")
        if stated is None or born is None:
            stated = stated or born
        elif born.strip() != stated.strip():
            place = session.message.path(born.source)  # type: ignore[arg-type]  # one leaf
            sentence = "two birth dates under one number: it stands for two patients"
            issue = Issue("error", "conflict", sentence, place, "205")
            raise NotConformant(sentence, location=place, issues=(issue,))


def _merged(session: Session, records: list[Group], fields: frozenset[str]) -> Group:
    """Each field as the first record states it; the same again is an echo."""
    known: dict[str, list[Text]] = {}
    for record in records:
        for fk in sorted(fields & record.fields.keys()):
            stated = record.all(fk)
            before = known.setdefault(fk, stated)
            if before is stated:
                continue
            if stated == before or _bare(stated) == _bare(before):
                session.echoes += stated
            else:
                session.issue("conflict", "records of one patient differ", stated[0])
                session.ignored.append((stated, "a record that comes first says otherwise"))
    made = Group(records[0].name, records[0].line)
    made.entries = [(fk, leaf) for fk, stated in known.items() for leaf in stated]
    return made


def _bare(leaves: list[Text]) -> list[str]:
    return [leaf.strip() for leaf in leaves]


def _insured(session: Session, records: list[Group], subject: Draft) -> None:
    """3200 to 3210: the head of the family → RelatedPerson."""
    stated = _merged(session, records, _INSURED_FIELDS)
    if not stated.entries:
        return
    group = Group("", 0)
    group.entries = [(_INSURED[fk], leaf) for fk, leaf in stated.entries]
    name = human_name(session, group)
    if name is None:
        return
    draft = session.natural("RelatedPerson", subject.id, "3201")
    resource = draft.resource
    resource["patient"] = reference(subject)
    resource["relationship"] = [
        {"coding": [{"system": _ROLE, "code": "FAMMEMB"}], "text": "Hauptversicherte Person"}
    ]
    resource["name"] = [name]
    born = session.day(group.first("3103"))
    if born is not None:
        resource["birthDate"] = born
    gender = group.first("3110")
    known = session.code("gender", clean(gender)) if gender is not None else None
    if known is not None:
        resource["gender"] = known
    home = address(session, group)
    if home is not None:
        resource["address"] = [home]
