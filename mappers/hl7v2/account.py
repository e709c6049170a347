"""Loss accounting: every non-empty leaf is mapped, ignored for a stated reason, or unmapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from mappers.base import Loss
from mappers.codes import rows
from mappers.hl7v2.session import PACKAGE, Session
from mappers.trace import collect, settle

_DELETES_COMPONENT = "deletes a component: the whole element is stated anew"


@cache
def _ignored() -> Mapping[str, str]:
    return {row["path"]: row["reason"] for row in rows(PACKAGE, "codes", "ignored")}


def account(session: Session, outputs: Iterable[Any]) -> Loss:
    """Walk the output, leave plain values behind and balance it against the source."""
    message = session.message
    message.split_all()
    seen: set[int] = set()
    for output in outputs:
        settle(output, seen)
    collect(session.echoes, seen)
    collect(session.deleted, seen)
    total = len(message.leaves)
    if total == len(seen):
        return Loss(total, total)
    return _missing(session, seen)


def _missing(session: Session, seen: set[int]) -> Loss:
    message = session.message
    reasons = _reasons(session)
    unmapped: list[tuple[str, str]] = []
    ignored: list[tuple[str, str]] = []
    standard, local = _ignored(), session.dialect.ignore
    for leaf in message.leaves:
        source: int = leaf.source  # type: ignore[assignment]  # a leaf's source is one int
        if source in seen:
            continue
        segment, field = message.segment_of(source)
        place = f"{segment.name}-{field}"
        reason = (
            reasons.get(source)
            or local.get(place)
            or local.get(segment.name)
            or standard.get(place)
            or standard.get(segment.name)
            or (_DELETES_COMPONENT if leaf == '""' and source & ((1 << 26) - 1) else None)
        )
        if reason is not None:
            ignored.append((message.path(source), reason))
        else:
            unmapped.append((message.path(source), str(leaf)))
    total = len(message.leaves)
    mapped = total - len(ignored) - len(unmapped)
    return Loss(total, mapped, len(ignored), tuple(unmapped), tuple(ignored))


def _reasons(session: Session) -> dict[int, str]:
    """Reasons found while mapping, by leaf."""
    found: dict[int, str] = {}
    for value, reason in session.ignored:
        leaves: set[int] = set()
        collect(value, leaves)
        found.update(dict.fromkeys(leaves, reason))
    return found
