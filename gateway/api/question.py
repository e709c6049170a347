"""What a search asks: criteria about resources, and how the answer is to be.

https://hl7.org/fhir/R4/search.html. Parameters nobody knows are ignored with a note, or refused
with `Prefer: handling=strict`; what would widen the result if it were ignored is always refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.api import cursor
from gateway.api.auth import Identity
from gateway.api.compartment import within
from gateway.api.inclusion import Inclusion, parse_inclusion
from gateway.api.ports import Gateway
from gateway.api.types import resource_types
from gateway.api.vocabulary import Vocabulary, vocabulary
from profiles.issue import Issue, NotConformant, NotSupported
from profiles.search import (
    COMBINING,
    Criteria,
    Parameter,
    SortKey,
    Surroundings,
    parse_criteria,
    parse_sort,
)

Pairs = Sequence[tuple[str, str]]

#: Parameters about the form of the answer, which other files look at.
FORM = frozenset({"_format", "_pretty"})
#: Parameters about what the answer has, which links repeat.
RESULT = frozenset(
    {"_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude"}
)
_TOTALS = frozenset({"none", "estimate", "accurate"})
_SUMMARIES = frozenset({"true", "false", "text", "data", "count"})
_IGNORED = Issue(
    "warning",
    "not-supported",
    "Parameters that are not evaluated here were ignored; Prefer: handling=strict refuses them.",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search is asked: a type, everything, or the compartment of one resource."""

    #: "" for all types.
    type: str = ""
    #: Type and id of a compartment's owner; "" for none.
    compartment: str = ""
    owner: str = ""
    #: Name of the operation that asks, with its $; "" for a search.
    operation: str = ""

    @property
    def path(self) -> str:
        """The address below the base."""
        if not self.compartment:
            return self.type
        return f"{self.compartment}/{self.owner}/{self.operation or self.type or '*'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search as understood."""

    place: Place
    #: One for each type; a resource has to meet any.
    criteria: tuple[Criteria, ...]
    order: tuple[SortKey, ...]
    #: The parameters that take part, as they go into links.
    used: tuple[tuple[str, str], ...]
    count: int
    #: none, estimate, accurate, or "" where the caller does not care.
    total: str
    #: True: the number alone is wanted.
    counting: bool
    includes: tuple[Inclusion, ...]
    #: Where the last page ended; () for the first.
    after: tuple[Any, ...]
    #: What was ignored, because the caller did not ask for strict handling.
    warnings: tuple[Issue, ...]


async def read_question(
    gateway: Gateway, identity: Identity, place: Place, pairs: Pairs, *, strict: bool
) -> Question:
    """Read the parameters of a search. Raises NotConformant, NotSupported, Unavailable."""
    parameters, types = gateway.options.parameters, _types(place, pairs)
    known = [parameters.of(one) for one in types]
    asked, used, ignored = _sorted_out(known, pairs, of_type=bool(place.type), strict=strict)
    control = {name: value for name, value in pairs if name in RESULT or name == "_page"}
    count = _count(control.get("_count"), gateway.options.page)
    summary = _one_of(control.get("_summary", "false"), _SUMMARIES, "_summary")
    return Question(
        place=place,
        criteria=_criteria(gateway, place, types, asked, await vocabulary(gateway, asked)),
        order=parse_sort(types, control["_sort"], parameters) if control.get("_sort") else (),
        used=tuple(used),
        count=count,
        total=_one_of(control["_total"], _TOTALS, "_total") if control.get("_total") else "",
        counting=count == 0 or summary == "count",
        includes=tuple(
            parse_inclusion(name, value, parameters)
            for name, value in used
            if name.partition(":")[0] in {"_include", "_revinclude"}
        ),
        after=_after(gateway, identity, place, used, control.get("_page")),
        warnings=(_IGNORED,) if ignored else (),
    )


def _types(place: Place, pairs: Pairs) -> tuple[str, ...]:
    if place.type:
        return (place.type,)
    named = [one for name, value in pairs if name == "_type" for one in value.split(",") if one]
    if any(one not in resource_types() for one in named):
        raise NotSupported("_type names what is no FHIR R4 resource type")
    return tuple(dict.fromkeys(named)) or resource_types()


def _sorted_out(
    known: Sequence[Mapping[str, Parameter]], pairs: Pairs, *, of_type: bool, strict: bool
) -> tuple[list[tuple[str, str]], list[tuple[str, str]], bool]:
    """Return what asks about resources, what takes part at all, and whether some is ignored."""
    asked: list[tuple[str, str]] = []
    used: list[tuple[str, str]] = []
    ignored = False
    for name, value in pairs:
        plain = name.partition(":")[0]
        if name in FORM or name == "_page" or not value:
            continue
        if plain in RESULT or (name == "_type" and not of_type):
            used.append((name, value))
        elif strict or _is_about_resources(known, plain):
            asked.append((name, value))
            used.append((name, value))
        else:
            ignored = True
    return asked, used, ignored


def _is_about_resources(known: Sequence[Mapping[str, Parameter]], plain: str) -> bool:
    """Ignoring a chain or a modifier would widen the result, so leniency does not apply."""
    return plain in COMBINING or "." in plain or any(plain in one for one in known)


def _criteria(
    gateway: Gateway,
    place: Place,
    types: tuple[str, ...],
    asked: Pairs,
    codes: Vocabulary | None,
) -> tuple[Criteria, ...]:
    around = Surroundings(
        now=gateway.now(),
        base=gateway.options.base_url,
        parameters=gateway.options.parameters,
        codes=codes,
        linked=True,
    )
    read = [parse_criteria(one, parameters=asked, around=around) for one in types]
    if not place.compartment:
        return tuple(read)
    return within(place.compartment, place.owner, read, base=gateway.options.base_url)


def _count(stated: str | None, most: int) -> int:
    if not stated:
        return most
    if not stated.isdecimal() or len(stated) > 6:
        raise NotConformant("_count is a number.")
    return min(int(stated), most)


def _one_of(value: str, known: frozenset[str], name: str) -> str:
    if value not in known:
        raise NotConformant(f"{name} is none of its codes.")
    return value


# links ---------------------------------------------------------------------------
def _scope(identity: Identity, place: Place, used: Pairs) -> bytes:
    """What a page link is good for: this caller and this search."""
    asked = [pair for pair in used if pair[0] != "_count"]
    return f"{identity.organization}\n{place.path}\n{urlencode(asked)}".encode()


def _after(
    gateway: Gateway, identity: Identity, place: Place, used: Pairs, token: str | None
) -> tuple[Any, ...]:
    if not token:
        return ()
    raw = cursor.open_bytes(token, gateway.options.cursor_key, _scope(identity, place, used))
    try:
        return tuple(orjson.loads(raw))
    except (ValueError, TypeError):
        # One of a former version of the gateway.
        raise NotConformant("The page link is not one of this search.") from None


def address(base: str, place: Place, pairs: Pairs) -> str:
    """Return the address of a search."""
    start = f"{base}/{place.path}" if place.path else base
    return f"{start}?{urlencode(pairs)}" if pairs else start


def next_address(
    gateway: Gateway, identity: Identity, question: Question, following: tuple[Any, ...]
) -> str:
    """Return the address of the page behind `following`."""
    options = gateway.options
    scope = _scope(identity, question.place, question.used)
    page = cursor.seal_bytes(orjson.dumps(following), options.cursor_key, scope)
    kept = [pair for pair in question.used if pair[0] != "_count"]
    more = [*kept, ("_count", str(question.count)), ("_page", page)]
    return address(options.base_url, question.place, more)
