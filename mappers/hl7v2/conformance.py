"""A message held against its partner's profile (HL7 v2.5 chapter 2.12; ERR-2 to ERR-4, table 0357).

One pass over the segments a rule names; what is found carries the place and the code an ERR segment
needs, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from mappers.hl7v2.tokenizer import Message, Segment, leaf, sub, tokenize
from mappers.message_profile import Condition, MessageProfile, Place, Rule
from profiles.issue import Issue, NotConformant, Severity

#: Violations told of one message.
_MOST = 100


def violations(message: Message, profile: MessageProfile) -> tuple[Issue, ...]:
    """Return what contradicts the profile, in the order of its rules."""
    severity: Severity = "error" if profile.action == "reject" else "warning"
    held: dict[str, list[Segment]] = {}
    for segment in message.segments:
        held.setdefault(segment.name, []).append(segment)
    header = message.header
    kinds = {header.message_code, header.message_type}
    found = (
        Issue(severity, code, f"{location} {sentence}", location, hl7_code)
        for rule in profile.rules
        if not rule.messages or rule.messages & kinds
        for code, sentence, location, hl7_code in _violations(rule, held)
    )
    return tuple(islice(found, _MOST))


def hold_against(message: Message, profile: MessageProfile) -> tuple[Issue, ...]:
    """Return violations that are only told; raises NotConformant where they refuse the message."""
    found = violations(message, profile)
    if found and profile.action == "reject":
        raise _not_conformant(found)
    return found


def refuse(data: bytes, profile: MessageProfile | None, charset: str = "") -> None:
    """Raise NotConformant for a message to a partner that its profile does not let through."""
    if profile is not None and profile.action == "reject":
        hold_against(tokenize(data, charset), profile)


def _not_conformant(found: tuple[Issue, ...]) -> NotConformant:
    """Refuse a message for what was found."""
    return NotConformant("the message breaks the partner's profile", issues=found)


_Found = tuple[str, str, str, str]


def _violations(rule: Rule, held: dict[str, list[Segment]]) -> Iterator[_Found]:
    usage = rule.usage[0]
    if rule.condition is not None and not _holds(rule.condition, held):
        usage = rule.usage[1]
    segments = held.get(rule.place.segment, ())
    if not rule.place.field:
        yield from _counted(len(segments), usage, rule, rule.place.segment, "100")
        return
    for segment in segments:
        if rule.place.field >= segment.first_field:
            yield from _in_segment(segment, usage, rule)


def _in_segment(segment: Segment, usage: str, rule: Rule) -> Iterator[_Found]:
    place = rule.place
    field = segment.name if segment.occurrence == 1 else f"{segment.name}[{segment.occurrence}]"
    field = f"{field}-{place.field}"
    if not place.component:
        raw = segment.raw[place.field] if place.field < len(segment.raw) else ""
        values = segment.texts(place.field) if raw else []
        count = len(segment.repetitions(place.field)) if raw else 0
        yield from _counted(count, usage, rule, field, "101")
        yield from _valued([str(one) for one in values], rule, field)
        return
    for number, repetition in enumerate(segment.repetitions(place.field), 1):
        part = place.component
        value = sub(repetition, part, place.subcomponent) if place.subcomponent else None
        value = value if place.subcomponent else leaf(repetition, part)
        location = f"{field}[{number}].{part}" if number > 1 else f"{field}.{part}"
        if place.subcomponent:
            location += f".{place.subcomponent}"
        yield from _counted(int(value is not None), usage, rule, location, "101")
        yield from _valued([str(value)] if value is not None else [], rule, location)


def _counted(count: int, usage: str, rule: Rule, location: str, missing: str) -> Iterator[_Found]:
    if usage == "R" and not count:
        yield "required", "is required", location, missing
    elif usage == "X" and count:
        yield (
            "structure",
            "is not supported (usage X)",
            location,
            "100" if missing == "100" else "102",
        )
    elif count and count < rule.least:
        yield "required", f"comes fewer than {rule.least} times", location, missing
    elif rule.most and count > rule.most:
        code = "100" if missing == "100" else "102"
        yield "structure", f"comes more than {rule.most} times", location, code


def _valued(values: Sequence[str], rule: Rule, location: str) -> Iterator[_Found]:
    if rule.length and any(len(value) > rule.length for value in values):
        yield "value", f"is longer than {rule.length} characters", location, "102"
    if rule.values and not rule.values.issuperset(values):
        yield "code-invalid", "is not one of the values agreed on", location, "103"


def _holds(condition: Condition, held: dict[str, list[Segment]]) -> bool:
    value = _first(condition.place, held)
    found = value in condition.values if condition.values else value != ""
    return found != condition.negated


def _first(place: Place, held: dict[str, list[Segment]]) -> str:
    segments = held.get(place.segment)
    if not segments:
        return ""
    if not place.field:
        return place.segment
    for repetition in segments[0].repetitions(place.field):
        part = place.component or 1
        found = sub(repetition, part, place.subcomponent or 1)
        return str(found or "")
    return ""
