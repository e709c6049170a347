"""Microbiology of LDT 2 (8203): 8434 asked for, 8440 organism, 8444 drug → Observations.

Its fields are those of LDT 3 under other numbers; what the objects of LDT 3 hold stands here
behind the organism and the drug.
"""

from __future__ import annotations

from mappers.drafts import Draft
from mappers.xdt.group import Group
from mappers.xdt.ldt.charges import charges
from mappers.xdt.ldt.microbiology import drug_of, organism, tested
from mappers.xdt.ldt.objects import sections
from mappers.xdt.ldt.results import LABORATORY
from mappers.xdt.ldt.values import concept
from mappers.xdt.patient import reference
from mappers.xdt.results import observation, read_result
from mappers.xdt.session import Session

#: Feldkennung of LDT 2 → that of LDT 3.
_RENAMED = {
    "8440": "7354",
    "8441": "7355",
    "8442": "7285",
    "8443": "7286",
    "8444": "7287",
    "8445": "7288",
    "8446": "7289",
    "8447": "7290",
}


def culture(session: Session, record: Group, report: Draft) -> list[Draft]:
    """The tests of a record, with the organisms found and what they are sensitive to."""
    renamed = Group(record.name, record.line)
    renamed.entries = [(_RENAMED.get(fk, fk), leaf) for fk, leaf in record.entries]
    leading = "8434" if record.has("8434") and not record.has("8410") else "8410"
    found = sections(renamed, leading)
    return [_one(session, one, report) for one in found or [renamed]]


def _one(session: Session, group: Group, report: Draft) -> Draft:
    organisms = sections(group, "7354")
    above = Group(group.name, group.line)
    end = organisms[0].line if organisms else None
    above.entries = [
        ("8411" if fk == "8434" else fk, leaf)
        for fk, leaf in group.entries
        if end is None or leaf.source < end  # type: ignore[operator]
    ]
    made = observation(session, read_result(session, above), (report.id,))
    made.resource["category"] = [LABORATORY]
    made.resource.setdefault("code", {"text": "Mikrobiologie"})
    if not made.resource["code"]:
        made.resource["code"] = {"text": "Mikrobiologie"}
    for number, one in enumerate(organisms):
        drugs = sections(one, "7287")
        whole = Group(one.name, one.line)
        first = drugs[0].line if drugs else None
        whole.entries = [
            entry
            for entry in one.entries
            if first is None or entry[1].source < first  # type: ignore[operator]
        ]
        found = organism(session, made, whole, number)
        session.append(made, "hasMember", reference(found))
        for drug in drugs:
            result = tested(session, found, drug_of(session, drug), drug)
            session.append(found, "hasMember", reference(result))
    for leaf in group.all("7286"):
        made.resource.setdefault("method", concept(session, "7286", leaf))
    if organisms:
        made.resource.pop("dataAbsentReason", None)
    charges(session, above, made)
    return made
