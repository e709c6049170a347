"""DiagnosticReport with order, results, material and forms → record 8205."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.trace import Text
from mappers.xdt.write.files import WIDTH
from mappers.xdt.write.ldt.microbiology import culture, is_culture, members
from mappers.xdt.write.ldt.objects import obj, stamp, words
from mappers.xdt.write.ldt.parties import FIELD, patient, sender, signature
from mappers.xdt.write.ldt.results import finding
from mappers.xdt.write.ldt.specimens import material, vessel
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing

#: Statuses of a report whose order is not complete (8401).
_OPEN = frozenset({"registered", "partial", "preliminary"})
_LABORATORY_REPORT = "100"


def report(w: Writing, made: Resource, who: Resource) -> list[Field]:
    """8205: everything one report says."""
    w.carried(made.get("category"), made.get("code"), made.get("performer"))
    order = _order(w, made)
    fields = sender(w, order.get("requester"))
    fields += patient(w, who)
    fields += _info(w, made, order)
    specimens = _specimens(w, made)
    vessels = {id(one): vessel(w, one, place) for place, one in enumerate(specimens)}
    for one in specimens:
        fields += material(w, one, vessels[id(one)])
    fields += _results(w, made, vessels)
    return fields + _attached(w, made)


def _order(w: Writing, made: Resource) -> Resource:
    """The order a report answers; empty where the delivery holds none."""
    for reference in made.get("basedOn", ()):
        found = w.source.resolve(reference)
        if found is not None:
            w.carried(reference, found.get("status"), found.get("intent"), found.get("code"))
            return found
    return {}


def _numbered(w: Writing, resources: list[Resource], kind: str) -> Text | None:
    """The first number of this kind (PLAC, FILL); of others that say the same too."""
    found: Text | None = None
    for resource in resources:
        for one in resource.get("identifier", ()):
            codes = [str(coding.get("code")) for coding in one.get("type", {}).get("coding", ())]
            if kind in codes and (found is None or one.get("value") == found):
                found = one.get("value")
                w.carried(one)
    return found


def _info(w: Writing, made: Resource, order: Resource) -> list[Field]:
    """0017: numbers, whether the order is complete, when the report was made and by whom."""
    put = w.pen.field
    placer, filler = (_numbered(w, [made, order], kind) for kind in ("PLAC", "FILL"))
    number = w.identifier(made, f"{w.namespace}/report")
    known = number or filler or placer or str(made.get("id", ""))
    w.carried(made.get("status"))
    fields = put("8310", placer) + stamp(w, "8214", order.get("authoredOn"))
    fields += put("8311", filler if filler is not None else known) + put("7305", known)
    fields += [("8401", "1" if str(made.get("status")) in _OPEN else "2")]
    fields += stamp(w, "8216", made.get("issued"))
    return obj("8117", fields, signature(w, made.get("resultsInterpreter", [])))


def _specimens(w: Writing, made: Resource) -> list[Resource]:
    found = []
    for reference in made.get("specimen", ()):
        one = w.source.resolve(reference)
        if one is not None:
            w.carried(reference)
            found.append(one)
    return found or w.source.of("Specimen")


def _results(w: Writing, made: Resource, vessels: dict[int, str]) -> list[Field]:
    """0035: the results in their order; panels part by part, cultures as they are."""
    fields: list[Field] = []
    count = 0
    for one in _listed(w, made):
        parts = [] if is_culture(w, one) else _parts(w, one)
        for said in parts or [one]:
            count += 1
            if is_culture(w, one):
                fields += culture(w, one, count, vessels)
            else:
                fields += finding(w, one, count, vessels, said)
        if parts:
            w.carried(one.get("code"))
    fields += stamp(w, "8221", made.get("issued"))
    conclusion = made.get("conclusion")
    return obj("8135", fields, words(w, "8167", conclusion) if conclusion is not None else [])


def _listed(w: Writing, made: Resource) -> list[Resource]:
    """The results a report lists, members of groups in the place of their group."""
    found: list[Resource] = []
    for reference in made.get("result", ()):
        one = w.source.resolve(reference)
        if one is None:
            continue
        w.carried(reference)
        if one.get("hasMember") and not is_culture(w, one):
            w.carried(one.get("code"), one.get("status"), one.get("category"))
            found += members(w, one)
        else:
            found.append(one)
    return found


def _parts(w: Writing, one: Resource) -> list[Resource]:
    """The components that are results themselves."""
    if any(name.startswith("value") for name in one):
        return []
    return [part for part in one.get("component", ()) if not w.field_of(part)]


def _attached(w: Writing, made: Resource) -> list[Field]:
    """8110: forms of the report and documents, each once."""
    fields: list[Field] = []
    told: set[str] = set()
    documents = w.source.of("DocumentReference")
    for document in documents:
        w.carried(document.get("status"), document.get("masterIdentifier"))
        w.carried(document.get("context", {}).get("related"))
        kind = w.coding(document.get("type", {}), f"{FIELD}9970")
        for content in document.get("content", ()):
            one = content.get("attachment", {})
            told.add(str(one.get("url", "")))
            fields += _form(w, one, kind or _LABORATORY_REPORT)
    for one in made.get("presentedForm", ()):
        if str(one.get("url", "")) in told and one.get("url") is not None:
            w.carried(one)
        else:
            fields += _form(w, one, _LABORATORY_REPORT)
    return fields


def _form(w: Writing, one: dict[str, Any], kind: str) -> list[Field]:
    """0010 with its base64 text 0068."""
    binary = w.source.named(one["url"]) if "url" in one else None
    encoded = one.get("data") or (binary.get("data") if binary is not None else None)
    if not isinstance(encoded, Text):
        return []
    if binary is not None:
        w.carried(binary.get("contentType"))
    w.carried(encoded, one.get("url"), one.get("size"), one.get("hash"), one.get("creation"))
    lines = [("6329", encoded[at : at + WIDTH]) for at in range(0, len(encoded), WIDTH)]
    media = str(one.get("contentType", ""))
    ending = media.partition(";")[0].rpartition("/")[2].upper() or "DAT"
    w.carried(one.get("contentType"))
    fields = [*w.pen.field("9970", kind), *obj("8242", lines), ("6303", ending)]
    return obj("8110", fields, [("6328", "base64")], w.pen.field("6327", one.get("title")))
