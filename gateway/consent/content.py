"""Does a provision's element match a part of the answer? Three values, as in `match.py`.

class, securityLabel, code, dataPeriod, data and author actors (rules R5, R7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.consent import compiled
from gateway.consent.answer import Part
from gateway.consent.codes import (
    ACT_CODE,
    AUTHOR_ELEMENTS,
    CLINICAL_DATES,
    CONFIDENTIALITY,
    DATELESS,
    FREE_TEXT,
    HIERARCHICAL_BY_PREFIX,
    MAIN_CODES,
    RANK,
    RECORDED_DATES,
    REFERS_FORWARD,
    RESOURCE_TYPES,
    SENSITIVITY_PARENTS,
    is_a,
)
from gateway.consent.compiled import Code, DataTest, Named, Rule
from gateway.consent.dates import Span, period, span
from gateway.consent.label import Labels
from gateway.consent.match import NO, UNKNOWN, YES, Truth, by_identifier, either
from gateway.consent.references import at_path, identifier_key, relative, tail
from gateway.consent.shape import fields, items, objects, text


class Surroundings:
    """What matching a part needs to know beside the part."""

    __slots__ = ("hold_unlabelled", "zone")

    def __init__(self, zone: ZoneInfo, *, hold_unlabelled: bool) -> None:
        """Keep the domain's zone and whether unlabelled free text is held."""
        self.zone = zone
        self.hold_unlabelled = hold_unlabelled


Test = Callable[[Rule, Part, Surroundings], Truth]


def tests(rule: Rule) -> tuple[Test, ...]:
    """Give the tests a provision needs, the cheap ones first."""
    found: list[Test] = []
    if rule.classes:
        found.append(_classes)
    if rule.labels:
        found.append(_labels)
    if rule.data_period is not None:
        found.append(_data_period)
    if rule.codes:
        found.append(_codes)
    if any(actor.capacity == compiled.AUTHOR for actor in rule.actors):
        found.append(_authors)
    if rule.data:
        found.append(_data)
    return tuple(found)


def _classes(rule: Rule, part: Part, _around: Surroundings) -> Truth:
    return either(_class(code, part) for code in rule.classes)


def _class(stated: Code, part: Part) -> Truth:
    system, code = stated
    if not part.type:
        return UNKNOWN
    if system in RESOURCE_TYPES or (not system and code[:1].isupper() and code.isalpha()):
        return YES if code == part.type else NO
    if "/StructureDefinition/" in code or "/StructureDefinition/" in system:
        profiles = items(fields(part.resource.get("meta")).get("profile"))
        return YES if code in profiles else UNKNOWN
    own = [c for name in ("type", "category", "class", "code") for c in _codings(part, name)]
    if any(c[1] == code and (c[0] == system or not system) for c in own):
        return YES
    document = part.type in FREE_TEXT or part.type == "DiagnosticReport"
    return UNKNOWN if document and not any(c[0] == system for c in own) else NO


def _labels(rule: Rule, part: Part, around: Surroundings) -> Truth:
    labels = part.labels()
    if not part.type or (around.hold_unlabelled and is_unlabelled_text(part)):
        return UNKNOWN
    if rule.type == compiled.DENY:
        return either(_denies(label, labels) for label in rule.labels)
    return YES if _permits(rule.labels, labels) else NO


def is_unlabelled_text(part: Part) -> bool:
    """Whether nobody can tell how sensitive a part is: free text that was never labelled."""
    if part.is_element or part.labels().labelled:
        return False
    if part.type == "Binary":
        referrers = part.answer.referrers(part.ident)
        return not referrers or any(is_unlabelled_text(referrer) for referrer in referrers)
    return part.type in FREE_TEXT or (
        part.type == "DiagnosticReport"
        and bool(part.resource.get("presentedForm") or part.resource.get("conclusion"))
    )


def _denies(stated: Code, labels: Labels) -> Truth:
    """Compare a label that is denied: it covers what is more confidential and what is below it."""
    system, code = stated
    if system == CONFIDENTIALITY:
        return YES if labels.rank >= RANK.get(code, 0) else NO
    if stated in labels.stated:
        return YES
    if system != ACT_CODE:
        return NO
    own = [c for s, c in labels.sensitivities if s == ACT_CODE]
    if any(is_a(c, code, SENSITIVITY_PARENTS) for c in own):
        return YES
    # Labelled with the umbrella of what is denied: it may be just that.
    return UNKNOWN if any(is_a(code, c, SENSITIVITY_PARENTS) for c in own) else NO


