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
    CLINICAL_DATES,
    CONFIDENTIALITY,
    DATELESS,
    FREE_TEXT,
    HIERARCHICAL_BY_PREFIX,
    MAIN_CODES,
    RANK,
    RECORDED_DATES,
    RESOURCE_TYPES,
    SENSITIVITY_PARENTS,
    is_a,
)
from gateway.consent.compiled import Code, Rule
from gateway.consent.dates import Span, period, span
from gateway.consent.label import Labels
from gateway.consent.match import NO, UNKNOWN, YES, Truth, either
from gateway.consent.references import at_path
from gateway.consent.relation import authors, data
from gateway.consent.shape import fields, items, objects, text
from gateway.consent.surroundings import Surroundings

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
        found.append(authors)
    if rule.data:
        found.append(data)
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
    anywhere = _all_codings(part.resource)
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


def _all_codings(value: Any) -> set[Code]:
    found = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is list:
            stack += item
        elif type(item) is dict:
            code = item.get("code")
            if type(code) is str:
                found.add((text(item.get("system")), code))
            stack += item.values()
    return found


def _codings(part: Part, name: str) -> Iterator[Code]:
    for value in at_path(part.resource, name):
        if isinstance(value, Mapping):
            for coding in objects(value.get("coding", [value])):
                if isinstance(coding.get("code"), str):
                    yield text(coding.get("system")), coding["code"]
