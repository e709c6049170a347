"""Resources that come along with a page: `_include` and `_revinclude`, each as the caller sees it.

https://hl7.org/fhir/R4/search.html#revinclude. What is hidden is left out like what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.api.access import Seen, visible
from gateway.api.collecting import Asker, everything
from gateway.api.inclusion import Inclusion, Name, targets
from profiles.issue import Issue
from profiles.search import AnyOf, Condition, Criteria, ReferenceValue

#: Resources that come along at most, and how far `:iterate` goes.
_MOST = 1_000
_DEEPEST = 6
NOT_ALL = Issue(
    "warning", "too-costly", "Not everything that was to be included stands in this answer."
)


@dataclass(slots=True)
class _Brought:
    """What came along so far."""

    known: set[Name]
    seen: list[Seen] = field(default_factory=list)
    whole: bool = True

    def add(self, more: Iterable[Seen]) -> list[Seen]:
        """Take what is new, and return it."""
        new = []
        for one in more:
            name = (one.stored.type, one.stored.id)
            if name in self.known:
                continue
            if len(self.seen) == _MOST:
                self.whole = False
                break
            self.known.add(name)
            self.seen.append(one)
            new.append(one)
        return new


async def included(
    asker: Asker, matches: Sequence[Seen], inclusions: Sequence[Inclusion]
) -> tuple[list[Seen], bool]:
    """Return what comes along with a page, and whether that is all of it."""
    brought = _Brought({(one.stored.type, one.stored.id) for one in matches})
    followed, frontier = list(inclusions), list(matches)
    for _ in range(_DEEPEST):
        if not frontier or not followed:
            return brought.seen, brought.whole
        new = brought.add(await _forward(asker, frontier, followed, brought))
        new += brought.add(await _backward(asker, frontier, followed, brought))
        followed = [one for one in inclusions if one.iterate]
        frontier = new
    return brought.seen, brought.whole and not (frontier and followed)


async def _forward(
    asker: Asker, frontier: Sequence[Seen], followed: Sequence[Inclusion], brought: _Brought
) -> list[Seen]:
    base, parameters = asker.gateway.options.base_url, asker.gateway.options.parameters
    forward = [one for one in followed if not one.reverse]
    wanted: dict[Name, None] = {}
    for one in frontier if forward else ():
        wanted |= dict.fromkeys(targets(one.resource, forward, parameters, base))
    names = [name for name in wanted if name not in brought.known]
    if not names:
        return []
    stored = [one for one in await asker.gateway.named(names) if not one.deleted]
    return await visible(asker.gateway, asker.identity, stored, channel="search")


async def _backward(
    asker: Asker, frontier: Sequence[Seen], followed: Sequence[Inclusion], brought: _Brought
) -> list[Seen]:
    found: list[Seen] = []
    for one in followed:
        criteria = _pointing(asker, frontier, one) if one.reverse else None
        if criteria is None:
            continue
        seen = await everything(asker, asker.query([criteria]), most=_MOST)
        brought.whole = brought.whole and seen is not None
        found += seen or []
    return found


def _pointing(asker: Asker, frontier: Sequence[Seen], inclusion: Inclusion) -> Criteria | None:
    """Return the criteria of what points to some of these; None when nothing may."""
    base = asker.gateway.options.base_url
    nodes = []
    for parameter in inclusion.parameters(inclusion.source, asker.gateway.options.parameters):
        names = [
            f"{one.stored.type}/{one.stored.id}"
            for one in frontier
            if one.stored.type in parameter.targets and inclusion.target in {"", one.stored.type}
        ]
        keys = frozenset([*names, *[f"{base}/{name}" for name in names]])
        if names:
            value = (ReferenceValue(keys),)
            nodes.append(Condition(parameter.name, "reference", "", value, parameter))
    return Criteria(inclusion.source, (AnyOf(tuple(nodes)),)) if nodes else None