def _permits(stated: tuple[Code, ...], labels: Labels) -> bool:
    """Whether permitted labels reach this high or cover every sensitivity."""
    if any(s == CONFIDENTIALITY and RANK.get(c, -1) >= labels.rank for s, c in stated):
        return True
    return bool(labels.sensitivities) and all(
        any(
            own == one
            or (own[0] == one[0] == ACT_CODE and is_a(own[1], one[1], SENSITIVITY_PARENTS))
            for one in stated
        )
        for own in labels.sensitivities
    )


def _data_period(rule: Rule, part: Part, around: Surroundings) -> Truth:
    """Compare dates: any overlap for a deny, entirely inside for a permit."""
    limit = rule.data_period
    host = part.host()
    if not host.type:
        return UNKNOWN
    if limit is None or host.type in DATELESS:
        return NO
    clinical = list(_dates(host.resource, CLINICAL_DATES, around.zone))
    recorded = list(_dates(host.resource, RECORDED_DATES, around.zone))
    if rule.type == compiled.DENY:
        found = clinical + recorded
        overlaps = [d is not None and d[0] < limit[1] and limit[0] < d[1] for d in found]
        if any(overlaps):
            return YES
    else:
        found = clinical or recorded
    if not found or any(d is None for d in found):
        return UNKNOWN
    inside = all(d is not None and limit[0] <= d[0] and d[1] <= limit[1] for d in found)
    return YES if inside else NO


def _dates(
    resource: Mapping[str, Any], names: tuple[str, ...], zone: ZoneInfo
) -> Iterator[Span | None]:
    for name in names:
        value = resource.get(name)
        if isinstance(value, str):
            yield span(value, zone)
        elif isinstance(value, Mapping):
            yield period(value, zone)
        elif value is not None:
            yield None


def _codes(rule: Rule, part: Part, around: Surroundings) -> Truth:
    """Compare codes: anywhere in the resource for a deny, its main code for a permit."""
    part = part.host()
    if not part.type:
        return UNKNOWN
    main = main_codes(part)
    if rule.type != compiled.DENY:
        hit = any(_covers(one, code) for one in rule.codes if one[0] for code in main)
        return YES if hit else NO
    anywhere = set(_all_codings(part.resource))
    if any(_covers(one, code) for one in rule.codes for code in anywhere):
        return YES
    return UNKNOWN if _might_say(rule.codes, part, main, around) else NO


def main_codes(part: Part) -> list[Code]:
    """Give the codes that say what a part is about."""
    return [code for name in MAIN_CODES for code in _codings(part, name)]


def _might_say(
    stated: tuple[Code, ...], part: Part, main: list[Code], around: Surroundings
) -> bool:
    """Whether a part may mean a denied code without stating it."""
    if is_unlabelled_text(part):
        return around.hold_unlabelled
    if part.type == "Condition":
        return any(not any(code[0] == one[0] for code in main) for one in stated)
    return not main and any(part.resource.get(name) for name in MAIN_CODES)


def _covers(stated: Code, code: Code) -> bool:
    if stated[0] and stated[0] != code[0]:
        return False
    if stated[1] == code[1]:
        return True
    return code[0] in HIERARCHICAL_BY_PREFIX and code[1].startswith(stated[1])


def _all_codings(value: Any) -> Iterator[Code]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            code = item.get("code")
            if isinstance(code, str):
                yield text(item.get("system")), code
            stack.extend(v for v in item.values() if isinstance(v, dict | list))
        elif isinstance(item, list):
            stack.extend(v for v in item if isinstance(v, dict | list))


def _codings(part: Part, name: str) -> Iterator[Code]:
    for value in at_path(part.resource, name):
        if isinstance(value, Mapping):
            for coding in objects(value.get("coding", [value])):
                if isinstance(coding.get("code"), str):
                    yield text(coding.get("system")), coding["code"]


def _authors(rule: Rule, part: Part, _around: Surroundings) -> Truth:
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
    authors = [value for element in elements for value in at_path(host.resource, element)]
    return either(_same(named, author, part) for author in authors) if authors else UNKNOWN


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


def _data(rule: Rule, part: Part, _around: Surroundings) -> Truth:
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
