"""A report 8205 (with 0017 and 0035) → DiagnosticReport and what it reports."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from mappers.base import Key
from mappers.codes import table
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.uris import V2
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.alerts import alerts, recall
from mappers.xdt.ldt.attached import attached, form_of
from mappers.xdt.ldt.facts import facts
from mappers.xdt.ldt.head import Head
from mappers.xdt.ldt.houses import laboratory, named, referral, sender
from mappers.xdt.ldt.microbiology import culture
from mappers.xdt.ldt.objects import Parts, instant, only, parts, texts, when
from mappers.xdt.ldt.orders import numbers, order, ways
from mappers.xdt.ldt.persons import signed
from mappers.xdt.ldt.reasons import reason
from mappers.xdt.ldt.results import LOINC, Report, finding
from mappers.xdt.ldt.specimens import specimen
from mappers.xdt.ldt.subjects import subject
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

REPORT = {"coding": [{"system": LOINC, "code": "11502-2"}], "text": "Laborbefund"}
#: 8401 → status; a complete one with a corrected result is amended.
_STATUS = {"1": "partial", "2": "final"}
_CORRECTED = frozenset({"04", "08"})
RESULTS_COMPILED = "https://region-gateway.example/fhir/StructureDefinition/results-compiled"
_ORDER_STATUS = {"1": "active", "2": "completed"}
#: Objects with results, in the order they may come.
_FINDINGS = ("8160", "8161", "8162", "8163", "8155", "8248", "8156")


def report(session: Session, record: Group, head: Head) -> None:
    """8205 → DiagnosticReport, its results, material, order and attachments."""
    found = parts(session, record)
    info, inner = only(found, "8117"), only(found, "8135")
    if info is None:
        info = Group("Obj_0017", record.line)
    number = _number(info)
    session.scope = _scope(session, found)
    subject(session, found, number)
    lab = _laboratory(session, found, head)
    senders = found.get("8122", ())
    ordered_by = sender(session, senders[0]) if senders else head.practice
    whole = _order(session, info, found, ordered_by)
    draft = _begin(session, info, number)
    if whole is not None:
        session.say(draft, "basedOn", [reference(whole)])
    if lab is not None:
        session.append(draft, "performer", lab)
    specimens = _specimens(session, found, draft, number)
    facts(session, found, draft)
    shared = Report(draft, lab, specimens, ordered_by)
    _informed(session, info, shared)
    if inner is not None:
        _results(session, inner, shared)
    _finish(session, found, inner, shared)


def _number(info: Group) -> str:
    """What names a report over its whole course: 7305, else its order."""
    for fk in ("7305", "8311", "8310"):
        leaf = info.first(fk)
        if leaf is not None:
            return str(leaf).strip()
    return ""


def _scope(session: Session, found: Parts) -> str:
    """Whose the numbers 3000 and 8310 are: two practices may give the same."""
    for one in found.get("8122", ()):
        site = only(parts(session, one), "8119")
        stated = (site.first("0201") or site.first("0200")) if site is not None else None
        known = stated or one.first("8312")
        if known is not None:
            return f"/{quote(known.strip(), safe='')}"
    return ""


def _laboratory(session: Session, found: Parts, head: Head) -> dict[str, Any] | None:
    """The laboratory of the package; 8136 in a report names further ones."""
    for one in found.get("8136", ()):
        made = laboratory(session, one)
        if made is not None and head.laboratory is None:
            return named(made)
    return head.laboratory


def _order(
    session: Session, info: Group, found: Parts, ordered_by: dict[str, Any] | None
) -> Draft | None:
    """The order behind a report, as far as the report tells of it."""
    stated = info.first("8401")
    status = _ORDER_STATUS.get(stated.strip(), "unknown") if stated is not None else "unknown"
    whole = order(session, info, ordered_by, status)
    if whole is None:
        return None
    inner = parts(session, info)
    made = when(session, only(inner, "8214"))
    if made is not None:
        session.say(whole, "authoredOn", made)
    for one in found.get("8127", ()):
        reason(session, one, whole)
    for one in found.get("8122", ()):
        referral(session, one, whole)
    ways(session, info, whole)
    return whole


def _begin(session: Session, info: Group, number: str) -> Draft:
    key = Key("DiagnosticReport", f"{session.namespace}/report", number)
    draft = session.draft("DiagnosticReport", key)
    resource = draft.resource
    for leaf in info.all("7305"):
        identifier = {"system": f"{session.namespace}/report", "value": clean(leaf)}
        session.append(draft, "identifier", identifier)
    for identifier in numbers(session, info):
        session.append(draft, "identifier", identifier)
    stated = info.first("8401")
    known = _STATUS.get(stated.strip()) if stated is not None else None
    if stated is not None and known is None:
        session.unknown(stated)
    resource["status"] = text(known, stated.source) if known and stated else "unknown"
    resource["code"] = REPORT
    if session.patient is not None:
        resource["subject"] = reference(session.patient)
    return draft


def _specimens(session: Session, found: Parts, draft: Draft, number: str) -> dict[str, Draft]:
    specimens: dict[str, Draft] = {}
    for one in found.get("8137", ()):
        made = specimen(session, one, number)
        if made is None:
            continue
        session.append(draft, "specimen", reference(made))
        vessel = one.first("7364")
        if vessel is not None:
            specimens[vessel.strip()] = made
        within = parts(session, one)
        alerts(session, within, made, None)
        for document in attached(session, within, made):
            document.resource["context"]["related"].append(reference(draft))
    return specimens


def _informed(session: Session, info: Group, shared: Report) -> None:
    """0017: times, assessment, alerts and who signs."""
    draft, found = shared.draft, parts(session, info)
    issued = instant(session, only(found, "8216"))
    if issued is not None:
        session.say(draft, "issued", issued)
    received = when(session, only(found, "8215"))
    for made in {id(one): one for one in shared.specimens.values()}.values():
        if received is not None:
            made.resource.setdefault("receivedTime", received)
    for said in texts(session, [*found.get("8247", ()), *found.get("8167", ())]):
        _conclude(draft, said)
    alerts(session, found, draft, shared.sender)
    if info.has("7320"):
        recall(session, info, draft, shared.sender)
    _signatures(session, found, draft)
    for leaf in info.all("7258") + info.all("7251"):
        session.ignored.append((leaf, "catalogue of services; the services name theirs"))


def _signatures(session: Session, found: Parts, draft: Draft) -> None:
    """8141: who answers for the report."""
    for one in found.get("8141", ()):
        who = signed(session, one)
        if who is not None:
            session.append(draft, "resultsInterpreter", who)


def _conclude(draft: Draft, said: str) -> None:
    before = draft.resource.get("conclusion")
    draft.resource["conclusion"] = (
        said if before is None else derived(f"{before}\n{said}", before, said)
    )


def _results(session: Session, inner: Group, shared: Report) -> None:
    """0035: every finding in the order it stands there."""
    draft = shared.draft
    sections: list[Text | str] = []
    made: list[Draft] = []
    objects = table(PACKAGE, "ldt-object")
    for one in inner.groups:
        if one.name not in objects:
            continue
        sections.append(objects[one.name].system)
        found = culture if one.name == "Obj_0061" else finding
        made.append(found(session, shared, one))
    for result in made:
        session.append(draft, "result", reference(result))
    draft.resource["category"] = [
        {"coding": [{"system": f"{V2}0074", "code": code}]}
        for code in dict.fromkeys(["LAB", *sections])
    ]
    _amended(inner, draft)


def _amended(inner: Group, draft: Draft) -> None:
    """A complete report with a corrected result is corrected itself."""
    corrected = [
        leaf for one in inner.groups for leaf in one.all("8418") if leaf.strip() in _CORRECTED
    ]
    status = draft.resource["status"]
    if corrected and status == "final":
        draft.resource["status"] = derived("amended", status, *corrected)


def _finish(session: Session, found: Parts, inner: Group | None, shared: Report) -> None:
    """What stands around the results: 8221, texts, signature, attachments."""
    draft = shared.draft
    within = parts(session, inner) if inner is not None else {}
    issued = instant(session, only(within, "8221"))
    if issued is not None:
        session.say(draft, "issued", issued)
        if draft.resource["issued"] != issued:
            session.append(draft, "extension", _written(issued))
    _signatures(session, within, draft)
    for said in texts(session, [*within.get("8167", ()), *found.get("8167", ())]):
        _conclude(draft, said)
    info = only(found, "8117")
    held = parts(session, info) if info is not None else {}
    documents = [one for part in (held, within, found) for one in attached(session, part, draft)]
    forms = [form for one in documents if (form := form_of(one)) is not None]
    if forms:
        draft.resource["presentedForm"] = forms


def _written(moment: str) -> dict[str, Any]:
    """When the results were put together, where that is not when the report was made."""
    return {"url": RESULTS_COMPILED, "valueInstant": moment}
