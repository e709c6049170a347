"""Loss accounting: every non-empty leaf is mapped, ignored for a stated reason, or unmapped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from mappers.base import Loss
from mappers.codes import rows
from mappers.hl7v2.left_out import ignored as ignored_by
from mappers.hl7v2.places import inside_field, inside_segment, segment_index, segment_place
from mappers.hl7v2.session import PACKAGE, Session
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import Source, Text, collect, unseen

#: Segments that mean the same wherever they stand among those of a patient.
_OF_THEMSELVES = frozenset(
    {"AL1", "DG1", "GT1", "IAM", "IN1", "NK1", "PR1", "PRT", "ROL", "RXA", "RXO"}
)
_DELETES_COMPONENT = "deletes a component: the whole element is stated anew"


@cache
def _ignored() -> Mapping[str, str]:
    return {row["path"]: row["reason"] for row in rows(PACKAGE, "codes", "ignored")}


def account(session: Session, seen: set[int]) -> Loss:
    """Balance the leaves found in the output against the source."""
    message = session.message
    leaves = message.split_all()
    collect([session.echoes, session.deleted], seen)
    total = len(leaves)
    lost = unseen(leaves, seen)
    if not lost:
        return Loss(total, total)
    return _missing(session, lost, total, seen)


def _missing(session: Session, lost: list[Text], total: int, seen: set[int]) -> Loss:
    """Tell ignored from unmapped; messages of one sender miss the same places again and again."""
    message = session.message
    places = tuple([leaf.source for leaf in lost])
    deleting = tuple([leaf.source for leaf in lost if leaf == '""'])
    memory = session.context.memory
    reasons = _reasons(session)
    key = (_missing, message.shape, places, deleting, tuple(reasons.items()))
    known = memory.kept.get(key)
    if known is None:
        known = _explained(session, lost, reasons)
        memory.offer(key, known)
    ignored, paths = known
    left = [leaf for leaf in lost if leaf.source in paths]
    if left:
        left = _not_repeated(message.segments, left, seen)
    unmapped = tuple([(paths[leaf.source], str(leaf)) for leaf in left])
    mapped = total - len(ignored) - len(unmapped)
    return Loss(total, mapped, len(ignored), unmapped, ignored)


def _not_repeated(segments: list[Segment], lost: list[Text], seen: set[int]) -> list[Text]:
    """Leave out the leaves of segments that say again, word for word, what another one says."""
    first: dict[tuple[str, ...], int] = {}
    again: dict[int, int] = {}
    for segment in segments:
        if segment.name == "PID":
            first.clear()
        if segment.name not in _OF_THEMSELVES:
            continue
        before = first.setdefault(tuple(segment.raw), segment.index)
        if before != segment.index:
            again[segment.index] = segment_place(before)
    return [leaf for leaf in lost if _elsewhere(leaf, again) not in seen] if again else lost


def _elsewhere(leaf: Text, again: Mapping[int, int]) -> int:
    """The same place of the segment a leaf's segment repeats; its own when it repeats none."""
    source: int = leaf.source  # type: ignore[assignment]  # a leaf's source is one int
    before = again.get(segment_index(source))
    return source if before is None else before | inside_segment(source)


def _explained(
    session: Session, lost: list[Text], reasons: dict[int, str]
) -> tuple[tuple[tuple[str, str], ...], dict[Source, str]]:
    """Paths ignored with their reasons, and the paths nobody mapped by place."""
    message = session.message
    standard, local = _ignored(), ignored_by(session.context)
    ignored: list[tuple[str, str]] = []
    unmapped: dict[Source, str] = {}
    for leaf in lost:
        source: int = leaf.source  # type: ignore[assignment]  # a leaf's source is one int
        reason = reasons.get(source)
        if reason is None:
            segment, field = message.segment_of(source)
            reason = _reason(standard, local, segment.name, field)
        if reason is None and leaf == '""' and inside_field(source):
            reason = _DELETES_COMPONENT
        if reason is not None:
            ignored.append((message.path(source), reason))
        else:
            unmapped[source] = message.path(source)
    return tuple(ignored), unmapped


def _reason(
    standard: Mapping[str, str], local: Mapping[str, str], name: str, field: int
) -> str | None:
    place = f"{name}-{field}"
    if local:
        found = local.get(place) or local.get(name)
        if found is not None:
            return found
    return standard.get(place) or standard.get(name)


def _reasons(session: Session) -> dict[int, str]:
    """Reasons found while mapping, by leaf."""
    found: dict[int, str] = {}
    for value, reason in session.ignored:
        leaves: set[int] = set()
        collect(value, leaves)
        found.update(dict.fromkeys(leaves, reason))
    return found
