"""Does a provision name what a part of the answer is related to, or who made it?

`data` (instance, related, dependents, authoredby) and actors with the role of an author (rule R5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.consent import compiled
from gateway.consent.answer import Part
from gateway.consent.codes import AUTHOR_ELEMENTS, REFERS_FORWARD
from gateway.consent.compiled import DataTest, Named, Rule
from gateway.consent.match import NO, UNKNOWN, YES, Truth, by_identifier, either
from gateway.consent.references import at_path, identifier_key, relative, tail
from gateway.consent.surroundings import Surroundings


def authors(rule: Rule, part: Part, _around: Surroundings) -> Truth:
    """Compare the author actors of a provision with who made a part."""
    return either(
        _authored_by(actor.named, part)
        for actor in rule.actors
        if actor.capacity == compiled.AUTHOR
    )


def _authored_by(named: Named, part: Part) -> Truth:
    """Compare who made a part with a reference; nobody stated is unknown."""
    host = part.host()
    if not host.type:
        return UNKNOWN
    elements = AUTHOR_ELEMENTS.get(host.type)
    if elements is None:
        return NO
    makers = [value for element in elements for value in at_path(host.resource, element)]
    return either(_same(named, author, part) for author in makers) if makers else UNKNOWN


def _same(named: Named, reference: Any, part: Part) -> Truth:
    if not isinstance(reference, Mapping):
        return UNKNOWN
    literal = reference.get("reference")
    name = part.answer.resolve(literal) if isinstance(literal, str) else ""
    if name and name == named.reference:
        return YES
    key = identifier_key(reference.get("identifier"))
    if key and key in named.identifiers:
        return YES
    same_type = name.split("/", 1)[0] == named.reference.split("/", 1)[0]
    return NO if name and named.comparable and same_type else UNKNOWN


def data(rule: Rule, part: Part, _around: Surroundings) -> Truth:
    """Compare the data a provision names with a part."""
    return either(_datum(one, part) for one in rule.data)


def _datum(test: DataTest, part: Part) -> Truth:
    host = part.host()
    if not host.type:
        return UNKNOWN
    if test.meaning == "authoredby":
        return _authored_by(test.named, host)
    itself = _is(test.named, host)
    if itself == YES or test.meaning == "instance":
        return itself
    name = test.named.reference
    if not relative(name):
        return UNKNOWN
    if name in host.references() or (host.parent and name in host.parent.references()):
        return YES
    return NO if test.meaning == "dependents" else _referred_to_by(name, host)


def _is(named: Named, part: Part) -> Truth:
    """Whether a part is the resource a provision names."""
    if named.reference == part.ident or (named.reference and named.reference == part.full_url):
        return YES
    if part.parent is not None and named.reference == part.parent.ident:
        return YES
    own = part.resource.get("identifier")
    keys = [key for key in map(identifier_key, own if isinstance(own, list) else [own]) if key]
    if any(key in named.identifiers for key in keys):
        return YES
    if named.comparable:
        return NO
    if named.identifiers and not named.reference:
        return by_identifier(named.identifiers, keys)
    # Known by an address elsewhere: cannot be ruled out for a resource of that type.
    kind = tail(named.reference).split("/", 1)[0]
    return NO if kind and kind != part.type else UNKNOWN


def _referred_to_by(name: str, part: Part) -> Truth:
    """Whether the resource of that name refers to the part."""
    holders = part.answer.named(name)
    if holders:
        return YES if any(part.ident in holder.references() for holder in holders) else NO
    forward = REFERS_FORWARD.get(name.split("/", 1)[0])
    return NO if forward is not None and part.type not in forward else UNKNOWN
