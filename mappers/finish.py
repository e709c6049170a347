"""The end of a translation: what was drafted becomes plain, claims its profile and is written.

Entries of the sender's directory return from message to message with the same content: one that
a message adds nothing to is recalled as it was finished before, with the leaves that say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from mappers.base import Change, Context, Memory, Resource
from mappers.claim import add_claim, may_claim
from mappers.drafts import Draft, EntryDraft
from mappers.mend import without
from mappers.trace import Finished, finished, lineage
from profiles.reading.foreign_json import read_own

#: Types that say who and where, whoever the patient is.
_DIRECTORY = frozenset({"Device", "Location", "Organization", "Practitioner"})
#: Target of the Provenance of a message that says nothing about any resource.
_NOTHING = {"display": "no resource"}


class Concluded(NamedTuple):
    """What one message came to."""

    changes: tuple[Change, ...]
    #: Provenance of the translation, with its targets.
    origin: Resource
    #: FHIR element → source paths, when asked for.
    lineage: dict[str, tuple[str, ...]] | None
    #: Leaves of the source found in the output.
    seen: set[int]


def conclude(
    drafted: Iterable[Draft], origin: Resource, context: Context, path: Callable[[int], str]
) -> Concluded:
    """Finish what a message says; `path` names a leaf of the source."""
    drafts = _ordered(drafted)
    _leave_out(drafts, context.without)
    origin["target"] = _targets(drafts)
    traced = _lineage(drafts, origin, path) if context.lineage else None
    seen: set[int] = set()
    changes, origin = finish(drafts, origin, context.memory, seen)
    return Concluded(changes, origin, traced, seen)


def _ordered(drafts: Iterable[Draft]) -> list[Draft]:
    """The directory follows what is about the patient."""
    about: list[Draft] = []
    directory: list[Draft] = []
    for draft in drafts:
        (directory if draft.type in _DIRECTORY else about).append(draft)
    return about + directory


def _targets(drafts: list[Draft]) -> list[dict[str, str]]:
    """What the Provenance is about: every resource that stands alone."""
    return [{"reference": f"{draft.type}/{draft.id}"} for draft in drafts if not draft.partial] or [
        dict(_NOTHING)
    ]


def _leave_out(drafts: list[Draft], places: Mapping[str, tuple[str, ...]]) -> None:
    for draft in drafts if places else ():
        left = places.get(f"{draft.type}/{draft.id}")
        if left:
            draft.resource = without(draft.resource, left)


def _lineage(
    drafts: list[Draft], origin: Resource, path: Callable[[int], str]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for resource in (*(draft.resource for draft in drafts), origin):
        name = f"{resource['resourceType']}/{resource['id']}"
        found.update(lineage(resource, name, path))
    return found


def finish(
    drafts: Sequence[Draft], origin: Resource, memory: Memory, seen: set[int]
) -> tuple[tuple[Change, ...], Resource]:
    """Return the changes and the Provenance `origin`, finished; collect the leaves in them."""
    recalled = [_recalled(draft, memory, seen) for draft in drafts]
    resources = []
    for draft, known in zip(drafts, recalled, strict=True):
        if known is None:
            if may_claim(draft.action, partial=draft.partial):
                add_claim(draft.resource)
            resources.append(draft.resource)
    add_claim(origin)
    *made, provenance = finished([*resources, origin], seen)
    rest = iter(made)
    changes = [
        draft.change(known if known is not None else next(rest))
        for draft, known in zip(drafts, recalled, strict=True)
    ]
    return tuple(changes), read_own(provenance.body, decimals=provenance.has_decimals)


def _recalled(draft: Draft, memory: Memory, seen: set[int]) -> Finished | None:
    """Return what an entry of the directory was finished to; None for what is more or less."""
    if not isinstance(draft, EntryDraft) or draft.says_more():
        return None
    if not may_claim(draft.action, partial=draft.partial):
        return None
    key = (_recalled, id(draft.entry))
    known = memory.kept.get(key)
    if known is None or known[0] is not draft.entry:
        return _remembered(draft, memory, seen)
    _, recalled, leaves = known
    seen |= leaves
    made: Finished = recalled
    return made


def _remembered(draft: EntryDraft, memory: Memory, seen: set[int]) -> Finished:
    leaves: set[int] = set()
    add_claim(draft.resource)
    (made,) = finished([draft.resource], leaves)
    memory.offer((_recalled, id(draft.entry)), (draft.entry, made, leaves), draft.entry)
    seen |= leaves
    return made
