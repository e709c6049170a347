"""Where a leaf stands in a message, as one int: segment | field | repetition | component | sub.

HL7 v2.5 chapter 2.5; written as "PID-5.1", "PID-3[2].4.2" or "DG1[2]-3.1".
"""

from __future__ import annotations

from functools import lru_cache

_SUB_BITS = 10
COMPONENT = _SUB_BITS
REPETITION = COMPONENT + 16
FIELD = REPETITION + 18
SEGMENT = FIELD + 10
MOST_SUBS = 1 << 10
MOST_COMPONENTS = 1 << 16
MOST_REPETITIONS = 1 << 18
MOST_FIELDS = 1 << 10


def segment_index(source: int) -> int:
    """Return the number of the segment a leaf stands in."""
    return source >> SEGMENT


def field_number(source: int) -> int:
    """Return the number of the field a leaf stands in."""
    return (source >> FIELD) & (MOST_FIELDS - 1)


def inside_segment(source: int) -> int:
    """Return the place of a leaf inside its segment."""
    return source & ((1 << SEGMENT) - 1)


def inside_field(source: int) -> int:
    """Return the place of a leaf inside its field; 0 for a field that is one leaf."""
    return source & ((1 << FIELD) - 1)


@lru_cache(maxsize=8192)
def render(name: str, occurrence: int, place: int) -> str:
    """Write a place inside a segment, e.g. "PID-3[2].4.2"."""
    field = place >> FIELD
    repetition = (place >> REPETITION) & (MOST_REPETITIONS - 1)
    component = (place >> COMPONENT) & (MOST_COMPONENTS - 1)
    subcomponent = place & (MOST_SUBS - 1)
    segment = name if occurrence == 1 else f"{name}[{occurrence}]"
    rendered = f"{segment}-{field}"
    if repetition:
        rendered += f"[{repetition + 1}]"
    if component:
        rendered += f".{component}"
    return f"{rendered}.{subcomponent}" if subcomponent else rendered
