"""What withholding one part means for the others of the same answer (trust rules L5, L7).

Attachments go with their document, statements about resources with the resources, directory
entries with whoever refers to them; what cannot be cut goes as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.consent.answer import Answer, Part
from gateway.consent.codes import LEFTOVERS, SPEAKS_OF
from gateway.consent.decision import Reason
from gateway.consent.person import Verdict
from gateway.consent.references import without_all
from gateway.consent.shape import fields, objects, text

_WITH_DOCUMENT = Verdict(permit=False, rule="L7 part of a hidden one", reason=Reason.INDIVISIBLE)
_ONLY_WITHHELD = Verdict(
    permit=False, rule="L5 only withheld parts refer to it", reason=Reason.ONLY_WITHHELD
)
_SIGNED = Verdict(
    permit=False,
    rule="L7 signed document",
    reason=Reason.INDIVISIBLE,
    obligations=("offer-unsigned-extract",),
)
_NARRATIVE = Verdict(permit=False, rule="L7 narrative only", reason=Reason.INDIVISIBLE)

_LISTS = frozenset({"searchset", "history", "batch-response", "transaction-response"})

Judged = list[tuple[Part, Verdict]]


def follow(answer: Answer, judged: Judged) -> Judged:
    """Withhold what must not stay behind alone."""
    hidden = {part.ident for part, verdict in judged if not verdict.permit}
    if not _is_list(answer) and all(p.ident in hidden or p.is_directory() for p in answer.parts):
        return [(part, _ONLY_WITHHELD if v.permit else v) for part, v in judged]
    changes = dict.fromkeys(_leftovers(answer, hidden), _WITH_DOCUMENT)
    for part in answer.parts:
        if part.type == "Binary" and any(r.ident in hidden for r in answer.referrers(part.ident)):
            changes.setdefault(part.ident, _WITH_DOCUMENT)
    _statements(answer, hidden | changes.keys(), changes)
    for ident in _left_alone(answer, hidden | changes.keys()):
        changes.setdefault(ident, _ONLY_WITHHELD)
    for part, verdict in _indivisible(answer, judged, hidden | changes.keys()):
        changes[part.ident] = verdict
    return [
        (part, changes[part.ident] if verdict.permit and part.ident in changes else verdict)
        for part, verdict in judged
    ]


def _leftovers(answer: Answer, hidden: set[str]) -> list[str]:
    """Name what nobody mapped of a message of which something is hidden."""
    if not hidden or _is_list(answer):
        return []
    return [part.ident for part in answer.parts if _is_leftover(part)]


def _is_leftover(part: Part) -> bool:
    """Whether it holds fields nobody mapped: they may tell what a resource of the message hides."""
    if part.type != "Basic":
        return False
    code = fields(part.resource.get("code"))
    return any(coding.get("system") in LEFTOVERS for coding in objects(code.get("coding")))


def _is_list(answer: Answer) -> bool:
    """Whether entries stand for themselves, as in the answer to a search.

    In a message, directory entries only accompany the patient's data: without them, nothing goes.
    """
    return any(text(bundle.get("type")) in _LISTS for bundle in answer.bundles)


def _statements(answer: Answer, hidden: set[str], changes: dict[str, Verdict]) -> None:
    """Hide a Provenance or MessageHeader when everything it speaks of here is hidden."""
    found = True
    while found:
        found = False
        for part in answer.parts:
            if part.type not in SPEAKS_OF or part.ident in hidden:
                continue
            about = part.spoken_of()
            if about and all(target.ident in hidden for target in about):
                changes[part.ident] = _ONLY_WITHHELD
                hidden.add(part.ident)
                found = True


def _left_alone(answer: Answer, hidden: set[str]) -> Iterator[str]:
    """Yield directory entries that only hidden parts lead to."""
    directory = {p.ident for p in answer.parts if p.parent is None and p.is_directory()}
    directory -= hidden
    if not directory:
        return
    cut = {name.partition("@")[0] for name in hidden if "@" in name}
    withheld = [p for p in answer.parts if p.ident in hidden or p.ident in cut]
    suspects = _reach(answer, directory, (p.references() for p in withheld))
    starts = [p for p in answer.parts if p.ident not in hidden and p.ident not in suspects]
    visible = (_references(p, hidden) if p.ident in cut else p.references() for p in starts)
    yield from suspects - _reach(answer, directory, visible)


def _references(part: Part, hidden: set[str]) -> frozenset[str]:
    """Give what a part refers to without its hidden elements."""
    paths = (n.partition("@")[2] for n in hidden if n.startswith(f"{part.ident}@"))
    return part.references_in(without_all(part.resource, paths))


def _reach(answer: Answer, directory: set[str], starts: Iterable[frozenset[str]]) -> set[str]:
    """Give the directory entries reached from references through directory entries."""
    reached: set[str] = set()
    pending = list[frozenset[str]]()
    for references in starts:
        pending.append(references)
        while pending:
            for name in pending.pop() & directory:
                if name not in reached:
                    reached.add(name)
                    pending += [part.references() for part in answer.named(name)]
        if len(reached) == len(directory):
            break
    return reached


def _indivisible(
    answer: Answer, judged: Judged, hidden: set[str]
) -> Iterator[tuple[Part, Verdict]]:
    """Yield every part of documents that something would have to be cut out of, but cannot."""
    for bundle in answer.bundles:
        if not _is_cut(bundle, judged, hidden):
            continue
        verdict = _SIGNED if bundle.get("signature") else None
        if verdict is None and bundle.get("type") == "document" and _cannot_be_cut(bundle, hidden):
            verdict = _NARRATIVE
        if verdict is not None:
            yield from ((p, verdict) for p, _ in judged if _resource(p).bundle is bundle)


def _is_cut(bundle: Mapping[str, Any], judged: Judged, hidden: set[str]) -> bool:
    return any(p.ident in hidden and _resource(p).bundle is bundle for p, _ in judged)


def _resource(part: Part) -> Part:
    """Give the entry a contained resource or an element stands in."""
    while part.parent is not None:
        part = part.parent
    return part


def _cannot_be_cut(bundle: Mapping[str, Any], hidden: set[str]) -> bool:
    """Whether a document has no Composition left, or tells its story in prose alone."""
    resources = [fields(entry.get("resource")) for entry in objects(bundle.get("entry"))]
    compositions = [r for r in resources if r.get("resourceType") == "Composition"]
    composition = compositions[0] if compositions else None
    if composition is None or f"Composition/{composition.get('id', '')}" in hidden:
        return True
    sections = list(_sections(composition))
    prose = any(section.get("text") for section in sections)
    return prose and not any(section.get("entry") for section in sections)


def _sections(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in objects(holder.get("section")):
        yield section
        yield from _sections(section)
